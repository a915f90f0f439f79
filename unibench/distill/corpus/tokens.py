"""Count tokens with a named tokenizer, without torch or transformers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unibench.backends.weights import hub_snapshot, is_folder, weights_folder
from unibench.distill.corpus.chunks import Counter
from unibench.errors import DataError
from unibench.schema.model_card import Checkpoint

_WORD = re.compile(r"\w+|[^\w\s]")
_FILES = ("tokenizer.json",)


class Words:
    """Words and single punctuation marks; needs no files."""

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Return the number of words and marks of each text."""
        return [len(_WORD.findall(text)) for text in texts]

    def prefix(self, text: str, tokens: int) -> int:
        """Return how many characters the first `tokens` words and marks cover."""
        end = 0
        for number, match in enumerate(_WORD.finditer(text)):
            if number == tokens:
                return end
            end = match.end()
        return len(text)


class TokenizerFile:
    """A `tokenizer.json`; special tokens are not counted."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            DataError: it is no tokenizer.
        """
        from tokenizers import Tokenizer

        try:
            self._tokenizer: Any = Tokenizer.from_file(str(path))
        except Exception as error:  # the Rust library raises nothing narrower
            raise DataError(f"{path} is no tokenizer: {error}") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        found = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in found]

    def prefix(self, text: str, tokens: int) -> int:
        """Return how many characters of `text` its first `tokens` tokens cover."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        if len(encoding) <= tokens:
            return len(text)
        # A character may be spelt by several tokens: cut before it, not inside.
        return int(encoding.offsets[tokens][0])


def token_counter(named: Checkpoint | str) -> Counter:
    """Return the tokenizer that a recipe names.

    Raises:
        DataError: the checkpoint has no tokenizer.json.
        BackendError: it cannot be had.
    """
    if not isinstance(named, Checkpoint):
        return Words()
    folder = _folder(named)
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise DataError(
            f"{named.id} has no tokenizer.json; name a checkpoint with a fast tokenizer"
        )
    return TokenizerFile(path)


def _folder(checkpoint: Checkpoint) -> Path:
    """Only the tokenizer is fetched, unless a package is all there is."""
    if is_folder(checkpoint) or checkpoint.package is not None:
        return weights_folder(checkpoint)
    return hub_snapshot(checkpoint, _FILES)
