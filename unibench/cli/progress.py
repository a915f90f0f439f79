"""Show a run under way on stderr: a moving line, lines of a log, JSON, or nothing."""

from __future__ import annotations

import logging
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import Any, Literal, NoReturn, Protocol, TextIO

import msgspec

from unibench.backends.prices import money
from unibench.cli.progress_meter import Meter, Status
from unibench.errors import UnibenchError
from unibench.runner.environment import this_command
from unibench.runner.plan import Plan
from unibench.schema.query import Prediction, Response
from unibench.schema.record import RunRecord

Kind = Literal["auto", "quiet", "json"]
MOVING_S = 0.25
LOG_S = 30.0


class Display(Protocol):
    """One way to show things."""

    every_s: float

    def show(self, status: Status) -> None:
        """Show how far the run is."""

    def tell(self, event: str, text: str, status: Status, **more: Any) -> None:
        """Say that something happened, once."""


class Quiet:
    """Says nothing but warnings, and how a run that was broken off goes on."""

    every_s = LOG_S

    def __init__(self, stream: TextIO) -> None:
        """Take where to write."""
        self.stream = stream

    def show(self, status: Status) -> None:
        """Say nothing."""

    def tell(self, event: str, text: str, status: Status, **more: Any) -> None:
        """Say what ends the run."""
        if event in {"warning", "interrupted", "failed"}:
            self._write(text)

    def _write(self, text: str) -> None:
        self.stream.write(text + "\n")
        self.stream.flush()


class LogLines(Quiet):
    """A line now and then, for a log file."""

    def show(self, status: Status) -> None:
        """Write one line."""
        self._write(f"{_now()} {line(status)}")

    def tell(self, event: str, text: str, status: Status, **more: Any) -> None:
        """Write one line."""
        self._write(text if event == "interrupted" else f"{_now()} {text}")


class MovingLine(Quiet):
    """One line that is written over, for a terminal."""

    every_s = MOVING_S

    def show(self, status: Status) -> None:
        """Write over the line; what the terminal has no room for is left out."""
        width = shutil.get_terminal_size().columns - 1
        self.stream.write(f"\r{line(status)[:width]}\x1b[K")
        self.stream.flush()

    def tell(self, event: str, text: str, status: Status, **more: Any) -> None:
        """Write above the moving line."""
        self.stream.write("\r\x1b[K")
        self._write(text)


class JsonLines(Quiet):
    """One JSON object a line, with every number by its name."""

    def show(self, status: Status) -> None:
        """Write the numbers."""
        self._object("progress", status)

    def tell(self, event: str, text: str, status: Status, **more: Any) -> None:
        """Write what happened, in words too."""
        self._object(event, status, message=text, **more)

    def _object(self, event: str, status: Status, **more: Any) -> None:
        numbers = msgspec.to_builtins(status)
        row = {"event": event, "time": _now(), **more, **numbers}
        self._write(msgspec.json.encode(row).decode())


class Progress(Meter):
    """A meter with a display, which a thread refreshes also while a model thinks."""

    def __init__(self, display: Display, command: str) -> None:
        """Take how to show, and the command that goes on with the run."""
        super().__init__()
        self.display, self.command = display, command
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._refresh, daemon=True)

    def start(self) -> None:
        """Begin to refresh."""
        self._thread.start()

    def stop(self) -> None:
        """End refreshing."""
        self._over.set()
        self._thread.join()

    def subset(self, plan: Plan) -> None:
        """Say what is asked next."""
        with self._lock:
            super().subset(plan)
            status = self.status()
            where = f"{status.number}/{status.subsets}"
            text = f"{status.subset} ({where}): {status.total:,} queries"
            self.display.tell("subset", text, status)

    def asking(self, requests: int) -> None:
        """Count, safe from the refreshing thread."""
        with self._lock:
            super().asking(requests)

    def advance(self, count: int) -> None:
        """Count, safe from the refreshing thread."""
        with self._lock:
            super().advance(count)

    def answered(self, response: Response) -> None:
        """Count, safe from the refreshing thread."""
        with self._lock:
            super().answered(response)

    def read(self, prediction: Prediction) -> None:
        """Count, safe from the refreshing thread."""
        with self._lock:
            super().read(prediction)

    def finished(self, record: RunRecord) -> None:
        """Say how a subset came out."""
        with self._lock:
            super().finished(record)
            status, f1 = self.status(), record.strict.f1
            text = f"{status.subset}: F1 {100 * f1:.1f}, {record.path}"
            self.display.tell("finished", text, status, f1=f1, path=record.path)

    def skipped(self, subset: str, reason: str) -> None:
        """Say what is left out, and why."""
        with self._lock:
            super().skipped(subset, reason)
            text = f"skipped {subset}: {reason}"
            self.display.tell("skipped", text, self.status(), left_out=subset)

    def warned(self, text: str) -> None:
        """Say what a part of the run warns of."""
        with self._lock:
            self.display.tell("warning", text, self.status())

    def broken_off(self, event: str) -> None:
        """Say what is kept, what it cost, and how to go on."""
        with self._lock:
            status = self.status()
            self.display.tell(event, summary(event, status, self.command), status)

    def _refresh(self) -> None:
        while not self._over.wait(self.display.every_s):
            with self._lock:
                if self._subset:
                    self.display.show(self.status())


