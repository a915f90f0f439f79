"""A stub server with 50 ms latency: requests a second and processor time a request.

The server has a process of its own. Clients, each in its own process too, send the
same prompts at 64 and at 256 requests at once: ours through `backend.generate`, ours
through `ask_missing` with a response store on the disk, the openai SDK's async client
as its documentation shows it, lm-evaluation-harness's `local-chat-completions` and
inspect_ai's `openai-api` provider. They take turns; the median of the rounds counts.
`UNIBENCH_BENCH_SCALE=0.1` sends a tenth of the requests. Ours go through the openai
SDK too, by its shortest way; its plain client shows what that saves.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measure import peer, write_result

LATENCY_S = 0.05
CONCURRENCY = (64, 256)
REQUESTS = 6000
ROUNDS = 3
SLOW = {"inspect_ai": 0.2, "openai SDK": 0.5}
"""Clients that get this share of the requests, since they take long for each."""
ROOT = Path(__file__).parent.parent

FRAME = """
import json, sys, time
url, concurrency, requests = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
SYSTEM = "You are a helpful information extraction system."
TEXT = "Ilse moored the boat in Rotterdam and took the night train to Basel. " * 8
def user(number):
    return f"Passage {number}: {TEXT}\\nList every person in it as a JSON list."
class Timed:
    def __enter__(self):
        self.cpu, self.wall = time.process_time(), time.perf_counter()
        return self
    def __exit__(self, *error):
        cpu = time.process_time() - self.cpu
        wall = time.perf_counter() - self.wall
        found = {"per_s": requests / wall, "cpu_us": cpu / requests * 1e6}
        if error[0] is None:
            print(json.dumps(found))
"""
OURS = (
    FRAME
    + """
from unibench.backends.openai import OpenAIBackend
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.query import Message, Prompt
backend = OpenAIBackend(ModelCard(adapter="json_types", checkpoint=Checkpoint(id="m"),
    backend={"name": "openai", "base_url": url, "concurrency": concurrency}))
def prompts(start, count):
    return [Prompt((Message("system", SYSTEM), Message("user", user(n))))
            for n in range(start, start + count)]
"""
)
CLIENTS = {
    "unibench generate": OURS
    + """
assert len(list(backend.generate(prompts(0, concurrency)))) == concurrency
asked = prompts(concurrency, requests)
with Timed():
    found = list(backend.generate(asked))
assert len(found) == requests and all(answer.text == "[]" for _, answer in found)
""",
    "unibench ask and store": OURS
    + """
import os, tempfile
from pathlib import Path
from unibench.backends.asking import ask_missing
from unibench.backends.store import ResponseStore
from unibench.schema.query import content_hash
def ask(asked, store):
    keys = [content_hash("m", prompt) for prompt in asked]
    respond = lambda positions: backend.generate([asked[p] for p in positions])
    return ask_missing(keys, respond, store, lambda count: None, model="m")
with tempfile.TemporaryDirectory(dir=os.getcwd()) as folder:
    with ResponseStore(Path(folder) / "responses.sqlite") as store:
        ask(prompts(0, concurrency), store)
        asked = prompts(concurrency, requests)
        with Timed():
            answers = ask(asked, store)
        assert answers.usage.requests == requests == len(store) - concurrency
""",
    "openai SDK": FRAME
    + """
import asyncio
from openai import AsyncOpenAI
async def run():
    client = AsyncOpenAI(base_url=url, api_key="none", max_retries=0,
                         timeout=60)
    async def ask(numbers):
        for number in numbers:
            found = await client.chat.completions.create(model="m", temperature=0,
                max_tokens=256, messages=[{"role": "system", "content": SYSTEM},
                {"role": "user", "content": user(number)}])
            assert found.choices[0].message.content == "[]"
    warm = iter(range(concurrency))
    await asyncio.gather(*[ask(warm) for _ in range(concurrency)])
    asked = iter(range(requests))
    with Timed():
        await asyncio.gather(*[ask(asked) for _ in range(concurrency)])
asyncio.run(run())
""",
    "lm_eval": FRAME
    + """
import lm_eval.models
from lm_eval.api.instance import Instance
from lm_eval.api.registry import get_model
from lm_eval.models.api_models import JsonChatStr
made = get_model("local-chat-completions").create_from_arg_string(
    f"base_url={url}/chat/completions,model=m,num_concurrent={concurrency}")
