/** The script of the page: asks for the figures each second, and draws them. It runs in browsers. */

export const SCRIPT = String.raw`
"use strict";
const EVERY_MS = 500, POINT_MS = 1000, MOST = 300, LEFT = 64, BOTTOM = 20, TOP = 8, RIGHT = 8;
const CHARTS = [
  { id: "requests", title: "Requests a second", spell: rate, lines: { reads: "reads", writes: "writes", doors: "through doors (--resp, --line)" } },
  { id: "hits", title: "Hit ratio", spell: share, most: 1, lines: { hitRatio: "hits of all reads" } },
  { id: "latency", title: "Time in the server (logarithmic)", spell: time, log: true,
    lines: { readP99Us: "reads, p99", writeP99Us: "writes, p99", readP50Us: "reads, p50" } },
  { id: "memory", title: "Memory", spell: bytes, lines: { usedBytes: "keys, values and index", residentBytes: "the process" } },
  { id: "trouble", title: "Removed and refused, a second", spell: rate,
    lines: { evictions: "evicted", errors: "errors", drops: "dropped datagrams" } },
];
const NOW = {
  Reads: (p) => rate(p.reads), Writes: (p) => rate(p.writes), "Through doors": (p) => rate(p.doors),
  "Hit ratio": (p) => share(p.hitRatio), "Reads, p99": (p) => time(p.readP99Us), "Writes, p99": (p) => time(p.writeP99Us),
  Keys: (p) => number(p.keys), Memory: (p) => bytes(p.usedBytes) + (p.limitBytes > 0 ? " of " + bytes(p.limitBytes) : ""),
  "Hottest key": (p) => p.hottest > 0 ? share(p.hottest) : "–", Processors: (p) => number(p.processors),
};
const byId = (id) => document.getElementById(id);
let points = [], latest = null, last = 0, seconds = 300, isPaused = false, startedAtMs = 0, failures = 0;
const cursors = {};

function number(x) {
  if (x === null || x === undefined) return "–";
  if (x >= 100 || Number.isInteger(x)) return Math.round(x).toLocaleString("en-US");
  return String(Number(x.toPrecision(3)));
}
function rate(x) { return x === null ? "–" : number(x) + "/s"; }
function share(x) { return x === null ? "–" : (100 * x).toFixed(1) + " %"; }
function time(us) {
  if (us === null) return "–";
  return us < 1e3 ? number(us) + " µs" : us < 1e6 ? number(us / 1e3) + " ms" : number(us / 1e6) + " s";
}
function bytes(x) {
  if (x === null) return "–";
  const power = x < 1 ? 0 : Math.min(4, Math.floor(Math.log2(x) / 10));
  return number(Number((x / 2 ** (10 * power)).toPrecision(3))) + " " + ["B", "KiB", "MiB", "GiB", "TiB"][power];
}
function span(ms) {
  const m = Math.floor(ms / 60000), h = Math.floor(m / 60), d = Math.floor(h / 24);
  return d > 0 ? d + "d " + h % 24 + "h" : h > 0 ? h + "h " + m % 60 + "m" : m > 0 ? m + "m " + Math.floor(ms / 1000) % 60 + "s" : Math.floor(ms / 1000) + " s";
}
const clock = (ms) => new Date(ms).toTimeString().slice(0, 8);

function make(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function build() {
  for (const name of Object.keys(NOW)) {
    byId("now").append(element("div", {}, element("dt", {}, name), element("dd", { "data-now": name }, "–")));
  }
  for (const chart of CHARTS) {
    const legend = element("p", { class: "legend" });
    Object.values(chart.lines).forEach((text, i) => {
      const mark = make("svg", { "aria-hidden": "true", viewBox: "0 0 28 10" });
      mark.append(make("line", { class: "line " + "abc"[i], x1: 0, x2: 28, y1: 5, y2: 5 }));
      legend.append(element("span", {}, mark, text));
    });
    const plot = make("svg", { class: "plot", id: chart.id, tabindex: 0, role: "slider",
      "aria-label": chart.title + ", moment", "aria-valuemin": 0, "aria-valuemax": 0, "aria-valuenow": 0, "aria-valuetext": "no figures yet" });
    plot.addEventListener("keydown", (event) => step(chart, event));
    plot.addEventListener("pointermove", (event) => pick(chart, event.offsetX));
    plot.addEventListener("pointerleave", () => choose(chart, undefined));
    byId("charts").append(element("section", { class: "chart", "aria-label": chart.title },
      element("h2", {}, chart.title), legend, plot, element("output", { id: chart.id + "-text", for: chart.id }, "")));
  }
  for (const radio of document.querySelectorAll("input[name=span]")) {
    radio.addEventListener("change", () => { seconds = Number(radio.value); draw(); });
  }
  byId("pause").addEventListener("click", () => {
    isPaused = !isPaused;
    byId("pause").setAttribute("aria-pressed", String(isPaused));
  });
  addEventListener("resize", draw);
}

const shown = () => points.filter((p) => p.atMs > points[points.length - 1].atMs - seconds * 1000);

function step(chart, event) {
  const all = shown(), at = all.findIndex((p) => p.number === cursors[chart.id]);
  const end = all.length - 1, from = at < 0 ? end : at;
  const to = { ArrowLeft: from - 1, ArrowDown: from - 1, ArrowRight: from + 1, ArrowUp: from + 1, PageUp: from + 10, PageDown: from - 10, Home: 0, End: end }[event.key];
  if (event.key === "Escape") choose(chart, undefined);
  else if (to !== undefined && end >= 0) choose(chart, all[Math.max(0, Math.min(end, to))].number);
  else return;
  event.preventDefault();
}
function pick(chart, x) {
  const all = shown(), width = byId(chart.id).clientWidth - LEFT - RIGHT;
  if (all.length === 0) return;
  const endMs = all[all.length - 1].atMs, atMs = endMs - (1 - (x - LEFT) / width) * seconds * 1000;
  choose(chart, all.reduce((best, p) => Math.abs(p.atMs - atMs) < Math.abs(best.atMs - atMs) ? p : best).number);
}
function choose(chart, number) { cursors[chart.id] = number; drawChart(chart, shown()); }

function nice(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 2.5, 5, 10].find((x) => x * power >= most) * power;
}
function scaleOf(chart, all, height) {
  const values = all.flatMap((p) => Object.keys(chart.lines).map((name) => p[name])).filter((x) => x !== null);
  if (chart.log) {
    const low = Math.floor(Math.log10(Math.max(1, Math.min(...values, 1e3)))), high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values, 10))));
    const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
    return { ticks, y: (x) => TOP + height * (1 - (Math.log10(Math.max(1, x)) - low) / (high - low)) };
  }
  const highest = Math.max(...values, 1), unit = chart.spell === bytes ? 1024 ** Math.floor(Math.log2(highest) / 10) : 1;
  const most = chart.most ?? nice(highest / unit) * unit;
  return { ticks: [0, most / 2, most], y: (x) => TOP + height * (1 - x / most) };
}

function drawChart(chart, all) {
  const plot = byId(chart.id), width = plot.clientWidth - LEFT - RIGHT, height = plot.clientHeight - TOP - BOTTOM;
  if (all.length === 0 || width <= 0) return;
  const endMs = all[all.length - 1].atMs, startMs = endMs - seconds * 1000;
  const x = (ms) => LEFT + width * (ms - startMs) / (seconds * 1000);
  const { ticks, y } = scaleOf(chart, all, height);
  const parts = [];
  for (const tick of ticks) {
    parts.push(make("line", { class: "rule", x1: LEFT, x2: LEFT + width, y1: y(tick), y2: y(tick) }));
    parts.push(make("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, chart.spell(tick).replace("/s", "")));
  }
  for (let i = 0; i <= 2; i++) {
    const ms = startMs + seconds * 500 * i;
    parts.push(make("text", { x: x(ms), y: TOP + height + 15, "text-anchor": ["start", "middle", "end"][i] }, clock(ms)));
  }
  Object.keys(chart.lines).forEach((name, i) => {
    let path = "", isOn = false, before = 0;
    for (const p of all) {
      if (p[name] === null || (isOn && p.atMs - before > 5 * POINT_MS)) isOn = false;
      if (p[name] === null) continue;
      path += (isOn ? "L" : "M") + x(p.atMs).toFixed(1) + " " + y(p[name]).toFixed(1) + (isOn ? "" : "h.01");
      isOn = true;
      before = p.atMs;
    }
    parts.push(make("path", { class: "line " + "abc"[i], d: path || "M0 0" }));
  });
  const at = all.find((p) => p.number === cursors[chart.id]), told = at ?? all[all.length - 1];
  if (at) parts.push(make("line", { class: "cursor", x1: x(at.atMs), x2: x(at.atMs), y1: TOP, y2: TOP + height }));
  plot.replaceChildren(...parts);
  const values = Object.entries(chart.lines).map(([name, text]) => text + " " + chart.spell(told[name])).join(", ");
  plot.setAttribute("aria-valuemax", String(all.length - 1));
  plot.setAttribute("aria-valuenow", String(all.indexOf(told)));
  plot.setAttribute("aria-valuetext", clock(told.atMs) + ": " + values);
  byId(chart.id + "-text").textContent = at ? clock(at.atMs) + ": " + values : "";
}

function draw() {
  for (const [name, spell] of Object.entries(latest === null ? {} : NOW)) {
    document.querySelector('[data-now="' + name + '"]').textContent = spell(latest);
  }
  if (points.length === 0) return;
  const all = shown();
  for (const chart of CHARTS) drawChart(chart, all);
}

function take(answer) {
  const { server, problem } = answer;
  const began = Date.now() - server.uptimeMs;
  // After a restart its points count from 1 again.
  if (began > startedAtMs + 5000) {
    if (startedAtMs > 0) last = 0;
    startedAtMs = began;
  }
  const title = "kg" + (server.name ? " " + server.name : "");
  document.title = title;
  byId("title").textContent = title;
  byId("facts").textContent = "version " + server.version + " on " + server.runtime + ", " + server.aead + ", up " + span(server.uptimeMs);
  byId("problem").textContent = problem ?? "";
  const named = (figures) => Object.fromEntries(answer.names.map((name, i) => [name, figures[i]]));
  for (const { number, atMs, figures } of answer.points) {
    if (number <= last) continue;
    points.push({ number, atMs, ...named(figures) });
    last = number;
  }
  if (answer.latest !== null) latest = named(answer.latest);
  points = points.slice(-MOST);
  if (!isPaused) draw();
}

async function ask() {
  try {
    const response = await fetch("figures.json?after=" + last, { signal: AbortSignal.timeout(5000) });
    if (!response.ok) throw new Error(response.status);
    take(await response.json());
    failures = 0;
  } catch {
    if (++failures === 2) byId("problem").textContent = "The server does not answer since " + clock(Date.now()) + ".";
  }
  setTimeout(ask, EVERY_MS);
}
build();
ask();
`;
