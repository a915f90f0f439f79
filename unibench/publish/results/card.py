"""The card of a results repository, and the schema of what it holds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
import yaml

from unibench.publish.files import PlannedFile
from unibench.publish.results.index import INDEX, TABLE, IndexRow, columns
from unibench.schema.record import RECORD_VERSION, RunRecord

CARD = "README.md"
SCHEMA = "schema.json"
MARK = "<!-- written by unibench; remove this line to keep a card of your own -->"

_MEANINGS = {
    "run": "path of the run's file in this repository",
    "id": "hash of what was asked, of whom, and what came out",
    "current": "false where a newer run of the same cell replaces it",
    "model": "name of the model's card",
    "title": "the model as a reader calls it",
    "checkpoint": "Hub id, or the name by which an API or package knows the model",
    "revision": "the commit, dated name or version that was run",
    "adapter": "how the model was asked and read",
    "backend": "what ran it",
    "prompt_sha256": "hash of the prompt's template",
    "prompt_origin": "published, paraphrase or ours",
    "dataset": "dataset of the subset",
    "subset": "what was scored",
    "domain": "one of the nine domains",
    "access": "open, registration or licensed",
    "license": "licence of the dataset",
    "split": "train, dev or test",
    "protocol": "corrected, or paper (the files as the paper's code read them)",
    "labels": "how entity types were worded; natural is the benchmark's",
    "limit": "number of passages if only the first were asked, else empty",
    "seed": "draws the sample of the largest subsets",
    "fingerprint": "hash of passages, gold and type names that were asked",
    "predictions_sha256": "hash of the run's predictions.jsonl",
    "scoring_version": "raised whenever a score can change; compare equal ones only",
    "unibench_version": "version that made the run",
    "created": "when it was made",
    "passages": "passages asked",
    "queries": "(passage, entity type) pairs asked",
    "unparsed": "pairs whose answer could not be read; they count as empty",
    "invented": "predicted mentions that do not occur in the passage",
    "unknown_type": "pairs that a model with closed labels cannot answer",
    "truncated": "answers cut at the token limit",
    "cost_usd": "price of the requests, where known",
    "command": "the command that made the run",
    "profile": "the scoring rule; `uniner` is the headline: strict micro-F1",
    "profile_version": "version of that rule",
    "f1": "micro-F1, a fraction",
    "precision": "micro-precision, a fraction",
    "recall": "micro-recall, a fraction",
    "low": "lower end of the F1's 95 % interval (bootstrap)",
    "high": "upper end of it",
    "correct": "correct mentions; halves under partial credit",
    "predicted": "predicted mentions",
    "gold": "gold mentions",
}

_BODY = """{mark}

# {name}

Results of open named entity recognition, made with unibench: {runs} runs of {models}
models on {subsets} subsets. Each run is one model on one split of one subset.

```python
from datasets import load_dataset

rows = load_dataset("{name}", split="train")
```

| path | holds |
| --- | --- |
| `{table}` | one row for each run and scoring profile |
| `{index}` | one line for each run, the same numbers |
| `runs/MODEL/REVISION/SUBSET-SPLIT-ID.json` | one run: scores by type, hashes |
| `{schema}` | the schema of a run (record version {version}) |
| `predictions/...jsonl.gz` | where given: predictions, as places in the passages |

Both aggregates follow from the run files; `unibench publish check --repo {name}` makes
them again and compares. Rows with `current` false were replaced by a newer run. Only
rows of one `scoring_version` and one `profile` may be compared, and averages only over
the same subsets. No file holds text of a dataset.

## Columns

{columns}

## Add a result

    unibench evaluate -m YOUR-MODEL.yaml -d open -o runs
    unibench publish results runs --repo {name} --pr --predictions --yes

opens one pull request with your runs. `unibench publish check --repo {name} --pr N`
tells whether it will be taken: schema, hashes, and the predictions scored again must
give the submitted numbers. A model needs a pinned revision. Nothing of a dataset's text
is sent.
"""


@lru_cache(maxsize=1)
def schema_file() -> PlannedFile:
    """Return the JSON schema of a run's file."""
    schema = msgspec.json.schema(RunRecord)
    encoded = msgspec.json.encode(schema, order="sorted")
    return PlannedFile(SCHEMA, msgspec.json.format(encoded, indent=1) + b"\n")


def card_file(rows: Sequence[IndexRow], name: str) -> PlannedFile:
    """Return the card: metadata, what is where, the schema, how to take part."""
    metadata: dict[str, Any] = {
        "pretty_name": f"{name.partition('/')[2]}: unibench results",
        "license": "cc0-1.0",
        "language": ["en"],
        "tags": ["named-entity-recognition", "benchmark", "leaderboard", "unibench"],
        "configs": [
            {
                "config_name": "leaderboard",
                "default": True,
                "data_files": [{"split": "train", "path": TABLE}],
            }
        ],
    }
    body = _BODY.format(
        mark=MARK,
        name=name,
        runs=len(rows),
        models=len({(row.checkpoint, row.revision) for row in rows}),
        subsets=len({row.subset for row in rows}),
        table=TABLE,
        index=INDEX,
        schema=SCHEMA,
        version=RECORD_VERSION,
        columns=_columns(),
    )
    return PlannedFile(CARD, f"{front_matter(metadata)}{body}".encode())


def front_matter(metadata: dict[str, Any]) -> str:
    """Return the YAML block that a card begins with."""
    text = yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{text}---\n"


def is_ours(card: bytes) -> bool:
    """Tell whether a card was written here, and not by the repository's owner."""
    return MARK.encode() in card


def _columns() -> str:
    lines = ["| column | type | meaning |", "| --- | --- | --- |"]
    for name, kind in columns():
        lines.append(f"| `{name}` | {_type(kind)} | {_MEANINGS[name]} |")
    return "\n".join(lines)


def _type(kind: Any) -> str:
    words = {str: "string", bool: "bool", int: "int", float: "float"}
    return words.get(kind) or ("int" if kind == int | None else "float") + ", or empty"
