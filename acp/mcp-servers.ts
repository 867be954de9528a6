// The MCP servers an editor hands over: which of them may live beside a client, and by what name the client knows each. Pure.
// Does not stop: what a server does within the sandbox.

import type { McpServerStdio } from "@agentclientprotocol/sdk";
import * as v from "valibot";
import { acpError } from "./errors.ts";
import { readParams, stdioServer } from "./schema.ts";

/** As long as a client's name of a server may be. */
const MOST_NAME = 64;

const isPlain = (name: string) => /^[A-Za-z0-9_-]{1,64}$/.test(name);

/** A name as every client takes one, close to what a person called it: tools are named after it. */
function plainName(name: string): string {
  const letters = name.normalize("NFKD").replaceAll(/\p{M}/gu, "");
  return (
    letters
      .replaceAll(/[^A-Za-z0-9_]+/g, "_")
      .slice(0, MOST_NAME)
      .replaceAll(/^_+|_+$/g, "") || "server"
  );
}

/** The names in their order, none twice: what is plain already stays, of the others a later one is numbered. */
function namesFor(names: readonly string[]): string[] {
  const taken = new Set(names.filter(isPlain));
  return names.map((name) => {
    if (isPlain(name)) return name;
    const plain = plainName(name);
    let free = plain;
    for (let number = 2; taken.has(free); number++) {
      const end = `_${number}`;
      free = `${plain.slice(0, MOST_NAME - end.length)}${end}`;
    }
    taken.add(free);
    return free;
  });
}

/** The servers that may live beside a client, named as clients take it. Of others nothing could be reached from there. Throws `invalidParams`. */
export function serversOf(given: readonly object[]): McpServerStdio[] {
  const distant = given.findIndex((server) => "type" in server && server.type !== "stdio");
  if (distant !== -1)
    throw acpError("invalidParams", "MCP servers over the network cannot be reached from the sandbox", {
      ...{ path: `mcpServers.${distant}.type`, hint: "name a server that is a program (stdio)" },
    });
  const { mcpServers } = readParams(v.object({ mcpServers: v.array(stdioServer) }), { mcpServers: given });
  const names = mcpServers.map(({ name }) => name);
  const twice = names.findIndex((name, index) => names.indexOf(name) < index);
  if (twice !== -1)
    throw acpError("invalidParams", "two MCP servers have one name", { path: `mcpServers.${twice}.name` });
  const plain = namesFor(names);
  return mcpServers.map((server, index) => ({ ...server, name: plain[index]! }));
}
