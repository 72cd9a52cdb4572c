// Events: what the server tells as it happens, to all pages of this browser.

// A stream holds one of the six connections that a browser makes to a server: six pages with one
// each would leave none to ask anything. So one page listens and tells the others, until it goes.
let events = null; // the stream, where it is this page
let others = null;
let leave = () => {};
let lost = false; // the server does not answer
const SILENCE = 15000; // milliseconds; it says every few seconds that there is no news

function attend() {
  others = new BroadcastChannel("fsm");
  others.addEventListener("message", ({ data }) => document.hidden || hear(data));
  document.addEventListener("visibilitychange", follow);
  follow();
}

function follow() {
  leave();
  if (document.hidden) return; // nobody looks at it
  const stay = new AbortController();
  leave = () => stay.abort();
  catchUp(stay.signal);
  if (navigator.locks) navigator.locks.request("fsm", { signal: stay.signal }, () => listening(stay.signal)).catch(() => {});
  else listening(stay.signal);
}

// Done when this page leaves, for another one to listen.
function listening(signal) {
  return new Promise((resolve) => {
    const stream = new EventSource("/api/events");
    events = stream;
    let silence = 0;
    const wait = () => { clearTimeout(silence); silence = setTimeout(() => tell(null), SILENCE); };
    const tell = (said) => { others.postMessage(said); hear(said); };
    stream.addEventListener("message", ({ data }) => { wait(); tell(JSON.parse(data)); });
    stream.addEventListener("beat", () => { wait(); if (lost) tell(overview); });
    stream.addEventListener("error", () => {
      tell(null);
      if (stream.readyState === EventSource.CLOSED) setTimeout(() => signal.aborted || follow(), 1000);
    });
    signal.addEventListener("abort", () => { clearTimeout(silence); stream.close(); events = null; resolve(); });
  });
}

// How things stand, where another page was told so before.
async function catchUp(signal) {
  const before = overview;
  const said = await source.overview().catch(() => null);
  if (signal.aborted || events || overview !== before || said?.version === 0) return; // 0: nobody has looked yet
  hear(said);
  if (said === null) setTimeout(() => signal.aborted || catchUp(signal), 1000);
}

function hear(said) {
  lost = said === null;
  overview = said ?? overview;
  if (lost) showTrouble();
  else refresh();
}
