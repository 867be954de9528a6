// The load: connections that each ask again as soon as they are answered, over bare sockets so that the client costs little; and streams that are
// read as they come. Bounded in count and time, on 127.0.0.1 only.

export type Aim = { port: number; path: string; headers: Record<string, string>; body: string };

export type Rates = { rps: number; latencies: number[]; failures: number };

const encoder = new TextEncoder();

function requestBytes({ path, headers, body, port }: Aim): Uint8Array {
  const size = encoder.encode(body).length;
  const lines = Object.entries({ ...headers, "content-type": "application/json", "content-length": String(size) });
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    ...lines.map(([name, value]) => `${name}: ${value}`),
  ];
  return encoder.encode(`${head.join("\r\n")}\r\n\r\n${body}`);
}

/** Whether one whole answer is in the buffer, by its framing. */
function isWhole(buffer: Buffer): boolean {
  const end = buffer.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const head = buffer.subarray(0, end).toString("latin1").toLowerCase();
  const size = /\r\ncontent-length: (\d+)/.exec(head)?.[1];
  if (size !== undefined) return buffer.length >= end + 4 + Number(size);
  return buffer.length >= 5 && buffer.subarray(-5).toString("latin1") === "0\r\n\r\n";
}

type Line = { buffer: Buffer[]; size: number; started: number; rest: Uint8Array };

/** `connections` at once for `ms`, after a warm-up of a fifth of that. */
export async function hammer(aim: Aim, connections: number, ms: number): Promise<Rates> {
  const bytes = requestBytes(aim);
  const latencies: number[] = [];
  let failures = 0;
  const from = performance.now() + ms / 5;
  const until = from + ms;
  const over = Promise.withResolvers<void>();
  let open = connections;
  const send = (socket: Bun.Socket<Line>) => {
    socket.data.started = performance.now();
    const sent = socket.write(bytes);
    socket.data.rest = bytes.subarray(Math.max(0, sent));
  };
  const close = () => {
    open -= 1;
    if (open === 0) over.resolve();
  };
  for (let index = 0; index < connections; index++) {
    await Bun.connect<Line>({
      hostname: "127.0.0.1",
      port: aim.port,
      data: { buffer: [], size: 0, started: 0, rest: new Uint8Array() },
      socket: {
        open: send,
        drain(socket) {
          const { rest } = socket.data;
          if (rest.length > 0) socket.data.rest = rest.subarray(Math.max(0, socket.write(rest)));
        },
        data(socket, piece) {
          const { data } = socket;
          data.buffer.push(Buffer.from(piece));
          const whole = data.buffer.length === 1 ? data.buffer[0]! : Buffer.concat(data.buffer);
          if (!isWhole(whole)) return;
          const now = performance.now();
          if (!whole.subarray(0, 12).toString("latin1").endsWith(" 200")) failures += 1;
          else if (data.started >= from) latencies.push(now - data.started);
          data.buffer = [];
          if (now >= until) return void socket.end();
          send(socket);
        },
        close,
        error: close,
      },
    });
  }
  await over.promise;
  return { rps: latencies.length / (ms / 1000), latencies, failures };
}

export type Streamed = { first: number; lags: number[]; events: number; whole: boolean };

/** One stream, read to its end: first byte in ms, the lag of every event that carries its time, and whether all of them came. */
export async function stream({ port, path, headers, body }: Aim, end: RegExp): Promise<Streamed> {
  const started = performance.now();
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body,
  });
  const decoder = new TextDecoder();
  const lags: number[] = [];
  let first = 0;
  let events = 0;
  let tail = "";
  for await (const piece of answer.body as unknown as AsyncIterable<Uint8Array>) {
    const now = performance.timeOrigin + performance.now();
    first ||= performance.now() - started;
    const text = tail + decoder.decode(piece, { stream: true });
    const cut = text.lastIndexOf("\n\n") + 2;
    for (const [, sent] of text.slice(0, cut).matchAll(/@([\d.]+)@/g)) lags.push(now - Number(sent));
    events += text.slice(0, cut).match(/word \d+|@[\d.]+@/g)?.length ?? 0;
    tail = text.slice(cut);
    if (end.test(text)) tail = "\n\nover";
  }
  return { first, lags, events, whole: tail === "\n\nover" };
}
