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
  socket(my $s, AF_INET, SOCK_DGRAM, 0) or failed();
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
die "unknown: $what\n";
