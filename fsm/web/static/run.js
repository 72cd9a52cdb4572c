// One run: its history, and the actions on it.

let selected = null; // its id, and its known steps
let opener = null; // the element that had the focus before

function openRun(id) {
  if (selected === null) opener = document.activeElement;
  selected = { id, steps: [], drawn: "", storyKey: "" };
  at("run").hidden = false;
  say(at("id"), id);
  for (const part of ["about", "state", "policy", "outcome", "pointed"]) say(at(part), "");
  at("status").replaceChildren(make("b"), " ", make("span"));
  for (const part of ["track", "scale", "steps", "story"]) at(part).replaceChildren();
  at("why").value = "";
  showRefusals(null);
  draw(at("path"), null);
  document.body.classList.add("opened");
  at("id").focus({ preventScroll: true });
  at("run").scrollTop = 0;
  at("run").scrollIntoView({ block: "nearest" });
  saveLocation();
  setProblem("run", "");
  if (overview) showPage();
  return showRun();
}

function closeRun() {
  if (selected === null) return;
  const line = [...at("rows").children].find((each) => each.key === selected.id);
  selected = null;
  at("run").hidden = true;
  document.body.classList.remove("opened");
  saveLocation();
  setProblem("run", "");
  if (overview) showPage();
  (line?.querySelector("button") ?? opener)?.focus();
}

const showRun = coalesce(async () => {
  const shown = selected;
  if (shown === null || overview === null) return;
  try {
    const known = shown.steps.at(-1)?.seq ?? 0;
    let found = await source.run(shown.id, known);
    if (known && (found.run.began !== shown.began || found.run.steps < known)) { // another journal has replaced the first
      shown.steps = [];
      say(at("outcome"), "");
      found = await source.run(shown.id, 0);
    }
    if (selected !== shown) return; // another one was opened meanwhile
    if (!known) say(at("outcome"), "");
    shown.began = found.run.began;
    shown.steps = [...shown.steps, ...found.steps].slice(-STEPS);
    showHistory(found, shown.steps);
    await showStory(shown, found);
    await showPath(shown, found.notes);
    if (selected === shown) setProblem("run", "");
  } catch (error) {
    if (selected !== shown) return;
    if (shown.steps.length) setProblem("run", error.message); // the last known steps stay on the page
    else say(at("outcome"), error.message);
  }
});

function showHistory({ run, now, left_out, notes }, steps) {
  pill(at("state"), run.state);
  const about = [run.kind, `began ${run.began}`];
  say(at("about"), about.filter(Boolean).join(" · "));
  at("left-out").hidden = !left_out;
  say(at("left-out"), `the first ${formatNumber(left_out)} steps are left out`);
  const spans = computeSpans(steps, now, ["finished", "failed"].includes(run.phase));
  showTrack(spans);
  showLines(spans, notes);
}

// The time in each state: until the next step, the end, or now; zero if the clock was set back.
function computeSpans(steps, now, over) {
  return steps.map((each, place) => {
    const last = place + 1 === steps.length;
    const until = last ? (over ? each.ms : now) : steps[place + 1].ms;
    return { ...each, ends: last && over, until: Math.max(until, each.ms) };
  });
}

function showTrack(spans) {
  const began = Math.min(...spans.map((span) => span.ms));
  const whole = Math.max(...spans.map((span) => span.until - began), 1);
  arrange(at("track"), spans, (span) => span.seq, () => make("div"), (bar, span) => {
    colorize(bar, span.dest).style.left = `${(100 * (span.ms - began)) / whole}%`;
    bar.style.width = `${(100 * (span.until - span.ms)) / whole}%`;
    bar.className = span.ends ? "end" : "";
    bar.title = describe(span);
    bar.onmouseenter = () => say(at("pointed"), describe(span));
    bar.onmouseleave = () => say(at("pointed"), "");
  });
  const marks = [0, 0.25, 0.5, 0.75, 1];
  arrange(at("scale"), marks, (mark) => mark, () => make("span"), (label, mark) => say(label, mark ? formatDuration(mark * whole) : "0"));
}

const describe = (span) => `${span.dest} from ${span.at}` + (span.ends ? "" : `, ${formatDuration(span.until - span.ms)}`);

// As `fsm.durations.format_duration` writes it: `240 ms`, `3.2 s`, `4 min 5 s`, `3 h 7 min`, `2 d 4 h`.
function formatDuration(ms) {
  const micros = Math.round(ms * 1000); // the difference of two times is inexact
  const whole = (unit) => Math.floor(micros / unit);
  const [seconds, minutes, hours, days] = [1e6, 6e7, 3.6e9, 8.64e10].map(whole);
  if (seconds < 1) return `${whole(1000)} ms`;
  if (minutes < 1) return `${whole(1e5) / 10} s`;
  if (hours < 1) return twoUnits(minutes, "min", seconds % 60, "s");
  if (days < 2) return twoUnits(hours, "h", minutes % 60, "min");
  return twoUnits(days, "d", hours % 24, "h");
}

const twoUnits = (large, unit, small, fine) => `${large} ${unit}` + (small ? ` ${small} ${fine}` : "");

async function showPath(shown, notes) {
  const whole = at("whole").checked;
  const wanted = JSON.stringify([whole, shown.steps.at(-1)?.seq, notes.length, notes.at(-1)]);
  if (shown.drawn === wanted) return;
  const drawn = await source.path(shown.id, whole);
  if (selected !== shown) return;
  shown.drawn = wanted;
  at("picture").hidden = !draw(at("path"), drawn);
}

let acting = false;

async function act(action) {
  if (acting) return; // a double click acts once
  acting = true;
  const { id } = selected;
  const [by, token] = [at("by").value, at("token").value];
  remember("by", by);
  remember("token", token);
  const headers = { "Content-Type": "application/json", "X-FSM-Token": encodeURIComponent(token) };
  const message = at("why").value.trim();
  const options = { method: "POST", headers, body: JSON.stringify({ action, run: id, by, message }) };
  const waiting = setTimeout(() => selected?.id === id && say(at("outcome"), `${action}: waiting for the journal …`), 500);
  let outcome;
  try {
    const results = await fetchJson("/api/act", {}, options);
    if (selected?.id === id) at("why").value = "";
    outcome = results.map((each) => `${each.run}: ${each.refused ?? `now ${each.state}`}`).join("; ");
  } catch (error) {
    outcome = error.message;
  } finally {
    acting = false;
    clearTimeout(waiting);
  }
  if (selected?.id === id) say(at("outcome"), outcome);
  return showRun();
}
