// The page: shows what the server, or the data in a report, says.
// The law of this file: what comes from there is text. It becomes textContent, never markup.
"use strict";

const LIMIT = 50;
const SVG = "http://www.w3.org/2000/svg";
const at = (id) => document.getElementById(id);
const asked = { state: "", kind: "", search: "", offset: 0 };
let overview = null;
let selected = null; // the id of the run that is shown, and how many steps of it
let drawing = 0; // the last one asked for wins

function make(tag, text, marks = {}) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(marks)) element.setAttribute(name, value);
  return element;
}

// Where it comes from: two sources of the same four answers.

const embedded = at("data") && JSON.parse(at("data").textContent);

const report = {
  overview: async () => embedded.overview,
  runs: async ({ state, kind, search, offset }) => {
    const part = search.toLowerCase();
    const found = embedded.runs.filter((run) =>
      (!state || run.state === state) && (!kind || run.kind === kind) && run.run.toLowerCase().includes(part));
    return { matching: found.length, offset, runs: found.slice(offset, offset + LIMIT) };
  },
  run: async (id) => {
    if (!Object.hasOwn(embedded.histories, id)) throw new Error("this report holds no history of that run");
    return embedded.histories[id];
  },
  picture: async () => ({ diagram: null }),
};

async function fetched(path, query, options) {
  const answer = await fetch(`${path}?${new URLSearchParams(query)}`, options);
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said;
}

const live = {
  overview: () => fetched("/api/overview", {}),
  runs: (query) => fetched("/api/runs", { ...query, limit: LIMIT }),
  run: (run) => fetched("/api/run", { run }),
  picture: (run) => fetched("/api/picture", { run }),
};

const source = embedded ? report : live;

// Pictures. A shadow keeps the drawing's own style to the drawing.

function draw(host, text) {
  const drawn = text && new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  const shadow = host.shadowRoot || host.attachShadow({ mode: "open" });
  shadow.replaceChildren();
  if (!drawn || drawn.namespaceURI !== SVG) return null;
  const styles = [...drawn.querySelectorAll("style")].map((style) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style.textContent);
    style.remove();
    return sheet;
  });
  shadow.adoptedStyleSheets = styles;
  shadow.append(document.importNode(drawn, true));
  return shadow;
}

function light() {
  const shadow = at("diagram").shadowRoot;
  if (!shadow) return;
  for (const old of shadow.querySelectorAll("[data-count]")) old.remove();
  const counts = new Map(overview.states.map((state) => [state.name, state.count]));
  for (const node of shadow.querySelectorAll("g.node")) {
    const count = counts.get([...node.querySelectorAll("text")].map((text) => text.textContent.trim()).join(" "));
    node.setAttribute("opacity", count === 0 ? 0.6 : 1);
    if (count) badge(node, count);
  }
}

function badge(node, count) {
  const box = node.getBBox();
  const text = document.createElementNS(SVG, "text");
  text.textContent = count.toLocaleString("en");
  const width = 9 + 6.5 * text.textContent.length;
  const plate = document.createElementNS(SVG, "rect");
  const places = { x: box.x + box.width - width / 2 - 4, y: box.y - 7, width, height: 15, rx: 7.5, fill: "#a3256e" };
  for (const [name, value] of Object.entries(places)) plate.setAttribute(name, value);
  const marks = { x: places.x + width / 2, y: box.y + 4, "text-anchor": "middle", "font-size": 11, fill: "#ffffff",
    "font-family": "Helvetica, Arial, sans-serif" };
  for (const [name, value] of Object.entries(marks)) text.setAttribute(name, value);
  for (const part of [plate, text]) {
    part.setAttribute("data-count", "");
    node.append(part);
  }
}

function colored(element, name) {
  const state = overview.states.find((each) => each.name === name);
  element.style.background = state ? state.color : "#696969";
  element.style.color = state ? state.ink : "#ffffff";
  return element;
}

const pill = (name) => colored(make("span", name, { class: "pill" }), name);

// The whole.

function showOverview() {
  at("title").textContent = `${overview.lifecycle} runs`;
  at("total").textContent = `${overview.total.toLocaleString("en")} in all`;
  at("trouble").hidden = !overview.trouble;
  at("trouble").textContent = overview.trouble ? `The journal cannot be read now: ${overview.trouble}. Below is how it last stood.` : "";
  at("states").replaceChildren(...overview.states.map((state) => {
    const chosen = asked.state === state.name;
    const chip = make("button", `${state.name} ${state.count.toLocaleString("en")}`,
      { type: "button", class: state.count ? "state" : "state none", "aria-pressed": chosen });
    chip.addEventListener("click", () => {
      Object.assign(asked, { state: chosen ? "" : state.name, offset: 0 });
      showOverview();
      showRuns();
    });
    return state.count ? colored(chip, state.name) : chip;
  }));
  const any = make("option", "Any kind", { value: "" });
  at("kind").replaceChildren(any, ...overview.kinds.map((kind) => make("option", kind, { value: kind })));
  at("kind").value = asked.kind;
  light();
}

async function showRuns() {
  const query = { ...asked };
  const page = await source.runs(query);
  if (JSON.stringify(query) !== JSON.stringify(asked)) return; // asked anew meanwhile
  at("runs").replaceChildren(...page.runs.map(row));
  const last = page.offset + page.runs.length;
  at("place").textContent = page.matching ? `${page.offset + 1} to ${last} of ${page.matching.toLocaleString("en")}` : "no such run";
  at("newer").disabled = page.offset === 0;
  at("older").disabled = last >= page.matching;
}

