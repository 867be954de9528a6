// Carries TCP connections on 127.0.0.1 inside the sandbox to one of the run's Unix sockets: bytes, half-close and abort, both ways.
// No idle limit, no connection cap; a slow side pauses the other, so memory stays bounded. Loaded inside the sandbox: no imports.
// Does not stop: any process in the sandbox from connecting (the placeholder key decides at the other end).

type Side = { peer: Bun.Socket<Side> | undefined; pending: Uint8Array[]; ended: boolean; paused: boolean };

function pause(socket: Bun.Socket<Side>): void {
  socket.data.paused = true;
  socket.pause();
}

// Bun 1.4 stops reading a socket that is resumed without having been paused, so the state is kept here.
function resume(socket: Bun.Socket<Side>): void {
  if (!socket.data.paused) return;
  socket.data.paused = false;
  socket.resume();
}

// Bytes copied, because Bun reuses the buffer it hands to `data`.
function forward(from: Bun.Socket<Side>, piece: Uint8Array): void {
  const side = from.data;
  if (side.peer === undefined || side.peer.data.pending.length > 0) {
    (side.peer?.data ?? side).pending.push(piece.slice());
    pause(from);
    return;
  }
  const written = Math.max(0, side.peer.write(piece));
  if (written < piece.length) {
    side.peer.data.pending.push(piece.slice(written));
    pause(from);
  }
}

function drain(to: Bun.Socket<Side>): void {
  const side = to.data;
  while (side.pending.length > 0) {
    const piece = side.pending[0]!;
    const written = Math.max(0, to.write(piece));
    if (written < piece.length) {
      side.pending[0] = piece.subarray(written);
      return;
    }
    side.pending.shift();
  }
  const source = side.peer;
  if (source === undefined) return;
  if (source.data.ended) to.shutdown();
  else resume(source);
}

function finish(from: Bun.Socket<Side>): void {
  const side = from.data;
  side.ended = true;
  if (side.peer !== undefined && side.peer.data.pending.length === 0) side.peer.shutdown();
}

// With our own side already shut down, Bun reports an orderly end as `close` without `end`; a reset comes with an error.
function closed(from: Bun.Socket<Side>, error?: Error): void {
  const peer = from.data.peer;
  if (error === undefined) {
    finish(from);
    return;
  }
  from.data.peer = undefined;
  if (peer === undefined) return;
  peer.data.peer = undefined;
  peer.terminate();
}

/**
 * Listens on 127.0.0.1:`port` (0: any) and connects each client to `socketPath`, anew for every connection, so a socket that was
 * replaced at the same path is found. Returns the listener; its `port` is the real one.
 */
export function startBridge(port: number, socketPath: string): Bun.TCPSocketListener<Side> {
  return Bun.listen<Side>({
    hostname: "127.0.0.1",
    port,
    allowHalfOpen: true,
    socket: {
      open(client) {
        client.data = { peer: undefined, pending: [], ended: false, paused: false };
        Bun.connect<Side>({
          unix: socketPath,
          allowHalfOpen: true,
          data: { peer: client, pending: [], ended: false, paused: false },
          socket: {
            open(gateway) {
              client.data.peer = gateway;
              gateway.data.pending = client.data.pending;
              client.data.pending = [];
              drain(gateway);
            },
            data: forward,
            drain,
            end: finish,
            close: closed,
            error: closed,
            connectError: () => client.terminate(),
          },
        }).catch(() => client.terminate());
      },
      data: forward,
      drain,
      end: finish,
      close: closed,
      error: closed,
    },
  });
}
