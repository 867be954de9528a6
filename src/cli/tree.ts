// The one command tree: help, parsing and completion come from it. Leaves are loaded when they are called.

import type { Group, Lazy } from "./front.ts";

const lazy = (description: string, load: Lazy["load"]): Lazy => ({ description, load });
const group = (description: string, commands: Record<string, Lazy>, fallback?: Lazy): Lazy =>
  lazy(description, async () => ({ group: { description, commands, ...(fallback ? { fallback } : {}) } }));

const doctrine = group("What kinds of work are held to", {
  list: lazy("List the doctrines", () => import("./verbs/harness-doctrine-list.ts")),
  show: lazy("Show one doctrine", () => import("./verbs/harness-doctrine-show.ts")),
  resolve: lazy("Show what doctrines come to together", () => import("./verbs/harness-doctrine-resolve.ts")),
});

const harness = group(
  "Run a client in a sandbox and look at what it did",
  {
    run: lazy("Run a client in a sandbox", () => import("./verbs/harness-run.ts")),
    list: lazy("List the runs", () => import("./verbs/harness-list.ts")),
    show: lazy("Show one run", () => import("./verbs/harness-show.ts")),
    events: lazy("Print a run's ledger", () => import("./verbs/harness-events.ts")),
    report: lazy("Print a report of a run", () => import("./verbs/harness-report.ts")),
    diff: lazy("Print what a run changed in its files", () => import("./verbs/harness-diff.ts")),
    replay: lazy("Tell what happened in a run", () => import("./verbs/harness-replay.ts")),
    export: lazy("Write a run into one file", () => import("./verbs/harness-export.ts")),
    verify: lazy("Check a run's ledger, or such a file", () => import("./verbs/harness-verify.ts")),
    land: lazy("Take a run's work over", () => import("./verbs/harness-land.ts")),
    discard: lazy("Remove the tree a run worked on", () => import("./verbs/harness-discard.ts")),
    interrupt: lazy("Stop a run until it is resumed", () => import("./verbs/harness-interrupt.ts")),
    resume: lazy("Let an interrupted run go on", () => import("./verbs/harness-resume.ts")),
    kill: lazy("End a run", () => import("./verbs/harness-kill.ts")),
    "force-verify": lazy("Let a run only verify", () => import("./verbs/harness-force-verify.ts")),
    clear: lazy("Lift what its governor holds a run to", () => import("./verbs/harness-clear.ts")),
    attach: lazy("Watch a run's client", () => import("./verbs/harness-attach.ts")),
    reattach: lazy("Watch it again after you went", () => import("./verbs/harness-reattach.ts")),
    decide: lazy("Say what becomes of a run that waits for you", () => import("./verbs/harness-decide.ts")),
    retry: lazy("Send a run's worker back", () => import("./verbs/harness-retry.ts")),
    restore: lazy("Put a workspace back to before a run", () => import("./verbs/harness-restore.ts")),
    checkout: lazy("Look at the tree a run worked on", () => import("./verbs/harness-checkout.ts")),
    reconcile: lazy("Close runs that crashed", () => import("./verbs/harness-reconcile.ts")),
    doctrine,
    evaluate: lazy("Judge evidence that you type in, or a run once more", () => import("./verbs/harness-evaluate.ts")),
    "explain-verdict": lazy("Show what verdicts follow from", () => import("./verbs/harness-explain-verdict.ts")),
    set: lazy("Choose the policy that launches are held to", () => import("./verbs/harness-set.ts")),
    status: lazy("Show it, the clients and the runs", () => import("./verbs/harness-status.ts")),
    checklist: lazy("Try what the harness promises", () => import("./verbs/harness-checklist.ts")),
  },
  lazy("Show the policy, the clients and the runs", () => import("./verbs/harness-status.ts")),
);

const backend = group("The operator's own backends", {
  add: lazy("Add a backend", () => import("./verbs/backend-add.ts")),
  list: lazy("List your backends", () => import("./verbs/backend-list.ts")),
  remove: lazy("Remove a backend", () => import("./verbs/backend-remove.ts")),
});

const keyState = group(
  "What is known of keys and backends from the answers they gave",
  { set: lazy("Say how a key is, or lift what is held", () => import("./verbs/key-state-set.ts")) },
  lazy("List it", () => import("./verbs/key-state.ts")),
);

