"""Comparing with card, Table 6 and fingerprints; statistics; exports."""

from __future__ import annotations

import json
from typing import Any

import pytest

from unibench.data import fingerprint
from unibench.data.api import load_prepared
from unibench.data.check import CheckRow, check
from unibench.data.export import conll, conversations, json_lines
from unibench.data.plan import plan_of
from unibench.data.prepare import prepare_from
from unibench.data.raw.locate import RawFolder
from unibench.data.statistics import statistics_row, write_statistics
from unibench.errors import DataError
from unibench.schema.text import Mention, Passage, Span, mention_at


def checked(toy: Any, protocol: str = "corrected") -> CheckRow:
    return check("toy", protocol, RawFolder(toy.raw))


def write_expected(toy: Any) -> None:
    """Write the statistics of what lies there, as `stats --write` does."""
    plan = plan_of("toy")
    raw = RawFolder(toy.raw)
    manifests = {p: prepare_from("toy", p, raw) for p in ("corrected", "paper")}
    path = write_statistics(plan, manifests)
    import yaml

    toy.card = yaml.safe_load(path.read_text("utf-8"))


def test_states(toy: Any) -> None:
    toy.raw.mkdir()
    assert checked(toy).state == "unavailable"
    assert check("toy", "corrected").state == "unavailable"
    toy.usual()
    assert checked(toy).explained.keys() == {"nothing expected"}
    write_expected(toy)
    assert checked(toy).state == "ok"
    assert check("toy", "corrected").state == "ok"
    toy.save(table6={"train": 2, "test": 4, "types": 2})
    row = checked(toy)
    assert (row.state, row.problems) == ("different", ("test: 3, Table 6 has 4",))
    difference = {"name": "one lost", "why": "tested", "splits": ["test"]}
    toy.save(differences=[difference])
    row = checked(toy)
    assert (row.state, row.explained) == ("explained", {"one lost": "tested"})
    assert row.ours == {"train": 2, "test": 3, "types": 2}
    assert row.table6 == {"train": 2, "test": 4, "types": 2}
    toy.save(differences=[{**difference, "protocols": ["paper"]}])
    assert checked(toy).state == "different"
    assert checked(toy, "paper").state == "explained"


def test_other_counts_are_named(toy: Any) -> None:
    toy.usual()
    write_expected(toy)
    toy.write({"data/test.txt": "Rome\tB-PER\n"})
    problems = checked(toy).problems
    assert "test: 1 passages, the card expects 3" in problems
    assert "test: 0 mentions of LOC, the card expects 1" in problems


def test_a_broken_file_is_different_and_says_why(toy: Any) -> None:
    toy.write({"data/test.txt": "Rome\n", "data/train.txt": "a\tO\n"})
    row = checked(toy)
    assert row.state == "different"
    assert "data/test.txt: line 1" in row.problems[0]


def test_another_edition_is_explained_by_its_note(toy: Any) -> None:
    toy.usual()
    write_expected(toy)
    source = {"title": "other", "exact": False, "note": "an older release"}
    toy.write({"data/test.txt": "Rome\tB-PER\n"})
    toy.save(sources=[source])
    assert checked(toy).explained == {"another edition": "an older release"}
    with pytest.raises(DataError, match="counts may differ"):
        write_expected(toy)


def test_statistics_are_written_once_and_leave_the_card_as_it_was(toy: Any) -> None:
    toy.usual()
    path = toy.root / "cards" / "dataset_cards" / "toy.yaml"
    path.write_text("# mine\n" + path.read_text("utf-8"), "utf-8")
    before = path.read_text("utf-8")
    write_expected(toy)
    once = path.read_text("utf-8")
    write_expected(toy)
    assert path.read_text("utf-8") == once
    assert once.startswith(before.rstrip("\n"))
    assert plan_of("toy").statistics["corrected"]["test"].labels == {
        "LOC": 1,
        "MISC": 1,
        "PER": 1,
    }


def test_the_row_of_table_6(toy: Any) -> None:
    toy.save(table6={"train": 2, "tokens": 3.5})
    manifest = prepare_from("toy", "corrected", RawFolder(toy.usual()))
    row = statistics_row(
        plan_of("toy"), "corrected", manifest, lambda text: 1 + len(text)
    )
    assert (row.train, row.dev, row.test, row.types) == (2, None, 3, 2)
    assert row.words == 1.5  # "Ann ran", "Oslo"
    assert row.entities == 1.0
    assert row.tokens == (8 + 5) / 2
    assert (row.table6_train, row.table6_tokens) == (2, 3.5)


