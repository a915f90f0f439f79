"""Training: our packed rows beside padding, in tokens a second and share of the peak.

The same conversations are trained on in four ways, each in a process of its own: our
rows with the layouts `branches` and `turns`, TRL's SFTTrainer with one conversation a
row padded to the longest of its batch, and the padding of the released preprocessing
(every conversation 1,024 tokens). The weights are random, of a real shape, so nothing
is downloaded but a tokenizer. Settings are variables of the environment:

    UNIBENCH_BENCH_SHAPE      135m (default), 7b
    UNIBENCH_BENCH_TUNING     lora (default), full, or both: lora,full
    UNIBENCH_BENCH_STEPS      counted steps of each way (default 6; times --scale)
    UNIBENCH_BENCH_PASSAGES   passages of `mini` in a conversation (default 4, long as
                              the Pile's; 1 is like a set of sentences)
    UNIBENCH_BENCH_ROWS       rows of a step (default 4)
    UNIBENCH_BENCH_PROCESSES  processes of torchrun, with FSDP (default 1)

The share of the peak counts what a step must compute (4 operations a weight and real
token with LoRA, whose frozen weights need no gradient, 6 with full tuning; the head on
learnt tokens only; attention left out) and compares it with the rate of a large matrix
product in the same precision on the same device, measured in the same process.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import peak_mib, write_result

ROOT = Path(__file__).parent.parent
WAYS = ("ours, branches", "ours, turns", "SFTTrainer, longest", "padded to 1,024")
WIDTH = 1024
MAX_QUERIES = 24
NEGATIVES = 10
SIZES = (
    "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
    "num_key_value_heads",
)  # fmt: skip
SHAPES = {  # SmolLM2-135M, LLaMA-7B
    "135m": dict(zip(SIZES, (576, 1536, 30, 9, 3), strict=True)),
    "7b": dict(zip(SIZES, (4096, 11008, 32, 32, 32), strict=True)),
}


def setting(name: str, usual: str) -> str:
    """Return a setting from the environment."""
    return os.environ.get(f"UNIBENCH_BENCH_{name}", usual)


def counted_steps() -> int:
    """Return how many steps of each way are counted."""
    return max(1, round(int(setting("STEPS", "6")) * float(setting("SCALE", "1"))))


def main() -> None:
    """Measure every way and write what was found."""
    processes = int(setting("PROCESSES", "1"))
    result: dict[str, Any] = {
        "shape": setting("SHAPE", "135m"),
        "passages_a_conversation": int(setting("PASSAGES", "4")),
        "rows_a_step": int(setting("ROWS", "4")),
        "counted_steps": counted_steps(),
        "processes": processes,
    }
    for tuning in setting("TUNING", "lora").split(","):
        found = {way: run_way(way, tuning, processes) for way in WAYS}
        result[tuning] = found | {"times_the_padded": ratios(found)}
    write_result("training", result)


def ratios(found: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return conversations a second of each way, beside the released padding."""
    rate = "conversations_per_second"
    base = found[WAYS[-1]].get(rate)
    return {
        way: round(row[rate] / base, 2)
        for way, row in found.items()
        if base and rate in row
    }


def run_way(way: str, tuning: str, processes: int) -> dict[str, Any]:
    """Run one way in processes of its own; return what the first printed."""
    program = [sys.executable, "-W", "ignore", "-m"]
    if processes > 1:
        program += ["torch.distributed.run", "--standalone", "--nproc-per-node"]
        program += [str(processes), "-m"]
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [*program, "benchmarks.training", way, tuning, folder],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            cwd=ROOT,
        )
    if run.returncode:
        return {"failed": f"exit status {run.returncode}; what it said is above"}
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    print(f"{tuning}, {way}: {found}", file=sys.stderr)
    return found


