"""The adapters by name; plugins add theirs under the group `unibench.adapters`."""

from __future__ import annotations

from unibench.registry import Registry

ADAPTERS = Registry(
    "adapter",
    "unibench.adapters",
    {
        "json_types": "unibench.adapters.json_types:JsonTypes",
        "spacy": "unibench.adapters.spacy:SpacyPipeline",
        "uniner": "unibench.adapters.uniner:UniNER",
    },
)
