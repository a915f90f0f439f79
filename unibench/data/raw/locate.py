"""Find the raw files that a card names, wherever they lie below a folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from unibench.data.formats.base import RawFile
from unibench.data.raw.tree import Entry, Tree, archive, keep_members
from unibench.data.raw.verify import matches
from unibench.errors import DataError
from unibench.schema.dataset_card import RawFileSpec
from unibench.schema.dataset_splits import SplitFiles

_WILD = re.compile(r"[*?]")


@dataclass(frozen=True)
class Found:
    """A raw file under its official name, and where it really lies."""

    name: str
    entry: Entry

    @property
    def file(self) -> RawFile:
        """The file as formats read it."""
        return RawFile(self.name, self.entry.open)


class RawFolder:
    """A folder (or one archive) given by --from; it is walked once."""

    def __init__(self, path: Path) -> None:
        """Take the folder."""
        self.path = path
        self._trees: dict[Path, Tree] = {}

    def tree(self, path: Path) -> Tree:
        """Return the tree below `path`."""
        return self._trees.setdefault(path, Tree(path))


class Finder:
    """Looks below DIR/<subset>, DIR/<dataset> and DIR for what a card names.

    DIR itself is searched in depth only where it has no folder of the subset's or
    the dataset's name; then the folders of other datasets (`others`) are left out.
    A name is the official path: `a/b/c.txt` is also found as `b/c.txt` or `c.txt`,
    longest first. Loose files come before members of archives. Candidates with the
    same content are one; among others the card's hashes decide.
    """

    def __init__(
        self, folder: RawFolder, names: tuple[str, ...], others: frozenset[str]
    ) -> None:
        """Take DIR, the subset's and the dataset's name, and the names of others."""
        self.folder = folder.path
        own = [path for name in names if (path := folder.path / name).is_dir()]
        self.named = bool(own) or folder.path.name in names
        self.trees = [folder.tree(path) for path in own or [folder.path]]
        self.shallow = bool(own)
        self.others = others - set(names)

    def find(self, name: str, spec: RawFileSpec) -> Found | None:
        """Return the file of an official `name`, or None if there is none.

        Raises:
            DataError: several different files could be meant.
        """
        for packed in (False, True):
            for official in (name, *spec.also):
                for end in _ends(official):
                    if entries := self._at(end, packed=packed):
                        return Found(name, self._one(name, entries, spec))
        return None

    def find_all(self, pattern: str, unwanted: Iterable[str] = ()) -> list[Found]:
        """Return the files of an official glob, in name order.

        Raises:
            DataError: the files lie in several folders that could be meant.
        """
        out = [_regex(name.removeprefix("!")) for name in unwanted]
        found = {
            place: Found(place, entry)
            for place, entry in self._matching(pattern)
            if not any(regex.search(place) for regex in out)
        }
        keep_members(item.entry for item in found.values())
        return [found[place] for place in sorted(found)]

    def _at(self, end: str, *, packed: bool) -> list[Entry]:
        entries = [
            entry
            for entry in self._entries(packed=packed)
            if entry.path == end or entry.path.endswith(f"/{end}")
        ]
        path = self.folder / end
        if self.shallow and not packed and path.is_file() and not archive(path):
            entries.append(Entry(end, str(path), lambda: path.open("rb")))
        return entries

    def _one(self, name: str, entries: list[Entry], spec: RawFileSpec) -> Entry:
        if len(entries) == 1:
            return entries[0]
        distinct = {entry.identity.sha256: entry for entry in reversed(entries)}
        fitting = [entry for entry in distinct.values() if matches(spec, entry)]
        chosen = fitting or list(distinct.values())
        if len(chosen) > 1:
            raise DataError(_ambiguous(name, self.folder, entries))
        return chosen[0]

    def _matching(self, pattern: str) -> list[tuple[str, Entry]]:
        """Return (official place, entry) of one glob: the longest end that matches.

        Where loose files match, archives give only what lies in the same folder and
        is not there loose: a folder may be unpacked in part.
        """
        for packed in (False, True):
            for end in _ends(pattern):
                if _WILD.search(end.partition("/")[0]) and end != pattern:
                    break  # without its folder a pattern would match anything
                found = self._by_folder(pattern, end, packed=packed)
                if len(found) > 1:
                    entries = [next(iter(places.values())) for places in found.values()]
                    raise DataError(_ambiguous(pattern, self.folder, entries))
                for before, places in found.items():
                    others = self._by_folder(pattern, end, packed=True)
                    return list({**others.get(before, {}), **places}.items())
        return []

    def _by_folder(
        self, pattern: str, end: str, *, packed: bool
    ) -> dict[str, dict[str, Entry]]:
        """Return folder -> official place -> entry of what matches `end`."""
        found: dict[str, dict[str, Entry]] = {}
        regex = _regex(end)
        for entry in self._entries(packed=packed):
            if match := regex.search(entry.path):
                before = entry.path[: match.start(1)]
                place = pattern[: len(pattern) - len(end)] + match[1]
                found.setdefault(before, {})[place] = entry
        return found

    def _entries(self, *, packed: bool) -> Iterator[Entry]:
        for tree in self.trees:
            for entry in tree.packed if packed else tree.loose:
                if self.shallow or entry.path.split("/", 1)[0] not in self.others:
                    yield entry


def is_glob(name: str) -> bool:
    """Tell whether a card's file name is a pattern."""
    return bool(_WILD.search(name)) or name.startswith("!")


def selected(patterns: Iterable[str], names: Iterable[str]) -> list[str]:
    """Return the names that a card's patterns mean, those after ! left out."""
    patterns = tuple(patterns)
    wanted = [_regex(p) for p in patterns if not p.startswith("!")]
    unwanted = [_regex(p[1:]) for p in patterns if p.startswith("!")]
    return [
        name
        for name in names
        if any(regex.search(name) for regex in wanted)
        and not any(regex.search(name) for regex in unwanted)
    ]


def names_of(files: SplitFiles) -> tuple[str, ...]:
    """Return every file name and pattern that a split needs, in order."""
    listed = (files.documents.file,) if files.documents else ()
    return (*files.files, *listed)


def _ends(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[i:]) for i in range(len(parts))]


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    """Return the pattern of a glob: * and ? stay in a folder, ** does not."""
    parts = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    body = "".join(parts.get(piece) or re.escape(piece) for piece in pieces)
    return re.compile(rf"(?:^|/)({body})$")


def _ambiguous(name: str, folder: Path, entries: list[Entry]) -> str:
    shown = "".join(f"\n  {entry.shown}" for entry in entries[:10])
    return (
        f"several files below {folder} could be {name!r} and differ; remove the wrong"
        f" ones, or name the right folder with --from:{shown}"
    )
