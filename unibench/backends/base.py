"""The protocol of a backend: prompts in, responses out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

import msgspec

from unibench.schema.model_card import ModelCard
from unibench.schema.query import Prompt, Response
from unibench.schema.strict_yaml import convert

T = TypeVar("T")

PROMPT_TOO_LONG = "prompt_too_long"
"""The finish reason of an answer that was never generated: the prompt did not fit."""


class Backend(Protocol):
    """Something that answers prompts: weights in this process, a server, a file.

    A backend is built from a model card (`Backend(card)`), reads its options from
    `card.backend` strictly, takes checkpoint and decoding from the card, and loads
    nothing heavy before the first call of `generate`.
    """

    def generate(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Response]]:
        """Yield (position in `prompts`, response) as they come, in any order.

        Raises:
            BackendError: the model or server cannot answer; what was yielded before
                stays valid.
        """
        ...


@runtime_checkable
class Identified(Protocol):
    """A backend whose answers depend on more than the card, such as which weights."""

    def identity(self) -> Mapping[str, Any]:
        """Return what else answers depend on; it enters request keys and records."""
        ...


def identity_of(backend: Backend, card: ModelCard) -> dict[str, Any]:
    """Return what answers depend on besides checkpoint, prompt and decoding.

    A LoRA adapter is named by its hash alone, whichever backend runs it.
    """
    known = dict(backend.identity()) if isinstance(backend, Identified) else {}
    lora = card.checkpoint.lora
    return known if lora is msgspec.UNSET else known | {"lora": lora.sha256}


def read_options(card: ModelCard, options: type[T]) -> T:
    """Return `card.backend` without its `name`, read strictly as `options`.

    Raises:
        CardError: an unknown option or a wrong type; the message names the model.
    """
    values = {key: value for key, value in card.backend.items() if key != "name"}
    where = f"backend of {card.title or card.checkpoint.id}"
    return convert(values, options, where)
