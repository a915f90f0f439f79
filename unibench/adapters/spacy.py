"""spaCy pipelines: closed labels, mapped to the asked types by the card."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec

from unibench.adapters.base import SpanAdapter
from unibench.errors import BackendError, CardError, MissingExtraError
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Query
from unibench.schema.strict_yaml import convert
from unibench.schema.text import Mention, Span


class SpacyOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a card's `options:` may say.

    `types` maps an asked type to the pipeline's labels that mean it; a label listed
    for several types counts for each of them that is asked. `exclude` names pipeline
    components that its entity recogniser does not need.
    """

    types: Mapping[str, tuple[str, ...]]
    exclude: tuple[str, ...] = ()
    batch_size: int = 64


class SpacyPipeline(SpanAdapter):
    """Run a pipeline package; a type that is not in the map is answered empty."""

    def __init__(self, card: ModelCard) -> None:
        """Read the options of the card; the pipeline is loaded by `predict`."""
        super().__init__(card)
        where = f"options of {card.title or card.checkpoint.id}"
        self.options = convert(card.options, SpacyOptions, where)

    @cached_property
    def pipeline(self) -> Any:
        """The loaded pipeline, checked against the card.

        Raises:
            MissingExtraError: spaCy or the pipeline's package is not installed.
            BackendError: another version of the package is installed.
            CardError: the map names a label that the pipeline does not have.
        """
        package = self.card.checkpoint.id
        try:
            loaded = importlib.import_module(package).load(
                exclude=list(self.options.exclude)
            )
        except ModuleNotFoundError as error:
            if error.name not in {package, "spacy"}:
                raise
            what = f"{self.card.title} (packages spacy and {package})"
            raise MissingExtraError(what, "spacy") from error
        self._check_version(loaded.meta["version"])
        known = set(loaded.get_pipe("ner").labels)
        declared = {label for labels in self.options.types.values() for label in labels}
        if unknown := sorted(declared - known):
            raise CardError(
                f"options of {self.card.title}: {package} has no label {unknown[0]!r};"
                f" its labels are {', '.join(sorted(known))}"
            )
        return loaded

    def predict(self, queries: Sequence[Query]) -> Iterator[Sequence[Mention]]:
        """Yield the mentions of each query, in the order of the text."""
        texts = (query.passage.text for query in queries)
        documents = self.pipeline.pipe(texts, batch_size=self.options.batch_size)
        for query in queries:
            try:
                document = next(documents)
            except ValueError as error:
                raise BackendError(
                    f"{self.card.title} cannot read passage {query.passage.id!r} or"
                    f" one after it: {error}"
                ) from error
            yield list(self._mentions(document, query))

    def unknown_types(self, query: Query) -> tuple[str, ...]:
        """Return the asked types that the map does not know."""
        return tuple(t for t in query.entity_types if t not in self.options.types)

    def _mentions(self, document: Any, query: Query) -> Iterator[Mention]:
        known = [t for t in query.entity_types if t in self.options.types]
        for entity in document.ents:
            span = Span(entity.start_char, entity.end_char)
            for name in known:
                if entity.label_ in self.options.types[name]:
                    yield Mention(name, entity.text, (span,))

    def _check_version(self, installed: str) -> None:
        wanted = self.card.checkpoint.revision
        if wanted and installed != wanted:
            package = self.card.checkpoint.id
            raise BackendError(
                f"{self.card.title} means {package} {wanted}, but {installed} is"
                f" installed; run: pip install {package}=={wanted}"
            )
