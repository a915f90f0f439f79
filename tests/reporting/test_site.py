"""The site: whole, self-contained, escaped, and true to the rows behind it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from unibench.errors import RunError
from unibench.reporting.catalogue import Catalogue, read_catalogue
from unibench.reporting.results import Results, collect
from unibench.reporting.site.board import billions, ordered, sections
from unibench.reporting.site.reruns import reruns
from unibench.reporting.site.write import write_site

EVIL = "</script><img src=x onerror=alert(1)> \"&' $x$ \u202e模型"


class Page(HTMLParser):
    """What a page links to, its anchors, and what it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        assert not [name for name in found if name.startswith("on")], found
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a":
            self.links.append(found["href"])
        if tag in {"script", "img", "link", "iframe"}:
            self.loads += [found[k] for k in ("src", "href") if k in found]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_site(collect([]), read_catalogue(), folder)
    return folder


def write(records: list[Any], catalogue: Catalogue, folder: Path, **more: Any) -> Path:
    write_site(collect(records, **more), catalogue, folder)
    return folder


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        for target in Page(path.read_text("utf-8")).loads:
            assert target == "data:," or (path.parent / target).is_file(), target
    assert "url(" not in (site / "style.css").read_text()
    assert not re.search(
        r"fetch\(|XMLHttp|import\(", (site / "leaderboard.js").read_text()
    )


def test_every_link_inside_the_site_leads_somewhere(site: Path) -> None:
    pages = {p.resolve(): Page(p.read_text("utf-8")) for p in site.rglob("*.html")}
    for path, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), path
        for target in page.links:
            if target.startswith("http"):
                continue
            name, _, anchor = target.partition("#")
            there = (path.parent / name).resolve() if name else path
            assert there.is_file(), f"{path}: {target}"
            if anchor and there in pages:
                assert anchor in pages[there].ids, f"{path}: {target}"


def test_every_cell_of_the_data_has_its_evidence(site: Path) -> None:
    data = _data(site)
    anchors = {
        p.name: set(Page(p.read_text()).ids) for p in (site / "models").iterdir()
    }
    for row in data["rows"]:
        page = row["h"].removeprefix("models/")
        for subset, *_ in row["c"]:
            assert f"{row['k']}.{data['subsets'][subset][2]}" in anchors[page]


def test_the_plain_table_can_be_read_without_a_script(site: Path) -> None:
    text = (site / "index.html").read_text("utf-8")
    board = text[text.index('<table id="board"') : text.index("</table>")]
    assert board.count("<tbody>") > 10
    assert "UniNER-13B-type" in board
    assert "55.6" in board
    assert 'id="controls" hidden' in text


def test_ranks_are_given_within_a_section_only() -> None:
    subsets = read_catalogue().suites["ood_7"]
    found = {
        (profile, group): ordered(members, subsets)
        for profile, group, members in sections(collect([]).rows)
    }
    first = [(r.model, rank) for r, rank, _ in found["uniner", "no_human_labels"]]
    assert first[:3] == [
        ("UniNER-13B-type", 1), ("UniNER-7B-type", 2),
        ("gpt-3.5-turbo-0301 (ChatGPT)", 3),
    ]  # fmt: skip
    assert first[-1] == ("SLIMER (LLaMA-2-chat 7B)", None)
    assert all(rank is None for _, rank, _ in found["unknown", "other_human_labels"])
    # 42 of 49 subsets: no average of it is ranked on the whole benchmark.
    whole = read_catalogue().suites["uniner_43"]
    ranked = [r for rows in sections(collect([]).rows) for r in ordered(rows[2], whole)]
    assert {row.model for row, rank, _ in ranked if rank} == {
        "gpt-3.5-turbo-0301 (ChatGPT)", "UniNER-7B-type",
    }  # fmt: skip


def test_the_readme_makes_it_a_static_space(site: Path) -> None:
    text = (site / "README.md").read_text("utf-8")
    assert text.startswith("---\n")
    assert "\nsdk: static\n" in text


def test_names_from_outside_are_escaped_everywhere(
    make_record: Any, catalogue: Catalogue, tmp_path: Path
) -> None:
    record = make_record(
        EVIL, environment__command=EVIL, model__checkpoint=EVIL, created=EVIL
    )
    older = make_record(EVIL, correct=3, created="")
    write([record, older], catalogue, tmp_path, printed=False)
    for path in tmp_path.rglob("*.html"):
        page = Page(path.read_text("utf-8"))
        assert "img" not in page.tags
        assert page.tags.count("script") <= 2
    assert _data(tmp_path)["rows"][0]["n"] == EVIL
    assert "a newer run" in (tmp_path / "index.html").read_text("utf-8")


