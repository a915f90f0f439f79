"""Stage `stats`: how much there is of what, as in the paper's Table 1."""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from unibench.distill.filtering import PAIRS, DistilledPair, read_pairs
from unibench.distill.plot import plot_long_tail
from unibench.distill.work import Progress, StageManifest, WorkFolder, write_whole
from unibench.schema.distillation import DistillationRecipe

STATISTICS = "statistics.json"
PLOT = "types.png"
BOUNDS = (
    ("top 1 %", 0.0, 0.01),
    ("1-10 %", 0.01, 0.10),
    ("10-100 %", 0.10, 1.0),
)
"""The ranges of Table 1: types by falling frequency, as shares of their number."""
EXAMPLES = 10


class FrequencyRange(msgspec.Struct, frozen=True, kw_only=True):
    """A row of Table 1: the types in a range of ranks, their share of all entities."""

    name: str
    types: int
    entities: int
    share: float
    examples: tuple[str, ...]


class DataStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of section 3.1 for one set of pairs.

    `entities` counts pairs of mention and type, each once a passage; `frequencies`
    are those of all types, falling.
    """

    pairs: int
    entities: int
    types: int
    without_entities: int
    entities_per_pair: float
    types_per_pair: float
    characters_per_pair: float
    ranges: tuple[FrequencyRange, ...]
    once: int
    frequencies: tuple[int, ...] = ()


class AllStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics of all pairs and of each source."""

    all: DataStatistics
    by_source: Mapping[str, DataStatistics]


def make_statistics(
    recipe: DistillationRecipe, work: WorkFolder, progress: Progress
) -> StageManifest:
    """Write statistics.json and the picture of the long tail.

    Raises:
        RunError: the answers are not filtered yet.
    """
    inputs = {PAIRS: work.required("filter").files[PAIRS].sha256}
    if found := work.done("stats", {}, inputs):
        return found
    started = time.monotonic()
    pairs = read_pairs(work)
    progress.start("passages", len(pairs), " passages")
    statistics = all_statistics(pairs)
    progress.advance(len(pairs))
    progress.close()
    encoded = msgspec.json.format(msgspec.json.encode(statistics), indent=1)
    write_whole(work.file(STATISTICS), encoded + b"\n")
    ranges = [(r.name, r.types, r.share) for r in statistics.all.ranges]
    frequencies = statistics.all.frequencies
    plot_long_tail(frequencies, ranges, recipe.title, work.file(PLOT))
    return work.finish(
        "stats",
        settings={},
        inputs=inputs,
        rows={STATISTICS: None, PLOT: None},
        counts={
            "pairs": statistics.all.pairs,
            "entities": statistics.all.entities,
            "types": statistics.all.types,
        },
        seconds=time.monotonic() - started,
    )


def read_statistics(work: WorkFolder) -> AllStatistics:
    """Return what the stage counted."""
    work.required("stats")
    return msgspec.json.decode(work.file(STATISTICS).read_bytes(), type=AllStatistics)


def all_statistics(pairs: Sequence[DistilledPair]) -> AllStatistics:
    """Return the statistics of all pairs and of each source."""
    sources: defaultdict[str, list[DistilledPair]] = defaultdict(list)
    for pair in pairs:
        sources[pair.source].append(pair)
    return AllStatistics(
        all=data_statistics(pairs),
        by_source={
            name: msgspec.structs.replace(data_statistics(part), frequencies=())
            for name, part in sorted(sources.items())
        },
    )


def data_statistics(pairs: Sequence[DistilledPair]) -> DataStatistics:
    """Return the statistics of one set of pairs."""
    counts = type_counts(pairs)
    entities = counts.total()
    number = max(1, len(pairs))
    kinds = sum(len({m.entity_type for m in pair.entities}) for pair in pairs)
    return DataStatistics(
        pairs=len(pairs),
        entities=entities,
        types=len(counts),
        without_entities=sum(not pair.entities for pair in pairs),
        entities_per_pair=entities / number,
        types_per_pair=kinds / number,
        characters_per_pair=sum(len(pair.text) for pair in pairs) / number,
        ranges=frequency_ranges(counts),
        once=sum(count == 1 for count in counts.values()),
        frequencies=tuple(sorted(counts.values(), reverse=True)),
    )


def type_counts(pairs: Iterable[DistilledPair]) -> Counter[str]:
    """Return how many entities each type has."""
    return Counter(m.entity_type for pair in pairs for m in pair.entities)


def frequency_ranges(counts: Mapping[str, int]) -> tuple[FrequencyRange, ...]:
    """Return the rows of Table 1; borders are rounded up, ties ordered by name."""
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    total = sum(counts.values())
    ranges = []
    for name, low, high in BOUNDS:
        part = ranked[_border(low, len(ranked)) : _border(high, len(ranked))]
        entities = sum(counts[entity_type] for entity_type in part)
        ranges.append(
            FrequencyRange(
                name=name,
                types=len(part),
                entities=entities,
                share=entities / total if total else 0.0,
                examples=tuple(part[:EXAMPLES]),
            )
        )
    return tuple(ranges)


def _border(share: float, types: int) -> int:
    return math.ceil(round(share * types, 6))
