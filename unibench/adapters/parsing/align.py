"""Align generated words with the words of a passage."""

from __future__ import annotations

from collections.abc import Sequence

_MOST_CELLS = 4_000_000
"""A table larger than this is not filled; see `align`."""


def align(written: Sequence[str], expected: Sequence[str]) -> list[int | None]:
    """Return for each expected word the position of its partner in `written`.

    As GNER does (scorers.md 4.7): equal lists pair up, else the longest common
    subsequence; words without a partner get None. Two texts so long that the table
    of the subsequence would not fit are paired from both ends only.
    """
    first = 0
    while (
        first < min(len(written), len(expected)) and written[first] == expected[first]
    ):
        first += 1
    last = 0
    while (
        last < min(len(written), len(expected)) - first
        and written[-1 - last] == expected[-1 - last]
    ):
        last += 1
    middle_written = written[first : len(written) - last]
    middle_expected = expected[first : len(expected) - last]
    partners: list[int | None] = list(range(first))
    partners += [
        None if at is None else at + first
        for at in _subsequence(middle_written, middle_expected)
    ]
    return partners + list(range(len(written) - last, len(written)))


def _subsequence(written: Sequence[str], expected: Sequence[str]) -> list[int | None]:
    """Return partners by the longest common subsequence, the earliest ones first."""
    rows, columns = len(expected), len(written)
    if not rows or not columns or rows * columns > _MOST_CELLS:
        return [None] * rows
    lengths = [[0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        below, here = lengths[i + 1], lengths[i]
        for j in range(columns - 1, -1, -1):
            same = expected[i] == written[j]
            here[j] = below[j + 1] + 1 if same else max(below[j], here[j + 1])
    partners: list[int | None] = [None] * rows
    i = j = 0
    while i < rows and j < columns:
        if expected[i] == written[j]:
            partners[i] = j
            i, j = i + 1, j + 1
        elif lengths[i + 1][j] >= lengths[i][j + 1]:
            i += 1
        else:
            j += 1
    return partners
