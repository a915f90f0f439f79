"""Character entities in texts whose offsets count them as written."""

from __future__ import annotations

import html
import re

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")


class Unescaped:
    """A text with `&amp;` and the like read as characters, and where each went."""

    def __init__(self, written: str, *, enabled: bool = True) -> None:
        """Take the text as written; what is no entity of HTML stays as it is.

        Nothing is read if it is not `enabled`.
        """
        self._ends: list[int] = []
        self._shifts: list[int] = []
        parts, last, shift = [], 0, 0
        for match in _ENTITY.finditer(written) if enabled else ():
            character = html.unescape(match[0])
            if character == match[0]:
                continue
            parts += [written[last : match.start()], character]
            last = match.end()
            shift += len(match[0]) - len(character)
            self._ends.append(match.end())
            self._shifts.append(shift)
        parts.append(written[last:])
        self.text = "".join(parts)

    def place(self, offset: int) -> int:
        """Return where an offset into the written text lies in `text`.

        An offset inside an entity is that of the character it stands for, or less.
        """
        shift = 0
        for end, so_far in zip(self._ends, self._shifts, strict=True):
            if end > offset:
                break
            shift = so_far
        return offset - shift
