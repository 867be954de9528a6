// A program that is an MCP server over its standard streams, with one tool, which tells a word that only its own environment has.

/** Its text, for node. */
export const mcpServer = `
const lines = require("node:readline").createInterface({ input: process.stdin });
const put = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\\n");
lines.on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  if (method === "initialize")
    return put({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "plum", version: "1" } } });
  if (method === "tools/list")
    return put({ id, result: { tools: [{ name: "word", description: "Tells the word", annotations: { readOnlyHint: true }, inputSchema: { type: "object", properties: {} } }] } });
  if (method === "tools/call")
    return put({ id, result: { content: [{ type: "text", text: "The word is " + process.env.PLUM_WORD + "." }] } });
  put({ id, error: { code: -32601, message: "unknown" } });
});
`;
