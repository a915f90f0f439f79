"""Build HTML in which every text is escaped, unless it was built here as markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

_VOID = {"meta", "link", "input", "br", "hr", "img"}
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Markup(str):
    """Text that is markup already; only `tag` and `join` make it."""

    __slots__ = ()


def clean(text: str) -> str:
    """Replace what HTML cannot hold: control characters and lone surrogates."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", whole)


def escape(text: str) -> Markup:
    """Return `text` as markup that shows it; markup stays as it is."""
    if isinstance(text, Markup):
        return text
    return Markup(html.escape(clean(text), quote=True))


def join(parts: Iterable[str | None], between: str = "") -> Markup:
    """Return the parts one after the other, texts escaped, None left out."""
    return Markup(between.join(escape(part) for part in parts if part is not None))


def tag(
    element: str, /, *children: str | None, **attributes: str | bool | None
) -> Markup:
    """Return an element; `class_` and `data_x` stand for `class` and `data-x`.

    An attribute that is None or False is left out, one that is True has no value.
    """
    written = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        written.append(f" {key}" if value is True else f' {key}="{escape(value)}"')
    start = f"<{element}{''.join(written)}>"
    if element in _VOID:
        return Markup(start)
    return Markup(f"{start}{join(children)}</{element}>")


def link(text: str, target: str, **attributes: str | bool | None) -> Markup:
    """Return a link to a page of the site, or to a web address.

    A target of another scheme is shown as text: a card may hold anything.
    """
    scheme = re.match(r"\s*([a-zA-Z][a-zA-Z0-9+.-]*):", target)
    if scheme and scheme[1].lower() not in {"http", "https"}:
        return escape(text)
    return tag("a", text, href=target, **attributes)


def named(text: str) -> Markup:
    """Return a name whose writing direction cannot disturb what stands beside it."""
    return tag("bdi", text)


def one_decimal(value: float) -> str:
    """Return a number with one decimal, halves away from zero, as the script does."""
    return str(Decimal(value).quantize(Decimal("0.1"), ROUND_HALF_UP))


def slug(name: str) -> str:
    """Return a short file name for `name`: letters, digits, dots, hyphens."""
    return re.sub(r"[^a-z0-9._]+", "-", name.lower()).strip("-._")[:80] or "x"


def slugs(names: Iterable[str]) -> dict[str, str]:
    """Return a different file name for each different name."""
    import hashlib

    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(set(names)):
        short = slug(name)
        if short in taken:
            digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
            short = f"{short}-{digest[:8]}"
        taken.add(short)
        found[name] = short
    return found