def measure(way: str, tuning: str, folder: Path) -> dict[str, Any] | None:
    """Train a few steps in one way; the first process returns what it took."""
    import torch

    from unibench.errors import TrainingError
    from unibench.train.instruct import explained
    from unibench.train.session import is_first_process

    device = "cuda" if torch.cuda.is_available() else "cpu"
    job, tokenizer = make_job(way, tuning, folder)
    steps = counted_steps() + 1
    per_step = job.recipe.optimizer.rows
    world = int(os.environ.get("WORLD_SIZE", "1"))
    batches = batches_of(way, job, tokenizer, steps * world, per_step)
    clock = Stops(device)
    try:
        with explained(job):
            trainer = make_trainer(way, job, tokenizer, batches, clock)
            trainer.train()
    except TrainingError as error:
        if "out of memory" not in str(error):
            raise
        return {"out_of_memory": str(error)}
    if not is_first_process():
        return None
    counted = [row for batch in batches[world:] for row in batch]
    seconds = clock.seconds[-1] - clock.seconds[0]
    real = sum(len(row["input_ids"]) for row in counted)
    learnt = sum(label >= 0 for row in counted for label in row["labels"])
    shown = sum(shown_tokens(way, batch) for batch in batches[world:])
    told = sum(len(set(row["conversations"])) for row in counted)
    rate = matrix_rate(device) * world
    work = operations(trainer.model, tuning, real, learnt)
    return {
        "tokens_per_second": round(real / seconds, 1),
        "learnt_tokens_per_second": round(learnt / seconds, 1),
        "conversations_per_second": round(told / seconds, 3),
        "padding_share": round(1 - real / shown, 4),
        "seconds_a_step": round(seconds / (steps - 1), 3),
        "matrix_tflops": round(rate / 1e12, 3),
        "share_of_matrix_rate": round(work / seconds / rate, 4),
        **device_facts(device),
    }


def make_job(way: str, tuning: str, folder: Path) -> tuple[Any, Any]:
    """Return the job of a way, and a real tokenizer."""
    import msgspec

    from unibench.adapters.load import load_card
    from unibench.backends.local.loading import load_tokenizer
    from unibench.backends.local.options import TransformersOptions
    from unibench.schema.training import TrainingRecipe
    from unibench.train.job import job_of

    ours = way.startswith("ours")
    recipe = {
        "kind": "training",
        "title": way,
        "base": "smollm2-135m-instruct",
        "data": {"mixture": [{"file": "none"}]},
        "format": {
            "end": "<|im_end|>",
            "layout": "branches" if way == WAYS[0] else "turns",
            "max_length": WIDTH,
            "packing": ours,
        },
        "tuning": {"rank": 16} if tuning == "lora" else "full",
        "optimizer": {
            "rows": int(setting("ROWS", "4")),
            "checkpointing": setting("SHAPE", "135m") == "7b",
            "sharding": "fsdp",
        },
        "card": {"training_data": {"kind": "none"}},
    }
    made = msgspec.convert(recipe, TrainingRecipe)
    _, card = load_card(made.base)
    tokenizer = load_tokenizer(card.checkpoint, TransformersOptions())
    return job_of("bench", made, folder, folder), tokenizer


def conversations() -> Iterator[Any]:
    """Yield conversations of passages of `mini`, as long as the Pile's, without end."""
    from unibench.data import catalogue
    from unibench.data.api import load_prepared
    from unibench.distill.mixing.negatives import NegativeSampler
    from unibench.distill.mixing.queries import Template, ask_about
    from unibench.schema.distillation import Negatives

    sets = [load_prepared(name, "test") for name in catalogue.resolve(["mini"])]
    pool = [passage for one in sets for passage in one.passages]
    counts = Counter(m.entity_type for p in pool for m in p.mentions)
    sampler = NegativeSampler(counts, Negatives(count=NEGATIVES))
    template = Template(max_queries=MAX_QUERIES)
    draw = random.Random(0)  # noqa: S311
    number = 0
    while True:
        number += 1
        instance = joined(str(number), draw.sample(pool, int(setting("PASSAGES", "4"))))
        seed = f"bench {number}"
        yield ask_about(
            instance, template, sampler, draw_seed=seed, order_seed=seed
        ).conversation


def joined(name: str, passages: Sequence[Any]) -> Any:
    """Return several passages as one."""
    import msgspec

    from unibench.distill.mixing.queries import Instance

    text = "\n".join(passage.text for passage in passages)
    mentions = [
        msgspec.structs.replace(mention, spans=())
        for passage in passages
        for mention in passage.mentions
    ]
    return Instance(name, text, tuple(mentions))


def batches_of(
    way: str, job: Any, tokenizer: Any, count: int, size: int
) -> list[list[dict[str, list[int]]]]:
    """Return the rows of so many batches, of one stream of conversations."""
    from itertools import chain, islice

    from unibench.train.rows import packed_rows
    from unibench.train.tokens import Encoder

    encoder = Encoder(job.recipe.format, tokenizer)
    examples = chain.from_iterable(
        encoder.examples(conversation, Counter()) for conversation in conversations()
    )
    packing = job.recipe.format.packing
    rows = packed_rows(examples, WIDTH, packing=packing, seed="bench")
    return [list(islice(rows, size)) for _ in range(count)]


