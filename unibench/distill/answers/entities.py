"""Which entities of an answer are kept, and how their types are spelt."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from unibench.distill.answers.tuples import Pair
from unibench.schema.distillation import FilterRecipe
from unibench.schema.text import Mention

_NOT_SINGULAR = ("ss", "us", "is")


class EntityFilter:
    """Normalises pairs and drops those that a recipe does not want, each counted."""

    def __init__(self, recipe: FilterRecipe) -> None:
        """Take the recipe; `changed` and `dropped` count over all passages."""
        self.recipe = recipe
        self.changed: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()

    def apply(self, text: str, pairs: Iterable[Pair]) -> tuple[Mention, ...]:
        """Return the entities of one passage, each pair once, in answer order."""
        kept: dict[Mention, None] = {}
        for entity, raw_type in pairs:
            mention = self._mention(text, entity, raw_type)
            if mention is None:
                continue
            if mention in kept:
                self.dropped["repeated"] += 1
            kept[mention] = None
        return tuple(kept)

    def _mention(self, text: str, entity: str, raw_type: str) -> Mention | None:
        entity_type = self._normalised(raw_type)
        problem = self._problem(entity_type)
        surface = entity.strip()
        if not problem and not surface:
            problem = "empty_entity"
        if not problem and surface not in text:
            found = None if self.recipe.match_case else as_in_text(surface, text)
            if found is not None:
                self.changed["respelt_as_in_passage"] += 1
                surface = found
            elif self.recipe.keep_absent:
                self.changed["absent_but_kept"] += 1
            else:
                problem = "absent_from_passage"
        if problem:
            self.dropped[problem] += 1
            return None
        return Mention(entity_type, surface)

    def _normalised(self, raw: str) -> str:
        name = " ".join(raw.split())
        if self.recipe.case == "lower":
            name = name.lower()
        if name != raw:
            self.changed["type_respelt"] += 1
        return name

    def _problem(self, name: str) -> str:
        """Return why a type cannot be used, or nothing."""
        if not name:
            return "empty_type"
        if len(name) > self.recipe.max_type_characters:
            return "long_type"
        if self.recipe.latin_types and not has_latin(name):
            return "type_without_latin_letters"
        return ""


def as_in_text(surface: str, text: str) -> str | None:
    """Return how `text` writes `surface`, case and white space apart, None if not."""
    words = surface.split()
    pattern = r"\s+".join(re.escape(word) for word in words)
    match = re.search(pattern, text, re.IGNORECASE)
    return match.group() if match else None


def has_latin(name: str) -> bool:
    """Whether a name has a Latin letter, with or without marks."""
    return any(
        c.isascii() or "LATIN" in unicodedata.name(c, "") for c in name if c.isalpha()
    )


def merged_plurals(types: Collection[str]) -> dict[str, str]:
    """Return plural -> singular for the types whose singular is a type as well.

    Only the last word is looked at. That the singular must occur keeps words like
    `physics` and `species` whole.
    """
    return {
        name: singular
        for name in types
        for singular in _singulars(name)
        if singular in types
    }


def _singulars(name: str) -> Iterator[str]:
    """Yield what the English singular may be, the likeliest last."""
    if not name.lower().endswith("s") or name.lower().endswith(_NOT_SINGULAR):
        return
    if name.lower().endswith("es"):
        yield name[:-2]
    if name.lower().endswith("ies"):
        yield name[:-3] + ("y" if name[-1].islower() else "Y")
    yield name[:-1]
