"""The pages in a real browser: Debian's chromium without a display or a network.

A test adds a script of its own to a copy of the page, which acts as a reader would and
writes what it saw into the page; the browser then prints the page.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from unibench.reporting.catalogue import read_catalogue
from unibench.reporting.errors.write import Run, write_errors
from unibench.reporting.results import collect
from unibench.reporting.site.index import index_page
from unibench.reporting.site.parts import Site
from unibench.reporting.site.write import write_site
from unibench.schema.score import Case
from unibench.schema.text import Mention, Passage, Span, mention_at

pytestmark = pytest.mark.slow
SLOWER = 5
"""How much slower than a quiet machine one that runs tests may be."""

HELPERS = """
const $ = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const set = (id, value) => {
  const control = document.getElementById(id);
  control.value = value;
  control.dispatchEvent(new Event("input", { bubbles: true }));
};
const names = () => all("#board tbody th[scope=row] bdi").map((e) => e.textContent);
const luminance = (color) => {
  const parts = color.match(/[0-9.]+/g).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
};
const backdrop = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = getComputedStyle(at).backgroundColor;
    if (!/, 0\\)$/.test(color)) return color;
  }
  return "rgb(255, 255, 255)";
};
const access = () => {
  const bad = [];
  for (const e of all("input, select")) {
    if (!e.labels.length) bad.push(`no label: ${e.id}`);
  }
  for (const e of all("a, button")) {
    if (!e.textContent.trim() && !e.ariaLabel) bad.push(`no name: ${e.outerHTML}`);
  }
  for (const e of all("th")) if (!e.scope) bad.push(`no scope: ${e.textContent}`);
  const ids = all("[id]").map((e) => e.id);
  if (new Set(ids).size !== ids.length) bad.push("an id is given twice");
  let level = 0;
  for (const e of all("h1, h2, h3, h4")) {
    const next = Number(e.tagName[1]);
    if (next > level + 1) bad.push(`heading skips a level: ${e.textContent}`);
    level = next;
  }
  if (!document.documentElement.lang || !document.title) bad.push("no language");
  const words = "p, td, th, a, label, button, summary, dt, dd, .badge, .chip, small";
  for (const e of all(words)) {
    if (!e.checkVisibility() || !e.textContent.trim()) continue;
    const [x, y] = [getComputedStyle(e).color, backdrop(e)].map(luminance);
    const ratio = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
    const told = `${e.className} ${e.textContent.slice(0, 30)}`;
    if (ratio < 4.5) bad.push(`contrast ${ratio.toFixed(2)}: ${told}`);
  }
  return [...new Set(bad)];
};
const root = document.documentElement;
const wide = () => root.scrollWidth > root.clientWidth;
"""


def look(
    page: Path, script: str, *options: str, anchor: str = "", clock: bool = False
) -> Any:
    """Return what `script` (the body of an async function) returns on the page.

    With `clock` the script may not wait, and time passes as for a reader; else the
    browser leaps over waiting, and its clock tells nothing.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium here")
    probe = f"""<script>{HELPERS}
window.problems = [];
addEventListener("error", (event) => problems.push(event.message));
addEventListener("load", {"" if clock else "async"} () => {{
  {"" if clock else "await new Promise((done) => setTimeout(done, 50));"}
  const seen = {"(" if clock else "await (async "}() => {{ {script} }})();
  const out = document.createElement("pre");
  out.id = "seen";
  const told = encodeURIComponent(JSON.stringify([problems, seen]));
  out.textContent = btoa(unescape(told));
  document.body.append(out);
}});</script>"""
    copy = page.with_name("probe.html")
    text = page.read_text("utf-8")
    copy.write_text(text.replace("</head>", f"{probe}</head>", 1), "utf-8")
    budget = [] if clock else ["--virtual-time-budget=8000"]
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
        "--host-resolver-rules=MAP * ~NOTFOUND", "--disable-background-networking",
        *budget, *options, f"{copy.as_uri()}{anchor}",
    ]  # fmt: skip
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=90, check=True
    )
    marked = run.stdout.rpartition('<pre id="seen">')[2].partition("</pre>")[0]
    problems, seen = json.loads(base64.b64decode(marked))
    assert problems == []
    return seen


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_site(collect([]), read_catalogue(), folder)
    return folder


