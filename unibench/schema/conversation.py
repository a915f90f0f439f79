"""Conversations in the schema that UniversalNER publishes, and how they are read.

One JSON object a conversation: `{"id", "conversations": [{"from", "value"}, ...]}` with
the speakers `human` and `gpt`. The first two turns are the passage and the fixed
reply, then queries and answers alternate. Ours add `answers`, the positions of the
turns that the loss is taken on; where it is absent (Pile-NER-type), those are all
answers after the fixed reply.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from unibench.errors import FormatError
from unibench.schema.jsonl import read_rows
from unibench.schema.query import content_hash

HUMAN, GPT = "human", "gpt"


class Turn(msgspec.Struct, frozen=True, rename={"speaker": "from"}):
    """One turn: who speaks (`human` or `gpt`) and what is said."""

    speaker: str
    value: str


class Conversation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A passage, the fixed reply, then queries with their answers.

    `answers` are the positions of the turns whose text is learnt, the highlighted
    y_1 ... y_T of the paper's Figure 2.
    """

    id: str
    conversations: tuple[Turn, ...]
    answers: tuple[int, ...] = ()

    @property
    def pairs(self) -> tuple[tuple[Turn, Turn], ...]:
        """Each query with its answer, without the passage and the fixed reply."""
        turns = self.conversations[2:]
        return tuple(zip(turns[::2], turns[1::2], strict=True))


def read_conversations(path: Path) -> Iterator[Conversation]:
    """Yield the conversations of a file: JSON lines, or one JSON list (`.json`).

    This is also the reader of the published Pile-NER-type and Pile-NER-definition.

    Raises:
        FormatError: a conversation is not of this form; the message says where.
    """
    for number, row in enumerate(_rows(path), start=1):
        problem = _problem(row)
        if problem:
            raise FormatError(f"{path}: conversation {number} ({row.id!r}): {problem}")
        yield row if row.answers else _marked(row)


def for_epoch(conversation: Conversation, epoch: int, seed: int = 0) -> Conversation:
    """Return the conversation with its queries in the order of one epoch.

    The passage stays first. The order depends on the seed, the epoch and the id
    only, as the released trainer shuffles the queries each time it reads one.
    """
    pairs = list(conversation.pairs)
    random.Random(content_hash(seed, epoch, conversation.id)).shuffle(pairs)  # noqa: S311
    return with_pairs(conversation.id, conversation.conversations[:2], pairs)


def with_pairs(
    name: str, opening: Sequence[Turn], pairs: Sequence[tuple[Turn, Turn]]
) -> Conversation:
    """Return a conversation of an opening and queries with answers to learn."""
    turns = (*opening, *(turn for pair in pairs for turn in pair))
    answers = tuple(range(len(opening) + 1, len(turns), 2))
    return Conversation(name, turns, answers)


def _marked(row: Conversation) -> Conversation:
    return with_pairs(row.id, row.conversations[:2], row.pairs)


def _rows(path: Path) -> Iterator[Conversation]:
    if path.suffix != ".json":
        yield from read_rows(path, Conversation)
        return
    try:
        yield from msgspec.json.decode(path.read_bytes(), type=list[Conversation])
    except msgspec.MsgspecError as error:
        raise FormatError(f"{path}: {error}") from error
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}") from error


def _problem(row: Conversation) -> str:
    turns = row.conversations
    if len(turns) < 2 or len(turns) % 2:
        return f"{len(turns)} turns; there must be an even number, at least two"
    for position, turn in enumerate(turns):
        wanted = GPT if position % 2 else HUMAN
        if turn.speaker != wanted:
            return f"turn {position + 1} is from {turn.speaker!r}, not {wanted!r}"
    odd = [at for at in row.answers if at % 2 == 0 or not 0 < at < len(turns)]
    return f"answers names turn {odd[0]}, which is no answer" if odd else ""


def json_answer(value: object) -> str:
    """Return an answer as the JSON that a model is to write, in one line."""
    return json.dumps(value, ensure_ascii=False)