def instances(start, count):
    turns = lambda n: [{"role": "system", "content": SYSTEM},
                       {"role": "user", "content": user(n)}]
    decoding = {"until": [], "max_gen_toks": 256, "temperature": 0}
    prompt = lambda n: JsonChatStr(json.dumps(turns(n)))
    return [Instance("generate_until", {}, (prompt(n), decoding), n)
            for n in range(start, start + count)]
made.generate_until(instances(0, concurrency))
asked = instances(concurrency, requests)
with Timed():
    found = made.generate_until(asked)
assert found == ["[]"] * requests
""",
    "inspect_ai": FRAME
    + """
import asyncio, os
os.environ["STUB_API_KEY"], os.environ["STUB_BASE_URL"] = "none", url
from inspect_ai.model import (ChatMessageSystem, ChatMessageUser, GenerateConfig,
                              get_model)
made = get_model("openai-api/stub/m", config=GenerateConfig(
    max_connections=concurrency, temperature=0, max_tokens=256))
async def ask(number):
    found = await made.generate([ChatMessageSystem(content=SYSTEM),
                                 ChatMessageUser(content=user(number))])
    assert found.completion == "[]"
async def run():
    await asyncio.gather(*[ask(n) for n in range(concurrency)])
    with Timed():
        await asyncio.gather(*[ask(n) for n in range(requests)])
asyncio.run(run())
""",
}
PEERS = ("lm_eval", "inspect_ai")


def main() -> None:
    """Measure all clients in turn and write the result."""
    scale = float(os.environ.get("UNIBENCH_BENCH_SCALE", "1"))
    python = {name: _python(name) for name in CLIENTS}
    absent = [name for name, path in python.items() if path is None]
    found: dict[str, Any] = {}
    with _stub() as url:
        for concurrency in CONCURRENCY:
            runs: dict[str, list[dict[str, float]]] = {}
            for _ in range(ROUNDS):
                for name, path in python.items():
                    if path is not None:
                        count = max(concurrency, _count(name, scale))
                        made = _run(path, name, (url, str(concurrency), str(count)))
                        runs.setdefault(name, []).append(made)
            medians = {name: _median(values) for name, values in runs.items()}
            found[str(concurrency)] = {
                "at_most_per_s": round(concurrency / LATENCY_S),
                "clients": medians,
                "ratios": _ratios(medians),
            }
    write_result(
        "servers",
        {
            "scale": scale,
            "latency_ms": LATENCY_S * 1000,
            "requests": {name: _count(name, scale) for name in CLIENTS},
            "rounds": ROUNDS,
            "at_once": found,
            "peers_absent": absent,
        },
    )


def _count(name: str, scale: float) -> int:
    return round(REQUESTS * scale * SLOW.get(name, 1))


def _python(name: str) -> str | None:
    """The interpreter that has the client, None where peers are not installed."""
    return peer("python") if name in PEERS else sys.executable


def _run(python: str, name: str, arguments: Sequence[str]) -> dict[str, float]:
    environment = os.environ | {"OPENAI_API_KEY": "none", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [python, "-c", CLIENTS[name], *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _median(values: Sequence[dict[str, float]]) -> dict[str, float]:
    return {key: round(statistics.median(v[key] for v in values)) for key in values[0]}


def _ratios(medians: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """How many times a peer's rate and processor time ours are, more is better."""
    ratios: dict[str, dict[str, float]] = {}
    for ours in ("unibench generate", "unibench ask and store"):
        for name in PEERS:
            if name in medians:
                ratios[f"{ours} / {name}"] = {
                    "rate": round(medians[ours]["per_s"] / medians[name]["per_s"], 2),
                    "cpu_saved": round(
                        medians[name]["cpu_us"] / medians[ours]["cpu_us"], 2
                    ),
                }
    return ratios


@contextmanager
def _stub() -> Iterator[str]:
    """Start the stub server and yield its base URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.servers", str(port)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the stub server did not start")


class Stub(asyncio.Protocol):
    """Answers every request of a connection after the latency, whatever it says."""

    def __init__(self) -> None:
        """Prepare the one answer that there is."""
        message = {"role": "assistant", "content": "[]"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 150, "completion_tokens": 2, "total_tokens": 152}
        kind = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1}
        content = {**kind, "model": "m", "choices": [choice], "usage": usage}
        body = json.dumps(content).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        self.answer = head + b"content-length: %d\r\n\r\n" % len(body) + body
        self.received = b""
        self.loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer what has arrived whole."""
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = self.received[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.received) < end + 4 + length:
                return
            self.received = self.received[end + 4 + length :]
            self.loop.call_later(LATENCY_S, self._send)

    def _send(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(self.answer)  # type: ignore[attr-defined]


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Stub, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
