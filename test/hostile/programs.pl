# Ways to run a program that must not run. Prints NAME<TAB>ran | E<errno of exec> | exit <code of what ran instead>. Numbers of calls come in NR_*.
use strict; use warnings; use POSIX ();
use Fcntl qw(F_SETFD FD_CLOEXEC);
$| = 1;
my %nr = map { /^NR_(.*)/ ? ($1 => $ENV{$_} + 0) : () } keys %ENV;
my ($denied, $own) = @ENV{qw(DENIED OWN)};
my $tmp = "$ENV{HERE}/tries"; mkdir $tmp;

# attempt NAME CODE: the code tries to exec; what it leaves in $! is told
sub attempt {
  my ($name, $try) = @_;
  pipe(my $in, my $out) or die;
  fcntl($out, F_SETFD, FD_CLOEXEC);
  my $pid = fork // die;
  if ($pid == 0) {
    open STDOUT, ">", "/dev/null"; open STDERR, ">", "/dev/null"; open STDIN, "<", "/dev/null";
    $! = 0; no warnings; $try->();
    syswrite $out, "E" . ($! + 0); POSIX::_exit(0);
  }
  close $out; my $told = ""; sysread($in, $told, 16); waitpid $pid, 0;
  print "$name\t", $told ne "" ? $told : $? == 0 ? "ran" : "exit " . ($? >> 8), "\n";
}
sub copy { my ($from, $to) = @_; open(my $i, "<", $from) or return; local $/; my $all = <$i>; open(my $o, ">", $to) or return; print $o $all; close $o; chmod 0755, $to; 1 }
sub memfd { my $name = "m\0"; my $fd = syscall($nr{memfd_create}, $name, 0); open(my $m, ">&=", $fd) or die; binmode $m; $m }
sub fill { my ($m, $from) = @_; open(my $i, "<", $from) or return; binmode $i; local $/; syswrite $m, <$i> }

attempt("absolute", sub { exec { $denied } "x" });
attempt("renamed argv", sub { exec { $denied } "true" });
attempt("by name", sub { exec { ($denied =~ m{([^/]+)$})[0] } "x" });
attempt("through /proc/self/root", sub { exec { "/proc/self/root$denied" } "x" });
attempt("through dots", sub { my $p = $denied; $p =~ s{/}{/./}g; exec { "/usr/../$p" } "x" });
attempt("relative", sub { chdir "/usr"; exec { "..$denied" } "x" });
attempt("by link", sub { symlink $denied, "$tmp/link"; exec { "$tmp/link" } "x" });
attempt("by hard link", sub { link($denied, "$tmp/hard") or return; exec { "$tmp/hard" } "x" });
attempt("by copy", sub { copy($denied, "$tmp/copied") or return; exec { "$tmp/copied" } "x" });
attempt("by loader", sub { exec { $ENV{LOADER} } "ld", $denied });
attempt("by script", sub { open(my $s, ">", "$tmp/script"); print $s "#!$denied\n"; close $s; chmod 0755, "$tmp/script"; exec { "$tmp/script" } "x" });
attempt("by script of a script", sub { open(my $s, ">", "$tmp/outer"); print $s "#!$tmp/script\n"; close $s; chmod 0755, "$tmp/outer"; exec { "$tmp/outer" } "x" });
attempt("by descriptor", sub { open(my $f, "<", $denied) or return; my $p = "\0"; my $fd = fileno $f; syscall($nr{execveat}, $fd, $p, 0, 0, 0x1000) });
attempt("O_PATH descriptor", sub { my $p = "$denied\0"; my $fd = syscall($nr{openat}, -100, $p, 010000000, 0); $fd < 0 and return; my $e = "\0"; my $no = ""; syscall($nr{execveat}, $fd + 0, $e, pack("QQ", unpack("Q", pack("P", $e)), 0), 0, 0x1000) });
attempt("O_PATH descriptor by /proc", sub { my $p = "$denied\0"; my $fd = syscall($nr{openat}, -100, $p, 010000000, 0); $fd < 0 and return; exec { "/proc/self/fd/$fd" } "x" });
attempt("relative to a descriptor", sub { my $d = "/usr/bin\0"; my $fd = syscall($nr{openat}, -100, $d, 010000000, 0); my $n = ($denied =~ m{([^/]+)$})[0] . "\0"; syscall($nr{execveat}, $fd + 0, $n, 0, 0, 0) });

