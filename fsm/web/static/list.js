// The runs that match the filters: as a list, over time, or counted on the lifecycle.

const filters = { state: "", kind: "", search: "", offset: 0 };
let overview = null;
let view = "list";
const VIEWS = ["list", "timeline", "lifecycle"];
const REST = 4000; // milliseconds for which a picture of traffic stays
let page = { matching: 0, offset: 0, runs: [] };

const formatNumber = (count) => count.toLocaleString("en");

// Counts runs by state: those of the chosen kind, or all.
function counts() {
  const { counts: found } = filters.kind ? overview.kinds.find(({ name }) => name === filters.kind) ?? { counts: {} } : overview;
  return new Map(overview.states.map(({ name }) => [name, own(found, name) ?? 0]));
}

function showOverview() {
  const found = counts();
  const there = overview.states.filter(({ name }) => found.get(name) || name === filters.state);
  if (filters.state && !found.has(filters.state)) there.push({ name: filters.state }); // so that it can be deselected
  say(at("title"), overview.lifecycle);
  say(at("total"), overview.total === 1 ? "1 run" : `${formatNumber(overview.total)} runs`);
  const name = (state) => state.name;
  arrange(at("shares"), there, name, () => make("div"), (share, state) => {
    colorize(share, state.name).style.flexGrow = found.get(state.name) ?? 0;
    share.title = `${state.name}: ${formatNumber(found.get(state.name) ?? 0)}`;
  });
  arrange(at("states"), there, name, chip, (button, state) => {
    colorize(button, state.name).setAttribute("aria-pressed", filters.state === state.name);
    say(button.firstChild, state.name);
    say(button.lastChild, formatNumber(found.get(state.name) ?? 0));
  });
  const kinds = [...new Set(["", ...overview.kinds.map((kind) => kind.name), filters.kind])];
  arrange(at("kind"), kinds, (kind) => kind, (value) => make("option", value || "Any kind", { value }), () => {});
  at("kind").value = filters.kind;
  const left = [["state", overview.left_out.states], ["kind", overview.left_out.kinds]].filter(([, count]) => count);
  say(at("unnamed"), left.map(([what, count]) => `and ${formatNumber(count)} other ${what}${count === 1 ? "" : "s"}`).join(", "));
  at("unnamed").hidden = !left.length;
  showCounts();
}

function chip(state) {
  const button = make("button", undefined, { type: "button" });
  button.append(make("span"), " ", make("b"));
  button.addEventListener("click", () => toggleState(state.name));
  return button;
}

function toggleState(state) {
  setFilters({ state: filters.state === state ? "" : state });
}

// Changes the filters, and shows the first page of what matches.
function setFilters(query, how) {
  Object.assign(filters, { offset: 0 }, query);
  saveLocation(how);
  if (overview) showOverview();
  return showRuns();
}

function turnPage(by) {
  Object.assign(filters, { offset: Math.max(0, filters.offset + by) });
  saveLocation();
  return showRuns();
}

function showView(name) {
  view = name;
  saveLocation();
  for (const button of at("views").children) button.setAttribute("aria-pressed", button.value === view);
  for (const each of VIEWS) at(each).hidden = each !== view;
  for (const part of ["search", "kind"]) at(part).disabled = embedded && view === "timeline";
  at("pager").hidden = view === "lifecycle" || (view === "timeline" && (embedded || at("all").checked));
  return showRuns();
}

const showRuns = coalesce(async () => {
  const query = { ...filters };
  if (overview === null) return; // the first event shows it
  try {
    if (view === "lifecycle") await showLifecycle(query.kind);
    else if (view === "timeline") await showChart(query);
    if (view === "lifecycle") return setProblem("runs", "");
    const found = await source.runs(query);
    if (JSON.stringify(query) !== JSON.stringify(filters)) return; // the filters have changed meanwhile
    page = found;
    setProblem("runs", "");
  } catch (error) {
    setProblem("runs", error.message);
    return; // the last known runs stay on the page
  }
  showPage();
});

function showPage() {
  if (view === "list") arrange(at("rows"), page.runs, (run) => run.run, row, fillRow);
  if (view === "timeline") markBars(at("chart"), embedded ? embedded.runs : page.runs);
  const last = page.offset + page.runs.length;
  const range = `${formatNumber(page.offset + 1)} to ${formatNumber(last)} of ${formatNumber(page.matching)}`;
  const none = overview.total ? "no run matches" : "no runs yet";
  say(at("range"), page.runs.length ? range : page.matching ? `none of ${formatNumber(page.matching)} are here` : none);
  at("newer").disabled = page.offset === 0;
  at("older").disabled = last >= page.matching;
}

function row(run) {
  const line = make("tr");
  const open = make("button", run.run, { type: "button" });
  const cells = [open, make("span"), "", "", ""];
  for (const content of cells) {
    const cell = make("td");
    cell.append(content);
    line.append(cell);
  }
  line.children[2].className = "number";
  line.addEventListener("click", () => openRun(run.run));
  return line;
}

function fillRow(line, run) {
  const [, state, steps, moved, message] = line.children;
  pill(state.firstChild, run.state);
  say(steps, String(run.steps));
  say(moved, run.moved.slice(0, 19));
  say(message, run.message ?? "");
  if (selected !== null && selected.id === run.run) line.setAttribute("aria-current", "true");
  else line.removeAttribute("aria-current");
}

// The chart is drawn again only if its runs have moved.
let charted = "";

async function showChart(query) {
  const width = Math.max(900, at("chart").clientWidth);
  const wanted = JSON.stringify([query, width, at("all").checked, overview.version]);
  if (wanted === charted) return;
  const drawn = await source.timeline({ ...query, width, ...(at("all").checked ? { all: 1 } : {}) });
  draw(at("chart"), drawn);
  charted = wanted;
}

// Marks each bar of a chart with the id of its run, with which its title begins; the longest that fits.
function markBars(chart, runs) {
  for (const bar of chart.shadowRoot?.querySelectorAll("svg > g") ?? []) {
    const title = bar.querySelector(":scope > title")?.textContent ?? "";
    const found = runs.map((run) => run.run).filter((id) => title.startsWith(`${id}: `));
    if (found.length) bar.setAttribute("data-run", found.reduce((one, other) => (other.length > one.length ? other : one)));
  }
}

const showCounts = () => light(at("diagram"), counts(), shownLifecycle?.traffic ? 1 : 0.7);

let shownLifecycle = null; // what the lifecycle view shows
let later = null; // a timer

// The lifecycle of a kind, with its traffic if that is chosen: then drawn again as runs move, but at
// most every few seconds, so that it can be read.
async function showLifecycle(kind) {
  const traffic = at("traffic").checked;
  const same = shownLifecycle !== null && shownLifecycle.kind === kind && shownLifecycle.traffic === traffic;
  const rested = same && Date.now() - shownLifecycle.drawn >= REST;
  const isNews = () => traffic && !embedded && shownLifecycle.version !== overview.version;
  if (!same || (rested && isNews())) {
    const found = await (traffic ? source.heat(kind) : source.lifecycle(kind));
    const diagram = found?.diagram;
    if (!same || diagram !== shownLifecycle.diagram) draw(at("diagram"), diagram);
    shownLifecycle = { kind, traffic, diagram, version: found?.version, drawn: Date.now() };
    say(at("table"), diagram ? (found.name ?? `As recorded for ${kind}; pass its class with --as to see more.`)
      : "No picture: no edges are recorded, or the extra `diagrams` is not installed.");
  }
  showCounts();
  if (isNews()) later ??= setTimeout(() => { later = null; if (view === "lifecycle") showRuns(); }, REST);
}
