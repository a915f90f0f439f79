// Sorts and filters the board, opens the evidence that a link points to, and sorts
// plain tables. Every page works without this script. Nothing is loaded from elsewhere.
"use strict";

const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
};

const AT_ONCE = 60; // rows drawn before the page answers again

const byId = (id) => document.getElementById(id);

// ---- the board -------------------------------------------------------------------

const FIELDS = ["suite", "domain", "profile", "group", "zero", "origin", "size",
  "access", "search"];

function chosen() {
  return Object.fromEntries(FIELDS.map((name) => [name, byId(name).value]));
}

function sizeClass(billions) {
  if (billions == null) return "none";
  if (billions <= 1) return "1";
  return billions <= 10 ? "10" : "more";
}

function fits(row, want) {
  const words = want.search.trim().toLowerCase();
  return (!want.profile || row.p === want.profile)
    && (!want.group || row.g === want.group)
    && (!want.origin || String(row.o) === want.origin)
    && (!want.size || sizeClass(row.b) === want.size)
    && (!want.access || (row.a || "none") === want.access)
    && (!words || (row.n + " " + row.v).toLowerCase().includes(words));
}

// The mean of the cells, and its interval where every cell has one (as averages.py).
function meanOf(cells, total) {
  if (!cells.length) return null;
  const value = cells.reduce((sum, cell) => sum + cell.value, 0) / cells.length;
  const mean = { value, covered: cells.length, total, low: null, high: null };
  if (cells.every((cell) => cell.low != null)) {
    const side = (pick) => Math.sqrt(cells.reduce((sum, c) => sum + pick(c) ** 2, 0));
    mean.low = value - side((c) => c.value - c.low) / cells.length;
    mean.high = value + side((c) => c.high - c.value) / cells.length;
  }
  return mean;
}

// One line of the board: the row, its shown cells by subset, its mean.
function lineOf(row, subsets, want) {
  const shown = new Map();
  const other = new Set(row.z);
  const noted = new Set(row.w);
  for (const [subset, text, low, high] of row.c) {
    const zero = !other.has(subset);
    if (want.zero === "yes" && !zero) continue;
    if (want.zero === "no" && zero) continue;
    shown.set(subset, { text, value: Number(text), low, high, noted: noted.has(subset) });
  }
  const cells = subsets.filter((s) => shown.has(s)).map((s) => shown.get(s));
  return { row, shown, mean: meanOf(cells, subsets.length), rank: null };
}

function giveRanks(lines) {
  const low = (mean) => mean.low ?? mean.value;
  const high = (mean) => mean.high ?? mean.value;
  const able = lines.filter((l) => l.mean.covered === l.mean.total && !l.row.u);
  for (const line of able) {
    line.rank = 1 + able.filter((other) => low(other.mean) > high(line.mean)).length;
  }
  for (const line of able) {
    line.tied = able.some((other) => other !== line && other.rank === line.rank);
  }
}

const KEYS = {
  rank: (line) => [line.rank == null, line.rank == null ? -line.mean.covered : 0,
    -line.mean.value, line.row.n],
  name: (line) => [line.row.n.toLowerCase(), line.row.v],
  size: (line) => [line.row.b == null, -(line.row.b ?? 0), line.row.n],
  mean: (line) => [line.mean.covered !== line.mean.total, -line.mean.value],
  covers: (line) => [-line.mean.covered, -line.mean.value],
};

function compare(first, second) {
  for (let i = 0; i < first.length; i += 1) {
    if (first[i] < second[i]) return -1;
    if (first[i] > second[i]) return 1;
  }
  return 0;
}

// Missing figures stay at the end in both directions.
function sortLines(lines, key, down) {
  const subset = Number(key);
  const keyed = lines.map((line) => {
    if (KEYS[key]) return [KEYS[key](line), false, line];
    const cell = line.shown.get(subset);
    return [[cell ? -cell.value : 0], !cell, line];
  });
  keyed.sort((a, b) => (a[1] - b[1]) || compare(a[0], b[0]) * (down ? 1 : -1));
  return keyed.map((entry) => entry[2]);
}

const halfWidth = ({ value, low, high }) => (low == null ? null
  : make("span", { class: "pm" }, ` \u00b1${Math.max(high - value, value - low).toFixed(1)}`));

