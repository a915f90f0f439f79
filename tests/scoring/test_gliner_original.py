"""The profile `gliner` beside GLiNER's own evaluator, where that package is there."""

from __future__ import annotations

import random

import pytest

from unibench.schema.score import Case
from unibench.schema.text import Mention, Passage, Span, mention_at, token_spans
from unibench.scoring.api import score_cases

pytestmark = pytest.mark.slow

TYPES = ("Person", "PLACE")


def random_case(draw: random.Random, number: int) -> Case:
    """Gold on any characters, predictions on words; some blanks are doubled."""
    words = [draw.choice(["Ann", "Rome-based", "of", "Bo,"]) for _ in range(6)]
    text = "".join(word + draw.choice([" ", " ", "  "]) for word in words).rstrip()
    passage = Passage(str(number), text)
    spans = token_spans(passage)

    def mention(*, on_words: bool) -> Mention:
        first = draw.randrange(len(spans))
        last = draw.randrange(first, len(spans))
        start, end = spans[first].start, spans[last].end
        if not on_words:
            start, end = start + draw.choice([0, 0, 1]), end - draw.choice([0, 0, 1])
        name = draw.choice(TYPES)
        return mention_at(text, name, Span(start, max(end, start + 1)))

    gold = tuple(
        mention(on_words=draw.random() < 0.7) for _ in range(draw.randrange(4))
    )
    predicted = tuple(mention(on_words=True) for _ in range(draw.randrange(4)))
    return Case(Passage(str(number), text, gold), TYPES, predicted)


@pytest.mark.filterwarnings("ignore")
def test_equal_to_gliner_on_random_passages() -> None:
    evaluate_ner = pytest.importorskip(
        "gliner.evaluation.evaluate_ner", reason="needs unibench[gliner]"
    )
    evaluator = pytest.importorskip(
        "gliner.evaluation.evaluator", reason="needs unibench[gliner]"
    )
    draw = random.Random(6)  # noqa: S311
    for _ in range(300):
        cases = [random_case(draw, number) for number in range(5)]
        gold, predicted = [], []
        for case in cases:
            entities = [
                {
                    "name": m.text,
                    "type": m.entity_type,
                    "pos": (m.spans[0].start, m.spans[0].end),
                }
                for m in case.passage.mentions
            ]
            row = {"sentence": case.passage.text, "entities": entities}
            gold.append(evaluate_ner.process(row)["ner"])
            words = token_spans(case.passage)
            starts = {word.start: number for number, word in enumerate(words)}
            ends = {word.end: number for number, word in enumerate(words)}
            predicted.append(
                [
                    (
                        starts[m.spans[0].start],
                        ends[m.spans[0].end],
                        m.entity_type.lower(),
                    )
                    for m in case.predicted
                ]
            )
        _, f1 = evaluator.BaseNEREvaluator(gold, predicted).evaluate()
        assert score_cases(cases, "gliner", resamples=0).f1 == pytest.approx(f1)
