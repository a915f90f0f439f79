"""The backends by name; plugins add theirs under the group `unibench.backends`."""

from __future__ import annotations

from unibench.registry import Registry

BACKENDS = Registry(
    "backend",
    "unibench.backends",
    {
        "openai": "unibench.backends.openai:OpenAIBackend",
        "replay": "unibench.backends.replay:ReplayBackend",
        "transformers": "unibench.backends.transformers:TransformersBackend",
    },
)
