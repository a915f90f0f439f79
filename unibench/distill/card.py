"""The dataset card: what a reader of the Hub must know about the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml
from tabulate import tabulate

from unibench.distill.statistics import (
    PLOT,
    AllStatistics,
    DataStatistics,
    read_statistics,
)
from unibench.distill.teacher import turns_of
from unibench.distill.work import StageManifest, WorkFolder
from unibench.schema.distillation import DistillationRecipe

_FREQUENT = 4
_OF_ONE_RUN = {"asked_now", "from_store", "without_token_counts"}
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
)


def dataset_card(
    recipe: DistillationRecipe, work: WorkFolder, report: Mapping[str, Any]
) -> str:
    """Return the README.md of the dataset: metadata, statistics, origin, limits."""
    distilled = any(part.distilled for part in recipe.conversations.mixture)
    sections = [_front_matter(recipe, report), f"# {recipe.title}\n", _intro(distilled)]
    if distilled:
        sections += [_statistics(read_statistics(work)), _origin(recipe, work)]
    sections += [_mixture(recipe, report), _format(recipe)]
    if recipe.notes:
        sections.append("## Notes\n\n" + "\n".join(f"- {n}" for n in recipe.notes))
    return "\n".join(section.rstrip() + "\n" for section in sections)


def _front_matter(recipe: DistillationRecipe, report: Mapping[str, Any]) -> str:
    files: Mapping[str, int] = report["files"]
    rows = next(iter(files.values()))
    size = next((name for limit, name in _SIZES if rows < limit), "n>1M")
    configs = []
    for name in files:
        stem = PurePosixPath(name).stem
        config = "default" if stem == "train" else stem.removeprefix("train-")
        parts = [{"split": "train", "path": PurePosixPath(name).name}]
        configs.append({"config_name": config, "data_files": parts})
    metadata = {
        "license": recipe.license,
        "language": list(recipe.languages),
        "pretty_name": recipe.title,
        "task_categories": ["token-classification", "text-generation"],
        "tags": ["named-entity-recognition", "instruction-tuning", "unibench"],
        "size_categories": [size],
        "configs": configs,
    }
    text = yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True)
    return f"---\n{text}---\n"


def _intro(distilled: bool) -> str:  # noqa: FBT001
    origin = (
        "The entities were found by a language model, not by people: expect missing"
        " mentions, wrong types, and types worded in several ways."
        if distilled
        else "The entities are the annotations of the training sets named below."
    )
    return (
        "Conversations that train a language model to find the mentions of any entity"
        f" type in a passage. {origin} Made with `unibench distill`.\n"
    )


def _statistics(statistics: AllStatistics) -> str:
    whole = statistics.all
    rows = [
        ["passages with answers", f"{whole.pairs:,}"],
        ["entities", f"{whole.entities:,}"],
        ["distinct entity types", f"{whole.types:,}"],
        ["types that occur once", f"{whole.once:,}"],
        ["entities a passage", f"{whole.entities_per_pair:.2f}"],
        ["types a passage", f"{whole.types_per_pair:.2f}"],
        ["passages without entities", f"{whole.without_entities:,}"],
    ]
    return "\n\n".join(
        [
            "## Statistics",
            _table(rows, ["", "number"]),
            _table(range_rows(whole), ["types by frequency", "share", "examples"]),
            f"![How frequent the entity types are, by rank]({PLOT})",
            _table(source_rows(statistics), SOURCE_COLUMNS),
        ]
    )


def range_rows(statistics: DataStatistics) -> list[list[str]]:
    """Return the rows of Table 1."""
    return [
        [f"{r.name} ({r.types:,})", f"{r.share:.1%}", ", ".join(r.examples)]
        for r in statistics.ranges
    ]


SOURCE_COLUMNS = ("source", "passages", "entities", "types", "frequent types")


def source_rows(statistics: AllStatistics) -> list[list[str]]:
    """Return one row for each source of passages."""
    return [
        [
            source,
            f"{part.pairs:,}",
            f"{part.entities:,}",
            f"{part.types:,}",
            ", ".join([n for r in part.ranges for n in r.examples][:_FREQUENT]),
        ]
        for source, part in statistics.by_source.items()
    ]


def _origin(recipe: DistillationRecipe, work: WorkFolder) -> str:
    lines = ["## How it was made", ""]
    if recipe.passages is not None:
        corpora = (
            f"{s.hub} at {s.revision}" if s.hub else s.name
            for s in recipe.passages.corpus
        )
        lines.append(f"- Corpus: {', '.join(corpora)}.")
    for stage in ("passages", "label", "filter"):
        manifest = work.required(stage)
        lines.append(f"- Stage `{stage}`: {', '.join(_numbers(manifest))}.")
    answered = work.required("label").settings["teacher"]
    lines.append(
        f"- Teacher: {answered['model']}"
        + (f" at {answered['revision']}" if answered["revision"] else "")
        + f", temperature {answered['decoding']['temperature']:g}."
    )
    if recipe.teacher is not None:
        lines += ["- Prompt:", ""]
        for turn in turns_of(recipe.teacher):
            body = "\n".join(f"      {line}".rstrip() for line in turn.text.split("\n"))
            lines += [f"      {turn.role}:", body, ""]
    return "\n".join(lines)


def _numbers(manifest: StageManifest) -> Iterator[str]:
    """Say the counts of a stage in words, nested ones after their name."""
    for key, value in manifest.counts.items():
        if key in _OF_ONE_RUN:
            continue
        if isinstance(value, Mapping) and key in _SHOWN_GROUPS and value:
            inner = ", ".join(f"{n:,} {_words(k)}" for k, n in value.items())
            yield f"{_words(key)} ({inner})"
        elif isinstance(value, int) and not isinstance(value, bool):
            yield f"{value:,} {_words(key)}"


_SHOWN_GROUPS = (
    "stream",
    "unusable_rows",
    "rejected_candidates",
    "duplicates_in_sample",
    "finish_reasons",
    "rejected",
    "repaired_answers",
    "dropped_entities",
    "changed_entities",
)


def _words(key: str) -> str:
    return key.replace("_", " ")


def _mixture(recipe: DistillationRecipe, report: Mapping[str, Any]) -> str:
    rows = [
        [name, f"{part['different']:,}", f"{part['weight']:g}", f"{part['taken']:,}"]
        for name, part in report["parts"].items()
    ]
    wanted = recipe.conversations
    negatives = wanted.negatives
    many = "" if negatives.strategy == "none" else f", {negatives.count} a passage"
    return "\n\n".join(
        [
            "## Conversations",
            _table(rows, ["part", "conversations", "weight", "taken in all epochs"]),
            f"{report['positive_queries']:,} queries have mentions and"
            f" {report['negative_queries']:,} have none (negative types:"
            f" {negatives.strategy}{many}).",
        ]
    )


def _format(recipe: DistillationRecipe) -> str:
    answer = (
        "a JSON list of mentions"
        if recipe.conversations.query == "one_type"
        else "a JSON object, type to list of mentions"
    )
    return (
        "## Format\n\nJSON lines with `id`, `conversations` (turns with `from`, human"
        " or gpt, and `value`) and `answers`, the positions of the turns that the loss"
        f" is taken on. Each answer is {answer}; an empty one belongs to a type that"
        " does not occur.\n"
    )


def _table(rows: list[list[str]], headers: list[str] | tuple[str, ...]) -> str:
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