function figure(mean) {
  let style = `--v:${mean.value.toFixed(1)}`;
  const track = make("i", { class: "t" });
  if (mean.low != null) {
    style += `;--lo:${Math.max(mean.low, 0).toFixed(1)};--hi:${Math.min(mean.high, 100).toFixed(1)}`;
    track.append(make("i"));
  }
  track.style.cssText = style;
  return [make("span", { class: "num" }, mean.value.toFixed(1)), halfWidth(mean), track]
    .filter((part) => part != null);
}

// A name that may break its line after an underscore, as in the plain page.
const breakable = (name) => name.split("_").flatMap((part, i) => (i
  ? ["_", make("wbr"), part] : [part]));

function cellOf(line, subset, data) {
  const cell = line.shown.get(subset);
  if (!cell) return make("td", {}, make("span", { class: "none" }, "-"));
  const { row } = line;
  const told = [];
  if (cell.low != null) told.push(`95 % interval ${cell.low.toFixed(1)} to ${cell.high.toFixed(1)}`);
  if (row.g === "in_domain") told.push("trained on this dataset");
  const link = make("a", {
    href: `${row.h}#${row.k}.${data.subsets[subset][2]}`,
    title: told.join(", ") || null,
    class: (row.o ? "m" : "p") + (row.g === "in_domain" ? " seen" : ""),
  }, cell.text);
  const mark = cell.noted
    ? make("sup", { title: "there are notes on this figure", role: "note", "aria-label": "has notes" }, "†")
    : null;
  return make("td", {}, link, mark, halfWidth(cell));
}

function rowOf(line, subsets, data) {
  const { row, mean, rank } = line;
  const why = row.u || "covers only a part";
  const shown = rank == null
    ? make("abbr", { title: `not ranked: ${why}` }, "-")
    : `${rank}${line.tied ? "=" : ""}`;
  const badge = make("span", { class: `badge ${row.o ? "measured" : "printed"}` },
    row.o ? "measured" : "printed");
  const name = make("a", { href: row.h }, make("bdi", {}, row.n));
  const variant = row.v ? make("small", {}, row.v) : null;
  return make("tr", { class: rank == null ? "unranked" : null },
    make("td", { class: "rank" }, shown),
    make("th", { scope: "row" }, name, " ", badge, variant),
    make("td", {}, row.s || "-"),
    make("td", { class: "mean" }, ...figure(mean)),
    make("td", {}, `${mean.covered}/${mean.total}`),
    ...subsets.map((subset) => cellOf(line, subset, data)));
}

function headOf(subsets, data, sorting, sortBy) {
  const heads = [["rank", "Rank"], ["name", "Model"], ["size", "Size"], ["mean", "Mean"],
    ["covers", "Covers"], ...subsets.map((s) => [String(s), data.subsets[s][0]])];
  return make("tr", {}, ...heads.map(([key, words]) => {
    const button = make("button", { type: "button", "data-key": key }, ...breakable(words));
    button.addEventListener("click", () => sortBy(key));
    const active = sorting.key === key;
    return make("th", {
      scope: "col",
      class: KEYS[key] ? null : "sub",
      "aria-sort": active ? (sorting.down ? "descending" : "ascending") : "none",
    }, button);
  }));
}