const modelState = group(
  "What is known of backends from the answers they gave",
  { set: lazy("Say how a backend is, or lift what is held", () => import("./verbs/model-state-set.ts")) },
  lazy("List it", () => import("./verbs/model-state.ts")),
);

const slot = group("The names clients ask for, and your own", {
  add: lazy("Add a slot of your own", () => import("./verbs/slot-add.ts")),
  list: lazy("List the slots", () => import("./verbs/slot-list.ts")),
  remove: lazy("Remove a slot of your own", () => import("./verbs/slot-remove.ts")),
});

const sandbox = group(
  "The sandbox that clients are launched in",
  {
    run: lazy("Run any command in it", () => import("./verbs/sandbox-run.ts")),
    explain: lazy("Say what a run could see, change and reach", () => import("./verbs/sandbox-explain.ts")),
    trust: lazy("Trust this folder's permission sets", () => import("./verbs/sandbox-trust.ts")),
    set: lazy("Choose its profile", () => import("./verbs/sandbox-set.ts")),
  },
  lazy("Show its profile and the others", () => import("./verbs/sandbox-show.ts")),
);

const team = group(
  "Saved routings",
  {
    save: lazy("Save the live routing as a team", () => import("./verbs/team-save.ts")),
    load: lazy("Make a team's routing the live one", () => import("./verbs/team-load.ts")),
    list: lazy("List the teams", () => import("./verbs/team-list.ts")),
    delete: lazy("Delete a team", () => import("./verbs/team-delete.ts")),
    rm: lazy("Delete a team", () => import("./verbs/team-delete.ts")),
    fallback: lazy("Set the fallbacks of a slot of a team", () => import("./verbs/team-fallback.ts")),
    access: lazy("Set what a team may use", () => import("./verbs/team-access.ts")),
  },
  lazy("List the teams", () => import("./verbs/team-list.ts")),
);

const profile = group(
  "Access profiles: a team, narrowed, for a token to be bound to",
  {
    new: lazy("Make a profile of a team", () => import("./verbs/profile-new.ts")),
    load: lazy("Make a profile's routing and access the live ones", () => import("./verbs/profile-load.ts")),
    list: lazy("List the profiles", () => import("./verbs/profile-list.ts")),
    delete: lazy("Delete a profile", () => import("./verbs/profile-delete.ts")),
    rm: lazy("Delete a profile", () => import("./verbs/profile-delete.ts")),
  },
  lazy("List the profiles", () => import("./verbs/profile-list.ts")),
);

const token = group(
  "The tokens that are bound to profiles",
  {
    list: lazy("List them", () => import("./verbs/token-list.ts")),
    revoke: lazy("End one", () => import("./verbs/token-revoke.ts")),
    rm: lazy("End one", () => import("./verbs/token-revoke.ts")),
  },
  lazy("List them", () => import("./verbs/token-list.ts")),
);

const snapshot = group(
  "Saved states of all of the routing",
  {
    save: lazy("Save it as it is now", () => import("./verbs/snapshot-save.ts")),
    list: lazy("List the snapshots", () => import("./verbs/snapshot-list.ts")),
    diff: lazy("Show what changed since one", () => import("./verbs/snapshot-diff.ts")),
    restore: lazy("Make one the live routing", () => import("./verbs/snapshot-restore.ts")),
  },
  lazy("List the snapshots", () => import("./verbs/snapshot-list.ts")),
);

const geminiAcp = group("Gemini CLI by single commands, in sessions that live on between them", {
  initialize: lazy("Say what the server can do", () => import("./verbs/gemini-acp-initialize.ts")),
  "new-session": lazy("Open a session and print its id", () => import("./verbs/gemini-acp-new-session.ts")),
  "load-session": lazy("Show what was said in a session", () => import("./verbs/gemini-acp-load-session.ts")),
  prompt: lazy("Ask Gemini CLI something and print its answer", () => import("./verbs/gemini-acp-prompt.ts")),
  cancel: lazy("End the prompt that is going on in a session", () => import("./verbs/gemini-acp-cancel.ts")),
  "set-mode": lazy(
    "Choose what a session may do from the next prompt on",
    () => import("./verbs/gemini-acp-set-mode.ts"),
  ),
});

