"""The wording test: one subset asked in several words for the same types.

The paper's Figure 8 shows one passage answered differently for 'city', 'place' and
'urban area'; this measures it on a whole subset.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from unibench.errors import CardError
from unibench.runner.evaluate import Settings, evaluate_each
from unibench.runner.watch import Watcher
from unibench.schema.record import RunRecord
from unibench.scoring.errors.wording import Spread, paraphrase_spread


class WordingTest(msgspec.Struct, frozen=True, kw_only=True):
    """F1 of one subset under each wording, and what the choice of words can change.

    `missing` maps wordings that the label map does not have to the reason.
    """

    subset: str
    profile: str
    f1: dict[str, float]
    spread: Spread
    missing: dict[str, str]


def wording_test(
    model: str,
    names: Sequence[str],
    wordings: Sequence[str],
    settings: Settings,
    output: Path,
    watcher: Watcher | None = None,
) -> list[WordingTest]:
    """Evaluate `model` under each of `wordings` and return the spread by subset.

    A wording is what `Settings.labels` takes: natural, raw, definition, paraphrase:K.

    Raises:
        CardError: no wording can be had for any subset.
    """
    found: dict[str, dict[str, RunRecord]] = {}
    missing: dict[str, str] = {}
    watch = watcher or Watcher()
    for labels in wordings:
        wanted = msgspec.structs.replace(settings, labels=labels)
        try:
            for result in evaluate_each(model, names, wanted, output, watch):
                if isinstance(result, RunRecord):
                    found.setdefault(result.subset, {})[labels] = result
        except CardError as error:
            missing[labels] = str(error)
    if not found:
        raise CardError("; ".join(missing.values()))
    tests = []
    for subset, records in found.items():
        f1 = {labels: record.strict.f1 for labels, record in records.items()}
        tests.append(
            WordingTest(
                subset=subset,
                profile="uniner",
                f1=f1,
                spread=paraphrase_spread(f1),
                missing=missing,
            )
        )
    return tests
