// The gateway of one run: the same app on the run's own socket, let in by the run's nonce, which dies with it.

import type { GatewayDeps, RequestReport } from "./ports.ts";
import { guardedApp, modelApp } from "./app.ts";
import { listen } from "./listen.ts";

/** Serves a run; `stop` revokes the nonce first, then cuts what is still open. */
export function serveRun(
  deps: Omit<GatewayDeps, "onReport">,
  options: { socketPath: string; token: string; onBegin?(): void; onRequest(report: RequestReport): void },
): { stop(): Promise<void> } {
  let token: string | null = options.token;
  const app = guardedApp().use(
    modelApp({ ...deps, onBegin: options.onBegin ?? (() => {}), onReport: options.onRequest }, () => token),
  );
  const listening = listen(app, { kind: "unix", path: options.socketPath });
  return {
    async stop() {
      token = null;
      await listening.stop(false);
    },
  };
}
