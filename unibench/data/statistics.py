"""The statistics of prepared subsets, beside those of the paper's Table 6."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from unibench.data import store
from unibench.data.parquet import read_split
from unibench.data.plan import SubsetPlan
from unibench.data.steps.labels import type_names
from unibench.data.store import Manifest
from unibench.errors import CardError, DataError, MissingExtraError
from unibench.schema.dataset_card import SplitStatistics, Statistics
from unibench.schema.dataset_splits import SPLITS
from unibench.schema.strict_yaml import convert, read_yaml
from unibench.schema.text import Passage, token_spans

FIRST = 500
"""Table 6's averages are over the first 500 train instances (reference, part 3)."""
CountTokens = Callable[[str], int]


class StatisticsRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of Table 6, as measured; `table6_...` is what the paper prints.

    `words` and `entities` are means over the first 500 train instances, entities
    before labels are dropped; `tokens` the same in the tokenizer that was given,
    with one more for BOS. Without a train split the means are of the first split.
    """

    subset: str
    domain: str
    protocol: str
    train: int | None = None
    dev: int | None = None
    test: int | None = None
    types: int = 0
    tokens: float | None = None
    entities: float | None = None
    words: float | None = None
    table6_train: int | None = None
    table6_dev: int | None = None
    table6_test: int | None = None
    table6_types: int | None = None
    table6_tokens: float | None = None
    table6_entities: float | None = None


def statistics_row(
    plan: SubsetPlan,
    protocol: str,
    manifest: Manifest,
    count_tokens: CountTokens | None = None,
) -> StatisticsRow:
    """Return the row of one prepared subset."""
    sizes = {split: made.statistics.passages for split, made in manifest.splits.items()}
    names = type_names(plan.label_map, plan.subset, "natural", released=False)
    averages = _averages(manifest, count_tokens) if "train" in sizes else {}
    table6 = {
        f"table6_{name}": getattr(plan.table6, name)
        for name in (*SPLITS, "types", "tokens", "entities")
    }
    values = {**sizes, **averages, **table6, "types": len(names.raw_labels)}
    return msgspec.convert(
        {"subset": plan.subset, "domain": plan.domain, "protocol": protocol, **values},
        StatisticsRow,
    )


def first_passages(manifest: Manifest, split: str = "train") -> list[Passage]:
    """Return the passages over which Table 6's averages are taken."""
    folder = store.home(manifest.subset) / manifest.fingerprint
    return read_split(folder / f"{split}.parquet")[:FIRST]


def llama_tokens(path: Path) -> CountTokens:
    """Return a function that counts tokens, BOS too, with a `tokenizer.json`.

    Raises:
        CardError: the file is no tokenizer.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingExtraError("counting LLaMA tokens", "local") from error
    if not path.is_file():
        raise CardError(f"{path}: there is no such file")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise CardError(f"{path}: no tokenizer.json: {error}") from error
    return lambda text: 1 + len(tokenizer.encode(text, add_special_tokens=False).ids)


def write_statistics(plan: SubsetPlan, measured: Mapping[str, Manifest]) -> Path:
    """Write what was measured under each protocol into the card; return its path.

    Only the `statistics` of the card change; splits that are not here keep theirs.

    Raises:
        DataError: the files are of an edition whose counts may differ.
        CardError: the file cannot be written.
    """
    for manifest in measured.values():
        if manifest.changed or not manifest.exact:
            raise DataError(
                f"{plan.subset}: made from {manifest.source}, whose counts may differ;"
                " the card's statistics are left as they are"
            )
    path = plan.card_file
    values = read_yaml(path)
    everything = convert(
        values.get("statistics", {}), dict[str, Statistics], f"{path}: statistics"
    )
    own = {name: dict(splits) for name, splits in plan.statistics.items()}
    for protocol, manifest in measured.items():
        if protocol == "paper" and not plan.paper:
            continue
        known = own.setdefault(protocol, {})
        known |= {name: made.statistics for name, made in manifest.splits.items()}
    everything = {**everything, plan.subset: own}
    text = path.read_text("utf-8")
    kept = _without_statistics(text).rstrip("\n")
    try:
        path.write_text(f"{kept}\n{_as_yaml(everything)}", "utf-8")
    except OSError as error:
        raise CardError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def _averages(manifest: Manifest, count_tokens: CountTokens | None) -> dict[str, float]:
    first = first_passages(manifest)
    means = {
        "words": sum(len(token_spans(p)) for p in first) / len(first),
        "entities": sum(len(p.mentions) for p in first) / len(first),
    }
    if count_tokens is not None:
        means["tokens"] = sum(count_tokens(p.text) for p in first) / len(first)
    return means


def _without_statistics(text: str) -> str:
    """Cut the top-level block `statistics:` out of a card's text."""
    lines, kept, inside = text.splitlines(), [], False
    for line in lines:
        if line.startswith("statistics:"):
            inside = True
        elif line and not line[0].isspace():
            inside = False
        if not inside:
            kept.append(line)
    return "\n".join(kept)


def _as_yaml(everything: Mapping[str, Statistics]) -> str:
    ordered: dict[str, Any] = {
        subset: {
            protocol: {name: _plain(splits[name]) for name in SPLITS if name in splits}
            for protocol, splits in protocols.items()
        }
        for subset, protocols in everything.items()
    }
    return yaml.safe_dump(
        {"statistics": ordered},
        sort_keys=False,
        default_flow_style=None,
        width=88,
        allow_unicode=True,
    )


def _plain(statistics: SplitStatistics) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(statistics)
    return values
