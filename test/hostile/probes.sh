# What a hostile worker would try from inside, one probe after the other. Each prints "<id>\tok" or "<id>\tbreach\t<what>". Nothing here harms:
# files that exist are opened for appending and not written to, what is made is removed again.
# Environment: HOST_HOME, HOST_TMP, HOST_BROKE (the host's BROKE_HOME), SIBLING, HOST_PORT and other addresses, HOST_NS, HOST_PID, CANARY in two halves,
# NR_* system call numbers, HERE this folder, ONLY the ids to try (all, when unset). "error" is an answer nobody foresaw, and never a pass.
set -u
CANARY="$CANARY_A$CANARY_B"
unset CANARY_A CANARY_B
pl() { perl "$HERE/probe.pl" "$@"; }

wanted() { case " ${ONLY:- $1 } " in *" $1 "*) ;; *) return 1 ;; esac; }
probe() { # id, snippet that prints what it got through, or nothing; "?…" is an answer nobody expected
  wanted "$1" || return 0
  local found
  { found=$(eval "$2" 2>/dev/null); } 2>/dev/null
  found=${found:0:300}
  found=${found//[$'\n\t']/ }
  case $found in
    "") printf '%s\tok\n' "$1" ;;
    "?"*) printf '%s\terror\t%s\n' "$1" "$found" ;;
    *) printf '%s\tbreach\t%s\n' "$1" "$found" ;;
  esac
}
must() { # id, snippet that prints "works" when it should
  wanted "$1" || return 0
  local found
  { found=$(eval "$2" 2>&1); } 2>/dev/null
  found=${found//[$'\n\t']/ }
  case $found in *works*) printf '%s\tok\n' "$1" ;; *) printf '%s\tbreach\tdoes not work: %s\n' "$1" "$found" ;; esac
}
# A refusal in the words of the C library; anything else was not foreseen.
known() {
  case $1 in
    *"No such file or directory"* | *"Permission denied"* | *"Read-only file system"* | *"Operation not permitted"* | *"Not a directory"*) ;;
    *"Device or resource busy"* | *"Invalid cross-device link"* | *"No such device"* | *"cannot overwrite"* | *"Text file busy"*) ;;
    *) echo "?$1" ;;
  esac
}
attempt() { local out; if out=$("$@" 2>&1); then echo "done: $*"; else known "$out"; fi; }
reads() { local out; [ ! -d "$1" ] || { lists "$1"; return; }; if out=$(head -c 64 -- "$1" 2>&1 | tr -d '\0'; exit "${PIPESTATUS[0]}"); then [ -z "$out" ] || echo "read $1: $out"; else known "$out"; fi; }
lists() { local out; if out=$(ls -A -- "$1" 2>&1); then [ -z "$out" ] || echo "listed $1: $out"; else known "$out"; fi; }
writes() { # a path, new or not
  local out new=0; [ -e "$1" ] || new=1
  if out=$( (: >> "$1") 2>&1); then [ $new = 1 ] && rm -f -- "$1"; echo "opened for writing: $1"; else known "$out"; fi
}
# Without a program that would carry the secret in its own arguments.
holds() { case $1 in *"$2"*) echo "holds it" ;; esac; }
refused() { # a system call that must fail because it is forbidden, not because it was called wrongly
  local got; got=$(pl sys "$@"); case $got in E1 | E38 | E13 | E97) ;; *) echo "$got" ;; esac
}
# No permission, no such thing here, nobody there, no way there, no such family.
fails() { local got; got=$(pl "$@"); case $got in E1 | E2 | E13 | E97 | E99 | E101 | E111 | E113) ;; OK* | TIMEOUT) echo "$*: $got" ;; *) echo "?$*: $got" ;; esac; }

# --- the tools of an honest worker work
must works/workspace 'echo a > .p && mv .p .q && rm .q && mkdir .d && rmdir .d && echo works'
must works/tmp 'echo a > /tmp/p && rm /tmp/p && echo works'
must works/home 'echo a > "$HOME/p" && rm "$HOME/p" && echo works'
must works/perl 'case $(pl sys "$NR_getpid") in OK*) echo works ;; esac'
must works/git 'd=$(mktemp -d ./.w.XXXXXX); cd $d && git init -q . && echo a > a && git add a && git -c user.name=a -c user.email=a@b commit -qm a && git status --short && cd .. && rm -rf $d && echo works'
must works/interpreters '[ "$(perl -e "print 1")$(awk "BEGIN{print 2}")$(bash -c "echo 3")" = 123 ] && echo works'
must works/loopback 'perl -MSocket -e "socket(S,AF_INET,SOCK_STREAM,0);bind(S,pack_sockaddr_in(0,INADDR_LOOPBACK))&&listen(S,1);my(\$p)=sockaddr_in(getsockname(S));socket(C,AF_INET,SOCK_STREAM,0);connect(C,pack_sockaddr_in(\$p,INADDR_LOOPBACK))&&print qq(works)"'