def test_the_script_shows_the_same_board_as_the_plain_page(site: Path) -> None:
    plain = (site / "index.html").read_text("utf-8")
    seen = look(
        site / "index.html",
        """
        await new Promise((done) => setTimeout(done, 500));
        return all("#board tbody tr:not(.section)").map((row) =>
          [...row.cells].map((cell) => cell.textContent.trim()));
        """,
    )
    rows = plain[plain.index('id="board"') : plain.index("</table>")].split("<tr")
    body = [row for row in rows if 'scope="row"' in row]
    assert len(seen) == len(body)
    for shown, written in zip(seen, body, strict=True):
        text = re.sub(r"<[^>]+>", "", written.partition(">")[2])
        assert re.sub(r"\s", "", "".join(shown)) == re.sub(
            r"\s", "", text.replace("&amp;", "&")
        )


def test_sorting_filtering_and_the_address(site: Path) -> None:
    seen = look(
        site / "index.html",
        """
        const result = {};
        set("profile", "uniner");
        set("group", "no_human_labels");
        result.ranked = names().slice(0, 2);
        $("[data-key=mean]").click();
        $("[data-key=mean]").click();
        result.worst = names()[0];
        result.sorted = $("th[aria-sort=ascending]").textContent;
        result.focus = document.activeElement.dataset.key;
        set("suite", "uniner_43");
        result.whole = all("#board td.rank").map((e) => e.textContent);
        set("domain", "Finance");
        result.finance = $("#board caption").textContent;
        result.address = location.hash;
        set("search", "no such model");
        result.nothing = $("#status").textContent;
        $("button[type=reset]").click();
        await new Promise((done) => setTimeout(done, 20));
        result.reset = [location.hash, $("#suite").value];
        set("zero", "yes");
        const headings = all("tr.section").map((e) => e.textContent);
        result.groups = headings.filter((words) => /In-domain/.test(words)).length;
        set("zero", ""); set("size", "10"); set("profile", "gner");
        result.sizes = names().includes("GNER-T5-xxl");
        return result;
        """,
    )
    assert seen["ranked"] == ["UniNER-13B-type", "UniNER-7B-type"]
    assert seen["worst"] == "Vicuna-7B"
    assert seen["sorted"] == "Mean"
    assert seen["focus"] == "mean"
    assert sorted(seen["whole"]) == ["-", "-", "-", "-", "-", "1", "2"]
    assert seen["finance"].endswith("uniner_43, Finance: 1 subsets")
    assert "suite=uniner_43" in seen["address"] and "sort=mean-up" in seen["address"]
    assert seen["nothing"].startswith("Nothing fits")
    assert seen["reset"] == ["", "ood_7"]
    assert seen["groups"] == 0
    assert seen["sizes"] is False


def test_an_address_brings_its_filters_back(site: Path) -> None:
    script = 'return [$("#profile").value, all("tr.section").length, names()[0]];'
    seen = look(
        site / "index.html", script, anchor="#profile=gliner&group=no_human_labels"
    )
    assert seen == ["gliner", 1, "GLiNER-L"]


@pytest.mark.parametrize(
    ("name", "dark"),
    [
        ("index.html", False), ("index.html", True), ("about.html", False),
        ("models/uniner-7b-type.html", True), ("datasets/crossner_ai.html", False),
    ],
)  # fmt: skip
def test_pages_are_accessible(site: Path, name: str, dark: bool) -> None:
    theme = ("--blink-settings=preferredColorScheme=0",) if dark else ()
    script = 'return [matchMedia("(prefers-color-scheme: dark)").matches, access()];'
    assert look(site / name, script, *theme) == [dark, []]


def test_pages_fit_a_phone(site: Path) -> None:
    for name in ("index.html", "datasets/crossner_ai.html"):
        script = "return [wide(), innerWidth];"
        seen = look(site / name, script, "--window-size=390,800")
        assert seen[0] is False, name


