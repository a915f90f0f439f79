"""Local generation beside the floor: each needed token computed once, in long passes.

Needed is every distinct beginning of a prompt, every token of an answer but its last,
and the output layer for each token of an answer. The floor is the time that one long
forward pass takes for so many tokens at the same share of output layers; long passes
are timed before and after the run. Answers end one after the other, and the last ones
come alone in small passes, so a run of few passages is further from the floor than a
long one: two sizes are measured. Seconds are as in `generation`. `--scale 0.1` takes a
tenth of the passages.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from statistics import mean
from typing import Any

from benchmarks.generation import (
    LONG,
    MODELS,
    SHAPES,
    Bench,
    fed_tokens,
    needed_tokens,
    queries_of,
)
from benchmarks.measure import write_result
from unibench.adapters.load import list_models, load_card
from unibench.schema.query import Query

PASSAGES = (24, 240)
PASSES = 8


def main() -> None:
    """Measure and write the result."""
    import torch

    scale = float(os.environ.get("UNIBENCH_BENCH_SCALE", "1"))
    known = list_models()
    model, card = load_card(next(name for name in MODELS if name in known))
    bench = Bench(card, {"dtype": "float32"})
    result: dict[str, Any] = {
        "model": model,
        "scale": scale,
        "seconds": "of the wall" if bench.on_gpu else "of the processor",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    for subset in SHAPES:
        for passages in PASSAGES:
            count = max(1, round(passages * scale))
            found = measure(bench, queries_of(subset, bench.adapter, count))
            result[f"{subset}, {count} passages"] = found
            print(f"{subset}, {count} passages: {found}", file=sys.stderr)
    write_result("floor", result)


def measure(bench: Bench, queries: Sequence[Query]) -> dict[str, Any]:
    """Run the engine over the queries, between two series of long passes."""
    prompts = [bench.backend._encode(bench.adapter.render(q)) for q in queries]
    tried = bench.ours(prompts[: len(prompts) // 8 or 1])  # warm, and a first share
    outputs = 1 + fed_tokens(tried) / len(tried)
    share = outputs * len(tried) / (needed_tokens(prompts[: len(tried)]) or 1)
    logits = max(1, round(LONG * min(1.0, share)))
    passes = [bench.long_pass(logits) for _ in range(PASSES)][1:]
    bench.engine.counts.clear()
    began = bench.clock()
    answers = bench.ours(prompts)
    seconds = bench.clock() - began
    passes += [bench.long_pass(logits) for _ in range(PASSES)][1:]
    counts = bench.engine.counts
    needed = needed_tokens(prompts) + fed_tokens(answers)
    return {
        "pairs": len(prompts),
        "needed_tokens": needed,
        "computed_tokens": counts["computed_prompt_tokens"]
        + counts["computed_answer_tokens"],
        "output_layers": fed_tokens(answers) + len(answers),
        "pairs_per_s": round(len(prompts) / seconds, 2),
        "ms_a_token": round(1000 * seconds / needed, 3),
        "ms_a_token_of_long_passes": [round(1000 * each, 3) for each in passes],
        "times_the_floor": round(seconds / needed / mean(passes), 3),
    }
