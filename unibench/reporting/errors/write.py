"""Write the page of `unibench report errors`: an atlas, a viewer, chunks of data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from unibench.errors import RunError, ScoreError
from unibench.reporting.catalogue import Catalogue
from unibench.reporting.errors.atlas import atlas_parts
from unibench.reporting.errors.licence import may_show_text
from unibench.reporting.errors.view import PassageView, view_of
from unibench.reporting.site.html import Markup, clean, join, tag
from unibench.reporting.site.parts import document, facts, short_hash, table
from unibench.schema.record import RunRecord
from unibench.schema.score import Case
from unibench.scoring.errors.atlas import make_atlas
from unibench.scoring.errors.findings import Kind
from unibench.scoring.stats.compare import Difference, compare_cases

CHUNK = 250
"""Passages in one file of data; the viewer loads the files that it shows."""

_SCRIPT = "errors.js"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run and its cases: gold, what was asked and what was predicted."""

    record: RunRecord
    cases: tuple[Case, ...]


def write_errors(runs: Sequence[Run], catalogue: Catalogue, folder: Path) -> Path:
    """Write the pages of one run, or of two on the same data; return the first page.

    Raises:
        RunError: the folder holds other files.
        ScoreError: the two runs are not on the same data.
    """
    _check(runs, folder)
    card = catalogue.cards.get(runs[0].record.data.dataset)
    show_text = may_show_text(card)
    theirs = [{case.passage.id: case for case in run.cases} for run in runs]
    views = [
        view_of([cases[case.passage.id] for cases in theirs], show_text=show_text)
        for case in runs[0].cases
    ]
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for old in (folder / "data").glob("*.js"):
        old.unlink()
    for number, first in enumerate(range(0, len(views), CHUNK)):
        chunk = [_packed(view) for view in views[first : first + CHUNK]]
        text = f"unibenchChunk({number},{_json(chunk)});\n"
        (folder / "data" / f"{number}.js").write_text(text, "utf-8")
    site_assets = resources.files("unibench.reporting.site") / "assets"
    own_assets = resources.files("unibench.reporting.errors") / "assets"
    style = (site_assets / "style.css").read_text("utf-8")
    style += (own_assets / "errors.css").read_text("utf-8")
    (folder / "style.css").write_text(style, "utf-8")
    (folder / _SCRIPT).write_text((own_assets / _SCRIPT).read_text("utf-8"), "utf-8")
    page = _page(runs, views, show_text=show_text)
    (folder / "index.html").write_text(page, "utf-8")
    return folder / "index.html"


def _check(runs: Sequence[Run], folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / _SCRIPT).is_file():
        raise RunError(f"{folder} holds files that are no viewer; give an empty folder")
    prints = {(r.record.data.fingerprint, r.record.limit) for r in runs}
    ids = {tuple(sorted(case.passage.id for case in run.cases)) for run in runs}
    if len(prints) > 1 or len(ids) > 1:
        names = " and ".join(run.record.path or run.record.model.name for run in runs)
        raise ScoreError(
            f"{names} are not on the same passages (fingerprint or limit differ); run"
            " both models on the same data"
        )


def _page(runs: Sequence[Run], views: Sequence[PassageView], *, show_text: bool) -> str:
    names = _names(runs)
    data = runs[0].record.data
    atlases = [make_atlas({data.domain: run.cases}) for run in runs]
    hidden = (
        "The licence of this dataset does not let its text be passed on, so the text is"
        " left out: mentions are shown by their offsets, and hashes that only who has"
        " the data can check."
    )
    body = [
        _facts(runs),
        tag("p", hidden, class_="lead") if not show_text else None,
        _scores(runs, names),
        _viewer(runs, views, names),
        *atlas_parts(names, atlases),
        tag(
            "script", Markup(_index(views, names)), type="application/json", id="views"
        ),
    ]
    words = " and ".join(names)
    foot = (
        f"unibench {version('unibench')}. Works from disk; nothing is loaded elsewhere."
    )
    title = f"Errors of {words} on {data.subset}"
    return document(title, body, root="", menu=(), foot=foot, script=_SCRIPT)


def _names(runs: Sequence[Run]) -> list[str]:
    names = [clean(run.record.model.name) for run in runs]
    if len(set(names)) == len(names):
        return names
    return [f"{name} ({letter})" for name, letter in zip(names, "AB", strict=False)]


