"""Local generation: the prefix engine beside batched `generate`.

The same queries of real passages go, some passages at a time and in turn, through
our engine and through `transformers.generate` (sorted by length, padded on the left,
in batches of several sizes) and, on a GPU, `generate_batch`. Seconds are of the
processor on a CPU, as they hold on a machine that does other work too, and of the
wall clock on a GPU. `--scale 0.1` takes a tenth of the passages; a scale makes the
last long answers, which come alone, count for more than they do in a long run.
How far our engine is from what must be computed is measured by `floor`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from benchmarks.measure import write_result
from unibench.adapters.base import GenerativeAdapter
from unibench.adapters.load import build_adapter, list_models, load_card
from unibench.backends.local.prefix_engine import PrefixEngine
from unibench.backends.transformers import TransformersBackend
from unibench.data.api import load_prepared
from unibench.errors import DataError
from unibench.runner.plan import plan_subset
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Query, Response

MODELS = ("uniner-smol-135m", "smollm2-135m-instruct")
SHAPES = {"crossner_science": "mini_stem", "mit_movie": "mini_social_media"}
"""Subsets, and what stands in for each where its files are not here."""
PASSAGES = 48
AT_ONCE = 48
"""Passages of one turn; engines take turns to meet the same moments of the machine.
Fewer at once would measure the last long answers, which come alone."""
BATCHES = (16, 64)
LONG = 512
VARIANTS: tuple[dict[str, Any], ...] = (
    {"dtype": "float32"},
    {"dtype": "bfloat16"},
    {"dtype": "float32", "attention": "eager"},
    {"dtype": "float32", "compile": True},
)

Prompts = Sequence[Sequence[int]]
Ask = Callable[[Prompts], list[Response]]


class Bench:
    """One model with one choice of options, and the engines that run it."""

    def __init__(self, card: ModelCard, options: Mapping[str, Any]) -> None:
        """Load the weights, and let the engine try them."""
        backend = {"name": "transformers", "engine": "prefix", **options}
        adapter = build_adapter(msgspec.structs.replace(card, backend=backend))
        if not isinstance(adapter, GenerativeAdapter):
            raise SystemExit(f"{card.title} does not generate")
        if not isinstance(adapter.backend, TransformersBackend):
            raise SystemExit(f"{card.title} does not run here")
        self.adapter, self.backend = adapter, adapter.backend
        self.model = self.backend.model
        self.plain_attention = self.model.config._attn_implementation
        engine = self.backend.engine
        if not isinstance(engine, PrefixEngine):
            raise SystemExit(f"{card.title} does not fit the prefix engine")
        self.engine = engine
        self.tree_attention = self.model.config._attn_implementation

    def engines(self, peers: bool) -> dict[str, Ask]:  # noqa: FBT001
        """Return our engine and, if wanted, its peers."""
        found: dict[str, Ask] = {"prefix": self.ours}
        if peers:
            for size in BATCHES:
                found[f"generate, {size} a batch"] = self.batches_of(size)
            if self.on_gpu:
                found["generate_batch"] = self.paged
        return found

    @property
    def on_gpu(self) -> bool:
        """Whether the clock on the wall counts."""
        return bool(self.model.device.type == "cuda")

    def ours(self, prompts: Prompts) -> list[Response]:
        """Answer with the prefix engine."""
        self.model.set_attn_implementation(self.tree_attention)
        found = dict(self.engine.run(iter(enumerate(prompts))))
        return [found[at] for at in range(len(prompts))]

    def batches_of(self, size: int) -> Ask:
        """Return what answers with batches of `generate`, the longest first."""

        def ask(prompts: Prompts) -> list[Response]:
            self.model.set_attn_implementation(self.plain_attention)
            order = sorted(range(len(prompts)), key=lambda at: -len(prompts[at]))
            found: dict[int, Response] = {}
            for start in range(0, len(order), size):
                batch = order[start : start + size]
                answers = self._generate([prompts[at] for at in batch])
                found |= dict(zip(batch, answers, strict=True))
            return [found[at] for at in range(len(prompts))]

        return ask

    def paged(self, prompts: Prompts) -> list[Response]:
        """Answer with `generate_batch`."""
        self.model.set_attn_implementation(self.plain_attention)
        outputs = self.model.generate_batch(
            [list(prompt) for prompt in prompts],
            max_new_tokens=self.backend.card.decoding.max_tokens,
        )
        rows = [output.generated_tokens for output in outputs.values()]
        return self._read(prompts, rows)

    def long_pass(self, logits: int = 1) -> float:
        """Return the seconds that one token takes in a long forward pass."""
        import torch

        self.model.set_attn_implementation(self.plain_attention)
        ids = torch.arange(LONG, device=self.model.device)[None] + 1000
        started = self.clock()
        with torch.inference_mode():
            self.model(input_ids=ids, use_cache=False, logits_to_keep=logits)
        return (self.clock() - started) / LONG

    def clock(self) -> float:
        """Return seconds of the processor, or of the wall where a GPU computes."""
        if not self.on_gpu:
            return time.process_time()
        import torch

        torch.cuda.synchronize()
        return time.perf_counter()

    def _generate(self, prompts: Prompts) -> list[Response]:
        import torch

        width = max(map(len, prompts))
        pad = self.backend.tokenizer.pad_token_id
        ids = [[pad] * (width - len(row)) + list(row) for row in prompts]
        mask = [[0] * (width - len(row)) + [1] * len(row) for row in prompts]
        with torch.inference_mode():
            output = self.model.generate(
                input_ids=torch.tensor(ids, device=self.model.device),
                attention_mask=torch.tensor(mask, device=self.model.device),
                max_new_tokens=self.backend.card.decoding.max_tokens,
                do_sample=False,
                eos_token_id=sorted(self.backend.endings.end_tokens),
                pad_token_id=pad,
            )
        return self._read(prompts, output[:, width:].tolist())

    def _read(self, prompts: Prompts, rows: Prompts) -> list[Response]:
        endings, room = self.backend.endings, self.backend.limit
        return [
            endings.read(endings.begin(len(p), room - len(p)), row).response(0.0)
            for p, row in zip(prompts, rows, strict=True)
        ]


def queries_of(subset: str, adapter: GenerativeAdapter, passages: int) -> list[Query]:
    """Return the queries of the first passages, those of `mini` where need be."""
    try:
        prepared = load_prepared(subset, "test")
    except DataError as error:
        print(f"{error}; mini stands in", file=sys.stderr)
        prepared = load_prepared(SHAPES[subset], "test")
    plan = plan_subset(prepared, adapter.types_per_query, limit=passages)
    return list(plan.queries)


def needed_tokens(prompts: Prompts) -> int:
    """Return how many distinct beginnings the prompts have."""
    ordered = sorted(map(tuple, prompts))
    needed = len(ordered[0])
    for before, tokens in pairwise(ordered):
        same = (a == b for a, b in zip(before, tokens, strict=False))
        shared = next((at for at, equal in enumerate(same) if not equal), None)
        needed += len(tokens) - (
            min(len(before), len(tokens)) if shared is None else shared
        )
    return needed


def fed_tokens(answers: Sequence[Response]) -> int:
    """Return how many tokens of answers the model reads: all but each one's last."""
    return sum((answer.completion_tokens or 1) - 1 for answer in answers)


