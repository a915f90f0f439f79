"""How a dataset card says which passages are train, dev and test."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec

SPLITS = ("train", "dev", "test")
Share = Annotated[float, msgspec.Meta(gt=0, lt=1)] | Literal["rest"]


class DocumentList(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """The ids of the documents of a split, as a raw file lists them.

    Without `key` and `column` the file has one id a line. With `key` it is one JSON
    object and the ids are the list under that key. With `column` it is a table with
    a header line, cells split at `delimiter`: the ids stand in `column`, in the rows
    where each column of `where` has that value. An id may be given with a suffix
    (`.txt`); it is compared without.
    """

    file: str
    key: str = ""
    column: str = ""
    where: dict[str, str] = {}
    delimiter: str = ","


class SplitFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The files of one split, in the order in which they are read.

    A name is the official path; `*` and `?` match within one folder, `**` any
    folders (in name order); a name after `!` is left out again. With `documents`
    only the passages of those documents are kept. `format` takes the place of the
    layout's where these files are of another kind than the rest.
    """

    files: tuple[str, ...]
    documents: DocumentList | None = None
    format: str | dict[str, Any] = ""


FileNames = str | tuple[str, ...] | SplitFiles


def split_files(value: FileNames) -> SplitFiles:
    """Return the long form of what a card says of a split: a name, names, or all."""
    if isinstance(value, SplitFiles):
        return value
    return SplitFiles(files=(value,) if isinstance(value, str) else tuple(value))


class Partition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Divide the passages of some files among splits, in the order of `into`.

    A share s of n units is the next `int(s * n)`; `rest` is what is left. Units are
    passages, or whole documents with `by: documents`; documents in whose ids the
    regular expression `together` finds the same are one unit (the notes of one
    patient). `seed` shuffles the units
    first (`random.Random(seed).shuffle`, after sorting document ids); without it
    they keep file order. Passages of a split keep file order in any case.
    """

    files: FileNames
    into: dict[str, Share]
    by: Literal["passages", "documents"] = "passages"
    together: str = ""
    seed: int | None = None

    def __post_init__(self) -> None:
        """Refuse parts that do not add up."""
        if unknown := sorted(self.into.keys() - set(SPLITS)):
            raise ValueError(f"there is no split {unknown[0]!r}, only {SPLITS}")
        shares = [share for share in self.into.values() if share != "rest"]
        if len(self.into) - len(shares) > 1:
            raise ValueError("only one part can be the rest")
        if sum(shares) > 1 + 1e-9:
            raise ValueError(f"the shares add up to {sum(shares):g}, more than 1")
        _check_together(self.together, self.by)


def _check_together(pattern: str, by: str) -> None:
    if pattern and by != "documents":
        raise ValueError("`together` needs `by: documents`")
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"together: {pattern!r}: {error}") from error
