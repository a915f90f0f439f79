"""Reading gold and prediction files, good and bad."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unibench.errors import FormatError, ScoreError
from unibench.schema.score import Counts
from unibench.scoring.file_scores import as_rows, score_files
from unibench.scoring.files.detect import detect_form
from unibench.scoring.files.pairing import Policy

TEXT = "Ann Lee met Bo in Rome"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(name: str, *rows: Any) -> Path:
        path = tmp_path / name
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path.write_text("\n".join(lines), "utf-8")
        return path

    return write


def gold_row(**changes: Any) -> dict[str, Any]:
    row = {"id": "q1", "text": TEXT, "entity_type": "person", "mentions": ["Ann Lee"]}
    return {**row, **changes}


def answer_row(**changes: Any) -> dict[str, Any]:
    return {"id": "q1", "entity_type": "person", "mentions": ["Ann Lee"], **changes}


def counts(*args: Any, **options: Any) -> Counts:
    (found,) = score_files(*args, resamples=0, **options).scores
    return found.score.counts


def test_json_lines(write: Any) -> None:
    gold = write("gold.jsonl", gold_row(), gold_row(entity_type="place", mentions=[]))
    answers = write(
        "answers.jsonl",
        answer_row(entity_type="place", response='["Rome"]', mentions=None),
        answer_row(response='["ann lee", "Bo"]', mentions=None),
    )
    assert counts(gold, answers) == Counts(1, 3, 1)


def test_rows_may_be_of_whole_passages(write: Any) -> None:
    marked = [{"entity_type": "person", "start": 0, "end": 7}]
    types = ["person", "place"]
    gold = write(
        "gold.jsonl",
        {"id": 1, "text": TEXT, "entity_types": types, "mentions": marked},
    )
    split = [{"entity_type": "person", "text": "Ann", "spans": [[0, 3]]}]
    answers = write(
        "a.jsonl", {"id": 1, "entity_types": types, "mentions": split + marked}
    )
    assert counts(gold, answers, profiles=["strict_span"]) == Counts(1, 2, 1)


@pytest.mark.parametrize(
    ("gold", "answer", "message"),
    [
        pytest.param(
            gold_row(), answer_row(id="q9"),
            r"a\.jsonl: line 1: no prediction has an id of the gold \(the first is"
            r" 'q9'\).*different datasets", id="other-dataset",
        ),
        pytest.param(
            gold_row(mentions=[{"text": "Ann", "start": 0, "end": 99}]), answer_row(),
            r"gold\.jsonl: line 1: the span of 'Ann' lies outside", id="span-outside",
        ),
        pytest.param(
            gold_row(mentions=[{"text": "Ann", "start": 4, "end": 7}]), answer_row(),
            r"line 1: at the offsets of 'Ann' stands 'Lee'", id="span-disagrees",
        ),
        pytest.param(
            gold_row(mentions=[{"text": "Ann", "start": 3, "end": 3}]), answer_row(),
            r"line 1: the mention 'Ann' has an empty or negative span", id="span-empty",
        ),
        pytest.param(
            gold_row(mentions=[{"text": "Ann", "start": 3}]), answer_row(),
            r"line 1: a mention needs 'start' and 'end'", id="span-half",
        ),
        pytest.param(
            gold_row(mentions=[{}]), answer_row(),
            r"line 1: a mention has neither 'text' nor offsets", id="mention-empty",
        ),
        pytest.param(
            gold_row(), answer_row(mentions=[{"text": "Ann", "score": 1.5}]),
            r"a\.jsonl: line 1: the score 1\.5 is not between 0 and 1", id="score",
        ),
        pytest.param(
            gold_row(), '{"id": "q1", "entity_type": "person", "mentions": [{"text":'
            ' "Ann", "score": NaN}]}', r"a\.jsonl: line 1: ", id="score-nan",
        ),
        pytest.param(
            gold_row(), answer_row(mentions=["x" * 10_000_000]),
            r"a\.jsonl: line 1: a mention has 10,000,000 characters", id="10-mb",
        ),
        pytest.param(
            gold_row(), answer_row(mentions=None, response="x" * 10_000_000),
            r"a\.jsonl: line 1: the response has 10,000,000 characters",
            id="10-mb-answer",
        ),
        pytest.param(
            gold_row(text="x" * 10_000_000), answer_row(),
            r"gold\.jsonl: line 1: the text has 10,000,000 characters", id="10-mb-text",
        ),
        pytest.param(
            gold_row(), answer_row(response="[]"),
            r"a\.jsonl: line 1: .* either 'mentions' or a 'response'", id="both-kinds",
        ),
        pytest.param(
            gold_row(), answer_row(entity_types=["person"]),
            r"a\.jsonl: line 1: give 'entity_type' or 'entity_types'", id="types-twice",
        ),
        pytest.param(
            gold_row(), answer_row(mentions=[3]),
            r"a\.jsonl: line 1: Expected .* at `\$\.mentions\[0\]`", id="wrong-type",
        ),
        pytest.param(
            gold_row(mentions=None), answer_row(),
            r"gold\.jsonl: line 1: Expected `array`", id="no-gold",
        ),
    ],
)  # fmt: skip
def test_bad_rows(write: Any, gold: Any, answer: Any, message: str) -> None:
    paths = write("gold.jsonl", gold), write("a.jsonl", answer)
    with pytest.raises((FormatError, ScoreError), match=message):
        score_files(*paths)


@pytest.mark.parametrize(
    ("gold", "answers", "message"),
    [
        pytest.param(
            [gold_row(), gold_row()], [answer_row()],
            r"gold\.jsonl: line 2: passage 'q1', entity type 'person', is given twice;"
            r" it stands in .*gold\.jsonl: line 1", id="gold-twice",
        ),
        pytest.param(
            [gold_row()], [answer_row(), answer_row()],
            r"a\.jsonl: line 2: passage 'q1', .* is given twice", id="answer-twice",
        ),
        pytest.param(
            [gold_row(), gold_row(id="q2", text="Other", mentions=[])], [answer_row()],
            r"gold\.jsonl: line 2: passage 'q2', entity type 'person', has no"
            r" prediction \(1 such\)", id="missing",
        ),
        pytest.param(
            [gold_row()], [answer_row(), answer_row(id="q2")],
            r"a\.jsonl: line 2: passage 'q2', .* is not in the gold", id="unknown-id",
        ),
        pytest.param(
            [gold_row()], [answer_row(), answer_row(entity_type="place")],
            r"a\.jsonl: line 2: .* entity type 'place', is not in the gold",
            id="unknown-type",
        ),
        pytest.param(
            [gold_row(), gold_row(entity_type="place", text="Rome fell")],
            [answer_row()], r"gold\.jsonl: line 2: passage 'q1' has another text",
            id="two-texts",
        ),
        pytest.param(
            [gold_row(), gold_row(entity_type="place", mentions=[])],
            [answer_row(), answer_row(entity_type="place", mentions=None, response="")],
            r"a\.jsonl: line 2: this row has a 'response', the first one 'mentions'",
            id="mixed-kinds",
        ),
        pytest.param(
            [gold_row(), "Ann B-person"], [answer_row()],
            r"gold\.jsonl: line 2: ", id="mixed-forms",
        ),
    ],
)  # fmt: skip
def test_rows_that_do_not_go_together(
    write: Any, gold: list[Any], answers: list[Any], message: str
) -> None:
    paths = write("gold.jsonl", *gold), write("a.jsonl", *answers)
    with pytest.raises((FormatError, ScoreError), match=message):
        score_files(*paths)


def test_policies_are_counted(write: Any) -> None:
    gold = write("gold.jsonl", gold_row(), gold_row(id="q2", text="x"))
    answers = write("a.jsonl", answer_row(), answer_row(id="q3"), answer_row(id="q4"))
    policy = Policy(missing="empty", unknown="drop")
    (found,) = score_files(gold, answers, policy=policy).scores
    assert found.score.counts == Counts(1, 1, 2)
    assert found.score.notes["missing_predictions"] == 1
    assert found.score.notes["unknown_predictions"] == 2


def test_each_profile_reads_raw_answers_with_its_own_parser(write: Any) -> None:
    gold = write("gold.jsonl", gold_row(mentions=["Ann Lee", "Bo"]))
    answer = "Ann(B-person) Lee(I-person) met(O) Bo(B-person) in(O) Rome(O)"
    answers = write("a.jsonl", answer_row(mentions=None, response=answer))
    scores = score_files(gold, answers, profiles=["uniner", "gner"], resamples=0).scores
    assert [(s.parser, s.score.f1) for s in scores] == [("uniner", 0.0), ("gner", 1.0)]
    assert scores[0].score.notes["unparsed"] == 1
    (forced,) = score_files(gold, answers, parser="gner", resamples=0).scores
    assert forced.score.f1 == 1.0


def test_a_parser_without_raw_answers_is_refused(write: Any) -> None:
    paths = write("gold.jsonl", gold_row()), write("a.jsonl", answer_row())
    with pytest.raises(ScoreError, match="the parser 'gner' has nothing to read"):
        score_files(*paths, parser="gner")


def test_all_profiles_leave_out_those_that_need_a_text(write: Any) -> None:
    gold = write("gold.jsonl", gold_row(text=""))
    answers = write("a.jsonl", answer_row())
    found = score_files(gold, answers, profiles=["all"], resamples=0)
    assert {s.score.profile for s in found.scores} == {
        "uniner", "partial", "instructuie", "instructuie_none_bug", "gner",
    }  # fmt: skip
    assert "has neither a text nor offsets" in found.skipped["strict_span"]
    with pytest.raises(ScoreError, match="has neither a text nor offsets"):
        score_files(gold, answers, profiles=["strict_span"])


def test_the_ceiling_of_strings(write: Any) -> None:
    spans = [{"start": 0, "end": 3}]
    text = "Ann saw Ann"
    gold = write("gold.jsonl", gold_row(text=text, mentions=spans))
    answers = write("a.jsonl", answer_row(mentions=["Ann"]))
    (found,) = score_files(gold, answers, profiles=["strict_span"]).scores
    assert found.ceiling is not None
    assert found.ceiling.counts == found.score.counts == Counts(1, 2, 1)
    placed = write("b.jsonl", answer_row(mentions=spans))
    (found,) = score_files(gold, placed, profiles=["strict_span"]).scores
    assert found.ceiling is None


CONLL = "Ann B-PER\nLee I-PER\nmet O\nBo B-PER\n\nRome B-LOC"


def test_conll_pairs_and_the_last_sentence(write: Any) -> None:
    gold = write("gold.conll", "-DOCSTART- O\n\n" + CONLL)
    answers = write("a.conll", CONLL.replace("Bo B-PER", "Bo I-PER") + "\n\n")
    assert counts(gold, answers, profiles=["conlleval"]) == Counts(3, 3, 3)
    assert counts(gold, answers, profiles=["seqeval_strict"]) == Counts(2, 2, 3)
    assert counts(gold, answers, profiles=["uniner"]) == Counts(3, 3, 3)
    assert counts(gold, answers, profiles=["strict_span"]) == Counts(3, 3, 3)


def test_conll_with_both_tags_in_one_file(write: Any) -> None:
    both = write(
        "both.txt", "Ann NNP B-PER B-PER", "Lee NNP I-PER O", "", "x y O B-LOC"
    )
    assert counts(both, profiles=["seqeval_default"]) == Counts(0, 2, 1)


@pytest.mark.parametrize(
    ("gold", "answers", "message"),
    [
        pytest.param(CONLL, CONLL.replace("met", "saw"),
                     r"a\.conll: the sentence at line 1 has other tokens than"
                     r" .*gold\.conll: line 1", id="tokens"),
        pytest.param(CONLL, CONLL + "\n\nx O", r"has 2 sentences and .* 3",
                     id="longer"),
        pytest.param(CONLL.replace("B-LOC", "b-loc"), CONLL,
                     r"gold\.conll: line 6: 'b-loc' is no tag", id="lower-case"),
        pytest.param(CONLL + "\nOslo", CONLL,
                     r"gold\.conll: line 7: a token and a tag are needed", id="ragged"),
        pytest.param("", CONLL, r"gold\.conll: the file is empty", id="empty"),
        pytest.param('{"id": 1, "mentions": []}', CONLL,
                     r"is of the form 'jsonl' and .* 'conll'", id="mixed-files"),
    ],
)  # fmt: skip
def test_bad_conll(write: Any, gold: str, answers: str, message: str) -> None:
    paths = write("gold.conll", gold), write("a.conll", answers)
    with pytest.raises((FormatError, ScoreError), match=message):
        score_files(*paths)


def conversation(key: str, text: str, name: str, answer: str) -> dict[str, Any]:
    values = [f"Text: {text}", "Ready.", f"What describes {name} in the text?", answer]
    speakers = ["human", "gpt"] * 2
    turns = [
        {"from": speaker, "value": value}
        for speaker, value in zip(speakers, values, strict=True)
    ]
    return {"id": key, "conversations": turns}


QUERIES = [
    conversation("x_0", TEXT, "person", '["Ann Lee", "Bo"]'),
    conversation("x_1", TEXT, "place", '["Rome"]'),
    conversation("x_2", "It rains", "person", "[]"),
    conversation("x_3", TEXT, "person", '["Ann Lee", "Bo"]'),  # the text again
]


def test_conversations_with_a_list_of_answers(write: Any) -> None:
    gold = write("gold.json", QUERIES)
    raw = ['["ann lee"]', "Rome", "[]", '["Ann Lee"]']
    answers = write("answers.json", raw)
    assert counts(gold, answers) == Counts(2, 2, 5)
    lists = write("lists.json", [["ann lee"], ["Rome"], [], ["Bo"]])
    assert counts(gold, lists) == Counts(3, 3, 5)
    assert counts(gold, lists, profiles=["strict_span"]) == Counts(3, 3, 5)


def test_conversations_as_answers_in_any_order(write: Any) -> None:
    gold = write("gold.json", QUERIES)
    answered = [
        conversation("x_3", TEXT, "person", '["Bo"]'),
        *QUERIES[:3],
    ]
    assert counts(gold, write("a.json", answered)) == Counts(4, 4, 5)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        pytest.param(["[]"] * 3, r"3 answers to 4 queries", id="shorter"),
        pytest.param(QUERIES[:3], r"conversation 4 \(x_3\): passage .* has no pred",
                     id="missing"),
        pytest.param([*QUERIES[:3], conversation("x_3", "Else", "person", "[]")],
                     r"this id has another text", id="other-text"),
        pytest.param([*QUERIES, conversation("y", TEXT, "person", "[]")],
                     r"is not in the gold", id="unknown"),
        pytest.param([1, 2], r"a\.json: item 1: Expected", id="numbers"),
        pytest.param([{"some": "thing"}], r"of no known form", id="unknown-form"),
    ],
)  # fmt: skip
def test_bad_conversations(write: Any, answers: Any, message: str) -> None:
    gold, answered = write("gold.json", QUERIES), write("a.json", answers)
    with pytest.raises((FormatError, ScoreError), match=message):
        score_files(gold, answered)


def test_conversation_gold_must_be_a_list_of_strings(write: Any) -> None:
    gold = write("gold.json", [conversation("x", TEXT, "person", "Ann")])
    with pytest.raises(
        FormatError, match="the gold answer is no list of strings: 'Ann'"
    ):
        score_files(gold, gold)


def gner_row(answer: str, **changes: Any) -> dict[str, Any]:
    instance = {
        "words": ["Ann", "Lee", "met", "Bo"],
        "labels": ["B-person", "I-person", "O", "B-person"],
        **changes,
    }
    return {
        "dataset": changes.pop("dataset", "one"), "label_list": ["person", "place"],
        "instance": instance, "prediction": answer,
    }  # fmt: skip


def test_gner_files(write: Any) -> None:
    path = write(
        "gner.jsonl",
        gner_row("Ann(B-person) Lee(I-person) met(O) Bo(B-place)"),
        gner_row("Bo(B-person)", dataset="two"),
    )
    found = score_files(path, profiles=["gner", "strict_span"], resamples=10)
    rows = [(s.dataset, s.score.profile, s.score.counts) for s in found.scores]
    assert rows == [
        ("one", "gner", Counts(1, 2, 2)),
        ("two", "gner", Counts(1, 1, 2)),
        ("one", "strict_span", Counts(1, 2, 2)),
        ("two", "strict_span", Counts(1, 1, 2)),
    ]
    mean = found.means["gner"]
    assert mean.name == "mean over 2 datasets"
    assert mean.value == pytest.approx(7 / 12)
    with pytest.raises(FormatError, match="line 1: 4 words have 2 labels"):
        score_files(write("bad.jsonl", gner_row("", labels=["O", "O"])))
    other = write("other.jsonl", gner_row(""))
    with pytest.raises(ScoreError, match="holds gold and predictions together"):
        score_files(path, other)


def uie_row(target: str, answer: str, **changes: Any) -> dict[str, Any]:
    instance = {
        "id": "0", "sentence": TEXT, "ground_truth": target, "label": target,
        "instruction": "Name them.\nOption: person, title \nText: {0}\nAnswer:",
    }  # fmt: skip
    row = {"Task": "NER", "Dataset": "d", "Instance": instance, "Prediction": answer}
    return {**row, **changes}


def test_instructuie_files(write: Any) -> None:
    second = uie_row("None", "None")
    second["Instance"]["id"] = "1"
    target = "person: Ann Lee; title: Rise; and Fall"
    path = write("p.jsonl", uie_row(target, "person: Ann Lee; person: Bo"), second)
    assert counts(path, profiles=["instructuie"]) == Counts(1, 2, 2)
    assert counts(path, profiles=["instructuie_none_bug"]) == Counts(2, 3, 4)
    assert counts(path, profiles=["uniner"]) == Counts(1, 2, 2)
    with pytest.raises(FormatError, match="line 1: the task is 'RE'; only NER"):
        score_files(write("re.jsonl", uie_row("None", "None", Task="RE")))
    with pytest.raises(FormatError, match="line 1: 'Ann' is no 'type: mention' list"):
        score_files(write("bad.jsonl", uie_row("Ann", "None")))


def test_rows_have_all_that_json_prints(write: Any) -> None:
    gold, answers = write("gold.jsonl", gold_row()), write("a.jsonl", answer_row())
    (row,) = as_rows(score_files(gold, answers))
    assert (row["profile"], row["precision"], row["recall"], row["f1"]) == (
        "uniner", 1.0, 1.0, 1.0,
    )  # fmt: skip
    assert row["counts"] == Counts(1, 1, 1)
    assert row["intervals"]["f1"].low == 1.0
    assert row["by_type"]["person"]["f1"] == 1.0


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("a.txt", "[ O\nx B-y\n", "conll"),
        ("a.txt", "{ O\n", "conll"),
        ("a.txt", '\ufeff{"id": 1, "mentions": []}', "jsonl"),
        ("a", '["x"]', "answers"),
        ("a.jsonl", '{"id": "x", "conversations": []}', "conversations"),
    ],
)
def test_forms(tmp_path: Path, name: str, content: str, form: str) -> None:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    assert detect_form(path) == form


@pytest.mark.realdata
def test_the_released_file_against_itself(real_data: Path, tmp_path: Path) -> None:
    """Queries and set sizes as in scorers.md, section 9."""
    import lzma

    packed = real_data / "crossner_ai" / "universal_ner" / "CrossNER_AI.json.xz"
    path = tmp_path / "CrossNER_AI.json"
    path.write_bytes(lzma.decompress(packed.read_bytes()))
    (found,) = score_files(path, path, resamples=0).scores
    assert found.score.counts == Counts(1603, 1603, 1603)
    assert found.score.notes["repeats_gold"] == 21
    (same,) = score_files(
        path, path, ["uniner:released_gold_parser"], resamples=0
    ).scores
    assert same.score.counts == Counts(1603, 1603, 1603)
