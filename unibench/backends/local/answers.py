"""When an answer is over, and what is said of it: the same for every engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from unibench.backends.base import PROMPT_TOO_LONG
from unibench.backends.local.options import TransformersOptions
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Response


class Endings:
    """What ends an answer of one model: end tokens, stops, a closed list, length."""

    def __init__(
        self, card: ModelCard, options: TransformersOptions, tokenizer: Any, model: Any
    ) -> None:
        """Take the checkpoint's end tokens, and the card's stops that are tokens."""
        self.model_name = card.checkpoint.id
        self.tokenizer = tokenizer
        self.max_tokens = card.decoding.max_tokens
        self.stops = card.decoding.stop
        self.lists = options.answer == "list"
        configured = model.generation_config.eos_token_id
        ends = configured if isinstance(configured, list) else [configured]
        special = tokenizer.get_added_vocab()
        ends = [*ends, tokenizer.eos_token_id]
        ends += [special[stop] for stop in self.stops if stop in special]
        self.end_tokens = frozenset(end for end in ends if end is not None)
        self.stop_strings = tuple(stop for stop in self.stops if stop not in special)

    def begin(self, prompt_tokens: int, room: int) -> Answer:
        """Return an empty answer to a prompt that leaves so much room for it."""
        return Answer(self, prompt_tokens, min(self.max_tokens, room))

    def read(self, answer: Answer, tokens: Iterable[int]) -> Answer:
        """Feed `tokens` until the answer is over; what comes after is left out."""
        for token in tokens:
            if answer.feed(token):
                break
        return answer

    def too_long(self, prompt_tokens: int) -> Response:
        """Return the response to a prompt that leaves no room for an answer."""
        return Response(
            "", PROMPT_TOO_LONG, prompt_tokens=prompt_tokens, model=self.model_name
        )

    def text(self, tokens: Sequence[int]) -> str:
        """Return the text of an answer, special tokens left out."""
        return str(
            self.tokenizer.decode(
                tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )


class Answer:
    """The tokens of one answer as they come."""

    def __init__(self, endings: Endings, prompt_tokens: int, room: int) -> None:
        """Start an answer of at most `room` tokens."""
        self.endings = endings
        self.prompt_tokens = prompt_tokens
        self.room = room
        self.tokens: list[int] = []
        self.ended = False

    def feed(self, token: int) -> bool:
        """Take the next token; return whether the answer is over."""
        if token in self.endings.end_tokens:
            self.ended = True
            return True
        self.tokens.append(token)
        return len(self.tokens) >= self.room or self._complete()

    def response(self, seconds: float) -> Response:
        """Return the answer, cut at the first stop or behind its list."""
        text = self.endings.text(self.tokens)
        end = self._end(text)
        return Response(
            text if end is None else text[:end],
            "length" if end is None and not self.ended else "stop",
            prompt_tokens=self.prompt_tokens,
            completion_tokens=len(self.tokens) + self.ended,
            latency_s=seconds,
            model=self.endings.model_name,
        )

    def _complete(self) -> bool:
        """Whether a stop or the end of the list has come."""
        if not (self.endings.stop_strings or self.endings.lists):
            return False
        return self._end(self.endings.text(self.tokens)) is not None

    def _end(self, text: str) -> int | None:
        """Where `text` is cut, None if nowhere."""
        ends = [at for stop in self.endings.stops if (at := text.find(stop)) >= 0]
        if self.endings.lists and (closed := end_of_list(text)) is not None:
            ends.append(closed)
        return min(ends, default=None)


def end_of_list(text: str) -> int | None:
    """Return where the JSON list that `text` starts with has closed, None if not yet.

    Brackets inside quoted strings do not count; text that starts otherwise has no
    such end.
    """
    start = len(text) - len(text.lstrip())
    if not text.startswith("[", start):
        return None
    depth, quoted, escaped = 0, False, False
    for at in range(start, len(text)):
        character = text[at]
        if quoted:
            quoted = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            quoted = True
        else:
            depth += (character == "[") - (character == "]")
            if depth == 0:
                return at + 1
    return None