function sectionsOf(data, want, subsets) {
  const groups = new Map();
  for (const row of data.rows) {
    if (!fits(row, want)) continue;
    const line = lineOf(row, subsets, want);
    if (!line.mean) continue;
    const key = `${row.p}\u0000${row.g}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(line);
  }
  const profiles = [...new Set([...Object.keys(data.profiles), ...data.rows.map((r) => r.p)])];
  const order = profiles.flatMap((p) => Object.keys(data.groups).map((g) => [p, g]));
  return order.filter(([p, g]) => groups.has(`${p}\u0000${g}`))
    .map(([p, g]) => [`${data.profiles[p] ?? p}: ${data.groups[g]}`, groups.get(`${p}\u0000${g}`)]);
}

function startBoard() {
  const source = byId("data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const table = byId("board");
  const form = byId("filters");
  const sorting = { key: "rank", down: true };
  let turn = 0;

  const draw = () => {
    const want = chosen();
    const subsets = data.suites[want.suite]
      .filter((s) => !want.domain || data.subsets[s][1] === want.domain);
    const sections = sectionsOf(data, want, subsets);
    const width = String(5 + subsets.length);
    turn += 1;
    const mine = turn;
    let room = AT_ONCE;
    const later = [];
    const bodies = sections.map(([title, lines]) => {
      giveRanks(lines);
      const sorted = sortLines(lines, sorting.key, sorting.down);
      const body = make("tbody", {},
        make("tr", { class: "section" },
          make("th", { colspan: width, scope: "rowgroup" }, make("span", {}, title))),
        ...sorted.slice(0, room).map((line) => rowOf(line, subsets, data)));
      for (const line of sorted.slice(room)) later.push([body, line]);
      room = Math.max(0, room - sorted.length);
      return body;
    });
    const where = want.domain ? `${want.suite}, ${want.domain}` : want.suite;
    table.replaceChildren(
      make("caption", {}, `${where}: ${subsets.length} subsets`),
      make("thead", {}, headOf(subsets, data, sorting, sortBy)),
      ...bodies);
    // A large board is there at once; what lies below follows while one reads.
    const more = () => {
      if (mine !== turn) return;
      for (const [body, line] of later.splice(0, AT_ONCE)) body.append(rowOf(line, subsets, data));
      if (later.length) setTimeout(more, 0);
    };
    if (later.length) setTimeout(more, 0);
    const count = sections.reduce((sum, [, lines]) => sum + lines.length, 0);
    byId("status").textContent = count
      ? `${count} rows in ${sections.length} sections, ${subsets.length} subsets`
      : "Nothing fits these filters; reset them to see all rows.";
  };

  const remember = () => {
    const want = chosen();
    const state = new URLSearchParams();
    for (const name of FIELDS) {
      if (want[name] && !(name === "suite" && want[name] === data.first)) state.set(name, want[name]);
    }
    if (sorting.key !== "rank" || !sorting.down) {
      state.set("sort", `${sorting.key}${sorting.down ? "" : "-up"}`);
    }
    const text = state.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  };

  function sortBy(key) {
    if (sorting.key === key) sorting.down = !sorting.down;
    else Object.assign(sorting, { key, down: true });
    draw();
    remember();
    table.querySelector(`button[data-key="${key}"]`)?.focus();
  }

  const recall = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    form.reset();
    for (const name of FIELDS) {
      const value = state.get(name);
      const control = byId(name);
      const known = control.tagName !== "SELECT"
        || [...control.options].some((option) => option.value === value);
      if (value != null && known) control.value = value;
    }
    const sort = state.get("sort");
    if (sort) Object.assign(sorting, { key: sort.replace(/-up$/, ""), down: !sort.endsWith("-up") });
  };

  form.addEventListener("input", () => { draw(); remember(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => {
    Object.assign(sorting, { key: "rank", down: true });
    draw();
    remember();
  }));
  window.addEventListener("hashchange", () => { recall(); draw(); });
  recall();
  byId("controls").hidden = false;
  if (window.matchMedia("(max-width: 40rem)").matches) {
    byId("controls").querySelector("details").open = false;
  }
  draw();
}

// ---- evidence and plain tables ---------------------------------------------------

function openTarget() {
  const target = location.hash.length > 1 && byId(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let at = target; at; at = at.parentElement) {
    if (at.tagName === "DETAILS") at.open = true;
  }
  target.scrollIntoView({ block: "center" });
}

function sortPlain(table, column, button) {
  const body = table.tBodies[0];
  const down = button.parentElement.getAttribute("aria-sort") !== "descending";
  const value = (row) => row.cells[column].textContent.trim();
  const rows = [...body.rows].map((row) => [value(row), parseFloat(value(row)), row]);
  const numeric = rows.filter((row) => !Number.isNaN(row[1])).length * 2 > rows.length;
  rows.sort((a, b) => {
    if (!numeric) return a[0].localeCompare(b[0]) * (down ? 1 : -1);
    if (Number.isNaN(a[1]) || Number.isNaN(b[1])) return Number.isNaN(a[1]) - Number.isNaN(b[1]);
    return (b[1] - a[1]) * (down ? 1 : -1);
  });
  body.append(...rows.map((row) => row[2]));
  for (const head of table.tHead.rows[0].cells) head.setAttribute("aria-sort", "none");
  button.parentElement.setAttribute("aria-sort", down ? "descending" : "ascending");
}

function startTables() {
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = make("button", { type: "button" }, head.textContent);
      button.addEventListener("click", () => sortPlain(table, column, button));
      head.replaceChildren(button);
      head.setAttribute("aria-sort", "none");
    });
  }
}

document.addEventListener("DOMContentLoaded", () => {
  startBoard();
  startTables();
  openTarget();
  if (!byId("data")) window.addEventListener("hashchange", openTarget);
});