# --- reading
for name in .ssh/id_rsa .aws/credentials .netrc .config/gh/hosts.yml .claude/.credentials.json .bash_history; do
  probe "read/home/$name" 'reads "$HOST_HOME/$name"'
done
probe read/home-listing 'lists "$HOST_HOME"'
probe read/broke-home 'lists "$HOST_BROKE"'
for name in .env broke.db ledger.key client-token runs; do probe "read/broke-home/$name" 'reads "$HOST_BROKE/$name"'; done
probe read/other-run 'lists "$HOST_BROKE/runs"'
probe read/sibling 'reads "$SIBLING"'
probe read/host-tmp 'lists "$HOST_TMP"'
probe read/roots 'for d in /root /home/*; do [ "$d" = "$HOME" ] || lists "$d"; done'
probe read/shadow 'reads /etc/shadow'
probe read/proc-root 'for p in /proc/1/root /proc/self/root; do reads "$p$HOST_HOME/.ssh/id_rsa"; done'
probe read/init-memory 'for f in mem environ maps auxv; do head -c 8 /proc/1/$f; done; for f in /proc/1/fd/* /proc/1/cwd /proc/1/exe /proc/1/root; do readlink $f; done'
probe read/others-environ 'holds "$(for p in /proc/[0-9]*; do tr "\0" "\n" < $p/environ; done)" "$CANARY"'
probe read/devices 'for d in /dev/mem /dev/kmsg /dev/sda /dev/vda /dev/kvm /dev/fuse /dev/net/tun /dev/vsock; do [ -e $d ] && ( : < $d ) && echo $d; done'
probe read/kernel-logs 'dmesg; reads /proc/kcore; reads /sys/kernel/debug/sleep_time; lists /sys/kernel/tracing; lists /sys/firmware/efi/efivars'
probe read/dotenv 'reads .env'

# --- writing
for d in / /usr /usr/bin /usr/local/bin /etc /opt /opt/broke /run /run/broke /run/broke/shims /dev /var /lib /bin /sys; do
  probe "write$d" '[ -d $d ] && writes "$d/.probe"'
done
probe write/host-home 'writes "$HOST_HOME/.bashrc"'
probe write/broke-home 'writes "$HOST_BROKE/.env"'
probe write/sibling 'writes "$SIBLING"'
probe write/link-out 'writes link-out'
probe write/git-config 'writes .git/config'
probe write/git-hook 'writes .git/hooks/post-checkout'
probe write/nested-hook 'writes vendor/sub/.git/hooks/post-checkout'
probe write/git-config-tool 'git config --local core.fsmonitor "touch /tmp/x" && echo "git config written"'
probe write/claude-settings 'writes .claude/settings.json'
probe write/claude-hooks-swap 'mv .claude .claude2 && { mv .claude2 .claude; echo "renamed .claude"; }'
probe write/mcp 'writes .mcp.json'
probe write/shims 'for f in /run/broke/shims/*; do writes "$f"; break; done'
probe write/path 'IFS=:; for d in $PATH; do [ -d "$d" ] && [ -w "$d" ] && echo "$d"; done'
probe write/proc-sys 'writes /proc/sys/kernel/hostname; writes /proc/sys/kernel/core_pattern; writes /proc/sysrq-trigger'
probe write/setuid 'echo x > .s; chmod 4755 .s && echo "setuid bit set"; chmod 2755 .s && echo "setgid bit set"; rm -f .s'
probe write/setuid-openat2 'perl -e "syscall(\$ARGV[0]+0, -100, \$p = qq(.s2\0), \$h = pack(q(QQQ), 0101, 04755, 0), 24)" "$NR_openat2"; find . -name .s2 -perm -4000; rm -f .s2'
probe write/mknod 'mknod .n c 1 3 && { rm .n; echo "device made"; }'
probe write/hard-link 'ln "$HOST_HOME/.bashrc" .l && { rm .l; echo linked; }'

