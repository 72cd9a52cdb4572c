// Builds elements, and shows pictures that the server drew.

const SVG = "http://www.w3.org/2000/svg";

function make(tag, text, marks = {}) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(marks)) element.setAttribute(name, value);
  return element;
}

// Sets the text only if it changed: a selection or a screen reader is not disturbed.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Gives host one child for each item, in their order. Children of known items stay, with their focus.
function arrange(host, items, key, create, fill) {
  const before = new Map([...host.children].map((child) => [child.key, child]));
  const wanted = items.map((item) => {
    const child = before.get(key(item)) ?? Object.assign(create(item), { key: key(item) });
    fill(child, item);
    return child;
  });
  const staying = new Set(wanted);
  for (const child of before.values()) if (!staying.has(child)) child.remove();
  wanted.forEach((child, place) => {
    if (host.children[place] !== child) host.insertBefore(child, host.children[place] ?? null);
  });
}

function colorize(element, name) {
  const state = overview.states.find((each) => each.name === name);
  element.style.background = state ? state.color : "#696969";
  element.style.color = state ? state.ink : "#ffffff";
  return element;
}

function pill(element, name) {
  say(element, name);
  element.className = "pill";
  return colorize(element, name);
}

// A shadow root keeps the style of a picture inside it. The style elements are removed from the text
// and adopted as style sheets: the page's content security policy forbids the elements.
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
  shadow.replaceChildren(...(bare ? [parseSvg(bare)] : []));
  return Boolean(bare);
}

const parseSvg = (svg) => document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true);

// Shows on each state of a lifecycle how many runs are in it. States without runs get the opacity empty.
function light(host, counts, empty) {
  for (const node of host.shadowRoot?.querySelectorAll("g.node") ?? []) {
    for (const old of node.querySelectorAll("[data-count]")) old.remove();
    const name = [...node.querySelectorAll(":scope > text")].map((text) => text.textContent.trim()).join(" ");
    const count = counts.get(name);
    if (count === undefined) continue;
    node.setAttribute("data-state", name);
    node.setAttribute("opacity", count ? 1 : empty);
    if (count) badge(node, count);
  }
}

function badge(node, count) {
  const box = node.getBBox();
  const label = count.toLocaleString("en");
  const width = 10 + 7 * label.length;
  const x = box.x + box.width - width / 2 - 4;
  const font = { "font-size": 12, "font-weight": "bold", "font-family": "Helvetica, Arial, sans-serif" };
  shape(node, "rect", { x, y: box.y - 8, width, height: 17, rx: 8.5, fill: "#a3256e" });
  shape(node, "text", { x: x + width / 2, y: box.y + 5, "text-anchor": "middle", fill: "#ffffff", ...font }).textContent = label;
}

function shape(parent, tag, marks) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(marks)) element.setAttribute(name, value);
  element.setAttribute("data-count", "");
  parent.append(element);
  return element;
}
