"""Tell the language of a passage."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from unibench.errors import CardError


class LanguageFilter:
    """Whether a passage is in one of some languages (ISO 639-1 codes).

    The classifier is py3langid (Lui and Baldwin 2012, 97 languages), which needs no
    download and always answers the most likely language.
    """

    def __init__(self, languages: Collection[str]) -> None:
        """Load the classifier, unless there is nothing to tell.

        Raises:
            CardError: a language is unknown to the classifier.
        """
        self.languages = frozenset(languages)
        self._classify: Any = None
        if self.languages:
            import py3langid

            known = {language for language, _ in py3langid.rank("text")}
            if unknown := sorted(self.languages - known):
                raise CardError(
                    f"passages.languages names {unknown[0]!r}, which the classifier"
                    f" does not know; it knows {', '.join(sorted(known))}"
                )
            self._classify = py3langid.classify

    def accepts(self, text: str) -> bool:
        """Whether `text` is in a wanted language; without any, all are."""
        return self._classify is None or self._classify(text)[0] in self.languages
