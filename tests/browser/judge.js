// The judge: what of a picture cannot be read, measured on what the browser paints, with the fonts
// it has: boxes of text, and each arrow at every second pixel.
([width, most]) => {
  const svg = document.querySelector("svg"), faults = [];
  const drawn = svg.getBoundingClientRect();
  const say = (kind, ...what) => faults.push([kind, ...what].join(" | "));
  const box = (e) => { const b = e.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; };
  const meet = (a, b, by = 0.5) => a[0] + by < b[2] && b[0] + by < a[2] && a[1] + by < b[3] && b[1] + by < a[3];
  const within = (a, b) => a[0] >= b[0] && a[1] >= b[1] && a[2] <= b[2] && a[3] <= b[3];
  const away = (p, b) => Math.hypot(Math.max(b[0] - p[0], 0, p[0] - b[2]), Math.max(b[1] - p[1], 0, p[1] - b[3]));
  const points = (path) => {
    const m = path.getScreenCTM(), long = path.getTotalLength(), found = [];
    for (let at = 0; at <= long; at += 2) {
      const p = path.getPointAtLength(at).matrixTransform(m);
      found.push([p.x, p.y]);
    }
    return found;
  };
  const texts = [...svg.querySelectorAll("text")].map((e) => ({ e, box: box(e), said: e.textContent,
    group: e.closest("g.node, g.edge, g.cluster, g.any") }));
  const edges = [...svg.querySelectorAll("g.edge")].map((group) => ({ group,
    said: group.querySelector("title")?.textContent.slice(0, 40) ?? "",
    points: [...group.querySelectorAll("path")].flatMap(points) }));
  const nodes = [...svg.querySelectorAll("g.node")].map((group) => ({ group, box: box(group.querySelector("path")) }));
  texts.forEach((one, place) => {
    if (!one.group) say("text of nothing", one.said);
    for (const other of texts.slice(place + 1)) if (meet(one.box, other.box)) say("texts overlap", one.said, other.said);
    for (const edge of edges)
      if (edge.points.some(([x, y]) => meet([x, y, x, y], one.box, 0))) say("an arrow crosses", one.said, edge.said);
    for (const node of nodes) {
      if (node.group === one.group ? !within(one.box, node.box) : meet(one.box, node.box))
        say("text and state", one.said, node.group.textContent);
    }
    if (one.group?.matches(".edge")) {
      const whole = [...one.group.querySelectorAll("text")].map(box).reduce((a, b) =>
        [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])]);
      const off = (edge) => Math.min(...edge.points.map((point) => away(point, whole)));
      const own = off(edges.find((edge) => edge.group === one.group));
      for (const edge of edges) if (edge.group !== one.group && off(edge) <= own) say("nearer to another", one.said, edge.said, own, off(edge));
    }
  });
  for (const e of svg.querySelectorAll("path, polygon, ellipse, text"))
    if (!within(box(e), [drawn.left - 0.1, drawn.top - 0.1, drawn.right + 0.1, drawn.bottom + 0.1])) say("outside", e.textContent || e.tagName);
  const size = Math.min(...texts.map(({ e }) => parseFloat(getComputedStyle(e).fontSize)), 99);
  if (most && drawn.width > width) say("wider than the page", drawn.width);
  if (most && size * Math.min(1, width / drawn.width) < 11) say("small text", size);
  const light = (color) => {
    const [r, g, b] = color.match(/[0-9.]+/g).map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const shapes = [...svg.querySelectorAll("path, polygon, ellipse")].filter((e) => getComputedStyle(e).fill !== "none");
  for (const { e, said, box: b } of texts) {
    const p = new DOMPoint((b[0] + b[2]) / 2, (b[1] + b[3]) / 2);
    const under = shapes.filter((s) => s.isPointInFill(p.matrixTransform(s.getScreenCTM().inverse()))
      && s.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING).at(-1);
    if (!under) { say("no ground", said); continue; }
    const [low, high] = [light(getComputedStyle(e).fill), light(getComputedStyle(under).fill)].sort((x, y) => x - y);
    if ((high + 0.05) / (low + 0.05) < 4.5) say("contrast", said, (high + 0.05) / (low + 0.05));
  }
  return faults;
}
