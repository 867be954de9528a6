# System calls and sockets without a compiler. Prints "OK …", or the number of the error.
use strict; use warnings; use Socket; use POSIX ();
$| = 1; $SIG{ALRM} = sub { print "TIMEOUT\n"; POSIX::_exit(0) }; alarm 5;
my $what = shift @ARGV;
sub failed { print "E", $! + 0, "\n"; POSIX::_exit(0) }
sub fine { print "OK @_\n"; POSIX::_exit(0) }

# sys NUMBER ARG…: s:TEXT a string, b:N a buffer of zeros, else a number
if ($what eq "sys") {
  my $number = shift @ARGV;
  my @args = map { /^s:(.*)/s ? "$1\0" : /^b:(\d+)/ ? "\0" x $1 : $_ + 0 } @ARGV;
  $! = 0;
  my $result = syscall($number + 0, @args);
  $result >= 0 ? fine($result) : failed();
}
if ($what eq "tcp") {
  socket(my $s, AF_INET, SOCK_STREAM, 0) or failed();
  connect($s, pack_sockaddr_in($ARGV[1], inet_aton($ARGV[0]))) ? fine("connected") : failed();
}
if ($what eq "udp") {
  socket(my $s, AF_INET, SOCK_DGRAM, 0) or failed(); setsockopt($s, SOL_SOCKET, SO_BROADCAST, 1);
  defined(send($s, "x", 0, pack_sockaddr_in($ARGV[1], inet_aton($ARGV[0])))) ? fine("sent") : failed();
}
# family TYPE: whether a socket of this family can be made
if ($what eq "family") { socket(my $s, $ARGV[0], $ARGV[1], $ARGV[2] // 0) ? fine("made") : failed() }
if ($what eq "pair") { socketpair(my $a, my $b, AF_UNIX, SOCK_DGRAM, 0) ? fine("made") : failed() }
if ($what eq "unix") {
  socket(my $s, AF_UNIX, SOCK_STREAM, 0) or failed();
  my $address = $ARGV[0] =~ /^@(.*)/ ? pack("S a*", AF_UNIX, "\0$1") : pack_sockaddr_un($ARGV[0]);
  connect($s, $address) ? fine("connected") : failed();
}
# forks N: how many children there can be at once
if ($what eq "forks") {
  my @children; alarm 20;
  for (1 .. $ARGV[0]) {
    my $pid = fork; last unless defined $pid;
    if ($pid == 0) { $SIG{ALRM} = "DEFAULT"; sleep 30; POSIX::_exit(0) }
    push @children, $pid;
  }
  kill 9, @children; waitpid($_, 0) for @children;
  print scalar(@children), "\n"; POSIX::_exit(0);
}
if ($what eq "files") { my @open; for (1 .. $ARGV[0]) { open(my $f, "<", "/dev/null") or last; push @open, $f } print scalar(@open), "\n"; POSIX::_exit(0) }
# request HOST PORT, the text of the request on standard input: the first line of the answer
if ($what eq "request") {
  local $/; my $text = <STDIN>; $text =~ s/\n/\r\n/g;
  socket(my $s, AF_INET, SOCK_STREAM, 0) or failed();
  connect($s, pack_sockaddr_in($ARGV[1], inet_aton($ARGV[0]))) or failed();
  syswrite($s, $text); sysread($s, my $answer, 65536);
  print $answer // ""; POSIX::_exit(0);
}
# socks HOST PORT NAME PORT [COMMAND]: the code of the reply, by a name or an address in text
if ($what eq "socks") {
  my ($host, $port, $name, $to, $command) = @ARGV;
  socket(my $s, AF_INET, SOCK_STREAM, 0) or failed();
  connect($s, pack_sockaddr_in($port, inet_aton($host))) or failed();
  syswrite($s, "\x05\x01\x00"); sysread($s, my $greeting, 2);
  syswrite($s, pack("C4 C/a n", 5, $command // 1, 0, 3, $name, $to)); sysread($s, my $answer, 10);
  print defined $answer && length $answer > 1 ? ord(substr($answer, 1, 1)) : "closed", "\n"; POSIX::_exit(0);
}
if ($what eq "tcp6") {
  socket(my $s, AF_INET6, SOCK_STREAM, 0) or failed();
  connect($s, pack_sockaddr_in6($ARGV[1], Socket::inet_pton(AF_INET6, $ARGV[0]))) ? fine("connected") : failed();
}
# Whether anybody answers there.
if ($what eq "udp-answer" or $what eq "udp-connected") {
  socket(my $s, AF_INET, SOCK_DGRAM, 0) or failed();
  connect($s, pack_sockaddr_in($ARGV[1], inet_aton($ARGV[0]))) or failed();
  for (1 .. 2) { defined(syswrite($s, "x")) or failed(); my $r = ""; vec($r, fileno($s), 1) = 1; select($r, undef, undef, 0.3) and last }
  my $r = ""; vec($r, fileno($s), 1) = 1;
  select($r, undef, undef, 0.3) or fine("no refusal");
  defined(sysread($s, my $answer, 64)) ? fine("answered") : failed();
}
if ($what eq "unix-dgram") {
  socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or failed();
  connect($s, pack_sockaddr_un($ARGV[0])) ? fine("connected") : failed();
}
# One end of a pair, connected to somebody else's socket.
if ($what eq "pair-connect") {
  socketpair(my $x, my $y, AF_UNIX, SOCK_DGRAM, 0) or failed();
  connect($x, pack_sockaddr_un($ARGV[0])) ? fine("connected") : failed();
}
# clone NUMBER FLAGS: a child that ends at once
if ($what eq "clone") {
  $! = 0; my $pid = syscall($ARGV[0] + 0, $ARGV[1] + 0, 0, 0, 0, 0);
  POSIX::_exit(0) if $pid == 0; failed() if $pid < 0; waitpid($pid, 0); fine("cloned");
}
# listener NUMBER PRCTL: a filter that lets everything pass, with a listener
if ($what eq "listener") {
  my $filter = pack("SCCL", 6, 0, 0, 0x7fff0000); my $program = pack("S x6 P", 1, $filter);
  syscall($ARGV[1] + 0, 38, 1, 0, 0, 0);
  my $fd = syscall($ARGV[0] + 0, 1, 8, $program); $fd >= 0 ? fine("listening") : failed();
}
# tmpfile NUMBER FOLDER PATH: a file without a name in the folder, given one by linkat(2)
if ($what eq "tmpfile") {
  sysopen(my $f, $ARGV[1], 020200000 | 1, 0755) or failed();
  syscall($ARGV[0] + 0, -100, "/proc/self/fd/" . fileno($f) . "\0", -100, "$ARGV[2]\0", 0x400) == 0 ? fine("linked") : failed();
}
# memfd-tcp NUMBER PORT: a copy of this program that lies in memory only, opened again for reading, because what is open for writing does not run
if ($what eq "memfd-tcp") {
  $^F = 100; my $name = "x"; my $fd = syscall($ARGV[0] + 0, $name, 0); $fd >= 0 or failed();
  open(my $in, "<", $^X) or failed(); binmode $in; open(my $out, ">&=", $fd) or failed(); binmode $out;
  { local $/; print $out scalar <$in>; }
  my $path = "/proc/self/fd/$fd"; { my $old = select $out; $| = 1; select $old; }
  open(my $again, "<", $path) or failed(); my $number = fileno $again; close $out;
  exec { "/proc/self/fd/$number" } "perl", $0, "tcp", "127.0.0.1", $ARGV[1] or failed();
}
# filtered PRCTL SECCOMP COMMAND…: runs it with one filter more, which lets everything pass
if ($what eq "filtered") {
  my ($prctl, $seccomp, @command) = @ARGV; alarm 0;
  my $filter = pack("SCCL", 6, 0, 0, 0x7fff0000); my $program = pack("S x6 P", 1, $filter);
  syscall($prctl + 0, 38, 1, 0, 0, 0); syscall($seccomp + 0, 1, 0, $program) == 0 or failed();
  exec @command or failed();
}
die "unknown: $what\n";