# --- secrets
probe secret/env 'holds "$(env)" "$CANARY"; compgen -e BROKE_'
probe secret/argv 'all=$(for p in /proc/[0-9]*; do tr "\0" "\n" < $p/cmdline; done); holds "$all" "$CANARY"; holds "$all" "$ANTHROPIC_AUTH_TOKEN"'
probe secret/mounts 'grep -a -F "$HOST_BROKE/.env" /proc/self/mountinfo'

# --- network
probe net/host-port 'fails tcp 127.0.0.1 "$HOST_PORT"'
probe net/outside 'fails tcp 192.0.2.1 80; fails tcp 198.51.100.1 443'
probe net/metadata 'fails tcp 169.254.169.254 80'
probe net/udp 'fails udp 192.0.2.1 53; fails udp 255.255.255.255 9'
probe net/interfaces 'tail -n +3 /proc/net/dev | grep -v "lo:"'
probe net/routes 'tail -n +2 /proc/net/route'
probe net/unix-path 'fails unix "$HOST_SOCKET"'
probe net/unix-abstract 'fails unix "@$HOST_ABSTRACT"'
probe net/unix-family 'fails family 1 1; fails family 1 2'
probe net/run-socket 'for s in /run/broke/*/gateway.sock /run/broke/gateway.sock; do [ -e "$s" ] && fails unix "$s"; done'
probe net/raw 'fails family 2 3 1; fails family 17 3 768'
probe net/vsock-netlink-alg 'fails family 40 1; fails family 16 3 9; fails family 16 3 15; fails family 38 5'
probe net/other-ports 'own=${ANTHROPIC_BASE_URL##*:}; for p in 22 53 80 443 2375 3306 4000 5432 6379 8080 9229 11434; do [ "$p" = "$own" ] || fails tcp 127.0.0.1 $p; done'

