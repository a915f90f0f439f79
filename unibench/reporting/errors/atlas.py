"""The error atlas as tables: kinds, types, lengths, rarity, confusions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from unibench.reporting.site.html import Markup, join, tag
from unibench.reporting.site.parts import table
from unibench.scoring.errors.atlas import Atlas
from unibench.scoring.errors.findings import Kind

_PAIRS = 15
_MOST = 30


def atlas_parts(names: Sequence[str], atlases: Sequence[Atlas]) -> Iterator[Markup]:
    """Yield the tables of the atlases of one or two runs side by side.

    Nothing in them is text of a passage: only kinds, types and counts.
    """
    yield tag("h2", "Errors by kind")
    yield _kinds(names, atlases)
    for title, field in (
        ("Errors by entity type", "by_type"),
        ("Errors by length of the mention", "by_length"),
        ("Errors by how often the mention stands in the gold", "by_rarity"),
    ):
        yield tag("h2", title)
        for name, atlas in zip(names, atlases, strict=True):
            yield _grouped(name, getattr(atlas, field))
    yield tag("h2", "Types that were confused")
    for name, atlas in zip(names, atlases, strict=True):
        yield _confusions(name, atlas)


def _kinds(names: Sequence[str], atlases: Sequence[Atlas]) -> Markup:
    top = max([1, *(count for atlas in atlases for count in atlas.kinds.values())])
    rows = [
        (str(kind), *(_count(atlas.kinds[kind], top) for atlas in atlases))
        for kind in Kind
        if any(atlas.kinds[kind] for atlas in atlases)
    ]
    gold = ("gold mentions", *(str(atlas.gold) for atlas in atlases))
    return table(("kind", *names), [*rows, gold])


def _count(count: int, top: int) -> Markup:
    style = f"--v:{100 * count / top:.1f}"
    return join(
        [tag("span", str(count), class_="num"), tag("i", class_="t", style=style)]
    )


def _grouped(name: str, groups: Mapping[str, Mapping[Kind, int]]) -> Markup:
    used = [kind for kind in Kind if any(counts[kind] for counts in groups.values())]
    ordered = sorted(groups.items(), key=lambda item: -sum(item[1].values()))
    rows = [
        (group, *(str(counts[k] or "-") for k in used), str(sum(counts.values())))
        for group, counts in ordered[:_MOST]
    ]
    left = len(ordered) - len(rows)
    caption = name + (
        f", the {_MOST} with most errors of {len(ordered)}" if left else ""
    )
    return table(("", *map(str, used), "all"), rows, caption=caption)


def _confusions(name: str, atlas: Atlas) -> Markup:
    rows = [
        (pair.gold_type, pair.predicted_type, str(pair.times))
        for pair in atlas.confusions[:_PAIRS]
    ]
    if not rows:
        return tag("p", f"{name}: none.")
    return table(("gold", "predicted as", "times"), rows, caption=name)
