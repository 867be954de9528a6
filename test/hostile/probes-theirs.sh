# What the tests of other sandboxes attempt, in our own words: sandbox-runtime (test/sandbox: integration, mandatory deny paths, seccomp filter) and
# codex (codex-rs/linux-sandbox/tests/suite/landlock.rs). Sourced by probes.sh.
fetched() { local out; out=$("$@" 2>/dev/null) && case $out in *CANARY*) echo "fetched: $1" ;; esac; }
overwrites() { local out; if out=$( (echo denied > "$1") 2>&1); then [ -n "${2:-}" ] || rm -f "$1"; echo "wrote $1"; else known "$out"; fi; }

# --- sandbox-runtime
probe theirs/srt/unix-socket 'for t in 1 2; do fails family 1 $t; done; fails unix "$HOST_SOCKET"'
probe theirs/srt/http 'fetched curl -s --http0.9 --max-time 3 --noproxy "*" "http://127.0.0.1:$HOST_PORT/"; fetched wget -qO- -T 3 -t 1 --no-proxy "http://127.0.0.1:$HOST_PORT/"'
probe theirs/srt/other-protocols 'exec 4<>/dev/tcp/127.0.0.1/$HOST_PORT && echo "raw TCP"; pl udp-answer 127.0.0.1 "$HOST_UDP" | grep OK'
probe theirs/srt/names 'getent hosts example.com'
probe theirs/srt/write-outside 'overwrites "$HOST_TMP/theirs"; overwrites "$HOST_HOME/theirs"'
probe theirs/srt/host-processes 'for p in /proc/[0-9]*; do tr "\0" " " < $p/cmdline | grep -a "probe-dec""oy"; done'
probe theirs/srt/link-out 'ln -s "$HOST_TMP" .out && overwrites .out/theirs; rm -f .out; ln -s "$HOST_HOME/.profile" .out && ( : >> .out ) && echo "through a link"; rm -f .out'
probe theirs/srt/privileges 'cp /usr/bin/env .su && chmod u+s .su && [ -u .su ] && echo "setuid copy"; rm -f .su'
probe theirs/srt/special-files 'mknod .dev c 1 3 && { rm -f .dev; echo "a device"; }; ln "$HOST_HOME/.bashrc" .hard && { rm -f .hard; echo "a hard link"; }'
probe theirs/srt/denied-moved 'mv .env .e && { reads .e; mv .e .env; }; mv vendor v && { reads v/sub/.env.local; mv v vendor; }'
probe theirs/srt/denied-by-rename 'mv .git g && { ( : >> g/config ) && echo "written under another name"; mv g .git; }'
for name in .bashrc .gitconfig .zshrc .mcp.json .bash_profile .zprofile .profile .gitmodules .ripgreprc .git/hooks/pre-commit; do
  probe "theirs/srt/$name" 'overwrites "$name"'
done
for name in .vscode .idea .claude/commands .claude/agents; do
  probe "theirs/srt/$name" 'made=0; [ -d "$name" ] || { mkdir -p "$name" && made=1; }; [ -d "$name" ] && overwrites "$name/x"; [ $made = 1 ] && rmdir "$name"'
done
must works/theirs-plain 'echo a > .plain && rm .plain && mkdir -p .git/objects/zz && rmdir .git/objects/zz && : > .git/refs/heads/.x && rm .git/refs/heads/.x && echo a | cat | tr a b | grep -q b && echo works'

# --- codex
probe theirs/codex/write-outside 'overwrites "$HOST_TMP/theirs"'
probe theirs/codex/no-new-privs 'grep -q "^NoNewPrivs:.1" /proc/self/status || echo "not set"'
probe theirs/codex/curl 'curl -sI --max-time 3 --http0.9 "http://127.0.0.1:$HOST_PORT/" >/dev/null && echo reached; fetched curl -s --http0.9 --max-time 3 --noproxy "*" "http://127.0.0.1:$HOST_PORT/"'
probe theirs/codex/raw-icmp 'fails family 2 2 1; fails family 2 3 1'
probe theirs/codex/dev-tcp 'echo hi > "/dev/tcp/127.0.0.1/$HOST_PORT" && echo reached'
probe theirs/codex/getent 'getent ahosts example.com'
probe theirs/codex/git-config '( : >> .git/config ) && echo "opened for writing"'
probe theirs/codex/own-config 'made=0; [ -d .codex ] || { mkdir .codex && made=1; }; overwrites .codex/config.toml; [ $made = 1 ] && rmdir .codex'
probe theirs/codex/own-config-by-link 'mkdir .decoy; ln -sT .decoy .codex && { overwrites .codex/config.toml; rm -f .codex; }; rm -rf .decoy'
must works/theirs-null 'echo a > /dev/null && ls -l /bin >/dev/null && echo works'
