// A provider that costs next to nothing: one JSON answer of about 1 kB; streams of 200 events at once, or one every 5 ms that carries the time it
// was sent. Which one is asked for stands in the model's name: `json`, `burst` or `paced`. Both dialects, by path. Prints its port.

const EVENTS = 200;
const PACE_MS = 5;
const text = "The answer is forty-two, which is what was asked for. ".repeat(16);

const anthropicAnswer = JSON.stringify({
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "m",
  content: [{ type: "text", text }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 100, output_tokens: 20 },
});
const chatAnswer = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
  usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
});

const sse = (type: string, body: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...body })}\n\n`;
const anthropic = {
  head:
    sse("message_start", {
      message: {
        id: "msg_1",
        type: "message",
        role: "assistant",
        model: "m",
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { input_tokens: 100, output_tokens: 1 },
      },
    }) + sse("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
  event: (words: string) => sse("content_block_delta", { index: 0, delta: { type: "text_delta", text: words } }),
  tail:
    sse("content_block_stop", { index: 0 }) +
    sse("message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 200 } }) +
    sse("message_stop", {}),
};
const chunk = (choices: object[], more: object = {}) =>
  `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m", choices, ...more })}\n\n`;
const chat = {
  head: chunk([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]),
  event: (words: string) => chunk([{ index: 0, delta: { content: words }, finish_reason: null }]),
  tail:
    chunk([{ index: 0, delta: {}, finish_reason: "stop" }]) +
    chunk([], { usage: { prompt_tokens: 100, completion_tokens: 200, total_tokens: 300 } }) +
    "data: [DONE]\n\n",
};
const burstOf = ({ head, event, tail }: typeof chat) =>
  head + Array.from({ length: EVENTS }, (_, index) => event(`word ${index} `)).join("") + tail;
const bursts = { anthropic: burstOf(anthropic), chat: burstOf(chat) };

function paced({ head, event, tail }: typeof chat): ReadableStream<string> {
  return new ReadableStream({
    async start(sink) {
      sink.enqueue(head);
      const started = performance.now();
      for (let index = 0; index < EVENTS; index++) {
        await Bun.sleep(Math.max(0, started + index * PACE_MS - performance.now()));
        sink.enqueue(event(`@${performance.timeOrigin + performance.now()}@ `));
      }
      sink.enqueue(tail);
      sink.close();
    },
  });
}

const json = { headers: { "content-type": "application/json" } };
const stream = { headers: { "content-type": "text/event-stream" } };

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  async fetch(request) {
    const isChat = request.url.endsWith("/chat/completions");
    const body = Buffer.from(await request.arrayBuffer());
    if (body.includes('"paced"')) return new Response(paced(isChat ? chat : anthropic), stream);
    if (body.includes('"burst"')) return new Response(isChat ? bursts.chat : bursts.anthropic, stream);
    return new Response(isChat ? chatAnswer : anthropicAnswer, json);
  },
});
process.stdout.write(`${server.port}\n`);
export {};
