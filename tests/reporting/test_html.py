"""All text is escaped, whatever it holds."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.reporting.site.html import Markup, clean, escape, join, link, slugs, tag


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text())
def test_any_text_stays_text(text: str) -> None:
    reader = Reader()
    reader.feed(str(tag("p", text, title=text)))
    reader.close()
    assert reader.tags == ["p"]
    assert reader.text == clean(text).replace("\r", "\r")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(tag("br"), "<br>", id="void"),
        pytest.param(tag("a", "x", class_="c", data_x="1"),
                     '<a class="c" data-x="1">x</a>', id="names"),
        pytest.param(tag("p", None, hidden=True, id=None), "<p hidden></p>",
                     id="flags"),
        pytest.param(tag("p", "a<b", tag("b", "&")), "<p>a&lt;b<b>&amp;</b></p>",
                     id="markup inside"),
        pytest.param(tag("p", name="x"), '<p name="x"></p>', id="attribute name"),
        pytest.param(join(["<", None, Markup("<i>")], ", "), "&lt;, <i>", id="join"),
        pytest.param(escape("\ud800\x00"), "?\ufffd", id="what HTML cannot hold"),
        pytest.param(link("x", "javascript:alert(1)"), "x", id="script address"),
        pytest.param(link("x", " JAVASCRIPT:alert(1)"), "x", id="spaced address"),
        pytest.param(link("x", "data:text/html,x"), "x", id="data address"),
        pytest.param(link("x", "https://a.org/?a=1&b"),
                     '<a href="https://a.org/?a=1&amp;b">x</a>', id="web address"),
    ],
)  # fmt: skip
def test_elements(made: str, expected: str) -> None:
    assert made == expected


def test_file_names_are_short_safe_and_different() -> None:
    names = [
        "UniNER-7B",
        "uniner-7b",
        "../../etc/passwd",
        "模型",
        "模型2",
        "a" * 300,
        ".",
    ]
    found = slugs(names)
    assert len(set(found.values())) == len(names)
    assert all("/" not in name and 0 < len(name) < 100 for name in found.values())
    assert found["../../etc/passwd"] == "etc-passwd"
    assert found["UniNER-7B"] == "uniner-7b"