const provider = group(
  "The client that `broke` alone launches",
  {
    list: lazy("List the clients", () => import("./verbs/provider-list.ts")),
    swap: lazy("Choose the client", () => import("./verbs/provider-swap.ts")),
  },
  lazy("List the clients", () => import("./verbs/provider-list.ts")),
);

const audit = group(
  "What was launched, with which permissions, and how it ended",
  {
    verify: lazy("Check that nothing of it was changed", () => import("./verbs/audit-verify.ts")),
    restart: lazy("Set a damaged one aside and go on", () => import("./verbs/audit-restart.ts")),
  },
  lazy("List it", () => import("./verbs/audit.ts")),
);

const launch = (client: string) =>
  lazy(`Run ${client} in the configured sandbox`, async () => ({
    verb: (await import("./verbs/launch.ts")).launchOf(client),
  }));

export const root: Group = {
  description: "Sandboxed runs of coding agents, and a gateway that decides which model answers them",
  commands: {
    claude: launch("claude"),
    codex: launch("codex"),
    gemini: launch("gemini"),
    c: launch("claude"),
    x: launch("codex"),
    g: launch("gemini"),
    launch: group("Run a client in the configured sandbox", {
      claude: launch("claude"),
      codex: launch("codex"),
      gemini: launch("gemini"),
    }),
    harness,
    "acp-server": lazy("Serve an editor that speaks ACP", () => import("./verbs/acp-server.ts")),
    "gemini-acp": geminiAcp,
    audit,
    doctor: lazy("Look for what would keep a run from being launched", () => import("./verbs/doctor.ts")),
    backend,
    sandbox,
    init: lazy("Make what is kept, where it is missing", () => import("./verbs/init.ts")),
    team,
    profile,
    connect: lazy("Show how a program asks the gateway, and bind a token", () => import("./verbs/connect.ts")),
    token,
    snapshot,
    freeze: lazy("Let no command change routing and settings", () => import("./verbs/freeze.ts")),
    export: lazy("Write the routing to a file, without keys", () => import("./verbs/export.ts")),
    import: lazy("Take in such a file", () => import("./verbs/import.ts")),
    provider,
    mode: lazy("Say what `broke` alone does", () => import("./verbs/mode.ts")),
    list: lazy("Show which backend answers for each slot", () => import("./verbs/list.ts")),
    models: lazy("List the backends that can be used", () => import("./verbs/models.ts")),
    swap: lazy("Point slots at backends", () => import("./verbs/swap.ts")),
    "swap-many": lazy("Point several slots at backends", () => import("./verbs/swap.ts")),
    slot,
    fallback: lazy("Show or set who follows a slot's backend", () => import("./verbs/fallback.ts")),
    "key-policy": lazy("Show or change how a provider's keys are chosen", () => import("./verbs/key-policy.ts")),
    "key-state": keyState,
    "model-policy": lazy("Show or change which of several models answers", () => import("./verbs/model-policy.ts")),
    "model-state": modelState,
    settings: lazy("Show or change settings of the gateway", () => import("./verbs/settings.ts")),
    route: lazy("Show what would be tried for a slot, in order", () => import("./verbs/route.ts")),
    explain: lazy("Say what a slot's answer follows from", () => import("./verbs/explain.ts")),
    probe: lazy("Ask a slot something small, to see that it answers", () => import("./verbs/probe.ts")),
    metrics: lazy("Show what requests came to", () => import("./verbs/metrics.ts")),
    "active-model": lazy("Show who answered last", () => import("./verbs/active-model.ts")),
    validate: lazy("Check the routing, without asking anybody", () => import("./verbs/validate.ts")),
    start: lazy("Start the gateway in the background", () => import("./verbs/start.ts")),
    stop: lazy("Stop the gateway", () => import("./verbs/stop.ts")),
    restart: lazy("Restart the gateway", () => import("./verbs/restart.ts")),
    status: lazy("Say whether the gateway runs", () => import("./verbs/status.ts")),
    dashboard: lazy("Serve a page with the runs and slots", () => import("./verbs/dashboard.ts")),
    logs: lazy("Print the background gateway's log", () => import("./verbs/logs.ts")),
    completion: lazy("Print a completion script", () => import("./verbs/completion.ts")),
    gateway: lazy("Run the gateway in the foreground", () => import("./verbs/gateway.ts")),
  },
  fallback: lazy("Launch the active client", () => import("./verbs/bare.ts")),
};
