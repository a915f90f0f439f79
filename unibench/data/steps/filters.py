"""Leave out the passages that a card's filters name, and count them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b

from unibench.schema.dataset_steps import (
    AnyFilter,
    Distinct,
    MinTokens,
    NotBlank,
    WholeWords,
    WithMentions,
    WithoutLabels,
    WithoutTexts,
)
from unibench.schema.text import Passage, token_spans

Test = Callable[[Passage], bool]


def filtered(
    passages: Iterable[Passage], filters: Iterable[AnyFilter], left_out: Counter[str]
) -> Iterator[Passage]:
    """Yield what passes every filter, in turn; `left_out` counts by filter name."""
    tests = [(_name(spec), _test(spec)) for spec in filters]
    for passage in passages:
        for name, test in tests:
            if not test(passage):
                left_out[name] += 1
                break
        else:
            yield passage


def _name(spec: AnyFilter) -> str:
    return str(spec.__struct_config__.tag)


def _test(spec: AnyFilter) -> Test:
    match spec:
        case Distinct():
            return _distinct()
        case MinTokens(count=count):
            return lambda passage: len(token_spans(passage)) >= count
        case NotBlank():
            return lambda passage: bool(passage.text.strip())
        case WithoutLabels(labels=labels):
            return lambda passage: (
                not any(mention.entity_type in labels for mention in passage.mentions)
            )
        case WithoutTexts(groups=groups):
            return lambda passage: (
                not any(all(part in passage.text for part in group) for group in groups)
            )
        case WholeWords():
            return _has_whole_words
        case WithMentions():
            return lambda passage: bool(passage.mentions)


def _distinct() -> Test:
    seen: set[bytes] = set()

    def test(passage: Passage) -> bool:
        key = blake2b(passage.text.encode(), digest_size=16).digest()
        if key in seen:
            return False
        seen.add(key)
        return True

    return test


def _has_whole_words(passage: Passage) -> bool:
    return not any(
        _inside_word(passage.text, place)
        for mention in passage.mentions
        for span in mention.spans
        for place in (span.start, span.end)
    )


def _inside_word(text: str, place: int) -> bool:
    return 0 < place < len(text) and text[place - 1 : place + 1].isalnum()
