"""Memory of long runs: subsets of 200,000 pairs in sequence, with answers at once.

What one subset needs is held while it is scored; a second and a third must not add to
it. The model is UniNER's prompt and parser over a backend that answers without delay.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.measure import write_result
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.query import Prompt, Response

PASSAGES, TYPES, WORDS = 12_500, 16, 20
CARD = """
title: {name}
domain: General
license: CC0-1.0
homepage: https://example.org
citation: invented
sources: [{{title: beside the card, path: {name}}}]
format: {{name: columns}}
splits: {{test: test.tsv}}
"""


class AtOnce:
    """A backend that answers without delay; one answer in eight has a mention."""

    def generate(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Response]]:
        """Yield an answer to each prompt."""
        for position in range(len(prompts)):
            text = '["word 3"]' if position % 8 == 0 else "[]"
            yield position, Response(text, prompt_tokens=90, completion_tokens=3)


def write_subset(folder: Path, name: str, passages: int) -> None:
    """Write an invented dataset whose passages all differ."""
    (folder / "dataset_cards" / name).mkdir(parents=True)
    (folder / "label_maps").mkdir(exist_ok=True)
    card = folder / "dataset_cards" / f"{name}.yaml"
    card.write_text(CARD.format(name=name), "utf-8")
    labels = ", ".join(f"T{n}: type {n}" for n in range(TYPES))
    (folder / "label_maps" / f"{name}.yaml").write_text(f"labels: {{{labels}}}\n")
    with (folder / "dataset_cards" / name / "test.tsv").open("w") as stream:
        for number in range(passages):
            tag = f"B-T{number % TYPES}"
            rows = [f"{name}{number}\t{tag}", *(f"word{n}\tO" for n in range(WORDS))]
            stream.write("\n".join(rows) + "\n\n")


def child(names: Sequence[str]) -> None:
    """Evaluate the subsets; the parent reads this process's peak."""
    from unibench.adapters.uniner import UniNER
    from unibench.runner.evaluate import evaluate

    card = ModelCard(
        adapter="uniner", title="at-once", checkpoint=Checkpoint(id="at-once")
    )
    records = evaluate(UniNER(card, AtOnce()), list(names))
    sys.stdout.write(f"{sum(r.usage.seconds for r in records):.1f}\n")


def peak(folder: Path, names: Sequence[str]) -> tuple[float, float]:
    """Return peak MiB and seconds of one process that evaluates the subsets."""
    environment = os.environ | {
        "UNIBENCH_PATH": str(folder),
        "UNIBENCH_CACHE": str(folder / f"cache-{len(names)}"),
        "PYTHONPATH": str(Path(__file__).parent.parent),
    }
    command = [sys.executable, "-m", "benchmarks.long_run", *names]
    with subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} failed")
    return round(usage.ru_maxrss / 1024, 1), float(out)


def main() -> None:
    """Compare one subset with three."""
    passages = round(PASSAGES * float(os.environ.get("UNIBENCH_BENCH_SCALE", "1")))
    names = ["first", "second", "third"]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in names:
            write_subset(folder, name, passages)
        one, three = peak(folder, names[:1]), peak(folder, names)
    write_result(
        "long_run",
        {
            "pairs_a_subset": passages * TYPES,
            "one_subset": {"peak_mib": one[0], "asking_s": one[1]},
            "three_subsets": {"peak_mib": three[0], "asking_s": three[1]},
            "growth": round(three[0] / one[0], 3),
        },
    )


if __name__ == "__main__":
    child(sys.argv[1:])