function row(run) {
  const line = make("tr", undefined, { "aria-selected": selected !== null && run.run === selected.id });
  const open = make("button", run.run, { type: "button" });
  const cells = [open, pill(run.state), String(run.steps), run.moved.slice(0, 19), run.message ?? ""];
  for (const content of cells) {
    const cell = make("td");
    cell.append(content);
    line.append(cell);
  }
  line.children[2].className = "right";
  line.addEventListener("click", () => showRun(run.run));
  return line;
}

// One run.

async function showRun(id) {
  const turn = ++drawing;
  const fresh = selected === null || selected.id !== id;
  if (fresh) at("outcome").textContent = "";
  try {
    const said = await source.run(id);
    if (turn !== drawing) return;
    const unchanged = !fresh && selected.steps === said.run.steps;
    selected = { id, steps: said.run.steps };
    at("run").hidden = false;
    at("id").textContent = id;
    at("about").textContent = [said.run.kind, `began ${said.run.began}`, said.run.owner && `claimed by ${said.run.owner}`]
      .filter(Boolean).join(" · ");
    if (unchanged) return;
    at("timeline").replaceChildren(timeline(said.steps));
    const steps = said.steps.map(step);
    if (said.left_out) steps.unshift(make("li", `the first ${said.left_out} steps are left out`));
    at("steps").replaceChildren(...steps);
    await showRuns();
    const { diagram } = await source.picture(id).catch(() => ({ diagram: null }));
    if (turn === drawing) draw(at("path"), diagram);
  } catch (error) {
    if (turn !== drawing) return;
    Object.assign(at("run"), { hidden: false });
    at("id").textContent = id;
    at("outcome").textContent = error.message;
  }
}

function step(each) {
  const item = make("li");
  const details = make("details");
  const summary = make("summary");
  summary.append(make("span", `${each.seq}`, { class: "dim" }), make("b", each.event), pill(each.dest),
    make("span", each.at, { class: "dim" }));
  details.append(summary, make("pre", each.payload));
  item.append(details);
  return item;
}

function timeline(steps) {
  const picture = document.createElementNS(SVG, "svg");
  const began = steps[0].ms;
  const whole = Math.max(steps[steps.length - 1].ms - began, 1) * 1.04; // room for the end
  picture.setAttribute("viewBox", "0 0 1000 20");
  picture.setAttribute("preserveAspectRatio", "none");
  steps.forEach((each, place) => {
    const next = place + 1 < steps.length ? steps[place + 1].ms : began + whole;
    const bar = document.createElementNS(SVG, "rect");
    const state = overview.states.find((known) => known.name === each.dest);
    const marks = { x: (1000 * (each.ms - began)) / whole, y: 0, height: 20, fill: state ? state.color : "#696969",
      width: Math.max((1000 * (next - each.ms)) / whole, 2) };
    for (const [name, value] of Object.entries(marks)) bar.setAttribute(name, value);
    const title = document.createElementNS(SVG, "title");
    title.textContent = `${each.dest} from ${each.at}, ${((next - each.ms) / 1000).toFixed(1)} s`;
    bar.append(title);
    picture.append(bar);
  });
  return picture;
}

async function act(event) {
  event.preventDefault();
  const action = event.submitter.value;
  const body = JSON.stringify({ action, run: selected.id, by: at("by").value });
  sessionStorage.setItem("token", at("token").value);
  const headers = { "Content-Type": "application/json", "X-FSM-Token": encodeURIComponent(at("token").value) };
  try {
    const became = await fetched("/api/act", {}, { method: "POST", headers, body });
    at("outcome").textContent = became.map((each) => `${each.run}: ${each.refused ?? `now ${each.state}`}`).join("; ");
    await showRun(selected.id);
  } catch (error) {
    at("outcome").textContent = error.message;
  }
}

// The beginning, and what goes on.

function refresh() {
  showOverview();
  showRuns().catch(() => {});
  if (selected !== null) showRun(selected.id);
}

function follow() {
  const events = new EventSource("/api/events");
  events.addEventListener("message", (event) => {
    overview = { ...overview, ...JSON.parse(event.data) };
    refresh();
  });
  events.addEventListener("error", () => {
    at("trouble").hidden = false;
    at("trouble").textContent = "The server does not answer; the page goes on when it does.";
  });
}

function turn(by) {
  asked.offset = Math.max(0, asked.offset + by);
  showRuns();
}

async function begin() {
  if (!embedded) {
    const token = decodeURIComponent(location.hash.slice(1)) || sessionStorage.getItem("token") || "";
    history.replaceState(null, "", location.pathname); // the token is not for who looks on
    at("token").value = token;
  }
  at("actions").hidden = Boolean(embedded);
  at("actions").addEventListener("submit", act);
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  at("search").addEventListener("input", () => { Object.assign(asked, { search: at("search").value, offset: 0 }); showRuns(); });
  at("kind").addEventListener("change", () => { Object.assign(asked, { kind: at("kind").value, offset: 0 }); showRuns(); });
  at("newer").addEventListener("click", () => turn(-LIMIT));
  at("older").addEventListener("click", () => turn(LIMIT));
  overview = await source.overview();
  at("lifecycle").hidden = draw(at("diagram"), overview.diagram) === null;
  refresh();
  if (!embedded) follow();
}

begin();
