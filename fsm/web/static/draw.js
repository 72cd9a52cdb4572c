// Draw: elements, and pictures from elsewhere.

const SVG = "http://www.w3.org/2000/svg";

function make(tag, text, marks = {}) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(marks)) element.setAttribute(name, value);
  return element;
}

// Written only if it is new: whoever has marked the text, or listens to it, is left alone.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Gives host a child for each item, in their order. Those that stay keep focus and what is open.
function arrange(host, items, key, made, fill) {
  const before = new Map([...host.children].map((child) => [child.key, child]));
  const wanted = items.map((item) => {
    const child = before.get(key(item)) ?? Object.assign(made(item), { key: key(item) });
    fill(child, item);
    return child;
  });
  const staying = new Set(wanted);
  for (const child of before.values()) if (!staying.has(child)) child.remove();
  wanted.forEach((child, place) => {
    if (host.children[place] !== child) host.insertBefore(child, host.children[place] ?? null);
  });
}

function colored(element, name) {
  const state = overview.states.find((each) => each.name === name);
  element.style.background = state ? state.color : "#696969";
  element.style.color = state ? state.ink : "#ffffff";
  return element;
}

function pill(element, name) {
  say(element, name);
  element.className = "pill";
  return colored(element, name);
}

// A shadow keeps a drawing's style to the drawing. The style is taken out while it is text: the
// policy of the page forbids such elements, so the browser would report each.
const FITTED = "svg { display: block; max-width: max(100%, var(--least)); height: auto } [data-state], [data-run] { cursor: pointer }";

function draw(host, text) {
  const shadow = host.shadowRoot || host.attachShadow({ mode: "open" });
  const styles = [FITTED];
  const bare = text?.replace(/<style>([^<]*)<\/style>/g, (_, style) => {
    styles.push(style.replaceAll("&gt;", ">").replaceAll("&amp;", "&"));
    return "";
  });
  shadow.adoptedStyleSheets = styles.map((style) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    return sheet;
  });
  shadow.replaceChildren(...(bare ? [parsed(bare)] : []));
  return Boolean(bare);
}

const parsed = (svg) => document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true);

// Lights the states of a lifecycle with how many runs are in each; told what else is not lit, if the
// picture does not say so itself.
function light(host, counts, unlit) {
  for (const node of host.shadowRoot?.querySelectorAll("g.node") ?? []) {
    for (const old of node.querySelectorAll("[data-count]")) old.remove();
    const name = [...node.querySelectorAll(":scope > text")].map((text) => text.textContent.trim()).join(" ");
    const count = counts.get(name);
    if (count === undefined) continue;
    node.setAttribute("data-state", name);
    node.setAttribute("opacity", count ? 1 : unlit);
    if (count) badge(node, count);
  }
}

function badge(node, count) {
  const box = node.getBBox();
  const said = count.toLocaleString("en");
  const width = 10 + 7 * said.length;
  const x = box.x + box.width - width / 2 - 4;
  const font = { "font-size": 12, "font-weight": "bold", "font-family": "Helvetica, Arial, sans-serif" };
  shape(node, "rect", { x, y: box.y - 8, width, height: 17, rx: 8.5, fill: "#a3256e" });
  shape(node, "text", { x: x + width / 2, y: box.y + 5, "text-anchor": "middle", fill: "#ffffff", ...font }).textContent = said;
}

function shape(parent, tag, marks) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(marks)) element.setAttribute(name, value);
  element.setAttribute("data-count", "");
  parent.append(element);
  return element;
}
