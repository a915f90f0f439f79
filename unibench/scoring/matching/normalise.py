"""How published evaluators change a text before they compare it."""

from __future__ import annotations

import re
import string
from functools import lru_cache

_ASCII_PUNCTUATION = dict.fromkeys(map(ord, string.punctuation))
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_BLANKS_AROUND = re.compile(r"\s*([,:().;_'-])\s*")
_RUNS = re.compile(r"([,.;])\1+")
_CACHED_LENGTH = 200


def normalise_uniner(text: str) -> str:
    """Lower-case, delete ASCII punctuation, then articles, then collapse blanks.

    The order is that of the evaluator released with UniversalNER: punctuation goes
    before articles, so `A-ha` becomes `aha`.
    """
    if len(text) > _CACHED_LENGTH:
        return _uniner(text)
    return cached_uniner(text)


def normalise_instructuie(text: str) -> str:
    """Format a text as InstructUIE's evaluator does (scorers.md, section 4.4).

    `location` becomes `located` wherever these letters stand, in mentions too.
    """
    bare = _BLANKS_AROUND.sub(r"\1", " ".join(text.split())).lower()
    bare = bare.replace("{", "").replace("}", "")
    bare = _RUNS.sub(r"\1", bare)
    return bare.replace("\u2019", "'").replace("location", "located")


def normalise_lower_strip(text: str) -> str:
    """Lower-case and strip, as GoLLIE's typing does before it compares."""
    return text.lower().strip()


def _uniner(text: str) -> str:
    bare = text.lower().translate(_ASCII_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


cached_uniner = lru_cache(maxsize=1 << 16)(_uniner)
