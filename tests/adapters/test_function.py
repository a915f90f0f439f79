"""Any Python function can be a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from unibench.adapters.base import SpanAdapter
from unibench.adapters.function import model_of
from unibench.adapters.load import load_model
from unibench.errors import BackendError, CardError
from unibench.schema.query import Prediction, Query
from unibench.schema.text import Mention, Passage, Span

QUERY = Query(Passage("p", "Ann Lee met Bo."), ("person",))


def ask(model: SpanAdapter) -> Prediction:
    ((_, response),) = model.respond([QUERY])
    return model.read(response, QUERY)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        pytest.param(("person", "Bo"), Mention("person", "Bo"), id="text"),
        pytest.param(
            ("person", 12, 14), Mention("person", "Bo", (Span(12, 14),)), id="offsets"
        ),
        pytest.param(
            {"label": "person", "start": 12, "end": 14, "text": "Bo", "score": 0.5},
            Mention("person", "Bo", (Span(12, 14),), 0.5),
            id="mapping",
        ),
        pytest.param(
            {"entity_type": "person", "text": "Bo"},
            Mention("person", "Bo"),
            id="mapping-text",
        ),
        pytest.param(Mention("person", "Bo"), Mention("person", "Bo"), id="mention"),
    ],
)
def test_what_a_function_may_return(item: Any, expected: Mention) -> None:
    assert ask(model_of(lambda text, types: [item])).mentions == (expected,)


def test_the_function_gets_text_and_types() -> None:
    seen: list[Any] = []

    def find(text: str, types: tuple[str, ...]) -> list[Any]:
        seen.append((text, types))
        return []

    assert ask(model_of(find)).mentions == ()
    assert seen == [("Ann Lee met Bo.", ("person",))]


def test_two_functions_never_share_answers() -> None:
    one, two = (model_of(lambda text, types: []) for _ in range(2))
    assert one.request_key(QUERY) != two.request_key(QUERY)
    assert one.request_key(QUERY) == one.request_key(QUERY)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        pytest.param("Bo", "'Bo' is no mention; give", id="string"),
        pytest.param(
            {"label": "person", "start_token": 1}, "offsets need the tokens", id="H8"
        ),
        pytest.param(("person", 12, 99), "lies outside the text", id="outside"),
    ],
)
def test_what_it_may_not_return(item: Any, message: str) -> None:
    with pytest.raises(BackendError, match=message):
        ask(model_of(lambda text, types: [item], "mine"))


def test_an_exception_of_the_function_is_no_empty_answer() -> None:
    def fail(text: str, types: tuple[str, ...]) -> list[Any]:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        ask(model_of(fail))


def test_a_card_names_the_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_finder.py").write_text(
        "def find(text, types):\n    return [(types[0], text[:3])]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "mine.yaml"
    path.write_text(
        "adapter: callable\ncheckpoint: {id: mine}\n"
        "options: {function: 'my_finder:find'}\n"
    )
    model = load_model(str(path))[1]
    assert isinstance(model, SpanAdapter)
    assert ask(model).mentions == (Mention("person", "Ann"),)
    path.write_text(path.read_text().replace(":find", ":fnd"))
    with pytest.raises(CardError, match="'my_finder:fnd' cannot be imported"):
        ask(load_model(str(path))[1])  # type: ignore[arg-type]