def test_a_record_cannot_write_outside_the_site(
    make_record: Any, catalogue: Catalogue, tmp_path: Path
) -> None:
    record = make_record("../../evil", "../../evil", data__dataset="../../evil")
    write([record], catalogue, tmp_path / "a" / "b" / "site", printed=False)
    outside = [p for p in tmp_path.rglob("*.html") if "site" not in p.parts]
    assert outside == []
    assert (tmp_path / "a/b/site/datasets/evil.html").is_file()


def test_a_run_brings_its_evidence(
    make_record: Any, catalogue: Catalogue, tmp_path: Path
) -> None:
    write([make_record("shout", "crossner_ai")], catalogue, tmp_path, printed=False)
    text = (tmp_path / "models" / "shout.html").read_text("utf-8")
    for proof in (
        "unibench evaluate -m shout", "a" * 40, "b" * 12, "f" * 12, "Python 3.11",
        "scoring 1", "48.0 to 52.0", "protocol corrected", "By entity type",
        "answers not readable",
    ):  # fmt: skip
        assert proof in text, proof
    dataset = (tmp_path / "datasets" / "crossner_ai.html").read_text("utf-8")
    assert "±2.0" in dataset


def test_a_subset_page_has_card_statistics_and_label_map(site: Path) -> None:
    text = (site / "datasets" / "crossner_politics.html").read_text("utf-8")
    for part in (
        "last sentence lost",
        "650",
        "Label map",
        "political party",
        "Dropped",
    ):
        assert part in text, part


CARD = """
adapter: lines
checkpoint: {id: org/shout, revision: "1"}
published: [UniNER-7B-type]
"""


def test_a_rerun_stands_beside_the_report(
    make_record: Any, cards: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    (cards / "models" / "shout.yaml").write_text(CARD)
    records = [make_record("shout", "crossner_ai", 50)]
    rows = collect(records).rows
    found = {one.row.profile: one for one in reruns(rows)}
    # The strict-span run has no printed figure; the partial one has.
    assert set(found) == {"uniner", "partial"}
    one = found["uniner"]
    assert (one.reported.value, round(one.difference, 1)) == ("53.6", -3.6)
    assert one.agrees is False
    assert one.reasons == (
        "the prompt is not the published one (ours)",
        "data read with protocol corrected, not as the paper did",
        "1 answers not readable",
    )
    write(records, catalogue, tmp_path / "site")
    page = (tmp_path / "site" / "reruns.html").read_text("utf-8")
    assert "-3.6" in page and "Fig. 9" in page


def test_a_folder_of_something_else_is_left_alone(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(RunError, match="holds files that are no leaderboard"):
        write_site(Results(rows=()), catalogue, tmp_path)


def test_a_second_rendering_removes_pages_without_a_place(
    make_record: Any, catalogue: Catalogue, tmp_path: Path
) -> None:
    write([make_record("old")], catalogue, tmp_path, printed=False)
    write([make_record("new")], catalogue, tmp_path, printed=False)
    assert [p.name for p in (tmp_path / "models").iterdir()] == ["new.html"]


@pytest.mark.parametrize(
    ("told", "expected"),
    [("7B", 7), ("300M", 0.3), ("1.5 b", 1.5), ("135M parameters", 0.135),
     ("12 GB", None), ("12 MB", None), ("", None), ("large", None)],
)  # fmt: skip
def test_sizes(told: str, expected: float | None) -> None:
    assert billions(told) == (None if expected is None else pytest.approx(expected))


def test_two_hundred_models_on_49_subsets_fit(make_record: Any, tmp_path: Path) -> None:
    """One page of 200 x 49 measured cells stays under 1 MB compressed."""
    import zlib

    from unibench.reporting.site.board import payload
    from unibench.reporting.site.parts import Site

    catalogue = read_catalogue()
    records = [
        make_record(f"model-{n}", subset, (7 * n + 13 * at) % 97 + 0.5)
        for n in range(200)
        for at, subset in enumerate(catalogue.benchmark)
    ]
    results = collect(records, printed=False)
    pages = {row.model: row.model for row in results.rows}
    data = payload(
        Site(catalogue=catalogue, results=results, model_pages=pages, version="1")
    )
    assert len(zlib.compress(data.encode())) < 500_000


def _data(folder: Path) -> Any:
    text = (folder / "index.html").read_text("utf-8")
    start = text.index(">", text.index('id="data"')) + 1
    return json.loads(text[start : text.index("</script>", start)])
