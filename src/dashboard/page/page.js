// The page: shows each snapshot as it comes and tells a run what its buttons say. Whatever a run wrote is text here, never markup.
"use strict";

const byId = (id) => document.getElementById(id);
const make = (tag, text, props = {}) => Object.assign(document.createElement(tag), { textContent: text ?? "" }, props);

const filters = {
  all: () => true,
  active: (run) => run.live,
  blocked: (run) => run.blocked,
  attention: (run) => run.attention,
  claude: (run) => run.client === "claude",
  codex: (run) => run.client === "codex",
  gemini: (run) => run.client === "gemini",
};
let chosen = "all";
let last;
let seen = "";

async function tell(run, act) {
  const grave = act === "kill" || act === "clear";
  if (grave && !window.confirm(`${act} ${run.id}?`)) return;
  const answer = await fetch(`/api/runs/${run.id}/act`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(grave ? { act, confirm: run.id } : { act }),
  });
  if (!answer.ok) window.alert((await answer.json()).error.message);
}

function cardOf(run) {
  const card = make("article", "", { className: run.attention ? "attention" : "" });
  card.dataset.run = run.id;
  card.append(make("h3", `${run.state} · ${run.client} in ${run.profile}`));
  card.append(make("p", `${run.id} · ${run.workspace}`));
  if (run.advice !== null) card.append(make("p", `Next: ${run.advice}`));
  for (const act of run.acts) card.append(make("button", act, { onclick: () => void tell(run, act) }));
  card.append(make("pre", run.lines.join("\n")));
  return card;
}

function show(snapshot) {
  last = snapshot;
  const { summary, gateway, generation, frozen } = snapshot;
  byId("banner").textContent = [
    `${summary.active} active, ${summary.blocked} blocked, ${summary.attention} want attention`,
    gateway.running ? `gateway at ${gateway.url}` : "no gateway runs",
    `generation ${generation}${frozen ? ", frozen" : ""}`,
  ].join(" · ");
  byId("filters").replaceChildren(
    ...Object.keys(filters).map((name) => {
      const button = make("button", name, { onclick: () => ((chosen = name), show(last)) });
      button.setAttribute("aria-pressed", String(name === chosen));
      return button;
    }),
  );
  const runs = snapshot.runs.filter(filters[chosen]).map(cardOf);
  byId("runs").replaceChildren(...(runs.length > 0 ? runs : [make("p", "no runs")]));
  byId("slots").replaceChildren(
    ...snapshot.slots.map((slot) => {
      const row = make("tr", "", { className: slot.kind });
      row.append(make("td", slot.slot), make("td", slot.backend ?? "—"), make("td", slot.why));
      return row;
    }),
  );
}

const PERIOD_MS = 1000;

async function look() {
  try {
    const answer = await fetch("/api/snapshot");
    if (!answer.ok) throw new Error((await answer.json()).error.message);
    const text = await answer.text();
    if (text !== seen) show(JSON.parse(text));
    seen = text;
  } catch (error) {
    seen = "";
    byId("banner").textContent = `nothing new: ${error.message}`;
  }
  setTimeout(look, PERIOD_MS);
}
void look();
