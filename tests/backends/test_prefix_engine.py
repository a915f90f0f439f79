"""The prefix engine says what plain greedy decoding says, and computes less."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.backends.tiny_models import save_llama, save_t5, tokenizer
from unibench.adapters.load import build_adapter
from unibench.backends.local import step
from unibench.backends.local.answers import end_of_list
from unibench.backends.local.batched import BatchedEngine
from unibench.backends.local.continuous import ContinuousEngine
from unibench.backends.local.prefix_engine import PrefixEngine
from unibench.backends.transformers import TransformersBackend
from unibench.errors import BackendError, CardError
from unibench.schema.model_card import Checkpoint, Decoding, ModelCard
from unibench.schema.query import Prompt, Query, Response
from unibench.schema.text import Passage

torch: Any = pytest.importorskip("torch", reason="needs unibench[local]")

TORCH_WARNS = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")

PASSAGES = ("Ann Lee met Bo in Rome.", "x", "Ann Lee met Cy in Oslo last May.", "Bo")
TYPES = ("person", "place", "people", "date", "person")
QUERIES = [
    f"Answer with a list. Text: {p} What describes {t} in the text?"
    for p in PASSAGES
    for t in TYPES
]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_llama(tmp_path_factory.mktemp("llama"))


def backend(
    folder: Path, decoding: Decoding | None = None, **options: Any
) -> TransformersBackend:
    return TransformersBackend(
        ModelCard(
            adapter="json_types",
            checkpoint=Checkpoint(id=str(folder)),
            backend={"name": "transformers", "device": "cpu", **options},
            decoding=decoding or Decoding(max_tokens=12),
        )
    )


def ask(made: TransformersBackend, texts: Sequence[str] = QUERIES) -> list[Response]:
    found = dict(made.generate([Prompt((), text=text) for text in texts]))
    assert len(found) == len(texts)
    return [
        msgspec.structs.replace(found[i], latency_s=None) for i in range(len(texts))
    ]


@pytest.fixture(scope="module")
def expected(llama: Path) -> list[Response]:
    return ask(backend(llama, engine="generate", batch_size=1))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"step_tokens": 7},
        {"step_tokens": 1},
        {"batch_tokens": 300},
        {"attention": "eager"},
        {"engine": "generate", "batch_size": 5},
        pytest.param({"engine": "continuous"}, marks=pytest.mark.slow),
        pytest.param({"compile": True}, marks=[pytest.mark.slow, TORCH_WARNS]),
    ],
    ids=[
        "prefix", "steps of 7", "steps of 1", "few at once", "eager", "batches",
        "continuous", "compiled",
    ],
)  # fmt: skip
def test_every_engine_says_what_greedy_decoding_says(
    llama: Path, expected: list[Response], options: dict[str, Any]
) -> None:
    made = backend(llama, **options)
    assert ask(made) == expected
    kinds = {"generate": BatchedEngine, "continuous": ContinuousEngine}
    assert type(made.engine) is kinds.get(options.get("engine", ""), PrefixEngine)
    assert len({answer.text for answer in expected}) > len(PASSAGES)


def test_each_token_is_computed_once(llama: Path) -> None:
    made = backend(llama)
    answers = ask(made)
    prompts = [made._encode(Prompt((), text=text)) for text in QUERIES]
    distinct = {tuple(p[:end]) for p in prompts for end in range(1, len(p) + 1)}
    counts = made.engine.counts
    # Two passages that begin alike share fewer than 16 tokens, which are twice there.
    assert len(distinct) <= counts["computed_prompt_tokens"] <= len(distinct) + 16
    assert counts["prompt_tokens"] == sum(map(len, prompts))
    # The last token of an answer is never computed; equal prompts are answered once.
    once = {tuple(p): a for p, a in zip(prompts, answers, strict=True)}
    spoken = sum((a.completion_tokens or 0) - 1 for a in once.values())
    assert counts["computed_answer_tokens"] == spoken


def test_guesses_save_steps_and_change_nothing(llama: Path) -> None:
    long = Decoding(max_tokens=90)  # a random model soon repeats itself
    expected = ask(backend(llama, long, engine="generate", batch_size=1), QUERIES[:6])
    steps = []
    for guess_tokens in (0, 64, 1000):
        made = backend(llama, long)
        assert isinstance(made.engine, PrefixEngine)
        made.engine.guess_tokens = guess_tokens
        assert ask(made, QUERIES[:6]) == expected
        counts = made.engine.counts
        assert counts["guesses_refused"] < counts["guesses"] or not guess_tokens
        steps.append(counts["steps"])
    assert steps[0] >= 90 > 60 > max(steps[1:]), steps


def test_windows_of_prompts_are_answered_all(
    llama: Path, expected: list[Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unibench.backends.local.prefix_engine._WINDOW", 3)
    assert ask(backend(llama)) == expected


def test_a_second_call_starts_afresh(llama: Path, expected: list[Response]) -> None:
    made = backend(llama)
    stream = made.generate([Prompt((), text=text) for text in QUERIES])
    next(stream)
    del stream
    assert ask(made) == expected
    assert list(made.generate([])) == []


def test_room_ends_an_answer(tmp_path: Path) -> None:
    folder = save_llama(tmp_path, length=90)
    texts = [*QUERIES, "a" * 87, "a" * 200]
    decoding = Decoding(max_tokens=30)
    found = ask(backend(folder, decoding), texts)
    assert found == ask(backend(folder, decoding, engine="generate"), texts)
    assert found[-1].finish_reason == "prompt_too_long"
    assert found[-2].completion_tokens == 2


def test_stops_end_answers_alike(llama: Path, expected: list[Response]) -> None:
    stop = expected[0].text[3]
    decoding = Decoding(max_tokens=12, stop=(stop, "</s>"))
    found = ask(backend(llama, decoding))
    assert found == ask(backend(llama, decoding, engine="generate"))
    assert found[0].text == expected[0].text.partition(stop)[0]
    assert found[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("[]", 2),
        (' ["a]b"] or', 8),
        ('["a\\"]"]', 8),
        ("[[1], [2]]x", 10),
        ('["a', None),
        ("None []", None),
        ("", None),
    ],
    ids=["empty", "quoted", "escaped", "nested", "open", "prose", "nothing"],
)
def test_where_a_list_ends(text: str, end: int | None) -> None:
    assert end_of_list(text) == end


def test_an_answer_can_end_with_its_list(llama: Path) -> None:
    made = backend(llama, answer="list")
    ids = made.tokenizer('["a"] and', add_special_tokens=False)["input_ids"]
    answer = made.endings.read(made.endings.begin(4, 99), ids)
    response = answer.response(0.0)
    assert (response.text, response.finish_reason) == ('["a"]', "stop")
    assert response.completion_tokens == 5
    assert made.identity() == {"answer": "list"}
    plain = backend(llama)
    whole = plain.endings.read(plain.endings.begin(4, 99), ids).response(0.0)
    assert (whole.text, whole.finish_reason) == ('["a"] and', "length")


class Poor:
    """A model on a device without room for many tokens at once."""

    def __init__(self, most: int, error: type[RuntimeError]) -> None:
        self.most = most
        self.error = error
        self.calls: list[int] = []

    def __call__(self, model: Any, planned: Any, **settings: Any) -> Any:
        tokens = sum(len(plan.tokens) for _, plan in planned)
        self.calls.append(tokens)
        if tokens > self.most:
            raise self.error("[enforce fail] can't allocate memory: 12 bytes")
        return step.logits_after(model, planned, **settings)


@pytest.mark.parametrize("error", [RuntimeError, torch.OutOfMemoryError])
def test_out_of_memory_goes_on_with_less(
    llama: Path,
    expected: list[Response],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: type[RuntimeError],
) -> None:
    made = backend(llama)
    made.engine  # noqa: B018  (its trial has room)
    poor = Poor(20, error)
    monkeypatch.setattr("unibench.backends.local.prefix_engine.logits_after", poor)
    with caplog.at_level(logging.WARNING):
        assert ask(made) == expected
    refused = sum(tokens > 20 for tokens in poor.calls)
    assert made.engine.counts["out_of_memory"] == refused > 0
    assert len([r for r in caplog.records if "no memory for" in r.message]) == 1


def test_few_answers_at_once_when_only_they_do_not_fit(
    llama: Path, expected: list[Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = backend(llama, step_tokens=16)
    made.engine  # noqa: B018
    poor = Poor(16, RuntimeError)
    monkeypatch.setattr("unibench.backends.local.prefix_engine.logits_after", poor)
    assert ask(made) == expected


def test_one_prompt_that_does_not_fit_names_the_knob(
    llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = backend(llama)
    made.engine  # noqa: B018
    poor = Poor(0, RuntimeError)
    monkeypatch.setattr("unibench.backends.local.prefix_engine.logits_after", poor)
    with pytest.raises(BackendError, match=r"one prompt of .* say 'dtype: bfloat16'"):
        ask(made)


def test_other_errors_are_not_taken_for_a_lack_of_memory(
    llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = backend(llama)
    made.engine  # noqa: B018

    def broken(*args: Any, **settings: Any) -> Any:
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr("unibench.backends.local.prefix_engine.logits_after", broken)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        ask(made)


def test_batches_are_halved_where_memory_lacks(
    llama: Path, expected: list[Response]
) -> None:
    made = backend(llama, engine="generate")
    generate = made.model.generate

    def poor(**settings: Any) -> Any:
        if len(settings["input_ids"]) > 5:
            raise torch.OutOfMemoryError("out of memory")
        return generate(**settings)

    made.model.generate = poor
    assert ask(made) == expected
    assert made.engine.counts["out_of_memory"] == 2

    def none(**settings: Any) -> Any:
        raise torch.OutOfMemoryError("out of memory")

    made.model.generate = none
    with pytest.raises(BackendError, match=r"one prompt of .* does not fit"):
        ask(made)


@pytest.fixture
def gemma(tmp_path: Path) -> Path:
    from transformers import Gemma2Config, Gemma2ForCausalLM

    torch.manual_seed(1)
    made = tokenizer()
    config = Gemma2Config(
        vocab_size=len(made), hidden_size=32, intermediate_size=64, head_dim=8,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=256, bos_token_id=1, eos_token_id=2, pad_token_id=0,
        layer_types=["full_attention", "full_attention"],
    )  # fmt: skip
    Gemma2ForCausalLM(config).save_pretrained(tmp_path)
    made.save_pretrained(tmp_path)
    return tmp_path


def test_what_the_engine_does_not_fit_goes_through_generate(
    llama: Path, gemma: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cases = {
        "an encoder": backend(save_t5(tmp_path / "t5")),
        "the temperature": backend(llama, Decoding(max_tokens=4, temperature=1.0)),
        "asks for softcap": backend(gemma),
    }
    penalised = backend(llama)
    penalised.model.generation_config.repetition_penalty = 1.3
    cases["sets repetition_penalty"] = penalised
    for made in cases.values():
        with caplog.at_level(logging.INFO):
            assert isinstance(made.engine, BatchedEngine)
            ask(made, QUERIES[:2])
    messages = [r.message for r in caplog.records if "through generate" in r.message]
    for reason, message in zip(cases, messages, strict=True):
        assert reason.split()[-1] in message


def test_an_engine_by_name_must_fit(llama: Path, gemma: Path, tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"cannot run .*softcap.*say 'engine: auto'"):
        ask(backend(gemma, engine="prefix"))
    with pytest.raises(CardError, match="runs decoders only"):
        ask(backend(save_t5(tmp_path / "t5"), engine="continuous"))


@pytest.mark.slow
def test_a_real_model_says_the_same_token_for_token(default_model: ModelCard) -> None:
    card = msgspec.structs.replace(
        default_model,
        adapter="uniner",
        options={"end": "<|im_end|>"},
        decoding=Decoding(max_tokens=16),
    )
    queries = [
        Query(Passage(str(at), text), (kind,))
        for at, text in enumerate(PASSAGES)
        for kind in TYPES
    ]
    found = []
    for engine in ("prefix", "generate"):
        backend = {"name": "transformers", "device": "cpu", "engine": engine}
        adapter = build_adapter(msgspec.structs.replace(card, backend=backend))
        answers = dict(adapter.respond(queries))
        found.append([answers[at].text for at in range(len(queries))])
    assert found[0] == found[1]
