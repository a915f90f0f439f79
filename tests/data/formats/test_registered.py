"""Every format that is registered: strict options, words for users, empty input."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from unibench.data.formats.base import Format
from unibench.data.formats.registry import FORMATS, make_format
from unibench.errors import CardError

NEEDED: dict[str, dict[str, Any]] = {
    "csv_json": {"text": "text", "entities": "entities"},
    "document_spans": {"end": "inclusive"},
    "token_flags": {"labels": ["X"]},
    "token_rows": {"group": ["sentence"]},
}


@pytest.mark.parametrize("name", sorted(FORMATS.builtin))
def test_every_format_can_be_made_and_is_strict(name: str) -> None:
    needed = {"name": name, **NEEDED.get(name, {})}
    parser = make_format(needed, "card")
    assert isinstance(parser, Format)
    assert list(parser.read([])) == []
    assert not parser.repairs
    with pytest.raises(CardError, match=r"card: format .*colour"):
        make_format(needed | {"colour": "red"}, "card")
    assert type(parser).__doc__
    assert type(parser).Options.__doc__
    fields = msgspec.structs.fields(type(parser).Options)
    assert all(field.encode_name == field.name for field in fields)
