"""Stage `label`: the teacher answers every passage, and every answer is kept."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from unibench.backends.asking import Answers, ask_missing
from unibench.backends.batch.answers import BATCHED
from unibench.backends.batch.queue import Ask
from unibench.backends.batch.run import (
    BatchRun,
    BatchStatus,
    refuse_under_way,
    unpriced,
)
from unibench.backends.batch.send import BatchOptions, Note
from unibench.backends.budget import Budget
from unibench.backends.prices import Price
from unibench.backends.store import ResponseStore
from unibench.distill.corpus.sample import SampledPassage
from unibench.distill.passages import PASSAGES
from unibench.distill.teacher import Teacher
from unibench.distill.work import Progress, StageManifest, WorkFolder, plain
from unibench.errors import RunError
from unibench.schema.distillation import DistillationRecipe
from unibench.schema.jsonl import read_rows, write_rows
from unibench.schema.query import Response

ANSWERS = "answers.jsonl"


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """How the teacher is asked: where, for how much, and whether in batches."""

    base_urls: tuple[str, ...] = ()
    budget_usd: float | None = None
    batching: BatchOptions | None = None


class UnderWayError(RunError):
    """Answers are still to come from batches; nothing is wrong."""

    def __init__(self, status: BatchStatus) -> None:
        """Take how the batches stand."""
        waiting = sum(batch.requests for batch in status.under_way)
        super().__init__(
            f"{waiting:,} requests are under way in batches; run the same command"
            " again to collect the answers, now or later"
        )
        self.status = status


class TeacherAnswer(msgspec.Struct, frozen=True):
    """The teacher's answer to a passage: a row of `answers.jsonl`.

    `key` finds it in the response store.
    """

    id: str
    key: str
    response: Response


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What labelling will take: requests, of these stored, tokens, dollars.

    `cost_usd` is None where no price is known.
    """

    requests: int
    stored: int
    prompt_tokens: int
    answer_tokens: int
    cost_usd: float | None
    price: Price | None

    def __str__(self) -> str:
        """Say it in one line."""
        text = (
            f"{self.requests:,} requests, {self.stored:,} of them stored; about"
            f" {self.prompt_tokens:,} prompt and {self.answer_tokens:,} answer tokens"
        )
        if self.cost_usd is None or self.price is None:
            return f"{text}; no price is known"
        return f"{text}; about ${self.cost_usd:,.2f} (prices of {self.price.as_of})"


def estimate(
    recipe: DistillationRecipe,
    work: WorkFolder,
    folder: Path,
    asking: Asking,
) -> Estimate:
    """Return what the stage will ask and cost, without asking.

    Raises:
        RunError: the passages are not there yet.
    """
    teacher = _teacher(recipe, work, folder, asking.base_urls)
    passages = _passages(work)
    with ResponseStore() as store:
        return _estimate(teacher, passages, store, asking)


def label(
    recipe: DistillationRecipe,
    work: WorkFolder,
    folder: Path,
    progress: Progress,
    asking: Asking,
) -> StageManifest:
    """Run or resume the stage; answers that are stored cost nothing.

    Raises:
        UnderWayError: batches are at the server; come back for their answers.
        RunError: the passages are not there, or it would cost more than the budget.
        BackendError: the teacher does not answer; what it answered is kept.
    """
    teacher = _teacher(recipe, work, folder, asking.base_urls)
    made = work.required("passages")
    settings = plain({"teacher": teacher.identity()})
    inputs = {PASSAGES: made.files[PASSAGES].sha256}
    if found := work.done("label", settings, inputs):
        return found
    started = time.monotonic()
    passages = _passages(work)
    with ResponseStore() as store:
        expected = _estimate(teacher, passages, store, asking)
        progress.note(str(expected))
        if asking.batching is None:
            _check_budget(teacher, expected, asking.budget_usd)
        else:
            batching = (asking.batching, progress.note)
            _ask_in_batches(teacher, passages, store, batching)
        progress.start("answers", len(passages), " answers")
        answers = _ask(teacher, passages, (store, progress), asking.budget_usd)
        progress.close()
    rows = [
        TeacherAnswer(passage.id, key, response)
        for passage, key, response in zip(
            passages, answers.keys, answers.responses, strict=True
        )
    ]
    write_rows(work.file(ANSWERS), rows)
    return work.finish(
        "label",
        settings=settings,
        inputs=inputs,
        rows={ANSWERS: len(rows)},
        counts=_counts(teacher, answers, expected),
        seconds=time.monotonic() - started,
    )


