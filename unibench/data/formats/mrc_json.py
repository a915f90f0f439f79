"""Questions about sentences, one for each label, as `mrc-for-flat-nested-ner` asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.ids import UniqueIds
from unibench.data.formats.json_rows import decode_json
from unibench.data.formats.offsets import Pieces
from unibench.data.formats.token_places import PTB_BRACKETS, TokenText
from unibench.errors import FormatError
from unibench.schema.text import Passage


class _Record(msgspec.Struct):
    """One question; `qas_id` is `sentence.question`."""

    context: str
    qas_id: str
    entity_label: str
    start_position: list[int]
    end_position: list[int]


class MrcJson(Format):
    """Read one JSON list with a record for each sentence and label.

    For example::

        [{"context": "her staff met", "qas_id": "0.1", "entity_label": "PER",
          "start_position": [0, 0], "end_position": [0, 1]},
         {"context": "her staff met", "qas_id": "0.2", "entity_label": "ORG",
          "start_position": [], "end_position": []}]

    Tokens are what single blanks part; positions count them, ends included. The
    records of a sentence share what stands before the dot of `qas_id`; the label is
    `entity_label`, never the number after the dot. With `ptb_brackets` tokens like
    `-LRB-` become the bracket that they stand for.
    """

    class Options(
        Format.Options, frozen=True, forbid_unknown_fields=True, kw_only=True
    ):
        """What is written back."""

        ptb_brackets: bool = False

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield the sentences in the order of their first record."""
        ids = UniqueIds()
        for file in files:
            sentences: dict[str, list[_Record]] = {}
            for record in decode_json(file, list[_Record]):
                sentence = record.qas_id.partition(".")[0]
                sentences.setdefault(sentence, []).append(record)
            for name, records in sentences.items():
                yield self._passage(file, name, records, ids)

    def _passage(
        self, file: RawFile, sentence: str, records: list[_Record], ids: UniqueIds
    ) -> Passage:
        error = partial(_error, file, sentence)
        contexts = {record.context for record in records}
        if len(contexts) > 1:
            raise error("its records have different contexts")
        words = records[0].context.split(" ")
        if self.options.ptb_brackets:
            words = [PTB_BRACKETS.get(word, word) for word in words]
        tokens = TokenText(words, error)
        found: list[tuple[str, Pieces, str | None]] = []
        for record in records:
            starts, ends = record.start_position, record.end_position
            if len(starts) != len(ends):
                raise error(f"{len(starts)} starts, but {len(ends)} ends")
            for start, end in zip(starts, ends, strict=True):
                found.append((record.entity_label, tokens.span(start, end), None))
        return tokens.passage(ids.take(sentence), found, self.repairs)


def _error(file: RawFile, sentence: str, problem: str) -> FormatError:
    return FormatError(f"{file.name}: qas_id {sentence}.*: {problem}")
