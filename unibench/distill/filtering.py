"""Stage `filter`: read the answers, reject what is no answer, keep good entities."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from unibench.distill.answers.entities import EntityFilter, merged_plurals
from unibench.distill.answers.tuples import read_tuples
from unibench.distill.corpus.sample import SampledPassage
from unibench.distill.label import ANSWERS, TeacherAnswer
from unibench.distill.passages import PASSAGES
from unibench.distill.work import Progress, StageManifest, WorkFolder, plain
from unibench.errors import RunError
from unibench.schema.distillation import DistillationRecipe, FilterRecipe
from unibench.schema.jsonl import read_rows, write_rows
from unibench.schema.text import Mention

PAIRS = "pairs.jsonl"
REJECTED = "rejected.jsonl"
_SHOWN = 200


class DistilledPair(msgspec.Struct, frozen=True, omit_defaults=True):
    """A passage with what the teacher found in it: a row of `pairs.jsonl`.

    `document` and `source` say where the passage is from, `teacher` and `answer`
    (a key of the response store) where its entities are from, `repairs` what was
    mended in reading the answer.
    """

    id: str
    text: str
    entities: tuple[Mention, ...]
    source: str
    document: str
    teacher: str
    answer: str
    repairs: tuple[str, ...] = ()


class RejectedAnswer(msgspec.Struct, frozen=True):
    """An answer that could not be used: a row of `rejected.jsonl`."""

    id: str
    reason: str
    finish_reason: str
    answer: str
    begins: str


def filter_answers(
    recipe: DistillationRecipe, work: WorkFolder, progress: Progress
) -> StageManifest:
    """Run the stage; it takes seconds, so it is made anew after an interruption.

    Raises:
        RunError: there are no answers yet, or not one of them is usable.
    """
    answered = work.required("label")
    sampled = work.required("passages")
    settings = plain({"filter": recipe.filter})
    inputs = {
        PASSAGES: sampled.files[PASSAGES].sha256,
        ANSWERS: answered.files[ANSWERS].sha256,
    }
    if found := work.done("filter", settings, inputs):
        return found
    started = time.monotonic()
    run = FilterRun(recipe.filter)
    progress.start("answers", answered.files[ANSWERS].rows, " answers")
    pairs, rejected = run.read(_joined(work), progress)
    pairs = run.with_plurals_merged(pairs)
    progress.close()
    if not pairs:
        raise RunError(
            f"{work.file(ANSWERS)}: not one answer can be used ({dict(run.reasons)});"
            " look at the teacher, its prompt and `max_tokens`"
        )
    write_rows(work.file(PAIRS), pairs)
    write_rows(work.file(REJECTED), rejected)
    return work.finish(
        "filter",
        settings=settings,
        inputs=inputs,
        rows={PAIRS: len(pairs), REJECTED: len(rejected)},
        counts=run.report(pairs),
        seconds=time.monotonic() - started,
    )


class FilterRun:
    """Reads answers and counts what happens to them."""

    def __init__(self, recipe: FilterRecipe) -> None:
        """Take what is wanted."""
        self.recipe = recipe
        self.entities = EntityFilter(recipe)
        self.answers = 0
        self.plurals = 0
        self.reasons: Counter[str] = Counter()
        self.repairs: Counter[str] = Counter()
        self.items: Counter[str] = Counter()

    def read(
        self,
        answers: Iterable[tuple[SampledPassage, TeacherAnswer]],
        progress: Progress,
    ) -> tuple[list[DistilledPair], list[RejectedAnswer]]:
        """Return the usable pairs and the rejected answers, in order."""
        pairs, rejected = [], []
        for passage, answer in answers:
            self.answers += 1
            result = self._one(passage, answer)
            if isinstance(result, DistilledPair):
                pairs.append(result)
            else:
                self.reasons[result.reason] += 1
                rejected.append(result)
            progress.advance(1)
        return pairs, rejected

    def with_plurals_merged(self, pairs: list[DistilledPair]) -> list[DistilledPair]:
        """Give plural types the name of their singular, if the recipe says so."""
        if self.recipe.plural == "keep":
            return pairs
        merged = merged_plurals({m.entity_type for p in pairs for m in p.entities})
        return [self._merged(pair, merged) for pair in pairs]

    def report(self, pairs: list[DistilledPair]) -> dict[str, Any]:
        """Return everything that was counted, for the manifest."""
        return {
            "answers": self.answers,
            "kept": len(pairs),
            "kept_share": round(len(pairs) / self.answers, 4) if self.answers else 0.0,
            "rejected": dict(self.reasons.most_common()),
            "repaired_answers": dict(self.repairs.most_common()),
            "entities": sum(len(pair.entities) for pair in pairs),
            "dropped_items": dict(self.items.most_common()),
            "dropped_entities": dict(self.entities.dropped.most_common()),
            "changed_entities": dict(self.entities.changed.most_common()),
            "plural_types_merged": self.plurals,
            "without_entities": sum(not pair.entities for pair in pairs),
        }

    def _one(
        self, passage: SampledPassage, answer: TeacherAnswer
    ) -> DistilledPair | RejectedAnswer:
        recipe = self.recipe
        found = read_tuples(
            answer.response,
            repair=recipe.repair,
            limit=recipe.max_entities,
            cut=recipe.cut,
        )
        if found.error:
            return _rejected(answer, found.error)
        self.repairs.update(list(found.repairs))
        self.items.update(found.dropped)
        entities = self.entities.apply(passage.text, found.pairs)
        if not entities and not recipe.keep_empty:
            return _rejected(answer, "no_entities")
        return DistilledPair(
            id=passage.id,
            text=passage.text,
            entities=entities,
            source=passage.source,
            document=passage.document,
            teacher=answer.response.model,
            answer=answer.key,
            repairs=tuple(found.repairs),
        )

    def _merged(self, pair: DistilledPair, merged: dict[str, str]) -> DistilledPair:
        entities = dict.fromkeys(
            Mention(merged.get(m.entity_type, m.entity_type), m.text)
            for m in pair.entities
        )
        changed = sum(m.entity_type in merged for m in pair.entities)
        self.plurals += changed
        if not changed:
            return pair
        return msgspec.structs.replace(pair, entities=tuple(entities))


def read_pairs(work: WorkFolder) -> list[DistilledPair]:
    """Return the pairs that the stage left."""
    work.required("filter")
    return list(read_rows(work.file(PAIRS), DistilledPair))


def _joined(work: WorkFolder) -> Iterator[tuple[SampledPassage, TeacherAnswer]]:
    """Yield passages with their answers; both files are in the same order."""
    return zip(
        read_rows(work.file(PASSAGES), SampledPassage),
        read_rows(work.file(ANSWERS), TeacherAnswer),
        strict=True,
    )


def _rejected(answer: TeacherAnswer, reason: str) -> RejectedAnswer:
    response = answer.response
    return RejectedAnswer(
        id=answer.id,
        reason=reason,
        finish_reason=response.finish_reason,
        answer=answer.key,
        begins=response.text[:_SHOWN],
    )
