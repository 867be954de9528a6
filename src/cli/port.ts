// The port of the TCP gateway, as a flag.

import { BrokeError } from "#src/core/errors.ts";

export const DEFAULT_PORT = 4000;
export const portArg = {
  type: "string",
  description: `TCP port on 127.0.0.1 (default ${DEFAULT_PORT})`,
  valueHint: "port",
} as const;

/** The port asked for. Throws `usage` on anything but 0…65535. */
export function portOf(values: Record<string, string[]>): number {
  const text = values.port?.[0] ?? String(DEFAULT_PORT);
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65535) throw new BrokeError("usage", "--port takes a number from 0 to 65535");
  return port;
}
