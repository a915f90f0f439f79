"""What comes off an answer before it is read: end tokens, reasoning, fences."""

from __future__ import annotations

import re

from unibench.adapters.parsing.reading import Answer, Reading, UnreadableError

END_TOKENS = (
    "</s>",
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "<eos>",
)
"""End tokens of the chat templates in use; servers may leave them in the text."""

NONE_WORDS = {
    "none",
    "n/a",
    "null",
    "nil",
    "[]",
    "{}",
    "empty",
    "no entities",
    "no entity",
    "no mentions",
    "not applicable",
    "no entities found",
}
_NOT_FOUND = re.compile(r"no [^.,;:!?\n\"\[{]{1,60} (?:were |was |are |is )?found")
_FENCE = re.compile(r"(?:```|~~~)[ \t]*[A-Za-z0-9_+-]{0,20}[ \t]*(?:\r?\n|(?=[\[{<]))")
_BLANKS = " \t\r\n\f\v\ufeff\u00a0\u200b\u2028\u2029"


def is_none(text: str) -> bool:
    """Whether `text` says in words that there is nothing (rule 7)."""
    word = text.strip(_BLANKS).strip("\"'`").rstrip(".!").strip().casefold()
    return word in NONE_WORDS or _NOT_FOUND.fullmatch(word) is not None


def cleaned(answer: Answer, reading: Reading) -> str:
    """Return the answer without reasoning and without what follows its end.

    Raises:
        UnreadableError: `empty`, or `unfinished` when the reasoning never ended.
    """
    text = _without_reasoning(answer.text, reading)
    text = _up_to_stop(text, answer, reading).strip(_BLANKS)
    if not text:
        raise UnreadableError("empty")
    return text


def stripped(answer: Answer) -> str:
    """Return the whole answer without byte order mark and outer blanks."""
    return answer.text.strip(_BLANKS)


def _without_reasoning(text: str, reading: Reading) -> str:
    head = text.lstrip(_BLANKS)
    if not head.startswith("<think>") and "</think>" not in head:
        return text
    _, closed, rest = head.partition("</think>")
    if not closed:
        raise UnreadableError("unfinished")
    reading.flag("reasoning")
    return rest


def _up_to_stop(text: str, answer: Answer, reading: Reading) -> str:
    stops = (*answer.stops, *END_TOKENS)
    found = [at for stop in stops if (at := text.find(stop)) >= 0]
    if not found:
        return text
    head, tail = text[: min(found)], text[min(found) :]
    for stop in stops:
        tail = tail.replace(stop, "")
    if tail.strip(_BLANKS):
        reading.repair("run_on")
    return head


def fenced(text: str) -> str | None:
    """Return the content of the one fenced block in `text`, None without one.

    A fence that never closes runs to the end: the answer was cut.
    """
    opening = _FENCE.search(text)
    if opening is None:
        return None
    body = text[opening.end() :]
    mark = opening.group()[:3]
    body, closed, rest = body.partition(mark)
    if closed and mark in rest:
        return None
    return body.strip(_BLANKS)
