"""A prepared split of a subset, as the data layer hands it to the runner."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from unibench.schema.record import DataIdentity
from unibench.schema.text import Passage


class PreparedSet(msgspec.Struct, frozen=True, kw_only=True):
    """Passages with natural-language entity types, and who they are.

    `entity_types` is every type of the subset in the label map's order, whether or
    not it occurs in the split; `definitions` maps types to one sentence each, and
    `raw_labels` maps types to the dataset's own labels.
    """

    identity: DataIdentity
    passages: tuple[Passage, ...]
    entity_types: tuple[str, ...]
    definitions: Mapping[str, str] = {}
    raw_labels: Mapping[str, tuple[str, ...]] = {}
