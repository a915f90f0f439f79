"""What `label_maps/*.yaml` declares."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The natural-language name of a raw label.

    `definition` is one sentence; `paraphrases` are other words for the same type;
    `released` is the phrase of the paper's released test files, where it differs
    from `name`, and is what `protocol: paper` asks.
    """

    name: str
    definition: str = ""
    paraphrases: tuple[str, ...] = ()
    released: str = ""


class LabelMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Raw label -> natural name; dropped labels, each with the reason.

    Several raw labels may share a name. In a family, `subsets` lists the raw labels
    of each subset, kept and dropped, in the order in which types are shown.
    """

    labels: Mapping[str, str | Label] = {}
    dropped: Mapping[str, str] = {}
    subsets: Mapping[str, tuple[str, ...]] = {}

    def label(self, raw: str) -> Label:
        """Return what stands for the raw label `raw`; KeyError if it has no name."""
        value = self.labels[raw]
        return Label(name=value) if isinstance(value, str) else value

    def raw_labels(self, subset: str) -> tuple[str, ...]:
        """Return the raw labels of `subset`, dropped ones too, in order."""
        return tuple(self.subsets.get(subset, (*self.labels, *self.dropped)))
