"""Conversations: the published schema, the marked answers, the order of an epoch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unibench.errors import FormatError
from unibench.schema.conversation import (
    Conversation,
    Turn,
    for_epoch,
    json_answer,
    read_conversations,
)


def row(name: str, *values: str) -> dict[str, object]:
    """A conversation as UniversalNER publishes it."""
    turns = [
        {"from": "gpt" if at % 2 else "human", "value": value}
        for at, value in enumerate(values)
    ]
    return {"id": name, "conversations": turns}


PUBLISHED = row(
    "ner_0", "Text: Ann met Bo.", "I've read this text.",
    "What describes person in the text?", '["Ann", "Bo"]',
    "What describes city in the text?", "[]",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("train.json", json.dumps([PUBLISHED]), id="json-list"),
        pytest.param("train.jsonl", json.dumps(PUBLISHED) + "\n", id="json-lines"),
    ],
)
def test_the_published_form_is_read(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    (read,) = read_conversations(path)
    assert read.id == "ner_0"
    assert read.conversations[0] == Turn("human", "Text: Ann met Bo.")
    assert read.answers == (3, 5)  # not the fixed reply
    assert [q.value for q, _ in read.pairs] == [
        "What describes person in the text?", "What describes city in the text?",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        pytest.param(("Text: x",), "1 turns", id="one-turn"),
        pytest.param(("Text: x", "ok", "What?"), "3 turns", id="no-answer"),
    ],
)
def test_half_a_conversation_is_refused(
    tmp_path: Path, values: tuple[str, ...], problem: str
) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(json.dumps(row("a", *values)), "utf-8")
    with pytest.raises(FormatError, match=rf"conversation 1 \('a'\): {problem}"):
        list(read_conversations(path))


def test_a_speaker_out_of_turn_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    turns = [{"from": "human", "value": "a"}, {"from": "human", "value": "b"}]
    path.write_text(json.dumps({"id": "x", "conversations": turns}), "utf-8")
    with pytest.raises(FormatError, match="turn 2 is from 'human', not 'gpt'"):
        list(read_conversations(path))


def test_answers_must_be_answers(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(json.dumps(PUBLISHED | {"answers": [2]}), "utf-8")
    with pytest.raises(FormatError, match="answers names turn 2"):
        list(read_conversations(path))


def conversation(count: int) -> Conversation:
    turns = [Turn("human", "Text: x"), Turn("gpt", "ok")]
    for at in range(count):
        turns += [Turn("human", f"q{at}"), Turn("gpt", f"a{at}")]
    return Conversation("c", tuple(turns), tuple(range(3, 2 + 2 * count, 2)))


def test_an_epoch_shuffles_queries_with_their_answers() -> None:
    original = conversation(8)
    first, second = for_epoch(original, 0), for_epoch(original, 1)
    assert first == for_epoch(original, 0)
    assert first != second
    assert first.conversations[:2] == original.conversations[:2]
    assert first.answers == original.answers
    assert sorted(q.value for q, _ in first.pairs) == [f"q{n}" for n in range(8)]
    assert all(q.value[1:] == a.value[1:] for q, a in first.pairs)
    assert for_epoch(original, 0, seed=1) != first


def test_answers_are_json_in_the_passages_own_letters() -> None:
    assert json_answer(["Zo\u00eb", 'the "Tern"']) == '["Zo\u00eb", "the \\"Tern\\""]'
