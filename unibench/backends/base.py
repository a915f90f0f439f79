"""The protocol of a backend: prompts in, responses out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from unibench.schema.query import Prompt, Response


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
