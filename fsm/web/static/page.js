// Page: the beginning, and what goes on.

// Between two visits of this tab; where the browser keeps nothing, neither do we.
function keep(name, value) {
  try {
    sessionStorage.setItem(name, value);
  } catch { /* it is typed again */ }
}

function kept(name) {
  try {
    return sessionStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
}

const missed = new Map(); // what could not be brought up to date, and why

function miss(what, why) {
  if (why === (missed.get(what) ?? "")) return;
  missed.set(what, why);
  showTrouble();
}

function showTrouble() {
  const { trouble } = overview ?? {};
  const said = lost ? "The server does not answer; the page goes on when it does."
    : trouble ? `The journal cannot be read now: ${trouble}. Below is how it last stood.`
    : [...missed.values()].filter(Boolean).map((why) => `Some of what is below is how it last stood: ${why}.`).join(" ");
  say(at("trouble"), said);
  at("trouble").hidden = !said;
  say(at("pulse"), embedded ? "a report" : said ? "waiting" : "live");
}

function refresh() {
  showTrouble();
  showOverview();
  showRuns();
  showRun();
}

// What follows the # is the token: it is not for who looks on.
function takeToken() {
  const given = location.hash.slice(1);
  if (given) {
    keep("token", decoded(given));
    history.replaceState(null, "", location.pathname + location.search);
  }
  at("token").value = kept("token");
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // somebody typed it
  }
}

function listen() {
  const on = (id, event, then) => at(id).addEventListener(event, then);
  on("filters", "submit", (event) => event.preventDefault());
  on("search", "input", () => ask({ search: at("search").value }, { anew: false }));
  on("kind", "change", () => ask({ kind: at("kind").value }));
  on("newer", "click", () => turn(-LIMIT));
  on("older", "click", () => turn(LIMIT));
  on("all", "change", () => showView(view));
  on("whole", "change", showRun);
  on("told", "change", showStory);
  on("traffic", "change", showRuns);
  on("close", "click", closeRun);
  on("actions", "submit", (event) => event.preventDefault());
  on("diagram", "click", (event) => {
    const state = event.composedPath()[0].closest?.("[data-state]")?.dataset.state;
    if (state) choose(state);
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
  listen();
  addEventListener("popstate", go);
  if (embedded) {
    for (const part of ["actions", "whether", "rest", "either"]) at(part).hidden = true;
    at("unasked").hidden = false;
    overview = await source.overview();
    go();
    refresh();
    return;
  }
  takeToken();
  at("by").value = kept("by");
  go();
  addEventListener("hashchange", takeToken);
  showTrouble();
  attend(); // the first thing that is told is how it stands
}

begin();
