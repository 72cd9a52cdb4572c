// The address says what is shown, so that it can be reloaded, bookmarked and gone back to.

// In a report it follows the #, since the address is a file; on the page that is where the token is.
let restoring = false;

const currentQuery = () => new URLSearchParams(embedded ? location.hash.slice(1) : location.search);

// Writes what is shown into the address; as a new entry of the browser's history if anew.
function saveLocation({ anew = true } = {}) {
  if (restoring) return;
  const given = { run: selected?.id, view: view === "list" ? "" : view, ...filters };
  const query = new URLSearchParams(Object.entries(given).filter(([, value]) => value));
  if (String(query) === String(currentQuery())) return;
  const address = query.size ? `${embedded ? "#" : "?"}${query}` : location.pathname;
  history[anew ? "pushState" : "replaceState"](null, "", address);
}

// Shows what the address says.
function restoreLocation() {
  const query = currentQuery();
  const said = (name) => query.get(name) ?? "";
  const offset = Number(said("offset"));
  restoring = true; // no new entry for what is restored
  Object.assign(filters, { state: said("state"), kind: said("kind"), search: said("search") });
  filters.offset = Number.isSafeInteger(offset) && offset > 0 ? offset : 0;
  at("search").value = filters.search;
  if (said("run") !== (selected?.id ?? "")) said("run") ? openRun(said("run")) : closeRun();
  showView(VIEWS.includes(said("view")) ? said("view") : "list");
  if (overview) showOverview();
  restoring = false;
}
