"""GoLLIE's rule: classes, multisets, invented mentions removed (scorers.md, 4.8)."""

from __future__ import annotations

import ast
import re
from collections import Counter

from unibench.errors import ScoreError
from unibench.schema.score import Case
from unibench.schema.text import Mention, Passage
from unibench.scoring.matching.credit import credit_multiset
from unibench.scoring.matching.mentions import MISC
from unibench.scoring.matching.normalise import normalise_lower_strip
from unibench.scoring.profile import Item, Items, Notes, Profile

_CUE = "result = "
_NO_CLASS = ""
"""The entity type of what is no object of a known class."""


def class_name(entity_type: str) -> str:
    """Return the class that stands for a type: its words in camel case."""
    words = re.findall(r"\w+", entity_type)
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name if name.isidentifier() else f"Type{name}"


def read_answer(
    answer: str, passage: Passage, entity_types: tuple[str, ...]
) -> list[Mention] | None:
    """Read a list of constructor calls from its syntax tree; nothing is executed.

    None where the original's evaluation would fail, except for unknown classes, whose
    objects get a type that nobody asked.
    """
    try:
        tree = ast.parse(answer.rpartition(_CUE)[2].strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if not isinstance(tree, ast.List | ast.Tuple):
        return None
    classes = {class_name(name): name for name in entity_types}
    mentions = []
    for element in tree.elts:
        mention = _read_element(element, classes)
        if mention is None:
            return None
        mentions.append(mention)
    return mentions


def _read_element(element: ast.expr, classes: dict[str, str]) -> Mention | None:
    """Return one object; None where making it would raise."""
    if not isinstance(element, ast.Call) or not isinstance(element.func, ast.Name):
        return Mention(_NO_CLASS, ast.unparse(element))
    if element.func.id not in classes:
        return Mention(element.func.id, ast.unparse(element))
    values = list(element.args)
    for keyword in element.keywords:
        if keyword.arg != "span":
            return None
        values.append(keyword.value)
    if len(values) != 1:
        return None
    text = values[0]
    if isinstance(text, ast.Constant) and isinstance(text.value, str):
        return Mention(classes[element.func.id], text.value)
    return Mention(_NO_CLASS, ast.unparse(element))


def gollie_items(case: Case, profile: Profile, notes: Notes) -> Items:
    """Return (type, text in lower case, stripped); invented predictions are gone.

    A prediction stays if its text is a substring of the passage and has been predicted
    no more often, under any type, than it occurs.

    Raises:
        ScoreError: the passage's text is not known.
    """
    if case.predicted and not case.passage.text:
        raise ScoreError(
            f"profile {profile.name!r} looks predictions up in the passage, but passage"
            f" {case.passage.id!r} has no text; give the gold rows a 'text'"
        )
    asked = set(case.entity_types)
    predicted = _present(case, asked)
    if invented := len(case.predicted) - len(predicted):
        notes["invented"] += invented
    if profile.misc == "dropped":
        asked = {name for name in asked if name.lower() not in MISC}
    return Items(
        [_item(m) for m in case.passage.mentions if m.entity_type in asked],
        [_item(m) for m in predicted if m.entity_type in asked],
    )


def _present(case: Case, asked: set[str]) -> list[Mention]:
    """Return the predictions that the published filter lets through, in order."""
    passage = case.passage.text.lower()
    seen: Counter[str] = Counter()
    kept = []
    for mention in case.predicted:
        if mention.entity_type not in asked:
            continue
        if normalise_lower_strip(mention.text) not in passage:
            continue
        key = mention.text.lower()
        seen[key] += 1
        if not key or seen[key] <= passage.count(key):
            kept.append(mention)
    return kept


def _item(mention: Mention) -> Item:
    return mention.entity_type, normalise_lower_strip(mention.text)


GOLLIE = Profile(
    name="gollie",
    summary="classes and texts as multisets, invented ones removed, as GoLLIE",
    unit="passage_string",
    normalisation="lower_strip",
    repeats="multiset",
    invented="drop",
    parser="gollie",
    reads_answers=True,
    items=gollie_items,
    credit=credit_multiset,
)
