# Probes of what listens: services of the host, sockets by every kind and family, more of the gateway, and secrets by other ways. Sourced by probes.sh.

# --- network
probe net/host-port-v6 'fails tcp6 ::1 "$HOST_PORT6"'
probe net/host-by-mapped-v6 'fails tcp6 ::ffff:127.0.0.1 "$HOST_PORT"'
probe net/host-by-any 'fails tcp 0.0.0.0 "$HOST_PORT"; fails tcp6 :: "$HOST_PORT6"'
probe net/host-by-127-x 'fails tcp 127.0.0.2 "$HOST_PORT_ANY"; fails tcp 127.1.2.3 "$HOST_PORT_ANY"'
probe net/host-udp 'pl udp-answer 127.0.0.1 "$HOST_UDP" | grep -a OK'
probe net/global-v6 'fails tcp6 2001:db8::1 443'
probe net/multicast 'fails udp 239.255.255.250 1900; fails udp 224.0.0.251 5353'
probe net/broadcast 'fails udp 255.255.255.255 9'
probe net/names 'getent ahosts example.com'
probe net/local-resolver 'fails udp-connected 127.0.0.53 53'
probe net/icmp 'fails family 2 2 1'
probe net/dgram-pair 'pl pair-connect "$HOST_DGRAM" | grep -a OK'
probe net/unix-dgram 'fails unix-dgram "$HOST_DGRAM"'
probe net/unix-seqpacket 'fails family 1 5'
probe net/workspace-socket 'fails unix "$HERE/dev.sock"; lists dev.sock | grep -v "listed dev.sock: dev.sock"'
probe net/workspace-socket-linked 'ln dev.sock .d && fails unix "$HERE/.d"; rm -f .d'
probe net/memfd-program 'pl memfd-tcp "$NR_memfd_create" "$HOST_PORT" | grep -a OK'
probe net/copied-program 'cp "$(readlink -f "$(command -v perl)")" /tmp/.p && /tmp/.p "$HERE/probe.pl" tcp 127.0.0.1 "$HOST_PORT" | grep -a OK; rm -f /tmp/.p'
probe net/shell 'exec 3<>/dev/tcp/127.0.0.1/$HOST_PORT && echo connected'
probe net/add-address 'ip addr add 192.0.2.9/32 dev lo && echo added; ip link add x type dummy && echo "made a link"; ip route add default dev lo && echo routed'

# --- services of the host
usable() { [ -e "$1" ] && fails unix "$1"; }
probe service/containers 'for s in /var/run/docker.sock /run/docker.sock /run/containerd/containerd.sock /run/podman/podman.sock /run/libvirt/libvirt-sock /run/snapd.socket; do usable $s; done'
probe service/bus 'for s in /run/dbus/system_bus_socket /run/user/*/bus /tmp/dbus-*; do usable $s; done'
probe service/systemd 'for s in /run/systemd/private /run/user/*/systemd/private /run/systemd/notify /run/systemd/journal/stdout; do usable $s; done; systemd-run --user --wait true && echo systemd-run'
probe service/agents 'for s in "${SSH_AUTH_SOCK:-/nowhere}" /run/user/*/gnupg/S.gpg-agent /run/user/*/keyring/ssh /tmp/ssh-*/agent.* /tmp/tmux-*/default /run/screen/S-*/*; do usable "$s"; done'
probe service/display 'for s in /tmp/.X11-unix/X0 /run/user/*/wayland-0 /run/user/*/pulse/native; do usable "$s"; done'
probe service/log 'for s in /dev/log /run/systemd/journal/dev-log; do usable "$s"; done; logger x && [ -e /dev/log ] && echo logged'
probe service/any 'for d in /run /tmp /dev /home; do find $d -maxdepth 5 -type s 2>/dev/null; done | grep -v -e "^$HERE" -e "^/run/broke/socket/" | head -3'

# --- secrets by other ways
probe secret/names 'compgen -e | grep -E "^(OPENAI_API_KEY|GITHUB_TOKEN|GH_TOKEN|AWS_SECRET_ACCESS_KEY|NPM_TOKEN|KUBECONFIG|GOOGLE_APPLICATION_CREDENTIALS)$"'
probe secret/sockets 'compgen -e | grep -E "^(SSH_AUTH_SOCK|DBUS_SESSION_BUS_ADDRESS|DOCKER_HOST|XAUTHORITY|DISPLAY|WAYLAND_DISPLAY|GPG_AGENT_INFO|TMUX|XDG_RUNTIME_DIR)$"'
probe secret/own-environ 'holds "$(tr "\0" "\n" < /proc/self/environ)" "$CANARY"; holds "$(tr "\0" "\n" < /proc/$$/environ)" "$CANARY"'
probe secret/git-credential 'printf "protocol=https\nhost=forge.example\n\n" | HOME="$HOST_HOME" git credential fill | grep -i password; HOME="$HOST_HOME" git config --global --list | grep credential'
probe secret/memory 'for p in /proc/[0-9]*; do [ "$p" = "/proc/$$" ] && continue; [ "$(cat $p/comm)" = bun ] && ( exec 3< $p/mem ) && echo "$p"; done'
probe secret/terminal-title 'for v in $(compgen -e); do case $v in *KEY* | *SECRET* | *PASSW*) [ "$v" = ANTHROPIC_API_KEY ] || echo "$v" ;; esac; done'

