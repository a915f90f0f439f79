"""The evaluation bench for open named entity recognition.

Every public name is imported when it is first used, so `import unibench` is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "evaluate": "unibench.runner.evaluate",
    "load_dataset": "unibench.data.api",
    "score": "unibench.scoring.api",
    "GenerativeAdapter": "unibench.adapters.base",
    "ModelAdapter": "unibench.adapters.base",
    "SpanAdapter": "unibench.adapters.base",
    "Backend": "unibench.backends.base",
    "Counts": "unibench.schema.score",
    "Score": "unibench.schema.score",
    "DatasetCard": "unibench.schema.dataset_card",
    "LabelMap": "unibench.schema.label_map",
    "ModelCard": "unibench.schema.model_card",
    "RunRecord": "unibench.schema.record",
    "Mention": "unibench.schema.text",
    "Passage": "unibench.schema.text",
    "Span": "unibench.schema.text",
    "Message": "unibench.schema.query",
    "Parsed": "unibench.schema.query",
    "Prediction": "unibench.schema.query",
    "Prompt": "unibench.schema.query",
    "Query": "unibench.schema.query",
    "Response": "unibench.schema.query",
    "UnibenchError": "unibench.errors",
}
__all__ = [*sorted(_HOME), "__version__"]

if TYPE_CHECKING:
    from unibench.adapters.base import GenerativeAdapter as GenerativeAdapter
    from unibench.adapters.base import ModelAdapter as ModelAdapter
    from unibench.adapters.base import SpanAdapter as SpanAdapter
    from unibench.backends.base import Backend as Backend
    from unibench.data.api import load_dataset as load_dataset
    from unibench.errors import UnibenchError as UnibenchError
    from unibench.runner.evaluate import evaluate as evaluate
    from unibench.schema.dataset_card import DatasetCard as DatasetCard
    from unibench.schema.label_map import LabelMap as LabelMap
    from unibench.schema.model_card import ModelCard as ModelCard
    from unibench.schema.query import Message as Message
    from unibench.schema.query import Parsed as Parsed
    from unibench.schema.query import Prediction as Prediction
    from unibench.schema.query import Prompt as Prompt
    from unibench.schema.query import Query as Query
    from unibench.schema.query import Response as Response
    from unibench.schema.record import RunRecord as RunRecord
    from unibench.schema.score import Counts as Counts
    from unibench.schema.score import Score as Score
    from unibench.schema.text import Mention as Mention
    from unibench.schema.text import Passage as Passage
    from unibench.schema.text import Span as Span
    from unibench.scoring.api import score as score


def __getattr__(name: str) -> Any:
    """Import a public name from its home (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'unibench' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
