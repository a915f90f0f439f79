"""Read raw answers with the parser that was published with a rule."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from unibench.registry import Registry
from unibench.schema.score import Case
from unibench.schema.text import Mention, Passage

Parser = Callable[[str, Passage, tuple[str, ...]], "list[Mention] | None"]
"""From an answer, its passage and the asked types to mentions; None: unreadable."""

PARSERS = Registry(
    "answer parser",
    "unibench.answer_parsers",
    {
        "uniner": "unibench.scoring.rules.strings:read_answer",
        "instructuie": "unibench.scoring.rules.instructuie:read_answer",
        "gner": "unibench.scoring.rules.gner:read_answer",
        "gollie": "unibench.scoring.rules.gollie:read_answer",
        "evalscope": "unibench.scoring.rules.evalscope:read_answer",
    },
)
JOINT = "\n"


def read_answers(case: Case, parser: str) -> Case:
    """Return `case` with the mentions that `parser` reads in its raw answers.

    An answer that cannot be read leaves its types without mentions, as unparsed.
    Asked types without an answer keep the mentions they had.
    """
    read: Parser = PARSERS.load(parser)
    answered: set[str] = set()
    mentions: list[Mention] = []
    unparsed: list[str] = []
    for key, answer in case.responses.items():
        types = tuple(key.split(JOINT))
        answered.update(types)
        found = read(answer, case.passage, types)
        if found is None:
            unparsed += types
        else:
            mentions += found
    mentions += [m for m in case.predicted if m.entity_type not in answered]
    unparsed += [name for name in case.unparsed if name not in answered]
    return msgspec.structs.replace(
        case, predicted=tuple(mentions), unparsed=tuple(unparsed)
    )
