# needs: bash tmux
# A terminal within a terminal. (gdb is none of these programs: it writes to /proc/*/mem, which is a breach.)
set -eu
exec 2>/dev/null
export TMUX_TMPDIR=$PWD
tmux -f /dev/null new-session -d -x 80 -y 24 'sh -c "test -t 1 && tty >/dev/null && echo inside >said; sleep 0.1"'
while tmux has-session; do sleep 0.05; done
cat said
