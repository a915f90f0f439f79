"""Tag schemes: from one tag per token to labelled spans of tokens."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from unibench.schema.text import Mention, Passage, Span

Scheme = Literal["IOB1", "IOB2", "BIOES", "IO"]
Tag = tuple[str, str] | None
"""(one of B, I, E, S; label), or None outside of mentions."""

_PREFIXES = {
    "IOB1": {"B": "B", "I": "I"},
    "IOB2": {"B": "B", "I": "I"},
    "BIOES": {"B": "B", "I": "I", "E": "E", "S": "S", "L": "E", "U": "S"},
}


class TagReader:
    """Reads tags of one scheme; each spelling is parsed once.

    IOB1 and IOB2 are decoded alike, as conlleval does: B- opens a mention, I- goes
    on with an open mention of its label and else opens one (so an orphan I- is a
    mention, never lost). BIOES adds E- (the last token) and S- (the only one), which
    close their mention; L- and U- of BILOU are the same. IO has no prefixes:
    neighbours of one label merge. `suffix` reads `PER_B` for `B-PER`. A label may
    hold further hyphens. `bare` are stray tags without a prefix; each is a mention
    of one token.
    """

    def __init__(
        self, scheme: Scheme = "IOB2", *, suffix: bool = False, bare: Sequence[str] = ()
    ) -> None:
        """Take the scheme."""
        self.scheme: Scheme = scheme
        self.suffix = suffix
        self.known: dict[str, Tag] = {"O": None}
        self.known |= {tag: ("S", tag) for tag in bare}

    def read(self, tag: str) -> Tag:
        """Return the parts of `tag`.

        Raises:
            ValueError: it is no tag of the scheme.
        """
        if tag not in self.known:
            self.known[tag] = self._parse(tag)
        return self.known[tag]

    def _parse(self, tag: str) -> Tag:
        if self.scheme == "IO":
            if not tag:
                raise ValueError("the tag is empty")
            return ("I", tag)
        if self.suffix:
            label, _, letter = tag.rpartition("_")
        else:
            letter, _, label = tag.partition("-")
        prefix = _PREFIXES[self.scheme].get(letter)
        if prefix is None or not label:
            form = "LABEL_B" if self.suffix else "B-LABEL"
            raise ValueError(f"{tag!r} is no {self.scheme} tag like O or {form}")
        return (prefix, label)


def spans_of(tags: Sequence[Tag]) -> list[tuple[int, int, str]]:
    """Return (first token, token after the last, label) of each mention, in order."""
    spans: list[tuple[int, int, str]] = []
    start, open_label = 0, ""
    for i, tag in enumerate(tags):
        kind, label = tag or ("O", "")
        if open_label and (kind in "BSO" or label != open_label):
            spans.append((start, i, open_label))
            open_label = ""
        if kind == "O":
            continue
        if not open_label:
            start, open_label = i, label
        if kind in "ES":
            spans.append((start, i + 1, label))
            open_label = ""
    if open_label:
        spans.append((start, len(tags), open_label))
    return spans


def passage_of(
    passage_id: str,
    tokens: list[str],
    layers: Sequence[Sequence[Tag]],
    document: str = "",
) -> Passage:
    """Join `tokens` by one blank and read the mentions of each layer of tags.

    The passage keeps its tokens only where splitting the text at white space would
    not give them back.
    """
    spans = {span for tags in layers if any(tags) for span in spans_of(tags)}
    return passage_of_spans(passage_id, tokens, spans, document)


def passage_of_spans(
    passage_id: str,
    tokens: list[str],
    spans: Collection[tuple[int, int, str]],
    document: str = "",
) -> Passage:
    """Join `tokens` by one blank; `spans` are as `spans_of` gives them."""
    text = " ".join(tokens)
    whole = text.split() == tokens
    if not spans and whole:
        return Passage(passage_id, text, (), document)
    starts, position = [], 0
    for token in tokens:
        starts.append(position)
        position += len(token) + 1
    mentions = []
    for first, after, label in sorted(spans):
        start, end = starts[first], starts[after - 1] + len(tokens[after - 1])
        mentions.append(Mention(label, text[start:end], (Span(start, end),)))
    own = () if whole else _token_spans(starts, tokens)
    return Passage(passage_id, text, tuple(mentions), document, own)


def _token_spans(starts: Sequence[int], tokens: Sequence[str]) -> tuple[Span, ...]:
    return tuple(
        Span(start, start + len(token))
        for start, token in zip(starts, tokens, strict=True)
    )
