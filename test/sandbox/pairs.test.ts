// Why stream and packet pairs of AF_UNIX may be made where AF_UNIX is closed, and datagram pairs may not: on this kernel no end of the former can
// be connected, or sent from, to anybody but its own peer.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const dir = mkdtempSync(join(tmpdir(), "broke-pairs-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Tries to reach a listener of each type from the end of a pair, while its peer is there and after; prints what was reached. */
const SCRIPT = `use Socket; my ($dir, $type) = @ARGV;
for my $other (1, 2, 5) {
  my $path = "$dir/$type-$other"; socket(my $l, AF_UNIX, $other, 0); bind($l, pack_sockaddr_un($path)) or die; listen($l, 5) if $other != 2;
  my $heard = sub { my $r = ""; vec($r, fileno($l), 1) = 1; select($r, undef, undef, 0.05) };
  socketpair(my $x, my $y, AF_UNIX, $type, 0) or die;
  my $try = sub {
    print "connected $other $_[0]\\n" if connect($x, pack_sockaddr_un($path));
    my $nobody = "\\0" x 16; syscall($ENV{NR_connect} + 0, fileno($x), $nobody, 16); # AF_UNSPEC: away from the peer
    print "connected $other $_[0], after leaving\\n" if connect($x, pack_sockaddr_un($path));
    send($x, "x", 0, pack_sockaddr_un($path)); print "heard $other $_[0]\\n" if $heard->();
    bind($x, pack_sockaddr_un("$path-own")); print "listens $other $_[0]\\n" if listen($x, 1); unlink "$path-own";
  };
  $try->("paired"); close $y; $try->("alone");
}`;

const NR_CONNECT = process.arch === "arm64" ? "203" : "42";
const reached = (type: number): string[] => {
  const words = ["perl", "-e", `$SIG{PIPE} = "IGNORE"; ${SCRIPT}`, dir, String(type)];
  const ran = Bun.spawnSync(words, { env: { PATH: "/usr/bin:/bin", NR_connect: NR_CONNECT } });
  expect(ran.stderr.toString()).toBe("");
  return ran.stdout.toString().split("\n").filter(Boolean);
};

test("stream and packet pairs stay paired", () => {
  expect([reached(1), reached(5)]).toEqual([[], []]);
});

test("a datagram pair does not", () => {
  expect(reached(2)).toContain("connected 2 paired");
});