def measure(bench: Bench, queries: Sequence[Query], *, peers: bool) -> dict[str, Any]:
    """Run all engines over the queries, turn by turn."""
    prompts = [bench.backend._encode(bench.adapter.render(q)) for q in queries]
    passages = len({query.passage.id for query in queries})
    step = AT_ONCE * max(1, len(queries) // passages)
    engines = bench.engines(peers)
    seconds = dict.fromkeys(engines, 0.0)
    answers: dict[str, list[Response]] = {name: [] for name in engines}
    needed = 0
    bench.ours(prompts[: len(prompts) // passages])  # warm, and compiled if need be
    bench.engine.counts.clear()
    for start in range(0, len(prompts), step):
        turn = prompts[start : start + step]
        for name, ask in engines.items():
            began = bench.clock()
            answers[name] += ask(turn)
            seconds[name] += bench.clock() - began
        needed += needed_tokens(turn) + fed_tokens(answers["prefix"][start:])
    return summary(bench, prompts, seconds, answers, needed)


def summary(
    bench: Bench,
    prompts: Prompts,
    seconds: Mapping[str, float],
    answers: Mapping[str, Sequence[Response]],
    needed: int,
) -> dict[str, Any]:
    """Return rates, ratios, and how many answers differ from the peers'."""
    ours = seconds["prefix"]
    counts = bench.engine.counts
    texts = {name: [a.text.strip() for a in said] for name, said in answers.items()}
    peers = [name for name in answers if name != "prefix"]
    computed = counts["computed_prompt_tokens"] + counts["computed_answer_tokens"]
    return {
        "pairs": len(prompts),
        "prompt_tokens": sum(map(len, prompts)),
        "needed_tokens": needed,
        "computed_tokens": computed,
        "empty_lists": round(texts["prefix"].count("[]") / len(prompts), 3),
        "pairs_per_s": {n: round(len(prompts) / s, 2) for n, s in seconds.items()},
        "times_as_fast_as": {n: round(seconds[n] / ours, 2) for n in peers},
        "other_answers": {
            name: sum(a != b for a, b in zip(texts[name], texts["prefix"], strict=True))
            for name in peers
        },
    }


def main() -> None:
    """Measure and write the result."""
    import torch

    scale = float(os.environ.get("UNIBENCH_BENCH_SCALE", "1"))
    passages = max(1, round(PASSAGES * scale))
    known = list_models()
    model, card = load_card(next(name for name in MODELS if name in known))
    result: dict[str, Any] = {
        "model": model,
        "scale": scale,
        "passages": passages,
        "seconds": "of the wall" if torch.cuda.is_available() else "of the processor",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    for options in VARIANTS:
        bench = Bench(card, options)
        plain = len(options) == 1
        name = ", ".join(f"{key} {value}" for key, value in options.items())
        result[name] = {
            subset: measure(
                bench, queries_of(subset, bench.adapter, passages), peers=plain
            )
            for subset in (SHAPES if plain else list(SHAPES)[:1])
        }
        print(name, result[name], file=sys.stderr)
    write_result("generation", result)
