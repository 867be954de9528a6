# What a hostile worker would try to get out by a proxy that lets something out. Prints as probes.sh does.
# Environment: HERE, HOST_PORT (a service of the host's that no rule names), OPEN_PORT (one that a rule names), OWN_ADDRESS (the machine's own, or nothing).
set -u
probe() { # id, snippet that prints what it got through, or nothing
  local found
  found=$(eval "$2" 2>/dev/null | head -c 300 | tr '\n\t' '  ')
  if [ -z "$found" ]; then printf '%s\tok\n' "$1"; else printf '%s\tbreach\t%s\n' "$1" "$found"; fi
}
must() { # id, snippet that prints "works" when it should
  local found
  found=$(eval "$2" 2>&1 | tail -c 300 | tr '\n\t' '  ')
  case $found in *works*) printf '%s\tok\n' "$1" ;; *) printf '%s\tbreach\tdoes not work: %s\n' "$1" "$found" ;; esac
}
proxy=${HTTP_PROXY##*:}
pl() { perl "$HERE/probe.pl" "$@"; }
status() { pl request 127.0.0.1 "$proxy" | head -1 | tr -d '\r'; }
connect() { printf 'CONNECT %s HTTP/1.1\nHost: %s\n\n' "$1" "$1" | status; }
plain() { printf 'GET http://%s/ HTTP/1.1\nHost: %s\nConnection: close\n\n' "$1" "${2:-$1}" | status; }
socks() { pl socks 127.0.0.1 "$proxy" "$1" "$2"; } # the reply's code; 0 is open
opened() { case $("$1" "$2" "${3:-}") in *" 200"* | 0) echo "$1 $2 ${3:-}" ;; esac; }

# --- what is allowed works, by every way there is
must egress/connect 'case $(connect "127.0.0.1:$OPEN_PORT") in *" 200 "*) echo works ;; esac'
must egress/plain 'case $(plain "127.0.0.1:$OPEN_PORT") in *" 200 "*) echo works ;; esac'
must egress/socks '[ "$(socks 127.0.0.1 "$OPEN_PORT")" = 0 ] && echo works'

# --- a service of the host's, under every name it has
for name in 127.0.0.1 127.1 127.0.0.1. 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 0 0.0.0.0 localhost LOCALHOST. \
  '[::1]' '[::]' '[::ffff:127.0.0.1]' '[::ffff:7f00:1]' '[0:0:0:0:0:ffff:7f00:1]' '[64:ff9b::7f00:1]' '[2002:7f00:1::]' '[fe80::1%25lo]' \
  ip6-localhost runsc "$(hostname)" ${OWN_ADDRESS:+"$OWN_ADDRESS"}; do
  probe "egress/host/$name" 'opened connect "$name:$HOST_PORT"; opened plain "$name:$HOST_PORT"; opened socks "$name" "$HOST_PORT"'
  probe "egress/named-port/$name" 'case $name in 127* | 2130* | 0x7f* | 01* | *7f00:1] | *127.0.0.1]) ;; *) opened connect "$name:$OPEN_PORT"; opened socks "$name" "$OPEN_PORT" ;; esac'
done
for name in 169.254.169.254 0xa9fea9fe 2852039166 '[::ffff:a9fe:a9fe]' '[fd00:ec2::254]' 169.254.170.2 100.100.100.200 168.63.129.16 metadata.google.internal; do
  probe "egress/metadata/$name" 'opened connect "$name:80"; opened plain "$name"; opened socks "$name" 80'
done
for name in 10.0.0.1 172.16.0.1 192.168.0.1 100.64.0.1 224.0.0.1 255.255.255.255 '[fc00::1]' '[ff02::1]' 1.1.1.1 '[2606:4700::1111]'; do
  probe "egress/address/$name" 'opened connect "$name:443"; opened plain "$name"; opened socks "$name" 443'
done

# --- a name in front, another behind
probe egress/host-header 'opened plain "127.0.0.1:$OPEN_PORT" "127.0.0.1:$HOST_PORT"; opened plain "127.0.0.1:$HOST_PORT" "127.0.0.1:$OPEN_PORT"'
probe egress/userinfo 'opened plain "127.0.0.1:$OPEN_PORT@127.0.0.1:$HOST_PORT" "127.0.0.1:$OPEN_PORT"; opened connect "127.0.0.1:$OPEN_PORT@127.0.0.1:$HOST_PORT"'
probe egress/two-requests 'printf "GET http://127.0.0.1:%s/ HTTP/1.1\nHost: 127.0.0.1:%s\n\nGET http://127.0.0.1:%s/ HTTP/1.1\nHost: 127.0.0.1:%s\n\n" $OPEN_PORT $OPEN_PORT $HOST_PORT $HOST_PORT | pl request 127.0.0.1 $proxy | grep CANARY'
probe egress/smuggled 'printf "POST http://127.0.0.1:%s/ HTTP/1.1\nHost: 127.0.0.1:%s\nContent-Length: 4\nTransfer-Encoding: chunked\n\n0\n\nGET" $OPEN_PORT $OPEN_PORT | status | grep " 200"'
probe egress/origin-form 'printf "GET / HTTP/1.1\nHost: 127.0.0.1:%s\n\n" "$OPEN_PORT" | status | grep " 200"'
probe egress/https-scheme 'printf "GET https://127.0.0.1:%s/ HTTP/1.1\nHost: 127.0.0.1:%s\n\n" "$OPEN_PORT" "$OPEN_PORT" | status | grep " 200"'
probe egress/gateway-by-proxy 'opened connect "127.0.0.1:4000"; opened plain "127.0.0.1:4000"; opened socks 127.0.0.1 4000'
probe egress/unix-by-proxy 'opened connect "/run/broke/socket/gateway.sock:80"; opened plain "unix:/run/broke/socket/gateway.sock"'
probe egress/other-commands '[ "$(pl socks 127.0.0.1 "$proxy" 127.0.0.1 "$OPEN_PORT" 2)" = 0 ] && echo bind; [ "$(pl socks 127.0.0.1 "$proxy" 127.0.0.1 "$OPEN_PORT" 3)" = 0 ] && echo udp'

# --- no way beside it
probe egress/socket 'case $(pl unix /run/broke/socket/egress.sock) in OK*) echo connected ;; esac'
probe egress/socket-swap 'rm -f /run/broke/socket/egress.sock && echo removed; : > /run/broke/socket/x && echo made'
probe egress/resolver 'getent hosts example.com; getent ahosts localhost.localdomain'
