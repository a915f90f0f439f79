"""Ray: two workers beside one, and what the driver costs, beside ray.util.ActorPool.

Speed-up: a model that sleeps 10 ms a query (as one that waits for a GPU does), whole
runs of the engine with one worker and with two; starting Ray is not counted.
Overhead: a model that answers at once; results a second, and the driver's own CPU
seconds for each thousand of them, of our pool and of `ActorPool.map_unordered`, which
keeps no store, streams nothing and loses everything with a worker. Both get the same
queries on the same two actors, turn by turn.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.measure import write_result
from unibench.adapters.function import model_of
from unibench.runner.engine import EngineSettings, Model
from unibench.runner.ray_engine import RayEngine
from unibench.schema.query import Query
from unibench.schema.text import Passage

SLEEP_S = 0.01
TURNS = 3
PEER_CHUNK = 256  # our largest chunk, so that both send as many messages


def slow(text: str, types: Sequence[str]) -> list[tuple[str, str]]:
    """Wait as for a GPU."""
    time.sleep(SLEEP_S)
    return [(types[0], "Rome")]


def quick(text: str, types: Sequence[str]) -> list[tuple[str, str]]:
    """Answer at once."""
    return [(types[0], "Rome")]


class Timed:
    """Wall seconds and this process's CPU seconds."""

    def __enter__(self) -> Timed:
        """Start."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.wall_s = time.perf_counter() - self._wall
        self.cpu_s = time.process_time() - self._cpu


def queries(count: int) -> list[Query]:
    """Passages of 30 words, asked one type each."""
    text = " ".join(f"word{n}" for n in range(30))
    return [Query(Passage(f"p{n}", f"{n} {text}"), ("city",)) for n in range(count)]


def engine(function: Callable[..., Any], workers: int) -> RayEngine:
    """Return an engine that is warm: its workers have answered."""
    model = Model(name="bench", adapter=model_of(function), from_card=False)
    made = RayEngine(model, EngineSettings(name="ray", workers=workers))
    warm = list(made.respond(queries(40 * workers)))
    if len(warm) != 40 * workers:
        raise SystemExit("the engine left queries out")
    return made


def speed_up(count: int) -> dict[str, float]:
    """Return seconds with one worker and with two."""
    seconds = {}
    for workers in (1, 2):
        made = engine(slow, workers)
        with Timed() as timed:
            answered = sum(1 for _ in made.respond(queries(count)))
        made.close()
        if answered != count:
            raise SystemExit("the engine left queries out")
        seconds[workers] = timed.wall_s
    floor = count * SLEEP_S
    return {
        "one_worker_s": round(seconds[1], 2),
        "two_workers_s": round(seconds[2], 2),
        "speed_up": round(seconds[1] / seconds[2], 2),
        "one_worker_over_its_sleep": round(seconds[1] / floor, 3),
    }


def peer_answers(pool: Any, asked: Sequence[Query]) -> Iterator[Any]:
    """Let Ray's own pool answer chunks; it returns each chunk as a whole."""
    chunks = [asked[n : n + PEER_CHUNK] for n in range(0, len(asked), PEER_CHUNK)]
    for answers in pool.map_unordered(
        lambda actor, chunk: actor.answer.remote(chunk), chunks
    ):
        yield from answers


def overhead(count: int) -> dict[str, Any]:
    """Return results a second and driver seconds a thousand, ours and the peer's."""
    import ray
    from ray.util import ActorPool

    ours, adapter = engine(quick, 2), model_of(quick)

    class Peer:
        """What a user of ActorPool would write."""

        def answer(self, asked: Sequence[Query]) -> list[Any]:
            """Return all answers of a chunk."""
            return list(adapter.respond(asked))

    actors = [ray.remote(Peer).options(num_cpus=0).remote() for _ in range(2)]
    pool = ActorPool(actors)
    asked = queries(count)
    list(peer_answers(pool, asked[:80]))
    best: dict[str, tuple[float, float]] = {}
    for _ in range(TURNS):
        for name, run in (
            ("ours", lambda: ours.respond(asked)),
            ("actor_pool", lambda: peer_answers(pool, asked)),
        ):
            with Timed() as timed:
                answered = sum(1 for _ in run())
            if answered != count:
                raise SystemExit(f"{name} left queries out")
            best[name] = min(best.get(name, (1e9, 0.0)), (timed.wall_s, timed.cpu_s))
    ours.close()
    return {
        name: {
            "results_per_s": round(count / wall),
            "driver_cpu_s_per_1000": round(1000 * cpu / count, 4),
        }
        for name, (wall, cpu) in best.items()
    }


def main() -> None:
    """Measure both."""
    scale = float(os.environ.get("UNIBENCH_BENCH_SCALE", "1"))
    result = {
        "speed_up": speed_up(round(3000 * scale)),
        "overhead": overhead(round(30_000 * scale)),
    }
    write_result("ray_engine", result)
