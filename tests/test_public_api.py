"""The public names are pinned, and each can be imported."""

from __future__ import annotations

import pytest

import unibench

PUBLIC = [
    "Backend", "Counts", "DatasetCard", "GenerativeAdapter", "LabelMap", "Mention",
    "Message", "ModelAdapter", "ModelCard", "Parsed", "Passage", "Prediction",
    "Prompt", "Query", "Response", "RunRecord", "Score", "Span", "SpanAdapter",
    "UnibenchError", "__version__", "evaluate", "load_dataset", "score",
]  # fmt: skip


def test_public_names_are_pinned() -> None:
    assert sorted(unibench.__all__) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(unibench, name)
    assert isinstance(value, str) or value.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        _ = unibench.evalute


def test_version_is_the_package_metadata() -> None:
    from importlib.metadata import version

    assert unibench.__version__ == version("unibench")
