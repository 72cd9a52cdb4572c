// The page: shows what the server, or the data in a report, says.
// The law of these files: what comes from there is text. It becomes textContent, never markup.
"use strict";

// Source: where it comes from. The live page asks the server, a report has it all inside.

const LIMIT = 50; // runs on a page
const STEPS = 500; // of a run

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
    if (found === null) throw new Error("this report holds no history of that run");
    if (found.error) throw new Error(found.error);
    return { ...found, steps: found.steps.filter((step) => step.seq > after) };
  },
  path: async (id) => embedded.paths.pictures[own(embedded.paths.went, id)] ?? null,
  story: async (id) => own(embedded.histories, id)?.story ?? null,
  why: async () => null,
  lifecycle: async (kind) => own(embedded.lifecycles, kind),
  heat: async (kind) => own(embedded.lifecycles, kind),
  timeline: async () => embedded.timeline,
};

async function fetched(path, query, options) {
  let answer;
  try {
    answer = await fetch(`${path}?${new URLSearchParams(query)}`, options);
  } catch {
    throw new Error("the server does not answer");
  }
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said;
}

const live = {
  overview: () => fetched("/api/overview", {}),
  runs: (query) => fetched("/api/runs", { ...query, limit: LIMIT }),
  run: (run, after) => fetched("/api/run", { run, after }),
  path: async (run, whole) => (await fetched("/api/picture", whole ? { run, whole } : { run })).diagram,
  story: (run) => fetched("/api/story", { run }),
  why: (run) => fetched("/api/why", { run }),
  lifecycle: (kind) => fetched("/api/lifecycle", { kind }),
  heat: (kind) => fetched("/api/heat", { kind }),
  timeline: async (query) => (await fetched("/api/timeline", { ...query, limit: LIMIT })).diagram,
};

const source = embedded ? report : live;

// Does the work when it is called; called again meanwhile, once more, and not at the same time.
function coalesced(work) {
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
