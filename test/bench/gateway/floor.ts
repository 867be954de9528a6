// The floor: a bare Bun.serve that passes a request's bytes to the upstream and the answer's bytes back, and knows nothing else. Prints its port.
// Usage: floor.ts <upstream url>

const upstream = process.argv[2]!;

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    const answer = await fetch(upstream + pathname, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": "k" },
      body: await request.arrayBuffer(),
      signal: request.signal,
      decompress: false,
    });
    return new Response(answer.body, { status: answer.status, headers: answer.headers });
  },
});
process.stdout.write(`${server.port}\n`);
export {};
