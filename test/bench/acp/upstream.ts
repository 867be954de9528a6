// The model of the bench, in every client's dialect: short answers, and for a prompt that says "pace" a paced stream whose every piece holds the moment it was
// sent, so that whoever sees it later knows how long it was on its way.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseJson } from "#src/core/json.ts";
import { anthropic } from "#test/support/upstream/anthropic.ts";
import { gemini } from "#test/support/upstream/gemini.ts";
import { openaiChat } from "#test/support/upstream/openai-chat.ts";
import { openaiResponses } from "#test/support/upstream/openai-responses.ts";
import { say } from "#test/support/upstream/script.ts";

const speakers = [anthropic, openaiChat, openaiResponses, gemini];
export const PIECES = 60;
const EVERY_MS = 20;
const BLANK = "@0000000000000.000;";
export const STAMP = /@(\d{13}\.\d{3});/g;

/** Milliseconds since the epoch, the same in every process of the machine. */
export const nowMs = () => performance.timeOrigin + performance.now();

/** Starts it on a port of 127.0.0.1. */
export async function startModel(): Promise<{ url: string } & Disposable> {
  const server = createServer((request, response) => {
    void (async () => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      const { pathname, search } = new URL(request.url ?? "/", "http://model");
      const speaker = request.method === "POST" ? speakers.find((each) => each.matches(pathname)) : undefined;
      const asked = speaker?.read(parseJson(Buffer.concat(pieces).toString()) ?? null, pathname, search);
      if (speaker === undefined || asked === undefined) {
        response.writeHead(pathname.endsWith("/count_tokens") ? 200 : 404, { "content-type": "application/json" });
        return response.end('{"input_tokens": 10}');
      }
      const last = asked.history.findLast(({ role, text }) => role === "user" && text !== "")?.text ?? "";
      const isPaced = asked.stream && /pace\W*$/.test(last);
      const reply = isPaced ? { ...say(BLANK.repeat(PIECES)), pieces: PIECES } : say("Done.");
      const seen = { ...asked, dialect: speaker.dialect, method: "POST", path: pathname, query: search, headers: {} };
      const all = { ...seen, body: undefined, raw: Buffer.alloc(0), aborted: false };
      if (!asked.stream) {
        response.writeHead(200, { "content-type": "application/json" });
        return response.end(JSON.stringify(speaker.whole(reply, all, 1)));
      }
      response.writeHead(200, { "content-type": "text/event-stream" });
      const frames = speaker.frames(reply, all, 1);
      const isPiece = (frame: string) => frame.split(BLANK).length === 2;
      for (const frame of frames.map(String)) {
        if (isPiece(frame)) await Bun.sleep(EVERY_MS);
        response.write(isPiece(frame) ? frame.replace(BLANK, `@${nowMs().toFixed(3)};`) : frame);
      }
      response.end();
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
