# Probes of the kernel's surface: more system calls, limits that cannot be raised, other processes, terminals, namespaces. Sourced by probes.sh.

# --- calls that must not be there, called so that a kernel that lets them through says anything but "forbidden"
for call in "umount2 s:/nowhere 2" "chroot s:/" "move_mount -1 s: -1 s: 0" "mount_setattr -1 s: 0 b:32 32" "fsconfig -1 1 0 0 0" "fsmount -1 0 0" "fspick -100 s:/ 0" \
  "settimeofday 1 0" "clock_settime 0 1" "clock_adjtime 0 1" "adjtimex 1" "sethostname 1 3" "setdomainname 1 3" "swapoff s:/x" "delete_module s:x 2048" \
  "kexec_file_load -1 -1 0 s: 99" "io_uring_enter -1 0 0 0 0" "io_uring_register -1 0 0 0" "process_vm_writev 1 0 0 0 0 9" "process_madvise -1 0 0 0 0" "process_mrelease -1 0" \
  "fanotify_mark -1 0 0 0 0" "quotactl_fd -1 0 0 0" "move_pages 0 0 0 0 0 0" "mbind 0 0 0 0 0 0" "migrate_pages 0 0 0 0" "set_mempolicy 0 0 0" "get_mempolicy 0 0 0 0 0" \
  "memfd_secret 0" "modify_ldt 0 b:16 16" "iopl 3" "ioperm 0 1 1" "ustat 1 b:64" "sysfs 3" "statmount b:24 b:64 64 0" "listmount b:24 b:64 8 0" "openat2 -100 s:/dev/null b:24 24"; do
  set -- $call
  number=NR_$1
  [ -n "${!number:-}" ] || continue
  name=$1; shift
  args=$*
  probe "call/$name" 'refused "${!number}" $args'
done
probe call/clone-namespaces 'for flag in 0x10000000 0x20000000 0x40000000 0x08000000 0x04000000 0x00020000 0x02000000; do case $(pl clone "$NR_clone" $((flag | 17))) in E1) ;; *) echo "clone $flag" ;; esac; done'
probe call/unshare-each 'for flag in 0x10000000 0x20000000 0x40000000 0x08000000 0x04000000 0x00020000 0x02000000; do refused "$NR_unshare" $((flag)); done'
probe call/traceme 'refused "$NR_ptrace" 0 0 0 0'
probe call/listener 'got=$(pl listener "$NR_seccomp" "$NR_prctl"); case $got in E16 | E1) ;; OK*) echo "a listener of its own" ;; *) echo "?$got" ;; esac'
probe call/personality-each 'for p in 0x0040000 0x0020000 0x0400000 8; do refused "$NR_personality" $((p)); done'
for family in "17 packet" "40 vsock" "44 xdp"; do
  set -- $family
  number=$1
  probe "family/$2" 'for type in 1 2 3 5; do got=$(pl sys "$NR_socket" "$number" "$type" 0); case $got in E1 | E13 | E97) ;; *) echo "family $number: $got" ;; esac; done'
done
probe family/netlink 'for p in 2 4 5 6 7 8 9 10 11 12 15 16 18 20 21; do refused "$NR_socket" 16 3 "$p"; done'
probe family/raw 'fails family 2 3 1; fails family 2 3 255; fails family 10 3 58; fails family 16 3 0 | grep -v "OK made"'

# --- limits
probe limit/raised 'for l in "n 8193" "u 513" "r 1" "f 4194305"; do set -- $l; ( ulimit -H -$1 $2 ) && [ "$(ulimit -H -$1)" != unlimited ] && [ "$(ulimit -H -$1)" -lt $2 ] && echo "raised $1"; h=$(ulimit -H -$1); [ "$h" = unlimited ] || [ "$h" -ge $2 ] && echo "hard limit of $1: $h"; done'
probe limit/core '( ulimit -S -c unlimited; c=$(ulimit -S -c); [ "$c" = 0 ] || echo "core files of $c" )'
probe limit/oom-score 's=$(cat /proc/self/oom_score_adj); [ "$s" -ge 200 ] || echo "adj=$s"; ( echo -500 > /proc/self/oom_score_adj ) && echo lowered'
probe limit/realtime 'chrt -f 1 true && echo realtime; chrt -r 1 true && echo "round robin"'
probe limit/shm 'dd if=/dev/zero of=/dev/shm/.fill bs=1M count=${FILL_MIB:-80} && echo "${FILL_MIB:-80} MiB in /dev/shm"; rm -f /dev/shm/.fill'

