# Files made, copied, linked, moved, split, read at random, and asked about.
# needs: bash cp dd find tar gzip
umask 022
mkdir -p a/b/c; printf 'one\ntwo\nthree\n' >a/b/file; ln a/b/file a/hard; ln -s b/file a/soft; mkfifo a/pipe; touch -h -d @1000000000 a/b/file a/soft
chmod 640 a/b/file; cp -a a copy; cp -L a/soft followed; mv copy/b/c moved; rmdir moved; ln -sfn nowhere copy/dangling; cat copy/dangling
find a copy followed -printf '%P %y %m %s %l %n\n' | sort
stat -c '%n %Y %h %F' a/b/file a/hard a/soft; readlink -f a/soft | sed "s:$PWD:.:"; realpath --relative-to=. a/../a/soft
dd if=/dev/zero of=zeros bs=4096 count=3 conv=fsync status=none; dd if=a/hard of=zeros bs=1 seek=100 conv=notrunc status=none; cksum zeros
truncate -s 1M sparse; wc -c sparse; split -b 512K -d sparse part; cat part* | cmp - sparse && rm part*; head -c 100 zeros | tail -c 5 | od -c
(cat a/pipe & echo through the pipe >a/pipe; wait)
tee t1 t2 <a/hard | cat; sort -o t1 t1; comm -12 t1 <(sort t2); join t1 t1; paste -d, t1 t2; shred -u t2; ls t2
sort -S 1M --parallel=2 -T . <(seq 100000 -1 1) | md5sum; mktemp -p . XXXX >/dev/null; ls | grep -c '^....$'
install -m 711 -D a/hard in/st/alled; ls -l in/st | awk 'NR > 1 { print $1, $5, $NF }'; du -b --apparent-size followed; df . >/dev/null; echo $?
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -czf a.tgz a; gzip -dc a.tgz | md5sum; mkdir x; tar -C x -xzf a.tgz; diff -r --no-dereference a/b x/a/b && tar -tvzf a.tgz
tar -C x -xf nothing.tar; echo "no archive $?"; tar cf - a | (cd x && tar xf -); find x | sort
mkdir closed; chmod 0 closed; rm -r closed; rm -rf /nowhere; rm nothing; rmdir a; cp nothing b; mv a a/b; ln a/hard a/hard; unlink a; chmod 644 nothing; touch /nowhere/x
chown 0 a/hard 2>/dev/null; sync; link a/hard a/again; rm a/again; mknod a/node p; ls a; cd a && rm -r ../a && pwd -P >/dev/null; ls; touch gone; mkdir gone; cat ../followed
