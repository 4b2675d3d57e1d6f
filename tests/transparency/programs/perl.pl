# Children in every form, files, sockets: perl is in every base image, and makes its system calls by itself.
# needs: perl
use strict; use warnings; use Socket; use IO::Socket::INET; use IO::Socket::UNIX; use POSIX (); use Fcntl; $| = 1;
print `echo \$0; exit 3`, $? >> 8, "\n"; print system("nowhere"), " $!\n"; print system({ "sh" } "renamed", "-c", 'echo "$0"'), "\n";
{ local $ENV{X} = "of a block"; print `echo \$X`; system("env", "sh", "-c", 'echo "$X"'); }
open(my $in, "-|", "printf 'a\\nb\\n'") or die; print <$in>; close $in; open(my $out, "|-", "sort -r") or die; print $out "a\nb\n"; close $out;
my $pid = fork // die; if (!$pid) { exec { "/nowhere" } "x" or POSIX::_exit(7) } waitpid $pid, 0; print $? >> 8, "\n";
for my $how ([">", "f"], ["<", "nothing"], [">", "."], ["<", "f/x"], ["+>>", "f"], [">", "/nowhere/x"]) { print "@$how: ", (open(my $f, $how->[0], $how->[1]) ? "open" : $!), "\n"; }
sysopen(my $x, "f", O_WRONLY | O_CREAT | O_EXCL) or print "$!\n"; mkdir "d"; symlink "../f", "d/l"; rename "d/l", "d/m"; print readlink("d/m"), " ", -l "d/m" ? 1 : 0, " ", join(" ", glob "d/*"), "\n";
chmod 0600, "f"; truncate "f", 3; utime 0, 0, "f"; printf "%o %d %d\n", (stat "f")[2, 9, 7]; print unlink("d/m", "nothing"), rmdir("d"), " $!\n";
my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die; if (!fork) { my $c = $s->accept; print $c "tcp\n"; close $c; POSIX::_exit(0) }
my $c = IO::Socket::INET->new(PeerAddr => "localhost", PeerPort => $s->sockport) or die; print <$c>; wait; print IO::Socket::INET->new(PeerAddr => "127.0.0.1:1") // $!, "\n";
print defined gethostbyname("no-such-name.invalid") ? 1 : "no such name", " ", inet_ntoa(scalar gethostbyname "localhost"), "\n"; $SIG{CHLD} = sub { print "child\n" }; system "true"; exec "sh", "-c", "exit 0";
