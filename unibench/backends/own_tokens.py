"""How many tokens texts have: counted where the tokenizer is here, else estimated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from unibench.backends.weight_package import converted_folder
from unibench.backends.weights import is_folder
from unibench.errors import BackendError
from unibench.schema.model_card import Checkpoint

_FILE = "tokenizer.json"
_BYTES_PER_TOKEN = 4


class TokenCounter(Protocol):
    """Counts tokens; `counted` says whether by the model's own tokenizer."""

    counted: bool
    name: str

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        ...


class ByLength:
    """About 4 bytes of UTF-8 a token, OpenAI's rule of thumb for English text.

    The rule says characters; bytes are the same for ASCII and nearer to the truth for
    other scripts, which tokenizers cut finer.
    """

    counted = False
    name = "UTF-8 bytes / 4"

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Return the bytes of each text divided by 4, rounded up."""
        return [-(-len(text.encode()) // _BYTES_PER_TOKEN) for text in texts]


class OwnTokenizer:
    """A `tokenizer.json` on this machine; special tokens are not counted."""

    counted = True

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            BackendError: it is no tokenizer.
        """
        from tokenizers import Tokenizer

        try:
            self._tokenizer: Any = Tokenizer.from_file(str(path))
        except Exception as error:  # the Rust library raises nothing narrower
            raise BackendError(f"{path} is no tokenizer: {error}") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.name = "the model's own tokenizer"

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        found = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in found]


def token_counter_of(checkpoint: Checkpoint) -> TokenCounter:
    """Return the checkpoint's own tokenizer if it lies here; nothing is downloaded.

    Raises:
        BackendError: its file is damaged.
    """
    path = _tokenizer_file(checkpoint)
    return ByLength() if path is None else OwnTokenizer(path)


def _tokenizer_file(checkpoint: Checkpoint) -> Path | None:
    if is_folder(checkpoint):
        path = Path(checkpoint.id).expanduser() / _FILE
        return path if path.is_file() else None
    if found := _cached(checkpoint):
        return found
    if checkpoint.package is None:
        return None
    path = converted_folder(checkpoint.package) / _FILE
    return path if path.is_file() else None


def _cached(checkpoint: Checkpoint) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(
            checkpoint.id, _FILE, revision=checkpoint.revision or None
        )
    except HFValidationError:  # an API's model name need not be a Hub repository's
        return None
    return Path(found) if isinstance(found, str) else None
