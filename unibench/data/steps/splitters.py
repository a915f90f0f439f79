"""Cut documents into sentences, in the ways that reproduce the paper's counts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from unibench.errors import CardError, DataError
from unibench.registry import Registry
from unibench.schema.strict_yaml import convert
from unibench.schema.text import Mention, Passage, Span, mention_at, token_spans

SPLITTERS = Registry(
    "splitter",
    "unibench.splitters",
    {
        "punkt_merge": "unibench.data.steps.splitters:PunktMerge",
        "dot_token": "unibench.data.steps.splitters:DotToken",
        "note_lines": "unibench.data.steps.splitters:NoteLines",
    },
)
Cut = tuple[int, int]


class Splitter(ABC):
    """Cuts a passage that is a document into passages that are sentences.

    A sentence's id is the document's and its number; mentions move with their
    sentence. A mention that runs over a cut becomes one mention in each sentence.
    """

    class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """No options; subclasses declare theirs."""

    def __init__(self, options: Any) -> None:
        """Take the options, an instance of this class's `Options`."""
        self.options = options

    @abstractmethod
    def cuts(self, document: Passage) -> Iterator[Cut]:
        """Yield (start, end) of each sentence, in order."""

    def split(self, document: Passage) -> Iterator[Passage]:
        """Yield the sentences of `document`."""
        name = document.document or document.id
        for number, (start, end) in enumerate(self.cuts(document)):
            text = document.text[start:end]
            mentions = (_within(m, text, start) for m in document.mentions)
            tokens = tuple(
                Span(token.start - start, token.end - start)
                for token in document.tokens
                if start <= token.start and token.end <= end
            )
            kept = tuple(mention for mention in mentions if mention is not None)
            yield Passage(f"{document.id}.{number}", text, kept, name, tokens)


class PunktMerge(Splitter):
    """NLTK's Punkt without a trained model; a cut inside a mention is taken back.

    Reproduces BioRED's 4373/1131/1106 exactly; a trained model, or no merging, does
    not. Nothing is downloaded and nothing is learnt from the text.
    """

    def __init__(self, options: Any) -> None:
        """Load the tokenizer."""
        from nltk.tokenize.punkt import PunktSentenceTokenizer

        super().__init__(options)
        self.tokenizer = PunktSentenceTokenizer()

    def cuts(self, document: Passage) -> Iterator[Cut]:
        """Yield sentences; several are one while a mention crosses their ends."""
        extents = [(m.spans[0].start, m.spans[-1].end) for m in document.mentions]
        start, end = -1, 0
        for begin, end in self.tokenizer.span_tokenize(document.text):
            begin = end - len(document.text[begin:end].lstrip())
            if begin == end:
                continue
            start = begin if start < 0 else start
            if not any(start <= first < end < last for first, last in extents):
                yield start, end
                start = -1
        if start >= 0:
            yield start, end


class DotToken(Splitter):
    """A sentence ends after each token that is a full stop, as in EBM-NLP's own code.

    Reproduces EBM-NLP's 2076 test sentences exactly.
    """

    class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """Which tokens end a sentence.

        `ending` takes every token that ends in a full stop, for corpora whose tokens
        are words between blanks (DEAL). `crossing` says what happens to a mention
        over a sentence's end: it is cut, or the sentences are merged.
        """

        ending: bool = False
        crossing: Literal["cut", "merge"] = "cut"

    options: Options

    def cuts(self, document: Passage) -> Iterator[Cut]:
        """Yield sentences; the rest after the last full stop is one too."""
        merge = self.options.crossing == "merge"
        extents = [(m.spans[0].start, m.spans[-1].end) for m in document.mentions]
        start, end = -1, 0
        for token in token_spans(document):
            start, end = (token.start if start < 0 else start), token.end
            if not self._ends(document.text[token.start : end]):
                continue
            if merge and any(first < end < last for first, last in extents):
                continue
            yield start, end
            start = -1
        if start >= 0:
            yield start, end

    def _ends(self, word: str) -> bool:
        return word.endswith(".") if self.options.ending else word == "."


class NoteLines(Splitter):
    """Each line of a clinical note is a passage."""

    class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """What counts as a line.

        `keep_blank` keeps lines without a word. Lines that begin with one of `skip`
        (markup) are left out. `crossing` says what happens to a mention over a line
        break: it is cut into one piece a line, or the lines are merged.
        """

        keep_blank: bool = False
        skip: tuple[str, ...] = ()
        crossing: Literal["cut", "merge"] = "cut"

    options: Options

    def cuts(self, document: Passage) -> Iterator[Cut]:
        """Yield the lines without their ends."""
        merge = self.options.crossing == "merge"
        extents = [(m.spans[0].start, m.spans[-1].end) for m in document.mentions]
        start, first = 0, -1
        for line in document.text.split("\n"):
            begin, end = start, start + len(line)
            start = end + 1
            first = begin if first < 0 else first
            if merge and any(first <= s <= end < e for s, e in extents):
                continue
            if self._wanted(document.text[first:end]):
                yield first, end
            first = -1

    def _wanted(self, line: str) -> bool:
        if self.options.skip and line.startswith(self.options.skip):
            return False
        return self.options.keep_blank or bool(line.strip())


def make_splitter(spec: Mapping[str, Any], where: str) -> Splitter | None:
    """Return the splitter that a card names, None for no name.

    Raises:
        UnknownNameError: there is no such splitter.
        CardError: it has no such option.
    """
    if not spec:
        return None
    options = dict(spec)
    name = options.pop("name", None)
    if not isinstance(name, str):
        raise CardError(f"{where}: splitter: a name is missing")
    kind = SPLITTERS.load(name)
    made: Splitter = kind(convert(options, kind.Options, f"{where}: splitter {name}"))
    return made


def sentences(documents: Iterator[Passage], splitter: Splitter) -> Iterator[Passage]:
    """Yield the sentences of all documents.

    Raises:
        DataError: characters of a mention lie in no sentence.
    """
    for document in documents:
        covered = 0
        for sentence in splitter.split(document):
            covered += sum(_length(mention) for mention in sentence.mentions)
            yield sentence
        whole = sum(_length(mention) for mention in document.mentions)
        if covered < whole:
            raise DataError(
                f"document {document.id}: {whole - covered} characters of its mentions"
                " lie in lines that the splitter leaves out"
            )


def _within(mention: Mention, text: str, start: int) -> Mention | None:
    """Return the part of a mention that lies in a sentence, None if none does."""
    spans = []
    for span in mention.spans:
        low, high = max(span.start - start, 0), min(span.end - start, len(text))
        piece = text[low:high] if low < high else ""
        if piece.strip():
            low += len(piece) - len(piece.lstrip())
            spans.append(Span(low, low + len(piece.strip())))
    return mention_at(text, mention.entity_type, *spans) if spans else None


def _length(mention: Mention) -> int:
    """Count the characters that are no white space: a cut may lose a line end."""
    return len("".join(mention.text.split()))
