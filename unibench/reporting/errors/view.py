"""What a page may know of a passage: built here, and here alone text is let through.

The pages take `PassageView`s and nothing else. Without leave to show text, a view holds
offsets, entity types and hashes; no string of the passage and none that a model wrote.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from unibench.schema.score import Case
from unibench.scoring.errors.findings import Finding, find_errors
from unibench.scoring.matching.mentions import Place, Placed, look, place_all
from unibench.scoring.profile import Notes
from unibench.scoring.rules.spans import STRICT_SPAN

RIGHT = "right"


class Item(msgspec.Struct, frozen=True, array_like=True):
    """One mention in a view: `role` is `right`, `gold` or `predicted`.

    `spans` is empty for what does not occur in the passage. `kind` is the kind of the
    error, empty where there is none. `text` is a salted hash where the text
    may not be shown.
    """

    role: str
    entity_type: str
    spans: tuple[tuple[int, int], ...]
    kind: str = ""
    text: str = ""


class PassageView(msgspec.Struct, frozen=True, kw_only=True):
    """A passage and what each run made of it; `text` is None where it is left out."""

    id: str
    length: int
    digest: str
    text: str | None
    runs: tuple[tuple[Item, ...], ...]
    unparsed: tuple[tuple[str, ...], ...]

    def kinds(self, run: int) -> set[str]:
        """Return the kinds of the errors of one run."""
        return {item.kind for item in self.runs[run] if item.kind}

    def types(self) -> set[str]:
        """Return the entity types of all errors."""
        return {item.entity_type for run in self.runs for item in run if item.kind}

    @property
    def differs(self) -> bool:
        """Whether two runs were right on different mentions, or wrong in other ways."""
        return len({frozenset(map(_key, run)) for run in self.runs}) > 1


def view_of(cases: Sequence[Case], *, show_text: bool) -> PassageView:
    """Return the view of one passage; `cases` are those of each run, same passage."""
    passage = cases[0].passage
    return PassageView(
        id=passage.id,
        length=len(passage.text),
        digest=_digest(passage.text),
        text=passage.text if show_text else None,
        runs=tuple(_items(case, show_text=show_text) for case in cases),
        unparsed=tuple(case.unparsed for case in cases),
    )


def _items(case: Case, *, show_text: bool) -> tuple[Item, ...]:
    looked = look(case, STRICT_SPAN, Notes())
    gold = list(place_all(looked.gold, case, STRICT_SPAN, Notes()))
    predicted = list(place_all(looked.predicted, case, STRICT_SPAN, Notes()))
    # Salted with the passage, so that nobody without the data can guess the words.
    salt = None if show_text else case.passage.text
    items = [_item(RIGHT, one, "", salt) for one in _take_right(gold, predicted)]
    for finding in _pairs_first(find_errors(case)):
        items += _of_finding(finding, gold, predicted, salt)
    return tuple(items)


def _take_right(gold: list[Placed], predicted: list[Placed]) -> list[Placed]:
    """Take what agrees out of both lists, each gold mention once."""
    right = []
    for ours in list(gold):
        match = next((p for p in predicted if _same(ours, p)), None)
        if match is not None and ours.place:
            gold.remove(ours)
            predicted.remove(match)
            right.append(ours)
    return right


def _of_finding(
    finding: Finding, gold: list[Placed], predicted: list[Placed], salt: str | None
) -> list[Item]:
    """Return the items of an error; places come from the lists, which shrink."""
    items = []
    near: Place = ()
    for role, mention, places in (
        ("gold", finding.gold, gold),
        ("predicted", finding.predicted, predicted),
    ):
        if mention is None:
            continue
        able = [p for p in places if p.mention == mention]
        # A string may stand in several places: the one that touches its partner.
        chosen = max(able, key=lambda p: _shared(p.place, near), default=None)
        if chosen is not None:
            places.remove(chosen)
            near = chosen.place
        found = chosen or Placed(mention, ())
        items.append(_item(role, found, finding.kind, salt))
    return items


def _pairs_first(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda f: (f.gold is None) or (f.predicted is None))


def _item(role: str, placed: Placed, kind: str, salt: str | None) -> Item:
    mention, place = placed
    if salt is not None:
        text = _digest(f"{salt}\n{mention.text}")
    else:
        text = "" if place else mention.text  # else it stands in the passage
    spans = tuple((span.start, span.end) for span in place)
    return Item(role, mention.entity_type, spans, str(kind), text)


def _same(first: Placed, second: Placed) -> bool:
    return (first.place, first.mention.entity_type) == (
        second.place,
        second.mention.entity_type,
    )


def _shared(first: Place, second: Place) -> int:
    return sum(
        max(0, min(a.end, b.end) - max(a.start, b.start)) for a in first for b in second
    )


def _key(item: Item) -> tuple[str, str, tuple[tuple[int, int], ...], str]:
    return item.role, item.entity_type, item.spans, item.text


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
