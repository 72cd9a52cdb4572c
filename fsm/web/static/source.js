// The page shows what the server, or the data in a report, contains. All of it is text of others: it
// is only ever assigned to textContent, never parsed as markup.
"use strict";

// Where the data comes from: the live page asks the server, a report contains it.

const LIMIT = 50; // runs on one page of the list
const STEPS = 500; // steps of a run that are shown

const at = (id) => document.getElementById(id);
const embedded = at("data") && JSON.parse(at("data").textContent);

const own = (data, key) => (Object.hasOwn(data, key) ? data[key] : null);

const report = {
  overview: async () => embedded.overview,
  runs: async ({ state, kind, search, offset }) => {
    const part = search.toLowerCase();
    const found = embedded.runs.filter((run) =>
      (!state || run.state === state) && (!kind || run.kind === kind) && run.run.toLowerCase().includes(part));
    return { matching: found.length, offset, runs: found.slice(offset, offset + LIMIT) };
  },
  run: async (id, after) => {
    const found = own(embedded.histories, id);
    if (found === null) throw new Error("this report does not contain the history of that run");
    if (found.error) throw new Error(found.error);
    return { ...found, steps: found.steps.filter((step) => step.seq > after) };
  },
  path: async (id) => embedded.paths.pictures[own(embedded.paths.of_run, id)] ?? null,
  story: async (id) => own(embedded.histories, id)?.story ?? null,
  why: async () => null,
  lifecycle: async (kind) => own(embedded.lifecycles, kind),
  heat: async (kind) => own(embedded.lifecycles, kind),
  timeline: async () => embedded.timeline,
};

async function fetchJson(path, query, options) {
  let answer;
  try {
    answer = await fetch(`${path}?${new URLSearchParams(query)}`, options);
  } catch {
    throw new Error("the server does not answer");
  }
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.error);
  return data;
}

const live = {
  overview: () => fetchJson("/api/overview", {}),
  runs: (query) => fetchJson("/api/runs", { ...query, limit: LIMIT }),
  run: (run, after) => fetchJson("/api/run", { run, after }),
  path: async (run, whole) => (await fetchJson("/api/picture", whole ? { run, whole } : { run })).diagram,
  story: (run) => fetchJson("/api/story", { run }),
  why: (run) => fetchJson("/api/why", { run }),
  lifecycle: (kind) => fetchJson("/api/lifecycle", { kind }),
  heat: (kind) => fetchJson("/api/heat", { kind }),
  timeline: async (query) => (await fetchJson("/api/timeline", { ...query, limit: LIMIT })).diagram,
};

const source = embedded ? report : live;

// Returns a function that does the work; calls during the work make it run once more afterwards.
function coalesce(work) {
  let running = null;
  let again = false;
  const repeat = async () => {
    do {
      again = false;
      await work();
    } while (again);
  };
  return () => {
    again = true;
    running ??= repeat().finally(() => { running = null; });
    return running;
  };
}