def _facts(runs: Sequence[Run]) -> Markup:
    record = runs[0].record
    data = record.data
    limit = "" if record.limit is None else f", first {record.limit} passages"
    return facts(
        [
            ("Data", f"{data.subset}, {data.split}, protocol {data.protocol}{limit}"),
            ("Licence", data.license),
            ("Fingerprint", short_hash(data.fingerprint)),
            *(("Run", run.record.environment.command) for run in runs),
        ]
    )


def _scores(runs: Sequence[Run], names: Sequence[str]) -> Markup:
    profiles = [p for p in runs[0].record.scores if p in runs[-1].record.scores]
    found = []
    for profile in profiles:
        f1s = [f"{100 * run.record.scores[profile].f1:.1f}" for run in runs]
        found.append((profile, *f1s, *_compared(runs, profile)))
    more = ("difference", "95 % interval", "p") if len(runs) > 1 else ()
    return table(("rule", *names, *more), found, caption="F1 (%)")


def _compared(runs: Sequence[Run], profile: str) -> tuple[str, ...]:
    if len(runs) < 2:
        return ()
    one: Difference = compare_cases(runs[0].cases, runs[1].cases, profile)
    span = f"{100 * one.interval.low:+.1f} to {100 * one.interval.high:+.1f}"
    return f"{100 * one.difference:+.1f}", span, f"{one.p_value:.3f}"


def _viewer(
    runs: Sequence[Run], views: Sequence[PassageView], names: Sequence[str]
) -> Markup:
    types = sorted({name for view in views for name in view.types()})
    shows = [("errors", "with errors"), ("all", "all")]
    if len(runs) > 1:
        shows.insert(0, ("differs", "where the two differ"))
        shows += [(f"better-{i}", f"{name} is better") for i, name in enumerate(names)]
    controls = [
        _select("show", "Passages", shows),
        _select("kind", "Kind of error", [("", "any"), *((k, k) for k in Kind)]),
        _select(
            "type", "Entity type", [("", "any"), *((name, name) for name in types)]
        ),
    ]
    marks = [("right", "✓", "right"), ("missed", "−", "gold, not found"),  # noqa: RUF001
             ("wrong", "+", "predicted, wrong")]  # fmt: skip
    legend = [
        tag("span", tag("span", sign, class_=f"chip {kind}"), f" {words}")
        for kind, sign, words in marks
    ]
    pager = tag(
        "p",
        tag("button", "Previous", type="button", id="previous"), " ",
        tag("button", "Next", type="button", id="next"), " ",
        tag("span", id="where", role="status", aria_live="polite"),
        class_="pager",
    )  # fmt: skip
    return join(
        [
            tag("h2", "Passages"),
            tag("noscript", tag("p", "The viewer of passages needs JavaScript.")),
            tag("form", *controls, id="filters"),
            tag("p", *legend, class_="legend"),
            pager,
            tag("div", id="passages"),
        ]
    )


def _select(name: str, words: str, options: Sequence[tuple[str, str]]) -> Markup:
    items = (tag("option", shown, value=value) for value, shown in options)
    field = tag("select", *items, id=name)
    return tag("div", tag("label", words, for_=name), field, class_="control")


def _index(views: Sequence[PassageView], names: Sequence[str]) -> str:
    """Return what filters need of every passage: kinds and types of errors, by run."""
    kinds = [str(kind) for kind in Kind]
    types = sorted({name for view in views for name in view.types()})
    number = {name: i for i, name in enumerate(types)}
    rows = [
        [
            *(
                sum(1 << kinds.index(k) for k in view.kinds(i))
                for i in range(len(names))
            ),
            sorted(number[name] for name in view.types()),
            int(view.differs),
            _balance(view),
        ]
        for view in views
    ]
    head = {"names": names, "kinds": kinds, "types": types, "chunk": CHUNK}
    return _json(head | {"rows": rows})


def _balance(view: PassageView) -> int:
    """Return how many more errors the first run made than the second."""
    counts = [sum(bool(item.kind) for item in run) for run in view.runs]
    return counts[0] - counts[-1]


def _packed(view: PassageView) -> list[Any]:
    text = None if view.text is None else clean(view.text)
    runs = [list(_items(view, i)) for i in range(len(view.runs))]
    return [clean(view.id), text, view.length, view.digest, runs, view.unparsed]


def _items(view: PassageView, run: int) -> Iterator[list[Any]]:
    for item in view.runs[run]:
        yield [item.role[0], item.entity_type, item.spans, item.kind, clean(item.text)]


def _json(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e")
