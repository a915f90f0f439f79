"""Bring together the text file and the annotation file of each document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from unibench.data.formats.base import RawFile
from unibench.errors import FormatError

HIDDEN = "hidden files left out"


class Pair(NamedTuple):
    """A document's text and its annotations; `id` is unique among the documents.

    `document` is the file name without what the pattern fixes, `id` the same unless
    two folders hold a document of that name: then it is the path.
    """

    id: str
    document: str
    text: RawFile
    annotations: RawFile | None


def pair_files(
    files: Sequence[RawFile],
    texts: str,
    annotations: str,
    repairs: Counter[str],
    *,
    lone_texts: bool = False,
) -> list[Pair]:
    """Return the documents in the order of their text files.

    `texts` and `annotations` are name patterns with one `*` in the last part, which
    stands for the document's name; a pattern with folders matches the end of a path.
    Files that match `annotations` are no texts. Partners lie in one folder, or else
    are the only two of that name. Names that begin with a dot are left out.

    Raises:
        FormatError: a file matches neither pattern, or has no partner, or several.
    """
    seen = [file for file in files if not file.name.rpartition("/")[2].startswith(".")]
    repairs[HIDDEN] += len(files) - len(seen)
    repairs += Counter()  # takes away a zero
    bodies: dict[str, list[RawFile]] = {}
    marks: dict[str, list[RawFile]] = {}
    for file in seen:
        if (stem := stem_of(file.name, annotations)) is not None:
            marks.setdefault(stem, []).append(file)
        elif (stem := stem_of(file.name, texts)) is not None:
            bodies.setdefault(stem, []).append(file)
        else:
            raise FormatError(
                f"{file.name}: is neither a text ({texts}) nor an annotation file"
                f" ({annotations})"
            )
    pairs: list[Pair] = []
    for stem, group in bodies.items():
        for body in group:
            mark = _partner(body, group, marks.get(stem, []))
            if mark is None and not lone_texts:
                raise FormatError(
                    f"{body.name}: its partner {annotations.replace('*', stem)}"
                    " is missing"
                )
            name = stem if len(group) == 1 else body.name
            pairs.append(Pair(name, stem, body, mark))
    _refuse_widows(pairs, marks, texts)
    order = {file.name: position for position, file in enumerate(files)}
    return sorted(pairs, key=lambda pair: order[pair.text.name])


def _refuse_widows(
    pairs: list[Pair], marks: dict[str, list[RawFile]], texts: str
) -> None:
    used = {pair.annotations.name for pair in pairs if pair.annotations}
    for stem, group in marks.items():
        for mark in group:
            if mark.name not in used:
                raise FormatError(
                    f"{mark.name}: its partner {texts.replace('*', stem)} is missing"
                )


def _partner(
    body: RawFile, bodies: list[RawFile], marks: list[RawFile]
) -> RawFile | None:
    folder = body.name.rpartition("/")[0]
    near = [mark for mark in marks if mark.name.rpartition("/")[0] == folder]
    if len(near) == 1:
        return near[0]
    if len(bodies) == 1 and len(marks) == 1:
        return marks[0]
    if marks:
        names = ", ".join(file.name for file in (*bodies, *marks))
        raise FormatError(f"{body.name}: which files belong together? {names}")
    return None


def stem_of(name: str, pattern: str) -> str | None:
    """Return what the `*` of `pattern` stands for in `name`; None if it is no match."""
    depth = pattern.count("/") + 1
    tail = name.split("/")[-depth:]
    parts = pattern.split("/")
    if len(tail) < depth or not all(map(fnmatchcase, tail, parts)):
        return None
    before, _, after = parts[-1].partition("*")
    return tail[-1].removeprefix(before).removesuffix(after)
