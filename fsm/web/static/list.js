// List: the runs that are asked for, as a table, over time, or by where they are.

const asked = { state: "", kind: "", search: "", offset: 0 };
let overview = null;
let view = "list";
const VIEWS = ["list", "timeline", "lifecycle"];
const REST = 4000; // milliseconds that a picture of traffic stays
let page = { matching: 0, offset: 0, runs: [] };

const number = (count) => count.toLocaleString("en");

// By the name of a state, how many runs are there: of the kind that is asked for, or of all.
function counts() {
  const { counts: found } = asked.kind ? overview.kinds.find(({ name }) => name === asked.kind) ?? { counts: {} } : overview;
  return new Map(overview.states.map(({ name }) => [name, own(found, name) ?? 0]));
}

function showOverview() {
  const found = counts();
  const there = overview.states.filter(({ name }) => found.get(name) || name === asked.state);
  if (asked.state && !found.has(asked.state)) there.push({ name: asked.state }); // to be let go of
  say(at("title"), overview.lifecycle);
  say(at("total"), overview.total === 1 ? "1 run" : `${number(overview.total)} runs`);
  const name = (state) => state.name;
  arrange(at("shares"), there, name, () => make("div"), (share, state) => {
    colored(share, state.name).style.flexGrow = found.get(state.name) ?? 0;
    share.title = `${state.name}: ${number(found.get(state.name) ?? 0)}`;
  });
  arrange(at("states"), there, name, chip, (button, state) => {
    colored(button, state.name).setAttribute("aria-pressed", asked.state === state.name);
    say(button.firstChild, state.name);
    say(button.lastChild, number(found.get(state.name) ?? 0));
  });
  const kinds = [...new Set(["", ...overview.kinds.map((kind) => kind.name), asked.kind])];
  arrange(at("kind"), kinds, (kind) => kind, (value) => make("option", value || "Any kind", { value }), () => {});
  at("kind").value = asked.kind;
  const left = [["state", overview.left_out.states], ["kind", overview.left_out.kinds]].filter(([, count]) => count);
  say(at("unnamed"), left.map(([what, count]) => `and ${number(count)} other ${what}${count === 1 ? "" : "s"}`).join(", "));
  at("unnamed").hidden = !left.length;
  shine();
}

function chip(state) {
  const button = make("button", undefined, { type: "button" });
  button.append(make("span"), " ", make("b"));
  button.addEventListener("click", () => choose(state.name));
  return button;
}

function choose(state) {
  ask({ state: asked.state === state ? "" : state });
}

// The first page of other runs.
function ask(query, how) {
  Object.assign(asked, { offset: 0 }, query);
  mark(how);
  if (overview) showOverview();
  return showRuns();
}

function turn(by) {
  Object.assign(asked, { offset: Math.max(0, asked.offset + by) });
  mark();
  return showRuns();
}

function showView(name) {
  view = name;
  mark();
  for (const button of at("views").children) button.setAttribute("aria-pressed", button.value === view);
  for (const each of VIEWS) at(each).hidden = each !== view;
  for (const part of ["search", "kind"]) at(part).disabled = embedded && view === "timeline";
  at("pager").hidden = view === "lifecycle" || (view === "timeline" && (embedded || at("all").checked));
  return showRuns();
}

const showRuns = coalesced(async () => {
  const query = { ...asked };
  if (overview === null) return; // what is told first shows it
  try {
    if (view === "lifecycle") await showTable(query.kind);
    else if (view === "timeline") await showChart(query);
    if (view === "lifecycle") return miss("runs", "");
    const found = await source.runs(query);
    if (JSON.stringify(query) !== JSON.stringify(asked)) return; // asked anew meanwhile
    page = found;
    miss("runs", "");
  } catch (error) {
    miss("runs", error.message);
    return; // what stands below is how it last was
  }
  showPage();
});

function showPage() {
  if (view === "list") arrange(at("rows"), page.runs, (run) => run.run, row, fillRow);
  if (view === "timeline") tag(at("chart"), embedded ? embedded.runs : page.runs);
  const last = page.offset + page.runs.length;
  const place = `${number(page.offset + 1)} to ${number(last)} of ${number(page.matching)}`;
  const none = overview.total ? "no run matches" : "no runs yet";
  say(at("place"), page.runs.length ? place : page.matching ? `none of ${number(page.matching)} are here` : none);
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

// A chart is drawn anew only if its runs have moved.
let charted = "";

async function showChart(query) {
  const width = Math.max(900, at("chart").clientWidth);
  const wanted = JSON.stringify([query, width, at("all").checked, overview.version]);
  if (wanted === charted) return;
  const drawn = await source.timeline({ ...query, width, ...(at("all").checked ? { all: 1 } : {}) });
  draw(at("chart"), drawn);
  charted = wanted;
}

// Says of each bar of a chart whose it is, where its title begins with that: of two, the longer id.
function tag(chart, runs) {
  for (const bar of chart.shadowRoot?.querySelectorAll("svg > g") ?? []) {
    const title = bar.querySelector(":scope > title")?.textContent ?? "";
    const found = runs.map((run) => run.run).filter((id) => title.startsWith(`${id}: `));
    if (found.length) bar.setAttribute("data-run", found.reduce((one, other) => (other.length > one.length ? other : one)));
  }
}

const shine = () => light(at("diagram"), counts(), tabled?.traffic ? 1 : 0.7);

let tabled = null; // what is drawn there
let later = null; // a timer

// The table of a kind, with its traffic if that is wanted: then anew as runs move, but at most every
// few seconds, for somebody is looking at it.
async function showTable(kind) {
  const traffic = at("traffic").checked;
  const same = tabled !== null && tabled.kind === kind && tabled.traffic === traffic;
  const rested = same && Date.now() - tabled.drawn >= REST;
  const isNews = () => traffic && !embedded && tabled.version !== overview.version;
  if (!same || (rested && isNews())) {
    const found = await (traffic ? source.heat(kind) : source.lifecycle(kind));
    const diagram = found?.diagram;
    if (!same || diagram !== tabled.diagram) draw(at("diagram"), diagram);
    tabled = { kind, traffic, diagram, version: found?.version, drawn: Date.now() };
    say(at("table"), diagram ? (found.name ?? `As recorded of ${kind}; its class, named by --as, says more.`)
      : "No picture: nothing is recorded of its table, or the extra `diagrams` is not installed.");
  }
  shine();
  if (isNews()) later ??= setTimeout(() => { later = null; if (view === "lifecycle") showRuns(); }, REST);
}