def test_fingerprints_prove_equality_and_name_what_differs(toy: Any) -> None:
    toy.usual()
    write_expected(toy)
    plan = plan_of("toy")
    manifest = prepare_from("toy", "corrected", RawFolder(toy.raw))
    path = fingerprint.write(plan, fingerprint.made(plan, {"corrected": manifest}))
    assert b"Rome" not in path.read_bytes()
    assert checked(toy).state == "identical"
    content = (toy.raw / "data" / "test.txt").read_text()
    toy.write({"data/test.txt": content.replace("Lee\tI-PER", "Lee\tB-PER")})
    assert checked(toy).problems[-2:] == (
        "raw files: data/test.txt is not ours",
        "gold: test differs in 1 places: 1",
    )
    toy.write({"data/test.txt": content.replace("Rome", "Roma")})
    assert checked(toy).problems[-1] == "passages: test differs in 1 places: 0"
    toy.write({"data/test.txt": content + "\nmore\tO\n"})
    assert checked(toy).problems[-1] == "passages: test has 4, ours 3"
    toy.usual()
    toy.map["labels"]["LOC"] = "place"
    toy.save()
    assert checked(toy).problems[-1].startswith("label names")


def test_conversations_ask_every_type_in_a_seeded_order(toy: Any) -> None:
    prepare_from("toy", "paper", RawFolder(toy.usual()))
    prepared = load_prepared("toy", "test", "paper")
    rows = list(conversations(prepared, "Toy"))
    assert [row["id"] for row in rows] == [f"Toy_{i}" for i in range(6)]
    assert rows == list(conversations(prepared, "Toy"))
    turns = {r["conversations"][2]["value"]: r["conversations"] for r in rows[2:4]}
    assert turns["What describes Person in the text?"] == [
        {"from": "human", "value": "Text: Ann Lee ate pasta"},
        {"from": "gpt", "value": "I've read this text."},
        {"from": "human", "value": "What describes Person in the text?"},
        {"from": "gpt", "value": '["Ann Lee"]'},
    ]
    orders = {
        tuple(
            r["conversations"][2]["value"] for r in conversations(prepared, "T", seed)
        )
        for seed in range(20)
    }
    assert len(orders) > 1


def test_json_lines_can_be_read_again(toy: Any) -> None:
    prepare_from("toy", "corrected", RawFolder(toy.usual()))
    rows = list(json_lines(load_prepared("toy", "test")))
    assert rows[0] == {
        "id": "0",
        "text": "in Rome",
        "entity_types": ["person", "location"],
        "mentions": [{"entity_type": "location", "text": "Rome", "start": 3, "end": 7}],
    }
    from unibench.data.formats.base import raw_file
    from unibench.data.formats.registry import make_format

    lines = "\n".join(map(json.dumps, rows))
    passages = make_format("jsonl", "test").read([raw_file("x", lines)])
    assert tuple(passages) == load_prepared("toy", "test").passages


def mention(start: int, end: int, text: str = "ab-cd ef") -> Mention:
    return mention_at(text, "X", Span(start, end))


@pytest.mark.parametrize(
    ("mentions", "rows", "lost"),
    [
        pytest.param([(0, 5)], ["ab-cd\tB-X", "ef\tO"], 0, id="token"),
        pytest.param([(0, 8)], ["ab-cd\tB-X", "ef\tI-X"], 0, id="two-tokens"),
        pytest.param(
            [(3, 8)], ["ab-\tO", "cd\tB-X", "ef\tI-X"], 0, id="inside-a-token"
        ),
        pytest.param([(0, 2), (0, 8)], ["ab-cd\tB-X", "ef\tI-X"], 1, id="nested"),
        pytest.param([(0, 5), (6, 8)], ["ab-cd\tB-X", "ef\tB-X"], 0, id="touching"),
    ],
)
def test_columns(mentions: list[tuple[int, int]], rows: list[str], lost: int) -> None:
    passage = Passage("0", "ab-cd ef", tuple(mention(*span) for span in mentions))
    assert conll(passage) == (rows, lost)
