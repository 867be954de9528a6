// What a request can end in, as ACP numbers it (https://agentclientprotocol.com/protocol/v1/schema, error codes).

import { JSONRPCErrorException, type JSONRPCErrorResponse, type JSONRPCID } from "json-rpc-2.0";
import { BrokeError } from "#src/core/errors.ts";

export const errorCodes = {
  parse: -32700,
  invalidRequest: -32600,
  unknownMethod: -32601,
  invalidParams: -32602,
  internal: -32603,
  cancelled: -32800,
  notFound: -32002,
} as const;
export type ErrorName = keyof typeof errorCodes;

/** An error to be answered with. `data` is for programs and holds nothing of what was sent. */
export function acpError(name: ErrorName, message: string, data?: Record<string, unknown>): JSONRPCErrorException {
  return new JSONRPCErrorException(message, errorCodes[name], data);
}

/** The answer for whatever was thrown; nothing of a bug but that it was one. */
export function errorResponse(id: JSONRPCID, error: unknown): JSONRPCErrorResponse {
  if (error instanceof JSONRPCErrorException) return { jsonrpc: "2.0", id, error: error.toObject() };
  if (error instanceof BrokeError) {
    const code = error.kind === "usage" ? errorCodes.invalidParams : errorCodes.internal;
    return {
      jsonrpc: "2.0",
      id,
      error: { code, message: error.message, data: { kind: error.kind, hint: error.hint ?? null } },
    };
  }
  return { jsonrpc: "2.0", id, error: { code: errorCodes.internal, message: "internal error" } };
}
