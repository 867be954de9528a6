// A scripted model server: all four dialects, streaming and not, on a port or a Unix socket, with the faults of real providers and a log of
// every request. The stand-in for paid providers in tests, and the model of the demo.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { parseJson } from "#src/core/json.ts";
import { anthropic } from "./upstream/anthropic.ts";
import { gemini } from "./upstream/gemini.ts";
import { openaiChat } from "./upstream/openai-chat.ts";
import { openaiResponses } from "./upstream/openai-responses.ts";
import type { Reply, Script, Seen } from "./upstream/script.ts";
import type { Speaker } from "./upstream/speaker.ts";

const speakers: Speaker[] = [anthropic, openaiChat, openaiResponses, gemini];

export type Upstream = AsyncDisposable & {
  /** Base of every dialect's path, without a trailing slash or version. */
  url: string;
  /** Every request in the order it came, count and model list requests too. */
  seen: Seen[];
  /** The model requests only. */
  asked(): Seen[];
  /** Replaces the script and starts its count anew. */
  play(script: Script): void;
  /** Ends when the log satisfies the check. */
  until(check: (seen: Seen[]) => boolean): Promise<void>;
};

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

type Prepared = { status: number; headers: Record<string, string>; frames: Buffer[] };

function prepare(reply: Reply, seen: Seen, speaker: Speaker, id: number): Prepared {
  const sse = { "content-type": "text/event-stream", "cache-control": "no-cache" };
  const plain = { "content-type": "application/json" };
  const own = (): { status: number; headers: Record<string, string>; texts: (string | Uint8Array)[] } => {
    switch (reply.kind) {
      case "raw":
        return {
          status: reply.status ?? 200,
          headers: { ...(seen.stream ? sse : plain), ...reply.headers },
          texts: [reply.body],
        };
      case "refuse": {
        const text = JSON.stringify(speaker.error(reply.status, reply.message ?? `scripted ${reply.status}`));
        return { status: reply.status, headers: { ...plain, ...reply.headers }, texts: [text] };
      }
      case "say":
        if (!seen.stream) {
          return {
            status: 200,
            headers: { ...plain, ...reply.headers },
            texts: [JSON.stringify(speaker.whole(reply, seen, id))],
          };
        }
        return { status: 200, headers: { ...sse, ...reply.headers }, texts: speaker.frames(reply, seen, id) };
    }
  };
  const { status, headers, texts } = own();
  const errored =
    reply.error === undefined ? texts : [...texts.slice(0, reply.error.after), speaker.errorFrame(reply.error.message)];
  const inserted = reply.insert === undefined ? errored : errored.toSpliced(reply.insert.at, 0, reply.insert.text);
  return { status, headers, frames: inserted.map((text) => Buffer.from(text)) };
}

function write(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => response.write(bytes, (error) => (error ? reject(error) : resolve())));
}

function cutBytes(frames: Buffer[], bytes: number): Buffer[] {
  let left = bytes;
  const kept = frames.map((frame) => {
    const part = frame.subarray(0, left);
    left -= part.length;
    return part;
  });
  return kept.filter((frame) => frame.length > 0);
}

async function deliver(reply: Reply, prepared: Prepared, response: ServerResponse): Promise<void> {
  let { frames } = prepared;
  const headers = { ...prepared.headers };
  if (reply.gzip) {
    headers["content-encoding"] = "gzip";
    frames = [gzipSync(Buffer.concat(frames))];
  }
  if (reply.cut !== undefined && "bytes" in reply.cut) frames = cutBytes(frames, reply.cut.bytes);
  response.writeHead(prepared.status, headers);
  response.flushHeaders();
  for (const [index, frame] of frames.entries()) {
    if (reply.pause?.after === index) await reply.pause.until;
    if (reply.cut !== undefined && "frames" in reply.cut && reply.cut.frames === index) break;
    const size = reply.split ?? frame.length;
    for (let at = 0; at < frame.length; at += size) {
      await write(response, frame.subarray(at, at + size));
      // Each piece a packet of its own.
      if (reply.split !== undefined) await Bun.sleep(0);
    }
  }
  if (reply.pause !== undefined && reply.pause.after >= frames.length) await reply.pause.until;
  if (reply.cut === undefined) response.end();
  else response.socket?.destroy();
}

/** Starts an upstream on 127.0.0.1, or on a Unix socket at `path`. */
export async function startUpstream(script: Script, path?: string): Promise<Upstream> {
  const seen: Seen[] = [];
  const waiting: (() => void)[] = [];
  let current = script;
  let answered = 0;
  let ids = 0;
  const changed = () => {
    for (const look of [...waiting]) look();
  };

  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? "/", "http://upstream");
      const raw = await bodyOf(request);
      const body = parseJson(raw.toString());
      const speaker = request.method === "POST" ? speakers.find((item) => item.matches(url.pathname)) : undefined;
      const asked = speaker?.read(body ?? null, url.pathname, url.search);
      const entry: Seen = {
        model: "",
        stream: false,
        history: [],
        tools: [],
        ...asked,
        dialect: speaker?.dialect ?? null,
        method: request.method ?? "",
        path: url.pathname,
        query: url.search,
        headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
        body,
        raw,
        aborted: false,
      };
      seen.push(entry);
      let over = false;
      response.on("close", () => {
        if (!over) entry.aborted = true;
        changed();
      });
      changed();
      if (speaker === undefined) {
        over = true;
        const counts = request.method === "POST" && /\/messages\/count_tokens$/.test(url.pathname);
        response.writeHead(counts ? 200 : 404, { "content-type": "application/json" });
        response.end(JSON.stringify(counts ? { input_tokens: Math.ceil(raw.length / 4) } : { error: "no such path" }));
        return;
      }
      const reply = await current(entry, answered++);
      if (reply.delayMs !== undefined) await Bun.sleep(reply.delayMs);
      await reply.gate;
      await deliver(reply, prepare(reply, entry, speaker, ++ids), response);
      over = true;
    })().catch((error: unknown) => {
      // The client went away while it was written to: that is in the log. Anything else is a broken script.
      if (response.destroyed || response.socket?.destroyed) return;
      response.writeHead(500, { "content-type": "text/plain" });
      response.end(`the script failed: ${String(error)}`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    if (path === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(path, resolve);
  });
  const address = server.address();
  return {
    url: path === undefined ? `http://127.0.0.1:${(address as AddressInfo).port}` : "http://upstream",
    seen,
    asked: () => seen.filter((entry) => entry.dialect !== null),
    play(next) {
      current = next;
      answered = 0;
    },
    until(check) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = () => {
        if (!check(seen)) return;
        waiting.splice(waiting.indexOf(look), 1);
        resolve();
      };
      waiting.push(look);
      look();
      return promise;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