# --- more of the gateway on the bridge
token=$ANTHROPIC_AUTH_TOKEN
raw() { pl request 127.0.0.1 "$port"; }
good() { grep -a -m1 -E '^HTTP/1.. 2|"admin"'; }
probe gateway/OPTIONS 'printf "OPTIONS /v1/models HTTP/1.1\nHost: 127.0.0.1:%s\nauthorization: Bearer %s\nConnection: close\n\n" "$port" "$token" | raw | grep -a -i -e admin -e "^allow:.*P[UO]" -e "access-control"'
for method in PUT DELETE TRACE PATCH; do probe "gateway/$method" 'ask "$method" /v1/models | good'; done
probe gateway/no-token 'printf "GET /v1/models HTTP/1.1\nHost: 127.0.0.1:%s\nConnection: close\n\n" "$port" | raw | good'
probe gateway/empty-token 'printf "GET /v1/models HTTP/1.1\nHost: 127.0.0.1:%s\nauthorization: Bearer \nConnection: close\n\n" "$port" | raw | good'
probe gateway/two-tokens 'printf "GET /v1/models HTTP/1.1\nHost: 127.0.0.1:%s\nauthorization: Bearer other\nauthorization: Bearer other2\nConnection: close\n\n" "$port" | raw | good'
probe gateway/token-in-query 'printf "GET /v1/models?key=other HTTP/1.1\nHost: 127.0.0.1:%s\nConnection: close\n\n" "$port" | raw | good'
probe gateway/routing-headers 'ask GET /nowhere "X-Original-URL: /v1/models
X-Rewrite-URL: /v1/models
X-Forwarded-Host: 127.0.0.1
X-HTTP-Method-Override: GET
" | good'
probe gateway/dots 'for p in /v1/../swagger /v1/%2e%2e/swagger /v1//../swagger/json //swagger /v1/models/../../swagger /./swagger '"'"'/v1\..\swagger'"'"'; do ask GET "$p" | good; done'
probe gateway/smuggled 'printf "POST /v1/messages HTTP/1.1\nHost: 127.0.0.1:%s\nauthorization: Bearer %s\nContent-Length: 4\nTransfer-Encoding: chunked\n\n0\n\nGET /swagger HTTP/1.1\nHost: x\nX: y\n\n" "$port" "$token" | raw | good'
probe gateway/two-lengths 'printf "POST /v1/messages HTTP/1.1\nHost: 127.0.0.1:%s\nauthorization: Bearer %s\nContent-Length: 0\nContent-Length: 40\n\nGET /swagger HTTP/1.1\nHost: x\nX: y\n\n" "$port" "$token" | raw | good'
probe gateway/pipelined 'printf "GET /nowhere HTTP/1.1\nHost: 127.0.0.1:%s\nauthorization: Bearer %s\n\nGET /swagger HTTP/1.1\nHost: 127.0.0.1:%s\nauthorization: Bearer %s\nConnection: close\n\n" "$port" "$token" "$port" "$token" | raw | good'
probe gateway/h2c 'ask GET /v1/models "Connection: Upgrade, HTTP2-Settings
Upgrade: h2c
HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA
" | grep " 101 "'
probe gateway/third-party 'ask GET "http://192.0.2.1/" "" 192.0.2.1 | good'
probe gateway/large-header 'h=$(head -c 65000 /dev/zero | tr "\0" a); ask GET /v1/models "x-a: $h
" | good'
probe gateway/events 'ask POST /broke/events "Content-Length: 2

{}" | good; ask POST /v1/events "Content-Length: 2

{}" | good'

# --- the tool shims
probe shim/replaced 'for f in /run/broke/shims/*; do mv "$f" "$f.x" && { mv "$f.x" "$f"; echo moved; }; cp -p "$f" /tmp/.f; rm -f "$f" && [ ! -e "$f" ] && { cp -p /tmp/.f "$f"; echo removed; }; rm -f /tmp/.f; break; done'
probe shim/added 'writes /run/broke/shims/newtool; ln -s /bin/true /run/broke/shims/x && echo linked'
probe shim/injected 't=$(mktemp); echo "echo INJ""ECTED" > $t; f=${SHIM:-/run/broke/shims/git}; BASH_ENV=$t ENV=$t "$f" --version | grep INJECTED; rm -f $t'
