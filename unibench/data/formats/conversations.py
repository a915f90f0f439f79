"""The conversation JSON of the UniversalNER release."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.json_rows import decode_json
from unibench.data.formats.surface import SurfaceOptions, surface_mentions
from unibench.errors import FormatError
from unibench.schema.text import Passage


class _Turn(msgspec.Struct):
    sender: str = msgspec.field(name="from")
    value: str


class _Conversation(msgspec.Struct):
    conversations: list[_Turn]
    id: str = ""


class _Asked(msgspec.Struct):
    """A text and what was asked about it so far."""

    text: str
    answers: dict[str, list[str]]
    where: str


class Conversations(Format):
    r"""Read test or training data in UniversalNER's form; a passage is a text.

    For example::

        [{"id": "demo_0", "conversations": [
          {"from": "human", "value": "Text: Anna met Bo in Riga ."},
          {"from": "gpt", "value": "I've read this text."},
          {"from": "human", "value": "What describes person in the text?"},
          {"from": "gpt", "value": "[\\"Anna\\", \\"Bo\\"]"}]}]

    Neighbouring conversations about one text are one passage, until a type is asked
    again. Labels are the types as asked; repeated mentions stay repeated.
    """

    class Options(
        SurfaceOptions, frozen=True, forbid_unknown_fields=True, kw_only=True
    ):
        """What stands before a text, and how a question names its type (`{}`)."""

        prefix: str = "Text: "
        question: str = "What describes {} in the text?"

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield the texts in file order; ids count from 0 through all files."""
        before, _, after = self.options.question.partition("{}")
        asking = re.compile(re.escape(before) + "(.+)" + re.escape(after), re.DOTALL)
        count = 0
        for file in files:
            for asked in self._texts(file, asking):
                yield self._passage(str(count), asked)
                count += 1

    def _texts(self, file: RawFile, asking: re.Pattern[str]) -> Iterator[_Asked]:
        open_text: _Asked | None = None
        for position, row in enumerate(decode_json(file, list[_Conversation])):
            where = f"{file.name}: {row.id or f'element {position} (from 0)'}"
            text, answers = self._read(row, asking, where)
            known = open_text.answers if open_text else {}
            if open_text and open_text.text == text and not known.keys() & answers:
                open_text.answers |= answers
                continue
            if open_text:
                yield open_text
            open_text = _Asked(text, answers, where)
        if open_text:
            yield open_text

    def _read(
        self, row: _Conversation, asking: re.Pattern[str], where: str
    ) -> tuple[str, dict[str, list[str]]]:
        turns = row.conversations
        if [turn.sender for turn in turns[::2]] != ["human"] * (len(turns) // 2) or [
            turn.sender for turn in turns[1::2]
        ] != ["gpt"] * (len(turns) // 2):
            raise FormatError(f"{where}: turns are not human and gpt by turns")
        if not turns or not turns[0].value.startswith(self.options.prefix):
            raise FormatError(
                f"{where}: the first turn does not begin with {self.options.prefix!r}"
            )
        answers: dict[str, list[str]] = {}
        for question, answer in zip(turns[2::2], turns[3::2], strict=True):
            match = asking.fullmatch(question.value)
            if match is None:
                raise FormatError(f"{where}: {question.value!r} asks for no type")
            if match[1] in answers:
                raise FormatError(f"{where}: {match[1]!r} is asked twice")
            answers[match[1]] = _answer(answer.value, where)
        return turns[0].value.removeprefix(self.options.prefix), answers

    def _passage(self, name: str, asked: _Asked) -> Passage:
        listed = list(asked.answers.items())
        error = partial(_error, asked.where)
        mentions = surface_mentions(
            asked.text, listed, self.options, self.repairs, error
        )
        return Passage(name, asked.text, mentions)


def _error(where: str, problem: str) -> FormatError:
    return FormatError(f"{where}: {problem}")


def _answer(value: str, where: str) -> list[str]:
    try:
        return msgspec.json.decode(value, type=list[str])
    except (msgspec.MsgspecError, ValueError) as error:
        raise FormatError(f"{where}: {value!r} is no list of texts: {error}") from error
