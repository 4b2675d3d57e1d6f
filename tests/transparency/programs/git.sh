# A repository's life: commits, branches, a merge with a conflict, a clone over its own protocol, hooks, packing.
# needs: bash git
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@example
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000' GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat
git init -q -b main here && cd here || exit
printf '#!/bin/sh\necho "hook: $0 $#"\n' >.git/hooks/pre-commit; chmod +x .git/hooks/pre-commit
for i in $(seq 1 30); do echo "$i" >"file$i"; done; git add .; git commit -qm first; git rev-parse HEAD
git switch -qc side; echo side >file1; git commit -qam side; git switch -q main; echo main >file1; git commit -qam main
git merge side; echo "conflict $?"; git status --short; echo both >file1; git commit -qam merged; git log --graph --format='%h %s' --stat
git stash; echo stashed >file2; git stash -q; git stash pop -q; git diff; git checkout -q .; git tag -am tagged v1; git describe; git grep -n '^2$'; git blame file1
cd ..; git clone -q here there; git clone -q --bare "file://$PWD/here" bare.git; git -C bare.git fsck --full; echo "fsck $?"
cd there; echo more >more; git add more; git commit -qm more; git push -q origin HEAD:refs/heads/pushed; git -C ../here branch -a
git fetch -q --all; git gc -q --aggressive; git count-objects -v | grep -E '^(count|in-pack|packs)'; git archive HEAD | tar tf - | sort | head -n 3
git submodule add -q ../bare.git sub; git rebase -q HEAD~1; git bisect start -q HEAD HEAD~2; git bisect run sh -c 'test ! -e more' | tail -n 3
git clone nowhere nothing; echo "nothing to clone $?"; git -c alias.x='!echo alias' x; git daemon --inetd --base-path=/nowhere </dev/null; git worktree add -q ../tree v1; ls ../tree | wc -l