class Stopped(KeyboardInterrupt):
    """SIGTERM, as a batch system sends it, ends a run as cleanly as Ctrl-C."""


@contextmanager
def watched(kind: Kind) -> Iterator[Progress]:
    """Show the run of the block; broken off, it says how to go on.

    After an interrupt the process ends with 128 + the signal's number.
    """
    progress = Progress(display(kind, sys.stderr), this_command())
    progress.start()
    try:
        with _terminable(), _warnings(progress):
            yield progress
    except KeyboardInterrupt as interrupt:
        progress.stop()
        progress.broken_off("interrupted")
        number = signal.SIGTERM if isinstance(interrupt, Stopped) else signal.SIGINT
        sys.exit(128 + number)
    except (UnibenchError, OSError):
        progress.stop()
        if progress.status().run_done:
            progress.broken_off("failed")
        raise
    finally:
        progress.stop()


def display(kind: Kind, stream: TextIO) -> Display:
    """Return the display of that kind; `auto` moves on a terminal only."""
    if kind == "json":
        return JsonLines(stream)
    if kind == "quiet":
        return Quiet(stream)
    return MovingLine(stream) if stream.isatty() else LogLines(stream)


def line(status: Status) -> str:
    """Return the numbers that matter, the most important first."""
    parts = [
        f"{status.subset} {status.done:,}/{status.total:,}",
        f"{_percent(status.done, status.total)}",
    ]
    if status.rate_per_s is not None:
        parts.append(f"{status.rate_per_s:,.1f}/s")
    if status.left_s is not None:
        parts.append(f"left {duration(status.left_s)}")
    if status.subsets > 1:
        parts.append(_overall(status))
    if status.unparsed_share is not None:
        parts.append(f"unparsed {100 * status.unparsed_share:.1f} %")
    return "  ".join(parts + _spent(status))


def summary(event: str, status: Status, command: str) -> str:
    """Return what a run that was broken off has, and how it goes on."""
    word = "Interrupted" if event == "interrupted" else "Stopped by an error"
    spent = [f"{status.requests:,} asked now", *_spent(status)]
    more = "" if not status.unknown else f" and {status.unknown} subsets not begun"
    return (
        f"{word}: the answers to {status.run_done:,} of {status.run_total:,}"
        f" queries{more} are kept ({', '.join(spent)});"
        f" {status.written} of {status.subsets} subsets are scored and written.\n"
        f"The same command goes on from here, nothing is asked twice:\n  {command}"
    )


def duration(seconds: float) -> str:
    """Return h:mm:ss, or m:ss below an hour."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def tokens(count: int) -> str:
    """Return a count of tokens in three digits."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return str(count)


def _overall(status: Status) -> str:
    about = "" if not status.unknown else f" + {status.unknown} subsets"
    left = status.run_left_s
    time_left = "" if left is None else f", left {duration(left)}"
    share = _percent(status.run_done, status.run_total)
    return f"[all {status.number}/{status.subsets}: {share}{about}{time_left}]"


def _spent(status: Status) -> list[str]:
    spent = []
    if status.prompt_tokens or status.completion_tokens:
        asked, said = tokens(status.prompt_tokens), tokens(status.completion_tokens)
        spent.append(f"{asked}+{said} tokens")
    if status.cost_usd is not None:
        spent.append(money(status.cost_usd))
    return spent


def _percent(done: int, total: int) -> str:
    return f"{100 * done / total:.0f} %" if total else "0 %"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class _Warnings(logging.Handler):
    """Brings the package's own warnings to the display."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(logging.WARNING)
        self.progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        self.progress.warned(record.getMessage())


@contextmanager
def _warnings(progress: Progress) -> Iterator[None]:
    logger, handler = logging.getLogger("unibench"), _Warnings(progress)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM unwind the run; a second one does not disturb that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Stopped

    before: Callable[[int, FrameType | None], Any] | int | None = signal.signal(
        signal.SIGTERM, stop
    )
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
