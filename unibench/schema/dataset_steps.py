"""The steps that a dataset card may name: filters, and what the paper's reader did."""

from __future__ import annotations

from typing import Any

import msgspec

from unibench.schema.dataset_splits import FileNames, Partition


class Filter(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="name",
):
    """Leaves passages out; `why` says why, and the number is kept in the manifest."""

    why: str = ""


class Distinct(Filter, frozen=True, kw_only=True, tag="distinct"):
    """Keep the first passage of each text."""


class MinTokens(Filter, frozen=True, kw_only=True, tag="min_tokens"):
    """Keep passages of at least `count` tokens."""

    count: int


class NotBlank(Filter, frozen=True, kw_only=True, tag="not_blank"):
    """Leave out passages without any word."""


class WithoutLabels(Filter, frozen=True, kw_only=True, tag="without_labels"):
    """Leave out passages with a mention of one of these raw `labels`."""

    labels: tuple[str, ...]


class WithoutTexts(Filter, frozen=True, kw_only=True, tag="without_texts"):
    """Leave out passages whose text holds all strings of one of these groups."""

    groups: tuple[tuple[str, ...], ...]


class WholeWords(Filter, frozen=True, kw_only=True, tag="whole_words"):
    """Leave out passages with a mention that begins or ends inside a word."""


class WithMentions(Filter, frozen=True, kw_only=True, tag="with_mentions"):
    """Leave out passages without a mention."""


AnyFilter = (
    Distinct
    | MinTokens
    | NotBlank
    | WithoutLabels
    | WithoutTexts
    | WholeWords
    | WithMentions
)


class PaperStep(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="name",
):
    """One way in which the paper's reading differs; `protocol: paper` does it too.

    `why` is the evidence; `splits` limits the step, empty means every split.
    """

    why: str
    splits: tuple[str, ...] = ()


class DropLastPassage(PaperStep, frozen=True, kw_only=True, tag="drop_last_passage"):
    """Lose the last passage of each split."""


class DropFinalMentions(
    PaperStep, frozen=True, kw_only=True, tag="drop_final_mentions"
):
    """Lose every mention that ends where its passage ends."""


class DevIsTest(PaperStep, frozen=True, kw_only=True, tag="dev_is_test"):
    """Use the test split as the dev split too."""


class AppendEmpty(PaperStep, frozen=True, kw_only=True, tag="append_empty"):
    """Add one passage without text at the end of each split."""


class FormatOptions(PaperStep, frozen=True, kw_only=True, tag="format_options"):
    """Read the files with these format options in place of the card's."""

    options: dict[str, Any]


class SplitterOptions(PaperStep, frozen=True, kw_only=True, tag="splitter_options"):
    """Cut documents with these splitter options in place of the card's."""

    options: dict[str, Any]


class OtherSplits(PaperStep, frozen=True, kw_only=True, tag="other_splits"):
    """Make the splits from other files, or by other parts."""

    files: dict[str, FileNames] = {}
    partition: tuple[Partition, ...] = ()


class NoFilters(PaperStep, frozen=True, kw_only=True, tag="no_filters"):
    """Apply none of the card's filters."""


AnyPaperStep = (
    DropLastPassage
    | DropFinalMentions
    | DevIsTest
    | AppendEmpty
    | FormatOptions
    | SplitterOptions
    | OtherSplits
    | NoFilters
)