def test_a_link_to_a_figure_opens_its_evidence(site: Path) -> None:
    seen = look(
        site / "models" / "uniner-7b-type.html",
        'return all("details[open]").map((e) => e.id);',
        anchor="#uniner.n.p.crossner_ai",
    )
    assert seen == ["uniner.n.p.crossner_ai"]


def test_plain_tables_can_be_sorted(site: Path) -> None:
    seen = look(
        site / "datasets.html",
        """
        all("thead button").find((e) => /test passages/.test(e.textContent)).click();
        return all("tbody tr th").slice(0, 2).map((e) => e.textContent);
        """,
    )
    assert seen == ["n2c2_2018_task2", "fewnerd_coarse"]


def test_two_hundred_models_are_interactive_within_a_second(
    make_record: Any, tmp_path: Path
) -> None:
    catalogue = read_catalogue()
    only = make_record().scores["uniner"]
    records = [
        make_record(f"model-{n}", subset, scores={"uniner": only})
        for n in range(200)
        for subset in catalogue.benchmark
    ]
    results = collect(records, printed=False)
    pages = {row.model: row.model for row in results.rows}
    made = Site(catalogue=catalogue, results=results, model_pages=pages, version="1")
    write_site(collect([]), catalogue, tmp_path)
    (tmp_path / "index.html").write_text(index_page(made), "utf-8")
    ready, change, rows = look(
        tmp_path / "index.html",
        """
        const ready = performance.now();
        set("suite", "uniner_43");
        document.body.getBoundingClientRect();
        $("[data-key=mean]").click();
        document.body.getBoundingClientRect();
        return [ready, (performance.now() - ready) / 2, $("#status").textContent];
        """,
        clock=True,
    )
    assert rows.startswith("200 rows")
    assert 0 < change < 1000 * SLOWER  # milliseconds; about 300 on two busy cores
    assert 0 < ready < 1000 * SLOWER


def test_the_viewer_pages_and_filters(make_record: Any, tmp_path: Path) -> None:
    text = "\N{GRINNING FACE} Ann <b> met Bo"
    passages = [
        Passage(f"p{n}", text, (mention_at(text, "person", Span(2, 5)),))
        for n in range(300)
    ]

    def case(passage: Passage, wrong: bool) -> Case:
        found = (Mention("person", "Bo"),) if wrong else passage.mentions
        return Case(passage=passage, entity_types=("person",), predicted=found)

    runs = [
        Run(
            record=make_record(name, "mini_general", data__dataset="mini"),
            cases=tuple(case(p, wrong and n % 3 == 0) for n, p in enumerate(passages)),
        )
        for name, wrong in (("right", False), ("wrong", True))
    ]
    page = write_errors(runs, read_catalogue(), tmp_path / "errors")
    seen = look(
        page,
        """
        const wait = () => new Promise((done) => setTimeout(done, 300));
        await wait();
        const result = { first: $("#where").textContent };
        result.text = $(".text").textContent;
        result.marked = all(".passage")[0].querySelectorAll(".seg")[1].textContent;
        for (let i = 0; i < 4; i += 1) { $("#next").click(); await wait(); }
        result.last = $("#where").textContent;
        result.next = $("#next").disabled;
        result.shown = all(".passage h3").at(-1).textContent;
        set("kind", "invented"); await wait();
        result.none = $("#where").textContent;
        set("kind", "missed"); set("show", "all"); await wait();
        result.missed = $("#where").textContent;
        result.access = access();
        return result;
        """,
    )
    assert seen["first"] == "1 to 20 of 100 passages (300 in all)"
    assert "<b> met Bo" in seen["text"]
    assert seen["marked"] == "Ann"
    assert (seen["last"], seen["next"]) == (
        "81 to 100 of 100 passages (300 in all)",
        True,
    )
    assert seen["shown"] == "298. p297"
    assert seen["none"] == "No passage fits these filters."
    assert seen["missed"].endswith("of 100 passages (300 in all)")
    assert seen["access"] == []
