"""The log of a training: one JSON object a line, and the picture of its curve."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from unibench.errors import TrainingError
from unibench.schema.jsonl import read_rows

LOG, CURVE = "log.jsonl", "loss.png"
_INK, _SOFT, _GRID, _ACCENT = "#1f2933", "#9fb3c8", "#e4e7eb", "#b44d12"


class LogRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known after some step; `dev` is the measure of the recipe's evaluation.

    `loss` is the mean over the learnt tokens since the row before, `accuracy` the
    share of them that were the likeliest.
    """

    step: int
    loss: float | None = None
    accuracy: float | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None
    seconds: float | None = None
    dev: float | None = None


def read_log(folder: Path) -> list[LogRow]:
    """Return the rows of a log, none where there is no log yet."""
    path = folder / LOG
    return list(read_rows(path, LogRow)) if path.is_file() else []


def cut_log(folder: Path, step: int) -> float:
    """Drop rows after `step`, which come again; return the seconds until then."""
    kept = [row for row in read_log(folder) if row.step <= step]
    text = b"".join(msgspec.json.encode(row) + b"\n" for row in kept)
    (folder / LOG).write_bytes(text)
    return max((row.seconds or 0.0 for row in kept), default=0.0)


def append(folder: Path, row: LogRow) -> None:
    """Add a row; it is on disk on return."""
    with (folder / LOG).open("ab") as stream:
        stream.write(msgspec.json.encode(row) + b"\n")


def row_of(step: int, logs: Mapping[str, Any], seconds: float) -> LogRow | None:
    """Return what the trainer said after a step.

    Raises:
        TrainingError: the loss is no number.
    """
    if "loss" not in logs:
        return None
    loss = float(logs["loss"])
    if not math.isfinite(loss):
        raise TrainingError(
            f"the loss is {loss} after step {step}: lower 'optimizer.learning_rate',"
            " raise 'optimizer.warmup', or use 'precision: float32'; the last good"
            " checkpoint is kept"
        )
    norm = float(logs.get("grad_norm", 0.0))
    return LogRow(
        step=step,
        loss=round(loss, 6),
        accuracy=_rounded(logs.get("mean_token_accuracy")),
        learning_rate=logs.get("learning_rate"),
        gradient_norm=round(norm, 5) if math.isfinite(norm) else None,
        seconds=round(seconds, 2),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)


def draw_curve(rows: Sequence[LogRow], path: Path, *, title: str, measure: str) -> None:
    """Draw the loss over the steps, and the dev measure where there is one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.6), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    points = [(row.step, row.loss) for row in rows if row.loss is not None]
    if points:
        steps, losses = zip(*points, strict=True)
        axes.plot(steps, losses, color=_INK, linewidth=1.4)
        axes.set_ylim(bottom=0)
    _quiet(axes)
    axes.set_xlabel("step", color=_INK)
    axes.set_title(title, loc="left", fontsize=10, color=_INK)
    axes.set_ylabel("loss on answers (nats a token)", color=_INK)
    dev = [(row.step, row.dev) for row in rows if row.dev is not None]
    if dev:
        right = axes.twinx()
        right.plot(*zip(*dev, strict=True), "o-", color=_ACCENT, linewidth=1.4)
        right.set_ylabel(measure, color=_ACCENT)
        right.set_ylim(bottom=0)
        _quiet(right)
        right.grid(visible=False)
    figure.savefig(path)


def _quiet(axes: Any) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_SOFT)
    axes.tick_params(colors=_INK, length=0, labelsize=8)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def logger(
    folder: Path, clock: Callable[[], float], tell: Callable[[LogRow], None]
) -> Any:
    """Return the trainer's callback that writes the log, on the first process."""
    from transformers import TrainerCallback

    class Logger(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, **known: Any) -> None:
            row = row_of(state.global_step, known["logs"], clock())
            if row is not None and state.is_world_process_zero:
                append(folder, row)
                tell(row)

    return Logger()
