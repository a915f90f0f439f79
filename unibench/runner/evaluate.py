"""Evaluate a model on subsets: the main job, from names to run records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from unibench.adapters.base import ModelAdapter
from unibench.adapters.load import load_model
from unibench.adapters.oracle import ceiling
from unibench.backends.asking import Answers, Progress
from unibench.backends.store import ResponseStore
from unibench.data.api import load_prepared
from unibench.data.catalogue import resolve
from unibench.errors import AdapterError, RunError, UnavailableError
from unibench.runner.ask import ask, read_all
from unibench.runner.environment import environment
from unibench.runner.plan import Plan, plan_subset
from unibench.runner.score_run import (
    PROFILES,
    answer_form_of,
    cases_of,
    scores_of,
    tally_of,
)
from unibench.runner.store import own_folder, run_folder, write_run
from unibench.schema.model_card import ModelCard, card_hash
from unibench.schema.query import Prediction
from unibench.schema.record import AnswerCeiling, ModelIdentity, RunRecord
from unibench.scoring.version import SCORING_VERSION


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What to run: the options of `unibench evaluate`."""

    split: str = "test"
    protocol: str = "corrected"
    limit: int | None = None
    seed: int = 0
    labels: str = "natural"
    profiles: tuple[str, ...] = ()
    base_urls: tuple[str, ...] = ()


class Skipped(msgspec.Struct, frozen=True):
    """A subset of a suite that is not on this machine, and how to get it."""

    subset: str
    reason: str


ProgressFactory = Callable[[Plan], Progress]


def evaluate(
    model: str | ModelAdapter,
    subsets: Sequence[str] | str,
    *,
    output: str | Path = "runs",
    progress: ProgressFactory | None = None,
    settings: Settings | None = None,
) -> list[RunRecord]:
    """Run or resume `model` on subsets, datasets or suites; return the records.

    `model` is a model's name, the path of its YAML file, or an adapter of your own.
    Each record is also written below `output`. Subsets of a suite that are not on
    this machine are skipped; one that is named itself must be there.

    Raises:
        UnibenchError: a name is unknown, data are missing, the model cannot answer.
    """
    names = [subsets] if isinstance(subsets, str) else list(subsets)
    results = evaluate_each(
        model, names, settings or Settings(), Path(output), progress or silent
    )
    return [result for result in results if isinstance(result, RunRecord)]


def evaluate_each(
    model: str | ModelAdapter,
    names: Sequence[str],
    settings: Settings,
    output: Path,
    progress: ProgressFactory,
) -> Iterator[RunRecord | Skipped]:
    """Yield a record, or what was skipped and why, for each subset as it is done."""
    wanted = resolve(names)
    name, adapter = named_model(model, settings)
    done = 0
    with ResponseStore() as store:
        for subset in wanted:
            try:
                plan = plan_of(subset, adapter, settings)
            except UnavailableError as error:
                if subset in names:
                    raise
                yield Skipped(subset, str(error))
                continue
            yield run_subset(name, adapter, plan, settings, (store, output, progress))
            done += 1
    if not done:
        raise RunError(
            f"none of the {len(wanted)} subsets of {', '.join(names)} is on this"
            " machine; 'unibench data list' shows what can be prepared"
        )


def named_model(
    model: str | ModelAdapter, settings: Settings
) -> tuple[str, ModelAdapter]:
    """Return the model's name for folders and tables, and the adapter to ask."""
    if isinstance(model, str):
        return load_model(model, base_urls=settings.base_urls)
    return model.card.title or model.card.checkpoint.id, model


def plan_of(subset: str, adapter: ModelAdapter, settings: Settings) -> Plan:
    """Return what will be asked of one subset.

    Raises:
        UnavailableError: the subset is not on this machine.
    """
    prepared = load_prepared(
        subset, settings.split, settings.protocol, labels=settings.labels
    )
    return plan_subset(
        prepared, adapter.types_per_query, limit=settings.limit, seed=settings.seed
    )


def run_subset(
    name: str,
    adapter: ModelAdapter,
    plan: Plan,
    settings: Settings,
    places: tuple[ResponseStore, Path, ProgressFactory],
) -> RunRecord:
    """Ask, read, score and record one subset."""
    store, output, progress = places
    answers = ask(adapter, plan.queries, store, progress(plan))
    predictions = read_all(adapter, plan.queries, answers)
    record = make_record((name, adapter), plan, settings, answers, predictions)
    folder = run_folder(
        output,
        name,
        plan.prepared.identity,
        limit=settings.limit,
        labels=settings.labels,
    )
    folder = own_folder(folder, record.model.card_sha256)
    return write_run(folder, record, predictions)


def make_record(
    model: tuple[str, ModelAdapter],
    plan: Plan,
    settings: Settings,
    answers: Answers,
    predictions: Sequence[Prediction],
) -> RunRecord:
    """Score the predictions and return the record with every identity behind it."""
    texts = {
        key: response.text
        for key, response in zip(answers.keys, answers.responses, strict=True)
    }
    cases = cases_of(
        plan.prepared,
        plan.passages,
        predictions,
        texts,
        answer_form=answer_form_of(model[1].card.adapter),
    )
    scores = scores_of(cases, settings.profiles or PROFILES)
    return RunRecord(
        unibench_version=version("unibench"),
        scoring_version=SCORING_VERSION,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        model=identity_of(*model),
        data=plan.prepared.identity,
        entity_types=plan.prepared.entity_types,
        limit=settings.limit,
        seed=settings.seed,
        labels=settings.labels,
        scores=scores,
        tally=tally_of(cases, predictions, scores),
        ceiling=ceiling_of(model[1], plan),
        usage=answers.usage,
        environment=environment(),
    )


def ceiling_of(adapter: ModelAdapter, plan: Plan) -> AnswerCeiling | None:
    """Return what the adapter's answer form can hold of this gold, None if unstated."""
    try:
        found = ceiling(
            adapter,
            plan.passages,
            plan.prepared.entity_types,
            plan.prepared.definitions,
            plan.prepared.identity.subset,
        )
    except AdapterError:
        return None
    return AnswerCeiling(
        f1=found.f1, gold=found.gold, kept=found.kept, lost=found.reasons
    )


def identity_of(name: str, adapter: ModelAdapter) -> ModelIdentity:
    """Return which model was asked, and how."""
    card: ModelCard = adapter.card
    prompt_sha256, origin = adapter.prompt_identity()
    return ModelIdentity(
        name=name,
        title=card.title,
        adapter=card.adapter,
        backend=str(card.backend.get("name", "")),
        checkpoint=card.checkpoint.id,
        revision=card.checkpoint.revision,
        revision_pinned=bool(card.checkpoint.revision),
        card_sha256=card_hash(card),
        prompt_sha256=prompt_sha256,
        prompt_origin=origin,
        decoding=card.decoding,
        training_data=card.training_data,
        details=getattr(adapter, "details", dict)(),
    )


def silent(plan: Plan) -> Progress:
    """Show no progress."""
    return lambda count: None
