"""The older place of scores: a `model-index` block in a model's card.

Shown by the Hub still, and checked by it: `task.type`, `dataset.type`, `dataset.name`,
`metrics[].type` and `value` are required. Written on request only. The rest of the card
keeps every byte: the block is cut out of the text and put back, nothing is re-written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from unibench.errors import PublishError
from unibench.publish.model.eval_results import percent
from unibench.schema.record import RunRecord

_KEY = "model-index"
_FRONT = re.compile(
    r"\A(\ufeff?---[ \t]*\r?\n)(.*?)(^---[ \t]*(?:\r?\n|\Z))", re.S | re.M
)
_METRICS = (("uniner", "Strict micro-F1"), ("partial", "Partial micro-F1"))


def results_of(
    records: Sequence[RunRecord], evidence: str = ""
) -> list[dict[str, Any]]:
    """Return the `results` of runs, values in percent."""
    return [_result(record, evidence) for record in records]


def block_of(name: str, results: Sequence[dict[str, Any]]) -> str:
    """Return the YAML block of a model's results."""
    value = [{"name": name, "results": list(results)}]
    return yaml.safe_dump(
        {_KEY: value}, sort_keys=False, allow_unicode=True, width=1000
    )


def with_results(
    card: str, name: str, records: Sequence[RunRecord], evidence: str = ""
) -> str:
    """Return a card with the results of `records` in its `model-index`.

    Results of other datasets stay; those of the same dataset, config and split are
    replaced. A card without metadata gets some.

    Raises:
        PublishError: the card's metadata cannot be read.
    """
    found = _FRONT.match(card)
    start, matter, end = found.groups() if found else ("---\n", "", "---\n")
    body = card[found.end() :] if found else card
    kept, models = _without_index(matter)
    mine = next((m for m in models if m.get("name") == name), None)
    if mine is None:
        mine = {"name": name, "results": []}
        models.append(mine)
    before = list(mine.get("results") or [])
    mine["results"] = _merged(before, results_of(records, evidence))
    if mine["results"] == before:
        return card
    block = yaml.safe_dump(
        {_KEY: models}, sort_keys=False, allow_unicode=True, width=1000
    )
    return f"{start}{kept}{block}{end}{body}"


def _merged(
    before: Sequence[dict[str, Any]], fresh: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Replace results of the same place; one with the same figures stays as it is."""
    places = {_place(result): result for result in before}
    taken = {_place(result) for result in fresh}
    kept = [result for result in before if _place(result) not in taken]
    for result in fresh:
        old = places.get(_place(result))
        same = old is not None and all(
            old.get(key) == result[key] for key in ("dataset", "metrics")
        )
        kept.append(old if old is not None and same else result)
    order = [_place(result) for result in before]
    return sorted(
        kept,
        key=lambda r: order.index(_place(r)) if _place(r) in order else len(order),
    )


def _without_index(matter: str) -> tuple[str, list[dict[str, Any]]]:
    """Cut the block out of the metadata; return what is left, and what it held."""
    try:
        values = yaml.safe_load(matter) or {}
    except yaml.YAMLError as error:
        raise PublishError(
            f"the metadata of the model's card is no YAML: {error}"
        ) from error
    if not isinstance(values, dict):
        raise PublishError(
            "the metadata of the model's card is no mapping; mend it there"
        )
    models = values.get(_KEY) or []
    if not isinstance(models, list) or not all(isinstance(m, dict) for m in models):
        raise PublishError(f"{_KEY} of the model's card is no list; mend it there")
    lines, inside = [], False
    for line in matter.splitlines(keepends=True):
        if re.match(rf"{_KEY}[ \t]*:", line):
            inside = True
        elif line.strip() and not line[0].isspace() and not line.startswith("-"):
            inside = False
        if not inside:
            lines.append(line)
    return "".join(lines), models


def _result(record: RunRecord, evidence: str) -> dict[str, Any]:
    data = record.data
    metrics = [
        {
            "type": "f1",
            "name": f"{title} (unibench, profile {profile})",
            "value": percent(record.scores[profile].f1),
        }
        for profile, title in _METRICS
        if profile in record.scores
    ]
    result: dict[str, Any] = {
        "task": {"type": "token-classification", "name": "Named Entity Recognition"},
        "dataset": {
            "type": data.dataset,
            "name": f"{data.subset} (unibench)",
            "config": data.subset,
            "split": data.split,
            "revision": data.fingerprint,
        },
        "metrics": metrics,
    }
    if evidence:
        result["source"] = {"name": "unibench", "url": evidence}
    return result


def _place(result: dict[str, Any]) -> tuple[str, ...]:
    dataset = result.get("dataset")
    if not isinstance(dataset, dict):
        return ("", "", "")
    return tuple(str(dataset.get(key)) for key in ("type", "config", "split"))
