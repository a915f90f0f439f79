"""From raw labels to the entity types that are asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from unibench.errors import CardError, UnibenchError
from unibench.schema.label_map import Label, LabelMap
from unibench.schema.text import Mention, Passage


class LabelKindError(UnibenchError):
    """A wording of the entity types was asked for that there is not."""

    def __init__(self, labels: str) -> None:
        super().__init__(
            f"labels can be worded natural, raw, definition or paraphrase:K (K from 1),"
            f" not {labels!r}"
        )


@dataclass(frozen=True)
class TypeNames:
    """Raw label -> entity type, and what is known of the types, in map order."""

    types: Mapping[str, str]
    definitions: Mapping[str, str]
    raw_labels: Mapping[str, tuple[str, ...]]

    def applied(self, passage: Passage) -> Passage:
        """Return `passage` with entity types; mentions of dropped labels are gone.

        Where two raw labels share a name, one place is one mention.
        """
        if not passage.mentions:
            return passage
        types = self.types
        mentions = dict.fromkeys(
            Mention(types[m.entity_type], m.text, m.spans)
            for m in passage.mentions
            if m.entity_type in types
        )
        return msgspec.structs.replace(passage, mentions=tuple(mentions))


def type_names(
    label_map: LabelMap, subset: str, labels: str, *, released: bool
) -> TypeNames:
    """Return the entity types of `subset`, worded as `labels` says.

    `natural` takes the names, and with `released` the phrases of the paper's released
    files; `raw` the dataset's labels; `definition` one sentence each;
    `paraphrase:K` the K-th other wording, from 1.

    Raises:
        CardError: the map has no such wording for a label, or the same for two.
        LabelKindError: `labels` is no such kind.
    """
    kept = [raw for raw in label_map.raw_labels(subset) if raw in label_map.labels]
    word = _wording(labels, released=released)
    types: dict[str, str] = {}
    definitions: dict[str, str] = {}
    raws: dict[str, tuple[str, ...]] = {}
    for raw in kept:
        label = label_map.label(raw)
        entity_type = word(raw, label)
        if not entity_type:
            raise CardError(
                f"label map of {subset}: {raw!r} ({label.name}) has no {labels}"
            )
        others = {label_map.label(other).name for other in raws.get(entity_type, ())}
        if others - {label.name}:
            raise CardError(
                f"label map of {subset}: {label.name!r} and {others.pop()!r} are both"
                f" worded {entity_type!r} ({labels})"
            )
        types[raw] = entity_type
        raws[entity_type] = (*raws.get(entity_type, ()), raw)
        if label.definition:
            definitions.setdefault(entity_type, label.definition)
    return TypeNames(types, definitions, raws)


def relabelled(
    passage: Passage, rules: Sequence[tuple[re.Pattern[str], str]]
) -> Passage:
    """Return `passage` with raw labels renamed by the first rule that fits each."""
    if not rules or not passage.mentions:
        return passage
    mentions = tuple(
        Mention(_renamed(m.entity_type, rules), m.text, m.spans)
        for m in passage.mentions
    )
    return msgspec.structs.replace(passage, mentions=mentions)


def rules_of(relabel: Iterable[tuple[str, str]]) -> list[tuple[re.Pattern[str], str]]:
    """Return a card's `relabel` pairs, compiled.

    Raises:
        CardError: a pattern is no regular expression.
    """
    try:
        return [(re.compile(pattern), new) for pattern, new in relabel]
    except re.error as error:
        raise CardError(f"relabel: {error.pattern!r}: {error}") from error


def _renamed(label: str, rules: Sequence[tuple[re.Pattern[str], str]]) -> str:
    for pattern, new in rules:
        if match := pattern.fullmatch(label):
            return match.expand(new)
    return label


def _wording(labels: str, *, released: bool) -> Callable[[str, Label], str]:
    kind, _, number = labels.partition(":")
    if labels == "natural":
        return lambda _, label: (label.released if released else "") or label.name
    if labels == "raw":
        return lambda raw, _: raw
    if labels == "definition":
        return lambda _, label: label.definition
    if kind == "paraphrase" and number.isdecimal() and int(number) > 0:
        place = int(number) - 1
        return lambda _, label: (*label.paraphrases, *[""] * (place + 1))[place]
    raise LabelKindError(labels)
