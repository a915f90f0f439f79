"""Evaluate a model on subsets: the main job, from names to run records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from unibench.adapters.base import ModelAdapter
from unibench.adapters.load import load_model
from unibench.adapters.oracle import ceiling
from unibench.backends.asking import Answers
from unibench.backends.store import ResponseStore
from unibench.data.api import load_prepared
from unibench.data.catalogue import resolve
from unibench.errors import AdapterError, RunError, UnavailableError
from unibench.runner.ask import ask, read_all
from unibench.runner.budget import Purse
from unibench.runner.engine import Engine, EngineSettings, Model
from unibench.runner.engines import open_engine
from unibench.runner.environment import environment
from unibench.runner.plan import Plan, plan_subset
from unibench.runner.price import usage_of
from unibench.runner.score_run import (
    PROFILES,
    answer_form_of,
    cases_of,
    scores_of,
    tally_of,
)
from unibench.runner.store import own_folder, run_folder, write_run
from unibench.runner.watch import RunScope, Watcher, expected_queries
from unibench.schema.model_card import ModelCard, card_hash
from unibench.schema.query import Prediction
from unibench.schema.record import AnswerCeiling, EngineUse, ModelIdentity, RunRecord
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
    concurrency: int | None = None
    engine: EngineSettings = EngineSettings()
    budget_usd: float | None = None


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What the subsets of one run share."""

    store: ResponseStore
    output: Path
    watcher: Watcher
    engine: Engine


class Skipped(msgspec.Struct, frozen=True):
    """A subset of a suite that is not on this machine, and how to get it."""

    subset: str
    reason: str


def evaluate(
    model: str | ModelAdapter,
    subsets: Sequence[str] | str,
    *,
    output: str | Path = "runs",
    watcher: Watcher | None = None,
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
        model, names, settings or Settings(), Path(output), watcher or Watcher()
    )
    return [result for result in results if isinstance(result, RunRecord)]


def evaluate_each(
    model: str | ModelAdapter,
    names: Sequence[str],
    settings: Settings,
    output: Path,
    watcher: Watcher,
) -> Iterator[RunRecord | Skipped]:
    """Yield a record, or what was skipped and why, for each subset as it is done."""
    wanted = resolve(names)
    model_name, adapter = named_model(model, settings)
    named = Model(name=model_name, adapter=adapter, from_card=isinstance(model, str))
    watcher.begin(scope_of(named, wanted, settings))
    done = 0
    with (
        ResponseStore() as store,
        closing(open_engine(named, settings.engine)) as opened,
    ):
        engine = Purse(opened, adapter, settings.budget_usd)
        for subset in wanted:
            try:
                plan = plan_of(subset, adapter, settings)
            except UnavailableError as error:
                if subset in names:
                    raise
                watcher.skipped(subset, str(error))
                yield Skipped(subset, str(error))
                continue
            tools = Tools(store=store, output=output, watcher=watcher, engine=engine)
            record = run_subset(named, plan, settings, tools)
            del plan  # before the next subset is read
            watcher.finished(record)
            yield record
            done += 1
    if not done:
        raise RunError(
            f"none of the {len(wanted)} subsets of {', '.join(names)} is on this"
            " machine; 'unibench data list' shows what can be prepared"
        )


def scope_of(model: Model, subsets: Sequence[str], settings: Settings) -> RunScope:
    """Return what the whole run is, for who watches it."""
    return RunScope(
        model=model.name,
        card=model.adapter.card,
        subsets=tuple(subsets),
        expected=lambda subset: expected_queries(
            subset,
            (settings.split, settings.protocol),
            labels=settings.labels,
            limit=settings.limit,
            types_per_query=model.adapter.types_per_query,
        ),
    )


def named_model(
    model: str | ModelAdapter, settings: Settings
) -> tuple[str, ModelAdapter]:
    """Return the model's name for folders and tables, and the adapter to ask."""
    if isinstance(model, str):
        return load_model(
            model, base_urls=settings.base_urls, concurrency=settings.concurrency
        )
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


def run_subset(model: Model, plan: Plan, settings: Settings, tools: Tools) -> RunRecord:
    """Ask, read, score and record one subset."""
    name, adapter = model.name, model.adapter
    tools.watcher.subset(plan)
    answers = ask(adapter, plan.queries, tools.store, tools.watcher, tools.engine)
    predictions = read_all(adapter, plan.queries, answers)
    record = make_record((name, adapter), plan, settings, answers, predictions)
    record = with_engine(record, tools.engine.use())
    folder = run_folder(
        tools.output,
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
        usage=usage_of(model[1], answers),
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


def with_engine(record: RunRecord, use: EngineUse) -> RunRecord:
    """Return the record with what answered its requests."""
    engaged = msgspec.structs.replace(record.environment, engine=use)
    return msgspec.structs.replace(record, environment=engaged)
