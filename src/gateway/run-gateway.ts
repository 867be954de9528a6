// The gateway of one run: the same app on the run's own socket, let in by the run's nonce, which dies with it. Loading the app takes as long as
// building a sandbox, so it is loaded while the client starts, or when somebody with a credential asks first.

import { admitHolder } from "./admission.ts";
import { presentedToken } from "./auth.ts";
import { liveCaller } from "./caller.ts";
import { listen } from "./listen.ts";
import type { GatewayDeps, RequestReport } from "./ports.ts";

type App = { fetch(request: Request): Response | Promise<Response> };

export type RunGateway = {
  /** Loads the app soon, unless it is stopped before: a client that lives longer than a moment may want it. */
  warm(): void;
  /** Revokes the nonce first, then cuts what is still open. */
  stop(): Promise<void>;
};

/** A command that is over sooner asks no model. */
const WARM_AFTER_MS = 50;

/** Serves a run from now on. */
export function serveRun(
  deps: Omit<GatewayDeps, "onReport">,
  options: {
    socketPath: string;
    token: string;
    run?: string;
    onBegin?(): void;
    /** As in `GatewayDeps`. */
    admit?: GatewayDeps["admit"];
    onRequest(report: RequestReport): void;
  },
): RunGateway {
  let token: string | null = options.token;
  const caller = { ...liveCaller, run: options.run ?? null };
  let app: App | undefined;
  let loading: Promise<App> | undefined;
  const load = async () => {
    const { guardedApp, makeDoorkeeper, modelApp } = await import("./app.ts");
    const { onBegin = () => {}, admit, onRequest: onReport } = options;
    const told = { onBegin, onReport, ...(admit === undefined ? {} : { admit }) };
    return (app = guardedApp().use(
      modelApp(
        { ...deps, ...told },
        makeDoorkeeper(
          deps.clock,
          admitHolder(() => token, caller),
        ),
      ),
    ));
  };
  const fetch = (request: Request) => {
    if (app !== undefined) return app.fetch(request);
    // Nobody who could be let in. Claude Code's HEAD / needs no credential.
    if (request.method !== "HEAD" && presentedToken(request) === undefined)
      return new Response(null, { status: 401, headers: { connection: "close" } });
    loading ??= load();
    return loading.then((loaded) => loaded.fetch(request));
  };
  const listening = listen({ fetch }, { kind: "unix", path: options.socketPath });
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    warm: () => void (timer ??= setTimeout(() => void (loading ??= load()).catch(() => {}), WARM_AFTER_MS)),
    async stop() {
      token = null;
      clearTimeout(timer);
      await listening.stop(false);
      await deps.limits.flush();
      deps.requests.flush();
    },
  };
}
