# A host in miniature for controls: what the machine of a test does not have (services, devices, addresses of the world) is put up in mount and
# network namespaces of its own, as root and without any confinement. What is mounted here is gone with the namespaces.
set -e
mount --make-rprivate /
for d in /run /mnt /media /srv /boot /opt /var/spool /var/backups /etc/ssl/private /etc/cron.d /etc/profile.d; do [ -d $d ] && mount -t tmpfs none $d && echo secret > $d/file; done
mount -t tmpfs none /sys
mkdir -p /sys/kernel/debug /sys/kernel/mm/ksm /sys/fs/cgroup /sys/class/dmi/id /sys/firmware/efi/efivars
for f in kernel/debug/sleep_time kernel/uevent_helper fs/cgroup/cgroup.procs class/dmi/id/product_uuid firmware/efi/efivars/x; do echo secret > /sys/$f; done
mount --bind "$HOST_BROKE/.env" "$HOST_BROKE/.env"
echo "192.0.2.1 example.com" > "$HERE/.hosts"; mount --bind "$HERE/.hosts" /etc/hosts
mkdir -p /opt/broke/sandbox /run/dbus /run/systemd/journal /run/user/0/gnupg /run/broke/shims /var/spool/cron/crontabs
touch /opt/broke/bun /opt/broke/sandbox/init.ts /opt/broke/sandbox/stage-two.ts
printf '#!/bin/bash\necho shim\n' > /run/broke/shims/git; chmod 755 /run/broke/shims/git
mkdir -p /run/broke/socket; ln -s "$HOST_SOCKET" /run/broke/socket/gateway.sock
for s in docker.sock dbus/system_bus_socket systemd/private user/0/bus user/0/gnupg/S.gpg-agent user/0/wayland-0; do ln -s "$HOST_SOCKET" /run/$s; done
mkdir /tmp/sham.$$ && mount -t tmpfs none /tmp/sham.$$
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/fd /dev/stdin /dev/stdout /dev/stderr /tmp/sham.$$
for d in kmsg mem tty0; do mknod /tmp/sham.$$/$d c 1 3; done
mkdir /tmp/sham.$$/pts /tmp/sham.$$/shm /tmp/sham.$$/mqueue
touch /tmp/sham.$$/pts/7 /tmp/sham.$$/mqueue/q /tmp/sham.$$/shm/other
ln -s "$HOST_SOCKET" /tmp/sham.$$/log
mount --bind /tmp/sham.$$ /dev
umount -l /tmp/sham.$$; rmdir /tmp/sham.$$
ip link set lo up
for a in 192.0.2.1/32 198.51.100.1/32 169.254.169.254/32 127.0.0.53/8; do ip addr add $a dev lo 2>/dev/null || true; done
ip -6 addr add 2001:db8::1/128 dev lo
ip route add 224.0.0.0/4 dev lo; ip route add 255.255.255.255/32 dev lo; ip route add default dev lo
perl -MSocket -e 'for my $p (80, 443) { socket(my $s, AF_INET6, SOCK_STREAM, 0); setsockopt($s, 41, 26, 0); bind($s, pack_sockaddr_in6($p, Socket::inet_pton(AF_INET6, "::"))) or die; listen($s, 9); push @s, $s }
  socket(my $u, AF_INET, SOCK_DGRAM, 0); bind($u, pack_sockaddr_in(53, INADDR_ANY)); $SIG{TERM} = "DEFAULT"; print "up\n"; close STDOUT; sleep 120' > "$HERE/.up" &
listener=$!
trap 'kill $listener' EXIT
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -s "$HERE/.up" ] && break; sleep 0.1; done
rm -f "$HERE/.up"
echo "0 2147483647" > /proc/sys/net/ipv4/ping_group_range
set +e
