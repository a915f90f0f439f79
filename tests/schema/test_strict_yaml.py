"""Cards are read strictly: each fault is refused with file, place and way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from unibench.errors import CardError
from unibench.schema.model_card import ModelCard
from unibench.schema.strict_yaml import read_card

GOOD = "adapter: uniner\ncheckpoint: {id: a/b}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            GOOD + "colour: red\n", "unknown field `colour`", id="unknown-key"
        ),
        pytest.param(
            "adapter: u\ncheckpoint: {id: a, sha: b}\n",
            r"unknown field `sha` - at `\$.checkpoint`",
            id="unknown-nested-key",
        ),
        pytest.param(
            GOOD + "adapter: other\n", "line 3: 'adapter' is given twice", id="twice"
        ),
        pytest.param(
            "adapter: u\ncheckpoint:\n  id: a\n  id: b\n",
            "line 4: 'id' is given twice",
            id="twice-nested",
        ),
        pytest.param(
            "adapter: No\ncheckpoint: {id: a}\n", "Expected", id="bool-for-str"
        ),
        pytest.param("", "missing required field", id="empty-file"),
        pytest.param("- a\n- b\n", "Expected `object`", id="list-for-mapping"),
        pytest.param(
            GOOD + "access: nobody\n", "Invalid enum value", id="not-a-choice"
        ),
        pytest.param("a: !!python/name:os.system\n", "tag", id="python-tag"),
        pytest.param("adapter: [\n", "did not find expected node", id="syntax"),
        pytest.param("? [a, b]\n: c\n", "cannot be a key", id="list-as-key"),
    ],
)
def test_a_fault_is_refused_by_name(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(CardError, match=expected) as caught:
        read_card(path, ModelCard)
    assert str(caught.value).startswith(str(path))


def test_an_unknown_key_lists_the_allowed_ones(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(GOOD + "colour: red\n", "utf-8")
    with pytest.raises(CardError, match="allowed at the top are access, adapter"):
        read_card(path, ModelCard)


def test_a_good_card_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(GOOD, "utf-8")
    assert read_card(path, ModelCard).checkpoint.id == "a/b"


def test_bytes_that_are_no_utf8_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"adapter: caf\xe9\n")
    with pytest.raises(CardError, match="utf-8"):
        read_card(path, ModelCard)