def _teacher(
    recipe: DistillationRecipe,
    work: WorkFolder,
    folder: Path,
    base_urls: Sequence[str],
) -> Teacher:
    if recipe.teacher is None:
        raise RunError(f"{work.recipe} has no section `teacher`")
    return Teacher(recipe.teacher, folder, base_urls)


def _passages(work: WorkFolder) -> list[SampledPassage]:
    work.required("passages")
    return list(read_rows(work.file(PASSAGES), SampledPassage))


def _ask(
    teacher: Teacher,
    passages: Sequence[SampledPassage],
    places: tuple[ResponseStore, Progress],
    budget_usd: float | None,
) -> Answers:
    store, progress = places
    budget = None
    if budget_usd is not None and teacher.price is not None:
        budget = Budget(teacher.price, budget_usd)

    def respond(positions: Sequence[int]) -> Iterator[tuple[int, Response]]:
        asked = [passages[position] for position in positions]
        refuse_under_way([teacher.key(passage) for passage in asked])
        if budget is None:
            return teacher.respond(asked)
        return budget.respond(asked, teacher.respond, teacher.worst_case)

    keys = [teacher.key(passage) for passage in passages]
    return ask_missing(keys, respond, store, progress.advance, model=teacher.name)


def _ask_in_batches(
    teacher: Teacher,
    passages: Sequence[SampledPassage],
    store: ResponseStore,
    batching: tuple[BatchOptions, Note],
) -> None:
    """Send what is missing and collect what is there.

    Raises:
        UnderWayError: not every answer is there yet.
    """
    frame, answer = teacher.frame_tokens(), teacher.recipe.answer_tokens

    def asks() -> Iterator[Ask]:
        for passage in passages:
            expected = (passage.tokens + frame, answer)
            yield Ask(teacher.key(passage), teacher.prompt(passage), expected)

    status = BatchRun(teacher.backend, store, teacher.price, *batching).run(asks)
    if not status.finished:
        raise UnderWayError(status)


def _estimate(
    teacher: Teacher,
    passages: Sequence[SampledPassage],
    store: ResponseStore,
    asking: Asking,
) -> Estimate:
    keys = {teacher.key(passage): passage for passage in passages}
    stored = store.get(list(keys))
    missing = [passage for key, passage in keys.items() if key not in stored]
    frame = teacher.frame_tokens()
    prompt_tokens = sum(passage.tokens + frame for passage in missing)
    answer_tokens = len(missing) * teacher.recipe.answer_tokens
    price = teacher.price
    if price is not None and asking.batching is not None:
        price = price.batched()
    return Estimate(
        requests=len(keys),
        stored=len(stored),
        prompt_tokens=prompt_tokens,
        answer_tokens=answer_tokens,
        cost_usd=price.cost(prompt_tokens, answer_tokens) if price else None,
        price=price,
    )


def _check_budget(
    teacher: Teacher, expected: Estimate, budget_usd: float | None
) -> None:
    if budget_usd is None:
        return
    if expected.cost_usd is None:
        raise RunError(unpriced(teacher.card.checkpoint.id))
    if expected.cost_usd > budget_usd:
        raise RunError(
            f"{expected}; that is more than --budget {budget_usd:g}, so nothing was"
            " asked"
        )


def _counts(
    teacher: Teacher, answers: Answers, expected: Estimate
) -> dict[str, object]:
    price, usage = teacher.price, answers.usage
    distinct = dict(zip(answers.keys, answers.responses, strict=True)).values()
    prompt_tokens = sum(r.prompt_tokens or 0 for r in distinct)
    answer_tokens = sum(r.completion_tokens or 0 for r in distinct)
    spent = price.cost(usage.prompt_tokens, usage.completion_tokens) if price else None
    whole = sum(map(teacher.cost, distinct)) if price else None
    return {
        "answers": len(answers.responses),
        "asked_now": usage.requests,
        "from_store": usage.reused,
        "prompt_tokens": prompt_tokens,
        "answer_tokens": answer_tokens,
        "from_batches": sum(BATCHED in r.flags for r in distinct),
        "without_token_counts": sum(r.prompt_tokens is None for r in distinct),
        "finish_reasons": dict(
            sorted(Counter(r.finish_reason for r in answers.responses).items())
        ),
        "estimated": plain(expected),
        "cost_usd": whole,
        "spent_now_usd": spent,
    }