# --- the gateway on the bridge
port=${ANTHROPIC_BASE_URL##*:}
ask() { # method, path, more head lines
  printf '%s %s HTTP/1.1\nHost: %s\nauthorization: Bearer %s\nConnection: close\n%s\n' "$1" "$2" "${4:-127.0.0.1:$port}" "${5:-$ANTHROPIC_AUTH_TOKEN}" "${3:-}" | pl request 127.0.0.1 "$port" | head -1
}
must gateway/models 'case $(ask GET /v1/models) in *" 200 "*) echo works ;; esac'
probe gateway/wrong-token 'case $(ask GET /v1/models "" "" other) in *" 401 "*) ;; *) echo answered ;; esac'
probe gateway/foreign-host 'case $(ask GET /v1/models "" evil.example) in *" 403 "*) ;; *) echo answered ;; esac'
probe gateway/other-paths 'for p in /swagger /swagger/json /health/readiness /health/liveliness /admin /metrics /v1/keys /config; do case $(ask GET $p) in *" 404 "*) ;; *) echo "$p answered" ;; esac; done'
probe gateway/absolute-form 'case $(ask GET http://127.0.0.1:$HOST_PORT/) in *" 200 "*) echo answered ;; esac'
probe gateway/connect 'case $(ask CONNECT 127.0.0.1:$HOST_PORT) in *" 200 "*) echo tunnelled ;; esac'
probe gateway/upgrade 'case $(ask GET /v1/models "Connection: Upgrade
Upgrade: websocket
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
") in *" 101 "*) echo upgraded ;; esac'

# --- processes, privileges, namespaces
probe proc/uid-map 'read -r a b c < /proc/self/uid_map; [ "$c" = 1 ] || echo "$c ids"; [ "$a" != 0 ] || echo "root inside"'
probe proc/capabilities 'grep -E "^Cap(Inh|Prm|Eff|Bnd|Amb):" /proc/self/status | grep -v "0000000000000000"'
probe proc/no-new-privs 'grep -q "^NoNewPrivs:.1" /proc/self/status || echo "not set"'
probe proc/seccomp 'grep -q "^Seccomp:.2" /proc/self/status || echo "no filter"'
probe proc/fewer-filters 'count() { grep "^Seccomp_filters:" "$1/status" | grep -o "[0-9]*$"; }
own=$(count /proc/self); for p in /proc/[0-9]*; do n=$(count $p); [ "${n:-0}" -ge "$own" ] && continue; ( exec 3<>$p/mem ) && echo "$p has ${n:-0} of $own filters and its memory opens"; done'
probe proc/host-pid '[ -d "/proc/$HOST_PID" ] && tr "\0" " " < "/proc/$HOST_PID/cmdline" | grep -a probe-decoy'
probe proc/signal-init 'kill -9 1; kill -0 "$HOST_PID" && tr "\0" " " < "/proc/$HOST_PID/cmdline" | grep -a probe-decoy'
must proc/signal-init-all 'for s in $(seq 1 64); do kill -$s 1; done 2>/dev/null; sleep 0.2; echo works'
probe proc/namespaces 'for n in pid net ipc uts mnt user cgroup; do case " $HOST_NS " in *" $(readlink /proc/self/ns/$n) "*) echo "shares $n" ;; esac; done'
probe proc/descriptors 'for f in /proc/self/fd/*; do case $(readlink $f) in pipe:*|/dev/null|/dev/pts/*|/proc/*|"") ;; *) readlink $f ;; esac; done'
probe proc/nice 'nice -n -5 true 2>&1 | grep -v "cannot set" ; [ "$(nice -n -5 nice)" -lt 0 ] && echo "below zero"'
probe ns/unshare-user 'unshare -U true && echo made'
probe ns/unshare-mount 'unshare -m true && echo made'
probe ns/bwrap 'command -v bwrap >/dev/null && bwrap --unshare-user --ro-bind / / true && echo nested'
probe ns/nsenter 'for n in "-U -m" -m -n -p -i -u; do nsenter $n -t "${NS_TARGET:-1}" true && echo "entered $n"; done'
probe tty/inject 'perl -e "syscall(\$ARGV[0]+0, 0, 0x5412, \$b = qq(x)) == 0 and print qq(injected)" "$NR_ioctl"'
probe tty/inject-high-bits 'perl -e "my \$b = qq(x); syscall(\$ARGV[0]+0, 0, 0x100005412, \$b) == 0 and print qq(injected)" "$NR_ioctl"'

# --- system calls that must not be there
for call in "add_key s:user s:p s:x 1 -2" "keyctl 0 -3 0 0 0" "request_key s:user s:p 0 0" "bpf 5 b:64 48" "perf_event_open b:128 0 -1 -1 0" \
  "userfaultfd 1" "io_uring_setup 4 b:200" "open_by_handle_at -100 b:64 0" "pidfd_getfd 0 0 0" "process_vm_readv 1 0 0 0 0 0" "ptrace 16902 1 0 0" \
  "kcmp 1 1 0 0 0" "mount s:none s:/nowhere s:tmpfs 0 0" "fsopen s:tmpfs 0" "open_tree -100 s:/ 1" "pivot_root s:. s:." "kexec_load 0 0 0 99" \
  "init_module b:8 1 s:" "finit_module 0 s: 0" "swapon s:/x 0" "reboot 0 0 0 0" "unshare 268435456" "setns 0 0" "fanotify_init 0 0" \
  "name_to_handle_at -100 s:/ b:64 b:8 0" "clone3 b:88 88" "personality 262144" "acct s:/x" "quotactl 0 s: 0 b:8" "syslog 2 b:8 8"; do
  set -- $call
  number=NR_$1
  [ -n "${!number:-}" ] || continue
  name=$1; shift
  args=$*
  probe "call/$name" 'refused "${!number}" $args'
done

# --- resources
probe resource/processes 'n=$(pl forks 700); [ "$n" -lt 512 ] || echo "$n processes"'
probe resource/files 'n=$(pl files 9000); [ "$n" -lt 8192 ] || echo "$n files"'
probe resource/file-size 'dd if=/dev/zero of=.big bs=1 count=1 seek=3G && echo "3 GiB file"; rm -f .big'
probe resource/tmp 'dd if=/dev/zero of=/tmp/.fill bs=1M count=600 && echo "600 MiB in /tmp"; rm -f /tmp/.fill'

for part in files kernel services theirs; do . "$HERE/probes-$part.sh"; done
# What is judged outside, after the run: a repository planted with what runs by itself, and a process that stays.
if [ -z "${ONLY:-}" ]; then
  mkdir -p packages/a && git init -q packages/a && git -C packages/a config core.fsmonitor "touch /tmp/x" && printf '#!/bin/sh\n' > packages/a/.git/hooks/post-checkout
  chmod 755 packages/a/.git/hooks/post-checkout
  mkfifo .pipe
  setsid sleep "$ORPHAN" &
fi
