// Events that the server sends, shared by all pages of this browser.

// A stream holds one of the six connections that a browser makes to a server: six pages with a stream
// each could send no requests. So one page opens the stream and tells the others, until it is closed.
let events = null; // the stream, if this page has it
let others = null;
let leave = () => {};
let lost = false; // whether the server does not answer
const SILENCE = 15000; // milliseconds; the server sends something every few seconds

function startEvents() {
  others = new BroadcastChannel("fsm");
  others.addEventListener("message", ({ data }) => document.hidden || receive(data));
  document.addEventListener("visibilitychange", restartEvents);
  restartEvents();
}

function restartEvents() {
  leave();
  if (document.hidden) return; // a hidden page needs no events
  const stay = new AbortController();
  leave = () => stay.abort();
  catchUp(stay.signal);
  if (navigator.locks) navigator.locks.request("fsm", { signal: stay.signal }, () => openStream(stay.signal)).catch(() => {});
  else openStream(stay.signal);
}

// Resolves when this page stops, so that another page may open the stream.
function openStream(signal) {
  return new Promise((resolve) => {
    const stream = new EventSource("/api/events");
    events = stream;
    let silence = 0;
    const wait = () => { clearTimeout(silence); silence = setTimeout(() => tell(null), SILENCE); };
    const tell = (news) => { others.postMessage(news); receive(news); };
    stream.addEventListener("message", ({ data }) => { wait(); tell(JSON.parse(data)); });
    stream.addEventListener("beat", () => { wait(); if (lost) tell(overview); });
    stream.addEventListener("error", () => {
      tell(null);
      if (stream.readyState === EventSource.CLOSED) setTimeout(() => signal.aborted || restartEvents(), 1000);
    });
    signal.addEventListener("abort", () => { clearTimeout(silence); stream.close(); events = null; resolve(); });
  });
}

// Gets the overview when another page has the stream: it sends only changes.
async function catchUp(signal) {
  const before = overview;
  const found = await source.overview().catch(() => null);
  if (signal.aborted || events || overview !== before || found?.version === 0) return; // 0: the server has not read the journal yet
  receive(found);
  if (found === null) setTimeout(() => signal.aborted || catchUp(signal), 1000);
}

function receive(news) {
  lost = news === null;
  overview = news ?? overview;
  if (lost) showTrouble();
  else refresh();
}
