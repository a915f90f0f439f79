// Pages through passages and shows gold and predicted mentions. The data lie in small
// files beside the page, which are loaded as they are needed, also from disk.
"use strict";

const PAGE = 20;
const COLORS = { right: "var(--right)", missed: "var(--missed)", wrong: "var(--wrong)" };
const SIGNS = { right: "\u2713", missed: "\u2212", wrong: "+" };
const CLASS = { r: "right", g: "missed", p: "wrong" };
const chunks = new Map();
const waiting = new Map();

const byId = (id) => document.getElementById(id);

const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value != null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
};

window.unibenchChunk = (number, passages) => {
  chunks.set(number, passages);
  waiting.get(number)?.(passages);
};

function load(number) {
  if (chunks.has(number)) return Promise.resolve(chunks.get(number));
  return new Promise((resolve, reject) => {
    waiting.set(number, resolve);
    const script = make("script", { src: `data/${number}.js` });
    script.onerror = () => reject(new Error(`data/${number}.js is missing`));
    document.head.append(script);
  });
}

// Each mention gets a lane, so that nested and crossing ones stay apart.
function lanesOf(items) {
  const spans = items.flatMap((item, index) => item[2].map(([start, end]) => ({ start, end, index })));
  spans.sort((a, b) => a.start - b.start || b.end - a.end);
  const free = [];
  for (const span of spans) {
    let lane = free.findIndex((end) => end <= span.start);
    if (lane < 0) lane = free.length;
    free[lane] = span.end;
    span.lane = lane;
  }
  return { spans, lanes: free.length };
}

function chip(item) {
  const name = CLASS[item[0]];
  return make("span", { class: `chip ${name}`, title: item[3] || "right" }, `${SIGNS[name]} ${item[1]}`);
}

function textOf(passage, items) {
  const { spans, lanes } = lanesOf(items);
  const letters = [...passage[1]]; // offsets count code points, as in Python
  const cuts = [...new Set([0, letters.length, ...spans.flatMap((s) => [s.start, s.end])])]
    .sort((a, b) => a - b);
  const line = make("p", { class: "text" });
  const seen = new Set();
  for (let i = 0; i + 1 < cuts.length; i += 1) {
    const [from, to] = [cuts[i], cuts[i + 1]];
    const active = spans.filter((s) => s.start <= from && s.end >= to);
    for (const span of active) {
      if (span.start === from && !seen.has(span.index)) {
        seen.add(span.index);
        line.append(chip(items[span.index]));
      }
    }
    const text = letters.slice(from, to).join("");
    if (!active.length) {
      line.append(text);
      continue;
    }
    const segment = make("span", { class: "seg" }, text);
    segment.style.setProperty("--pad", `${lanes * 4}px`);
    const stripe = (span) => {
      const name = CLASS[items[span.index][0]];
      const color = COLORS[name];
      return name === "missed"
        ? `repeating-linear-gradient(90deg, ${color} 0 4px, transparent 4px 7px)`
        : `linear-gradient(${color}, ${color})`;
    };
    segment.style.backgroundImage = active.map(stripe).join(", ");
    segment.style.backgroundSize = active.map(() => "100% 3px").join(", ");
    segment.style.backgroundPosition = active
      .map((span) => `0 calc(100% - ${(lanes - 1 - span.lane) * 4}px)`).join(", ");
    line.append(segment);
  }
  return line;
}

function listOf(items, hidden) {
  const shown = hidden ? items : items.filter((item) => item[3]);
  if (!shown.length) return null;
  return make("ul", { class: "findings" }, ...shown.map((item) => {
    const where = item[2].length
      ? item[2].map(([start, end]) => `${start}-${end}`).join(", ")
      : "not in the passage";
    const words = hidden ? ` [${where}] ${item[4]}` : ` [${where}]${item[4] ? ` "${item[4]}"` : ""}`;
    return make("li", {}, chip(item), item[3] || "right", make("small", {}, words));
  }));
}

function passageOf(passage, index, number) {
  const [id, text, length, digest, runs, unparsed] = passage;
  const hidden = text == null;
  const columns = runs.map((items, run) => make("div", {},
    make("h4", {}, index.names[run]),
    hidden ? make("p", {}, `Text left out: ${length} characters, sha256 ${digest}\u2026`) : textOf(passage, items),
    unparsed[run].length ? make("p", {}, `Not readable: ${unparsed[run].join(", ")}`) : null,
    listOf(items, hidden)));
  return make("section", { class: "passage", "aria-label": `Passage ${number + 1}` },
    make("h3", {}, `${number + 1}. ${id}`),
    make("div", { class: "columns" }, ...columns));
}

function fits(row, index, want) {
  const runs = index.names.length;
  const masks = row.slice(0, runs);
  const [types, differs, balance] = row.slice(runs);
  if (want.show === "errors" && !masks.some(Boolean)) return false;
  if (want.show === "differs" && !differs) return false;
  if (want.show === "better-0" && balance >= 0) return false;
  if (want.show === "better-1" && balance <= 0) return false;
  if (want.kind && !masks.some((mask) => mask & (1 << index.kinds.indexOf(want.kind)))) return false;
  return !want.type || types.includes(index.types.indexOf(want.type));
}

function start() {
  const index = JSON.parse(byId("views").textContent);
  let found = [];
  let at = 0;
  let turn = 0;

  const draw = async () => {
    turn += 1;
    const mine = turn;
    const shown = found.slice(at, at + PAGE);
    byId("where").textContent = found.length
      ? `${at + 1} to ${at + shown.length} of ${found.length} passages (${index.rows.length} in all)`
      : "No passage fits these filters.";
    byId("previous").disabled = at === 0;
    byId("next").disabled = at + PAGE >= found.length;
    try {
      const numbers = [...new Set(shown.map((n) => Math.floor(n / index.chunk)))];
      await Promise.all(numbers.map(load));
    } catch (error) {
      byId("passages").replaceChildren(make("p", {}, `The data cannot be loaded: ${error.message}`));
      return;
    }
    if (mine !== turn) return;
    byId("passages").replaceChildren(...shown.map((n) => passageOf(
      chunks.get(Math.floor(n / index.chunk))[n % index.chunk], index, n)));
  };

  const filter = () => {
    const want = Object.fromEntries(["show", "kind", "type"].map((name) => [name, byId(name).value]));
    found = index.rows.flatMap((row, n) => (fits(row, index, want) ? [n] : []));
    at = 0;
    draw();
  };

  const turnPage = (step) => {
    const next = at + step * PAGE;
    if (next < 0 || next >= found.length) return;
    at = next;
    draw();
    byId("filters").scrollIntoView({ block: "nearest" });
  };

  byId("filters").addEventListener("input", filter);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("previous").addEventListener("click", () => turnPage(-1));
  byId("next").addEventListener("click", () => turnPage(1));
  filter();
}

document.addEventListener("DOMContentLoaded", start);