# --- processes
probe proc/host-visible 'for p in /proc/[0-9]*; do tr "\0" " " < $p/cmdline | grep -a "probe-dec""oy"; done'
probe proc/init-exe '( exec 3>> /proc/1/exe ) && echo "opened for appending"; [ "$(id -u)" != 0 ] && readlink /proc/1/exe | grep -a .'
probe proc/init-argv 'tr "\0" " " < /proc/1/cmdline | grep -a -F -e "$HOST_HOME" -e "$HOST_BROKE" -e "--ro-bind"'
# The number may be one of our own processes' inside.
probe proc/host-task 'tr "\0" " " < "/proc/$HOST_PID/cmdline" | grep -aq "probe-dec""oy" && for f in environ maps mem cwd root; do head -c 8 "/proc/$HOST_PID/$f" | tr -d "\0" | head -c 8; readlink "/proc/$HOST_PID/$f"; done | grep -a .'
probe proc/kill-everyone 'kill -0 "$HOST_PID" && tr "\0" " " < "/proc/$HOST_PID/cmdline" | grep -a probe-decoy'
probe proc/pidfd 'case $(pl sys "$NR_pidfd_open" "$HOST_PID" 0) in OK*) tr "\0" " " < "/proc/$HOST_PID/cmdline" | grep -a probe-decoy ;; esac'
probe proc/namespace-files 'for n in net mnt pid user; do ( exec 3< /proc/1/ns/$n ) && case " $HOST_NS " in *" $(readlink /proc/1/ns/$n) "*) echo "host $n" ;; esac; done'
probe proc/namespaces-of-init 'for n in pid net ipc uts mnt user cgroup; do case " $HOST_NS " in *" $(readlink /proc/1/ns/$n) "*) echo "init shares $n" ;; esac; done'
probe proc/sysctl-any 'find /proc/sys -type f -perm /222 2>/dev/null | while read -r f; do ( exec 3>> "$f" ) 2>/dev/null && echo "$f"; done | grep -v ns_last_pid | head -3'
probe proc/knob-any 'find /proc -maxdepth 3 \( -path "/proc/[0-9]*" -o -path /proc/self -o -path /proc/thread-self -o -path /proc/sys \) -prune -o -type f -perm /222 -print 2>/dev/null | while read -r f; do ( exec 3>> "$f" ) 2>/dev/null && echo "$f"; done | head -3'
probe proc/cgroup-files 'for f in $(find /sys/fs/cgroup -maxdepth 3 \( -name cgroup.procs -o -name release_agent -o -name tasks \) | head -40); do ( : >> $f ) && echo $f; done'
probe proc/sys-knobs 'for f in /sys/kernel/uevent_helper /sys/power/state /sys/kernel/mm/ksm/run /sys/kernel/mm/transparent_hugepage/enabled; do [ -e $f ] && writes $f; done'
probe proc/host-name '[ "$(uname -n)" = "$HOST_NAME" ] && echo "host name"; grep -F "$HOST_NAME" /etc/hosts /proc/sys/kernel/hostname'
probe proc/user-name '[ "$(id -un)" = "${HOST_USER:-}" ] && echo "user name"; [ "${USER:-}" = "${HOST_USER:-}" ] && echo "USER"'

# --- terminals
for request in "TIOCSTI 21522" "TIOCSTI-high 4294988818" "TIOCLINUX 21532" "TIOCSETD 21539" "TIOCCONS 21533"; do
  set -- $request
  value=$2
  probe "tty/$1" 'case $(pl sys "$NR_ioctl" 9999 "$value" b:8) in E1) ;; *) echo "not filtered" ;; esac'
done
probe tty/consoles 'for t in /dev/tty0 /dev/tty1 /dev/console /dev/ttyS0 ; do [ -c $t ] && ( : < $t ) && echo $t; done; ls /dev/pts | grep -vx ptmx'

# --- privileges by programs
probe priv/sudo 'sudo -n true && echo sudo; su -c true </dev/null && echo su; echo | newgrp root -c true && echo newgrp'
probe priv/setuid-program 'p=$(find /usr/bin -perm -4000 -type f 2>/dev/null | head -1); [ -n "$p" ] && [ "$(perl -e "exec {q($p)} q(x), q(--help)" >/dev/null 2>&1; grep -c "^NoNewPrivs:.0" /proc/self/status)" != 0 ] && echo "$p gains"'
probe priv/uid 'perl -e "\$> = 0; print qq(root) if \$> == 0; \$< = 0; print qq(really) if \$< == 0"; setpriv --reuid=0 true && echo setpriv; perl -e "\$) = qq(0 0); print qq(group) if \$) =~ /^0/"'
probe ns/userns-each 'for o in -U -Ur -Un -Um -Up -Ui -Uu -UC; do unshare $o true && echo "unshare $o"; done'
probe ns/limits '[ -w /proc/sys/user/max_user_namespaces ] && ( : >> /proc/sys/user/max_user_namespaces ) && echo writable; [ "$(unshare -U echo made)" = made ] && echo made'
probe ns/chroot 'chroot / true && echo chroot; perl -e "chroot(q(/)) and print qq(by perl)"'