# The same for a program the worker brings along
attempt("own", sub { exec { $own } "x" });
attempt("own by /proc", sub { open(my $f, "<", $own); fcntl($f, F_SETFD, 0); exec { "/proc/self/fd/" . fileno($f) } "x" });
attempt("own by /dev/fd", sub { open(my $f, "<", $own); fcntl($f, F_SETFD, 0); exec { "/dev/fd/" . fileno($f) } "x" });
attempt("own by a link to /proc", sub { open(my $f, "<", $own); fcntl($f, F_SETFD, 0); symlink "/proc/self/fd/" . fileno($f), "$tmp/plink"; exec { "$tmp/plink" } "x" });
attempt("in memory", sub { my $m = memfd(); fill($m, $own); exec { "/proc/self/fd/" . fileno($m) } "x" });
attempt("in memory, by descriptor", sub { my $m = memfd(); fill($m, $own); my $e = "\0"; syscall($nr{execveat}, fileno($m), $e, 0, 0, 0x1000) });
attempt("own, renamed as an allowed one", sub { mkdir "$tmp/bin"; copy($own, "$tmp/bin/perl"); exec { "$tmp/bin/perl" } "x" });
attempt("own script of an allowed interpreter", sub { open(my $s, ">", "$tmp/ps"); print $s "#!/usr/bin/perl\n"; close $s; chmod 0755, "$tmp/ps"; exec { "$tmp/ps" } "x" });
attempt("own, deleted", sub { copy($own, "$tmp/gone"); open(my $f, "<", "$tmp/gone"); unlink "$tmp/gone"; fcntl($f, F_SETFD, 0); exec { "/proc/self/fd/" . fileno($f) } "x" });

# The path is changed in shared memory while the call waits for its answer: in how many of so many calls did the denied program run?
if ($ENV{RACES}) {
  my $at = syscall($nr{mmap}, 0, 4096, 3, 0x21, -1, 0); # MAP_SHARED | MAP_ANONYMOUS
  my $put = sub { my ($offset, $bytes) = @_; pipe(my $r, my $w); syswrite $w, $bytes; syscall($nr{read}, fileno($r), $at + $offset, length $bytes) };
  $put->(256, "/nonexistent-file\0"); $put->(512, pack("QQQ", $at + 256, $at + 256, 0));
  open(my $swap, "+>", "$tmp/swap"); syswrite $swap, "/usr/bin/true\0" . "\0" x 50; sysseek $swap, 64, 0; syswrite $swap, "$denied\0" . "\0" x 50;
  my $flip = fork // die;
  if ($flip == 0) { my ($fd, $to) = (fileno($swap), $at); for (my $i = 0; ; $i ^= 64) { syscall($nr{pread64}, $fd, $to, 64, $i) } }
  my %seen;
  for (1 .. $ENV{RACES}) {
    my $pid = fork // die;
    if ($pid == 0) { open STDOUT, ">", "/dev/null"; open STDERR, ">", "/dev/null"; open STDIN, "<", "/dev/null"; $! = 0; syscall($nr{execve}, $at, $at + 512, 0); POSIX::_exit(100 + $!) }
    waitpid $pid, 0; my $code = $? >> 8;
    $seen{ $code >= 100 ? "E" . ($code - 100) : $code == 0 ? "allowed" : "denied ran" }++;
  }
  kill 9, $flip; waitpid $flip, 0;
  print "race\t", join(" ", map { "$_=$seen{$_}" } sort keys %seen), "\n";
}
