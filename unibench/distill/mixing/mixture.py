"""The parts of a training mixture, and how often each conversation is taken."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from unibench.data.api import load_prepared
from unibench.distill.filtering import DistilledPair
from unibench.distill.mixing.negatives import NegativeSampler
from unibench.distill.mixing.queries import (
    Asked,
    Instance,
    Template,
    ask_about,
    seed_of,
)
from unibench.distill.work import file_hash
from unibench.errors import DataError
from unibench.schema.conversation import (
    Conversation,
    for_epoch,
    read_conversations,
)
from unibench.schema.distillation import Component, ConversationRecipe
from unibench.schema.prepared import PreparedSet


class Part(Protocol):
    """One part of the mixture: so many conversations, made when they are needed."""

    name: str
    identity: str
    weight: float

    def __len__(self) -> int:
        """Return how many different conversations there are."""
        ...

    def conversation(self, index: int, epoch: int, copy: int) -> Asked:
        """Return one of them as it is read in an epoch."""
        ...


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """What conversations are made of: passages, and all types with their numbers.

    `identity` changes when any of it does; `wording` is as in `Template`.
    """

    instances: Sequence[Instance]
    counts: Mapping[str, int]
    identity: str
    wording: Mapping[str, str] = {}


class InstancePart:
    """Conversations made of passages with entities, distilled or supervised."""

    def __init__(
        self,
        component: Component,
        recipe: ConversationRecipe,
        pool: Pool,
        seed: int,
    ) -> None:
        """Take the passages and how they are asked."""
        self.name = component.subset or "distilled"
        if component.split != "train":
            self.name += f" ({component.split})"
        self.identity, self.weight, self.seed = pool.identity, component.weight, seed
        self.fresh = recipe.fresh_negatives
        size = len(pool.instances)
        kept = sampled(size, component.limit, seed_of(seed, self.name))
        self.instances = [pool.instances[at] for at in kept]
        self.negatives = NegativeSampler(
            pool.counts, component.negatives or recipe.negatives
        )
        self.template = Template(
            query=recipe.query,
            dataset_name=component.dataset_name,
            wording=pool.wording,
            max_queries=recipe.max_queries,
        )

    def __len__(self) -> int:
        """Return the number of passages."""
        return len(self.instances)

    def conversation(self, index: int, epoch: int, copy: int) -> Asked:
        """Return the conversation about one passage, as it is read in an epoch."""
        instance = self.instances[index]
        drawn_in = (epoch, copy) if self.fresh else (0, 0)
        return ask_about(
            instance,
            self.template,
            self.negatives,
            draw_seed=seed_of("negatives", self.seed, drawn_in, instance.id),
            order_seed=seed_of("order", self.seed, epoch, copy, instance.id),
        )


class FilePart:
    """Conversations that were made elsewhere; only the order of queries changes."""

    def __init__(self, path: Path, component: Component, seed: int) -> None:
        """Read the file."""
        self.name, self.weight, self.seed = path.name, component.weight, seed
        self.identity = file_hash(path)
        rows = list(read_conversations(path))
        kept = sampled(len(rows), component.limit, seed_of(seed, self.name))
        self.rows: list[Conversation] = [rows[at] for at in kept]

    def __len__(self) -> int:
        """Return the number of conversations."""
        return len(self.rows)

    def conversation(self, index: int, epoch: int, copy: int) -> Asked:
        """Return one conversation with its queries in another order."""
        row = for_epoch(self.rows[index], epoch + copy * 1_000_003, self.seed)
        empty = sum(answer.value.strip() == "[]" for _, answer in row.pairs)
        return Asked(
            conversation=row,
            positives=len(row.pairs) - empty,
            negatives=empty,
            left_out=0,
        )


def distilled_part(
    component: Component,
    recipe: ConversationRecipe,
    pairs: Sequence[DistilledPair],
    *,
    seed: int,
    identity: str,
) -> InstancePart:
    """Return the part that is made of this recipe's own pairs."""
    counts = Counter(m.entity_type for pair in pairs for m in pair.entities)
    instances = [Instance(pair.id, pair.text, pair.entities) for pair in pairs]
    pool = Pool(instances=instances, counts=counts, identity=identity)
    return InstancePart(component, recipe, pool, seed)


def supervised_part(
    component: Component, recipe: ConversationRecipe, seed: int
) -> InstancePart:
    """Return the part that is made of a split of a prepared subset.

    Raises:
        UnavailableError: the subset is not prepared on this machine.
        DataError: a type has no definition, and definitions are asked.
    """
    prepared = load_prepared(component.subset, component.split, labels=component.labels)
    found = Counter(m.entity_type for p in prepared.passages for m in p.mentions)
    counts = {name: found[name] for name in prepared.entity_types}
    instances = [
        Instance(f"{component.subset}/{p.id}", p.text, p.mentions)
        for p in prepared.passages
        if p.text.strip() and (p.mentions or component.empty == "keep")
    ]
    pool = Pool(
        instances=instances,
        counts=counts,
        identity=_identity(prepared, component),
        wording=_definitions(prepared) if recipe.ask_by == "definition" else {},
    )
    return InstancePart(component, recipe, pool, seed)


def taken(part: Part, seed: str) -> Iterator[tuple[int, int]]:
    """Yield (index, copy) of what one epoch takes of a part, by its weight."""
    whole = int(part.weight)
    for copy in range(whole):
        yield from ((index, copy) for index in range(len(part)))
    rest = round((part.weight - whole) * len(part))
    for index in sampled(len(part), rest, seed):
        yield index, whole


def sampled(size: int, limit: int | None, seed: str) -> list[int]:
    """Return at most `limit` random positions below `size`, in order."""
    if limit is None or limit >= size:
        return list(range(size))
    return sorted(random.Random(seed).sample(range(size), limit))  # noqa: S311


def _identity(prepared: PreparedSet, component: Component) -> str:
    """A part changes with the data and with how its types are worded."""
    shaped = (component.labels, component.empty)
    if shaped == ("natural", "keep"):
        return prepared.identity.fingerprint
    return seed_of(prepared.identity.fingerprint, *shaped)


def _definitions(prepared: PreparedSet) -> Mapping[str, str]:
    missing = [t for t in prepared.entity_types if t not in prepared.definitions]
    if missing:
        raise DataError(
            f"{prepared.identity.subset}: types are asked by definition, and the label"
            f" map has none for {missing[0]!r}; add 'definition:' to it"
        )
    return prepared.definitions
