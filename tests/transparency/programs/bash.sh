# A shell and what it is for: pipelines, redirections, substitutions, jobs, traps, and every way to fail.
# needs: bash sort sed awk
seq 1 20000 | sort -r | head -n 3
echo "${PIPESTATUS[@]}"
diff <(printf 'a\nb\n') <(printf 'a\nc\n'); echo "diff $?"
exec 7<>both; echo through >&7; exec 7<both; read -r line <&7; echo "$line"
cat <<-END | tr a-z A-Z
	a here document of $((6 * 7)) lines
END
for i in 1 2 3; do (sleep 0.0$((4 - i)); echo "$i" >>order; exit "$i") & pids+=("$!"); done
for pid in "${pids[@]}"; do wait "$pid"; echo "job $?"; done; sort order
trap 'echo trapped' USR1; kill -USR1 $$; trap - USR1
{ (kill -KILL $BASHPID); } 2>/dev/null; echo "killed $?"
coproc { while read -r line; do echo "<$line>"; done; }; echo co >&"${COPROC[1]}"; read -r answer <&"${COPROC[0]}"; echo "$answer"
eval "exec ${COPROC[1]}>&-"; wait
nowhere-to-be-found; echo "no program $?"
./bash-is-no-file; echo "no file $?"
echo 'echo no shebang' >plain; ./plain; echo "not executable $?"; chmod +x plain; ./plain
printf '#!/nowhere/interpreter\n' >bad; chmod +x bad; ./bad; echo "no interpreter $?"
mkdir d; ./d; echo "a directory $?"; cat d; cat <d; cat plain/x; echo >d; echo "write to a directory $?"
ln -s loop loop; cat loop; cat "$(printf 'x%.0s' {1..300})"; echo >/nowhere/x; set -o noclobber; echo >plain; set +o noclobber
exec 3>closed; exec 3>&-; echo x >&3; echo "closed $?"
command -v sort; type -t cat; hash -r; printf '%s\n' /usr/bin/{sed,awk,nothing}* 2>&1 | head -n 2
printf 'a b\nc d\n' | awk '{ print $2 | "sort -r" } END { close("sort -r"); "echo from a command" | getline x; print x; print system("exit 3") }'
printf 'x\n' >s; sed -i.bak 's/x/y/w written' s; cat s s.bak written; sed -n '1e echo executed' s
ulimit -n 64; exec 9</dev/null; ls /proc/self/fd | wc -l
timeout 0.1 sleep 5; echo "timeout $?"; env -i /bin/sh -c 'echo "clean: $HOME."'; nice -n 1 true; setsid true; nohup true; echo $?
find . -type f -printf '%P %s\n' | sort; find . -name '*.bak' -exec echo {} + -delete; printf '%s\0' a b | xargs -0 -n1 -P2 echo | sort
exec -a renamed bash -c 'echo "$0"; exit 0'
