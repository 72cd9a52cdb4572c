// Starts the page, and handles its controls.

// Values kept while the tab is open, if the browser allows it.
function remember(name, value) {
  try {
    sessionStorage.setItem(name, value);
  } catch { /* the user types it again */ }
}

function recall(name) {
  try {
    return sessionStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
}

const problems = new Map(); // what could not be updated, and why

function setProblem(what, why) {
  if (why === (problems.get(what) ?? "")) return;
  problems.set(what, why);
  showTrouble();
}

function showTrouble() {
  const { trouble } = overview ?? {};
  const text = lost ? "The server does not answer; the page continues when it does."
    : trouble ? `The journal cannot be read now: ${trouble}. The page shows its last known state.`
    : [...problems.values()].filter(Boolean).map((why) => `Parts of the page are out of date: ${why}.`).join(" ");
  say(at("trouble"), text);
  at("trouble").hidden = !text;
  say(at("pulse"), embedded ? "report" : text ? "waiting" : "live");
}

function refresh() {
  showTrouble();
  showOverview();
  showRuns();
  showRun();
}

// The token follows the #. It is removed from the address, where others could read it.
function takeToken() {
  const given = location.hash.slice(1);
  if (given) {
    remember("token", decode(given));
    history.replaceState(null, "", location.pathname + location.search);
  }
  at("token").value = recall("token");
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not encoded: it was typed
  }
}

function addHandlers() {
  const on = (id, event, then) => at(id).addEventListener(event, then);
  on("filters", "submit", (event) => event.preventDefault());
  on("search", "input", () => setFilters({ search: at("search").value }, { anew: false }));
  on("kind", "change", () => setFilters({ kind: at("kind").value }));
  on("newer", "click", () => turnPage(-LIMIT));
  on("older", "click", () => turnPage(LIMIT));
  on("all", "change", () => showView(view));
  on("whole", "change", showRun);
  on("as-story", "change", toggleStory);
  on("traffic", "change", showRuns);
  on("close", "click", closeRun);
  on("actions", "submit", (event) => event.preventDefault());
  on("diagram", "click", (event) => {
    const state = event.composedPath()[0].closest?.("[data-state]")?.dataset.state;
    if (state) toggleState(state);
  });
  on("chart", "click", (event) => {
    const id = event.composedPath()[0].closest?.("[data-run]")?.dataset.run;
    if (id !== undefined) openRun(id);
  });
  for (const button of at("views").children) button.addEventListener("click", () => showView(button.value));
  for (const button of at("buttons").querySelectorAll("button")) {
    button.addEventListener("click", () => act(button.value));
    button.addEventListener("mouseenter", () => showRefusal(button));
    button.addEventListener("mouseleave", () => showRefusal(null));
    button.addEventListener("focus", () => { if (button.matches(":focus-visible")) showRefusal(button); });
    button.addEventListener("blur", () => showRefusal(null));
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target !== at("search")) closeRun();
  });
}

async function begin() {
  addHandlers();
  addEventListener("popstate", restoreLocation);
  if (embedded) {
    for (const part of ["actions", "whether", "rest", "either"]) at(part).hidden = true;
    at("unasked").hidden = false;
    overview = await source.overview();
    restoreLocation();
    refresh();
    return;
  }
  takeToken();
  at("by").value = recall("by");
  restoreLocation();
  addEventListener("hashchange", takeToken);
  showTrouble();
  startEvents(); // the first event is the overview
}

begin();
