"""What must be true of a run before anything of it is published."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from unibench.data import catalogue
from unibench.errors import PublishError
from unibench.publish.licenses import may_redistribute
from unibench.schema.dataset_card import DatasetCard
from unibench.schema.record import RunRecord

MOVING = frozenset({"main", "master", "head", "latest", "default", "nightly", "dev"})
"""Revisions that mean something else tomorrow."""

_HEX = re.compile(r"[0-9a-f]{16,64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_LOCAL = re.compile(r"^(/|~|\.{1,2}/|[A-Za-z]:[\\/])")
_REASON = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,63}")
_HUB_BACKENDS = {"transformers", "vllm", "gliner"}
_MAX_TEXT = 1000  # of any string but the command; definitions of types are shorter
_MAX_DETAIL = 200  # characters of a value in `model.details`


def publishable(record: RunRecord) -> RunRecord:
    """Return the record as it is published: no path, home folder or local file name.

    Raises:
        PublishError: it may not be published; the message says why and what to do.
    """
    problems = list(problems_of(record))
    if problems:
        where = record.path or f"{record.model.name} on {record.subset}"
        raise PublishError(f"{where} cannot be published: {'; '.join(problems)}")
    home = str(Path.home())
    command = record.environment.command
    environment = msgspec.structs.replace(
        record.environment,
        command=command if home == "/" else command.replace(home, "~"),
    )
    name = re.sub(r"\.ya?ml$", "", record.model.name.replace("\\", "/").split("/")[-1])
    if "/" in record.model.name and not record.model.name.endswith((".yaml", ".yml")):
        name = record.model.name
    model = msgspec.structs.replace(record.model, name=name)
    return msgspec.structs.replace(
        record, path="", environment=environment, model=model
    )


def problems_of(record: RunRecord) -> Iterator[str]:
    """Yield every reason why a record may not be published."""
    yield from _model_problems(record)
    data = record.data
    if not _HEX.fullmatch(data.fingerprint):
        yield (
            "the dataset has no fingerprint, so nobody could tell which passages were"
            " asked; run 'unibench evaluate' on a prepared dataset"
        )
    if not _HEX.fullmatch(record.predictions_sha256):
        yield "the record names no predictions; run 'unibench rescore' on it"
    yield from _text_problems(record)
    yield from _type_problems(record)
    yield from _count_problems(record)


def _model_problems(record: RunRecord) -> Iterator[str]:
    model = record.model
    if _LOCAL.match(model.checkpoint):
        yield (
            f"the checkpoint {model.checkpoint!r} is a folder of one machine; publish"
            " the weights ('unibench publish model --weights DIR') and evaluate them by"
            " their Hub id"
        )
    if not model.revision or not model.revision_pinned:
        yield (
            "the model's revision is not pinned; write checkpoint.revision into"
            f" the card of {model.name!r} (a Hub commit, an API's dated name, or a"
            " package's version) and evaluate again"
        )
    elif model.revision.lower() in MOVING:
        yield f"the model's revision {model.revision!r} moves; pin a commit instead"
    elif _is_hub_model(record) and not _COMMIT.fullmatch(model.revision):
        yield (
            f"the revision {model.revision!r} of {model.checkpoint} is no commit; pin"
            " the 40 hex digits that 'Copy full SHA' gives on the model's page"
        )


def _is_hub_model(record: RunRecord) -> bool:
    return (
        record.model.backend in _HUB_BACKENDS
        and record.model.checkpoint.count("/") == 1
    )


def _text_problems(record: RunRecord) -> Iterator[str]:
    """A record holds names and numbers; free text could be text of a dataset."""
    tally = record.tally
    counted: tuple[Mapping[str, int], ...] = (
        tally.parse_errors, tally.repairs, tally.dropped, tally.flags,
        *(score.notes for score in record.scores.values()),
    )  # fmt: skip
    for name in chain.from_iterable(counted):
        if not _REASON.fullmatch(name):
            yield (
                f"the tally counts {name[:40]!r}, which is no name of a reason;"
                " text of a dataset must not stand there"
            )
    for key, value in record.model.details.items():
        if not _is_plain(value):
            yield f"model.details[{key!r}] is longer than a setting can be"
    values = msgspec.to_builtins(record)
    values["environment"]["command"] = ""
    if long := next(filter(_is_long, _strings(values)), None):
        yield f"it holds a text of {len(long)} characters ({long[:20]!r}...)"


def _type_problems(record: RunRecord) -> Iterator[str]:
    """Scores by type are of types that were asked, which the label map words."""
    asked = set(record.entity_types)
    for profile, score in record.scores.items():
        if strange := sorted(set(score.by_type) - asked):
            yield f"{profile} scores the type {strange[0][:40]!r}, which was not asked"


def _strings(value: Any) -> Iterator[str]:
    """Yield every string of plain values, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(key)
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def _is_long(text: str) -> bool:
    return len(text) > _MAX_TEXT


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _MAX_DETAIL
    return value is None or isinstance(value, bool | int | float)


def _count_problems(record: RunRecord) -> Iterator[str]:
    """Numbers that cannot be: of a damaged or made-up record."""
    if "uniner" not in record.scores:
        yield "it has no score under the headline profile 'uniner'; rescore it"
    for profile, score in record.scores.items():
        counts = score.counts
        most = min(counts.predicted, counts.gold)
        if not 0 <= counts.correct <= most:
            yield (
                f"{profile} counts {counts.correct:g} correct of {counts.predicted}"
                f" predicted and {counts.gold} gold"
            )
        by_type = score.by_type.values()
        if by_type and sum(c.correct for c in by_type) != counts.correct:
            yield f"the types of {profile} do not add up to its total"


def card_of(record: RunRecord) -> DatasetCard | None:
    """Return the card of the record's dataset, None where this machine has none."""
    dataset = catalogue.subsets().get(record.subset)
    return catalogue.card(dataset) if dataset else None


def text_allowed(record: RunRecord) -> bool:
    """Tell whether text of the record's dataset may be published.

    Both the record and today's card must say so; a dataset without a card is unknown.
    """
    card = card_of(record)
    return card is not None and record.data.access == "open" and may_redistribute(card)


def places_allowed(record: RunRecord) -> bool:
    """Tell whether places in the texts (offsets without text) may be published.

    Not of datasets under an agreement: even the model's own words about a clinical
    note can name a patient.
    """
    card = card_of(record)
    return card is not None and card.access == "open" and record.data.access == "open"
