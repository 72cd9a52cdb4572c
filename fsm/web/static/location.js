// Place: what the reader looks at, in the address: to go back to, to reload, and to send.

// Of a report it is behind the #, for its address is a file; of the page, that is the token's place.
let going = false;

const spot = () => new URLSearchParams(embedded ? location.hash.slice(1) : location.search);

// Notes where the reader is now; anew, to be gone back from.
function mark({ anew = true } = {}) {
  if (going) return;
  const given = { run: selected?.id, view: view === "list" ? "" : view, ...asked };
  const query = new URLSearchParams(Object.entries(given).filter(([, value]) => value));
  if (String(query) === String(spot())) return;
  const address = query.size ? `${embedded ? "#" : "?"}${query}` : location.pathname;
  history[anew ? "pushState" : "replaceState"](null, "", address);
}

// Shows what the address says.
function go() {
  const query = spot();
  const said = (name) => query.get(name) ?? "";
  const offset = Number(said("offset"));
  going = true; // what is shown now is no news
  Object.assign(asked, { state: said("state"), kind: said("kind"), search: said("search") });
  asked.offset = Number.isSafeInteger(offset) && offset > 0 ? offset : 0;
  at("search").value = asked.search;
  if (said("run") !== (selected?.id ?? "")) said("run") ? openRun(said("run")) : closeRun();
  showView(VIEWS.includes(said("view")) ? said("view") : "list");
  if (overview) showOverview();
  going = false;
}
