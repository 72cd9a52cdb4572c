// The steps of a run with refused attempts and late results between them, its story, and its refusals.

// The steps by number, even if clocks disagree, and the notes between them by time.
function sortLines(spans, notes) {
  const waiting = [...notes];
  const lines = [];
  let highest = -Infinity;
  for (const span of spans) {
    highest = Math.max(highest, span.ms);
    while (waiting.length && waiting[0].ms < highest) lines.push(waiting.shift());
    lines.push(span);
  }
  return [...lines, ...waiting].map((line, place, all) => {
    const [day, time] = line.at.split(" ");
    return { ...line, when: place > 0 && all[place - 1].at.startsWith(day) ? time : line.at };
  });
}

function showLines(spans, notes) {
  const key = (line) => [line.what, line.seq, line.at, line.event, line.state].join(" ");
  arrange(at("steps"), sortLines(spans, notes), key, (line) => (line.what ? note(line) : step(line)), fillLine);
}

function step(span) {
  const summary = make("summary");
  summary.append(make("span", String(span.seq), { class: "dim number" }), make("b", span.event), pill(make("span"), span.dest));
  return line(foldable(summary, span.payload), summary);
}

// A late result has a payload, a refusal only a reason.
function note({ what, event, state, who, reason, payload }) {
  const refused = what === "refused";
  const head = make(refused ? "div" : "summary");
  head.append(make("span", refused ? "✕" : "!", { class: "number" }), make("span", refused ? `${event} refused` : `${event} too late`));
  if (!refused) head.append(pill(make("span"), state));
  if (who) head.append(make("span", refused ? `asked by ${who}` : `by ${who}`));
  const item = line(refused ? head : foldable(head, payload), head);
  item.className = `note ${what}`;
  item.append(make("p", refused ? reason : `kept aside: ${reason}`));
  return item;
}

function line(content, head) {
  const item = make("li");
  head.append(make("span", "", { class: "dim when" }), make("span", "", { class: "dim lasted" }));
  item.append(content);
  return item;
}

function foldable(summary, payload) {
  const details = make("details");
  details.append(summary);
  details.addEventListener("toggle", () => { // payloads are added when they are opened: there may be many
    if (details.open && !details.querySelector("pre")) details.append(make("pre", payload, { tabindex: 0 }));
  });
  return details;
}

function fillLine(item, line) {
  const when = item.querySelector(".when");
  say(when, line.when);
  when.title = line.at;
  say(item.querySelector(".lasted"), line.what || line.ends ? "" : formatDuration(line.until - line.ms));
}

// What the run waits for, in sentences, and which actions it would refuse; requested after a change.
async function showStory(shown, { run, notes }) {
  const wanted = JSON.stringify([run, notes.length, notes.at(-1)]);
  if (shown.storyKey === wanted) return;
  const requests = [source.story(shown.id), source.why(shown.id)];
  const [story, refusals] = await Promise.all(requests.map((each) => each.catch(() => null)));
  if (selected !== shown || story === null) return; // the rest of the run is shown without it
  shown.storyKey = wanted;
  const [first, ...others] = story.status;
  say(at("status").firstChild, first ?? "");
  say(at("status").lastChild, others.join(" "));
  say(at("policy"), story.policy ? `Policy: ${story.policy}.` : "");
  arrange(at("story"), story.lines, ({ at: when, text }) => `${when} ${text}`, sentence, () => {});
  showRefusals(refusals);
}

function sentence({ at: when, text }) {
  const item = make("li");
  item.append(make("span", when, { class: "dim" }), make("p", text));
  return item;
}

// The buttons stay usable: the server decides when an action is sent.
function showRefusals(refusals) {
  say(at("refusal"), "");
  for (const button of at("buttons").querySelectorAll("button")) {
    const reason = refusals?.[button.value] ?? "";
    button.title = reason;
    if (reason) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
}

function showRefusal(button) {
  say(at("refusal"), button?.title ?? "");
}

function toggleStory() {
  for (const part of ["story", "policy"]) at(part).hidden = !at("as-story").checked;
  at("steps").hidden = at("as-story").checked;
}