def shown_tokens(way: str, batch: Sequence[Mapping[str, Sequence[int]]]) -> int:
    """Return how many tokens of a batch the model reads, padding included."""
    from unibench.train.rows import MULTIPLE

    longest = max(len(row["input_ids"]) for row in batch)
    if way == WAYS[3]:
        return WIDTH * len(batch)
    if way.startswith("ours"):
        longest = -(-longest // MULTIPLE) * MULTIPLE
    return longest * len(batch)


def make_trainer(
    way: str,
    job: Any,
    tokenizer: Any,
    batches: Sequence[Sequence[Mapping[str, Any]]],
    clock: Stops,
) -> Any:
    """Return the trainer of a way; its weights are random."""
    import datasets
    from transformers import PrinterCallback
    from transformers.utils import logging
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling, SFTTrainer

    from unibench.train.instruct import arguments, lora_config
    from unibench.train.rows import RowCollator
    from unibench.train.sft import RowTrainer

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    ours = way.startswith("ours")
    pad = tokenizer.pad_token_id
    wide = WIDTH if way == WAYS[3] else None
    plain = DataCollatorForLanguageModeling(pad_token_id=pad, pad_to_multiple_of=wide)
    rows = [dict(row) for batch in batches for row in batch]
    kept = set(rows[0]) if ours else {"input_ids", "labels"}
    settings = arguments(job, len(rows))
    settings.save_strategy = "no"
    trainer = (RowTrainer if ours else SFTTrainer)(
        model=random_model(job, len(tokenizer)),
        args=settings,
        train_dataset=datasets.Dataset.from_list(
            [{name: row[name] for name in kept} for row in rows]
        ),
        data_collator=RowCollator(pad) if ours else plain,
        processing_class=tokenizer,
        peft_config=lora_config(job),
        callbacks=[clock.callback()],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def random_model(job: Any, vocabulary: int) -> Any:
    """Return a model of the wanted shape, in the precision that training keeps it."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    shape = SHAPES[setting("SHAPE", "135m")]
    small = setting("SHAPE", "135m") == "135m"
    config = LlamaConfig(
        vocab_size=vocabulary,
        max_position_embeddings=2048,
        tie_word_embeddings=small,
        attn_implementation="sdpa",
        **shape,
    )
    lora = job.recipe.tuning != "full"
    place = int(os.environ.get("LOCAL_RANK", "0"))
    device = f"cuda:{place}" if torch.cuda.is_available() else "cpu"
    with torch.device(device):
        return AutoModelForCausalLM.from_config(
            config, dtype=torch.bfloat16 if lora else torch.float32
        )


class Stops:
    """When each step ended; the first of them is where counting begins."""

    def __init__(self, device: str) -> None:
        """Take the device, whose work must be done before the clock is read."""
        self.device, self.seconds = device, list[float]()

    def callback(self) -> Any:
        """Return the trainer's callback."""
        from transformers import TrainerCallback

        stops = self

        class Callback(TrainerCallback):  # type: ignore[misc]
            def on_step_end(self, *_: Any, **__: Any) -> None:
                wait(stops.device)
                stops.seconds.append(time.perf_counter())

        return Callback()


def wait(device: str) -> None:
    """Return when the device has done what it was given."""
    import torch

    if device == "cuda":
        torch.cuda.synchronize()


def matrix_rate(device: str) -> float:
    """Return the operations a second of a large bfloat16 matrix product."""
    import torch

    size = 8192 if device == "cuda" else 1536
    left, right = (
        torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2)
    )

    least = float("inf")
    for turn in range(13):
        wait(device)
        started = time.perf_counter()
        torch.mm(left, right)
        wait(device)
        if turn:
            least = min(least, time.perf_counter() - started)
    return 2 * size**3 / least


def operations(model: Any, tuning: str, tokens: int, learnt: int) -> float:
    """Return what must be computed for so many real tokens, attention left out."""
    sizes = {name: p.numel() for name, p in model.named_parameters()}
    matrices = sum(n for name, n in sizes.items() if "layers" in name)
    config = model.config
    head = config.hidden_size * config.vocab_size
    each = 4 if tuning == "lora" else 6
    return float(each * (matrices * tokens + head * learnt))


def device_facts(device: str) -> dict[str, Any]:
    """Return what the device is, and its peak memory; the process's on a CPU."""
    import torch

    if device == "cpu":
        return {"device": "cpu", "peak_mib": round(peak_mib())}
    peak = torch.cuda.max_memory_allocated() / 2**20
    return {"device": torch.cuda.get_device_name(0), "peak_mib": round(peak)}


if __name__ == "__main__":
    found = measure(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    if found is not None:
        print(json.dumps(found))
