// A proxy that the environment names is for what lies outside: models on this machine, and the gateway itself, are asked directly, by this process
// and by those it starts.
// Does not stop: a server of the local network from being asked by the proxy; NO_PROXY is for those.

const PROXIES = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const LOOPBACK = ["localhost", "127.0.0.1", "::1"];

/** Adds this machine to what goes by no proxy, where one is named. Of the two spellings the lower one counts unless it is empty, as it does for `fetch` and curl. */
export function exemptLoopback(env: Record<string, string | undefined>): void {
  if (!PROXIES.some((name) => env[name])) return;
  const named = (env.no_proxy || env.NO_PROXY || "").split(",").map((host) => host.trim());
  if (named.includes("*")) return;
  env.no_proxy = env.NO_PROXY = [...new Set([...named.filter((host) => host !== ""), ...LOOPBACK])].join(",");
}
