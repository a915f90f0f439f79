"""What the paper's own readers did to passages, for `protocol: paper`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from unibench.schema.dataset_steps import (
    AnyPaperStep,
    AppendEmpty,
    DevIsTest,
    DropFinalMentions,
    DropLastPassage,
)
from unibench.schema.text import Passage


class PaperReader:
    """Does the steps to a stream of (split, passage)."""

    def __init__(self, steps: Iterable[AnyPaperStep]) -> None:
        """Take the card's steps; those on files and formats are done elsewhere."""
        steps = tuple(steps)
        self.drop_last = [s for s in steps if isinstance(s, DropLastPassage)]
        self.drop_final = [s for s in steps if isinstance(s, DropFinalMentions)]
        self.append = [s for s in steps if isinstance(s, AppendEmpty)]
        self.dev_is_test = any(isinstance(s, DevIsTest) for s in steps)

    def read(
        self, passages: Iterable[tuple[str, Passage]]
    ) -> Iterator[tuple[str, Passage]]:
        """Yield the passages as the paper had them; `dev_is_test` drops dev here."""
        last: dict[str, Passage] = {}
        counts: dict[str, int] = {}
        for split, passage in passages:
            if split == "dev" and self.dev_is_test:
                continue
            counts[split] = counts.get(split, 0) + 1
            if _applies(self.drop_final, split):
                passage = without_final_mentions(passage)
            if _applies(self.drop_last, split):
                if split in last:
                    yield split, last[split]
                last[split] = passage
            else:
                yield split, passage
        for split, count in counts.items():
            if _applies(self.append, split):
                yield split, Passage(f"empty-{count}", "")


def without_final_mentions(passage: Passage) -> Passage:
    """Return `passage` without the mentions that end where it ends."""
    end = len(passage.text)
    kept = tuple(m for m in passage.mentions if m.spans[-1].end != end)
    return msgspec.structs.replace(passage, mentions=kept)


def _applies(steps: Iterable[AnyPaperStep], split: str) -> bool:
    return any(not step.splits or split in step.splits for step in steps)
