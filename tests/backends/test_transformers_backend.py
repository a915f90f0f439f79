"""The transformers backend with real classes of tiny random models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.backends.tiny_models import save_llama, save_t5, tokenizer
from unibench.backends.transformers import TransformersBackend
from unibench.errors import BackendError, CardError
from unibench.schema.model_card import Checkpoint, Decoding, ModelCard
from unibench.schema.query import Message, Prompt, Response

pytest.importorskip("torch", reason="needs unibench[local]")


def backend(
    folder: Path, decoding: Decoding | None = None, **options: Any
) -> TransformersBackend:
    return TransformersBackend(
        ModelCard(
            adapter="json_types",
            checkpoint=Checkpoint(id=str(folder)),
            backend={"name": "transformers", "device": "cpu", **options},
            decoding=decoding or Decoding(max_tokens=8),
        )
    )


def ask(made: TransformersBackend, *texts: str) -> list[Response]:
    found = dict(made.generate([Prompt((), text=text) for text in texts]))
    return [
        msgspec.structs.replace(found[i], latency_s=None) for i in range(len(texts))
    ]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module")
def t5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_t5(tmp_path_factory.mktemp("t5"))


def test_answers_do_not_depend_on_the_batch(llama: Path) -> None:
    texts = ["Ann", "Ann Lee met Bo in Rome.", "x", "Bo lives here", "Rome"]
    together = ask(backend(llama), *texts)
    apart = ask(backend(llama, batch_size=1), *texts)
    assert together == apart
    assert [answer.prompt_tokens for answer in together] == [
        1 + len(text) for text in texts
    ]
    assert {answer.completion_tokens for answer in together} <= set(range(1, 9))
    assert any(answer.text for answer in together)


def test_a_seq2seq_model_answers(t5: Path) -> None:
    texts = ["person: Ann", "Ann Lee met Bo in Rome."]
    together = ask(backend(t5), *texts)
    assert together == ask(backend(t5, batch_size=1), *texts)
    assert [answer.prompt_tokens for answer in together] == [12, 24]
    assert all(answer.finish_reason in {"stop", "length"} for answer in together)


def test_the_own_text_is_tokenized_as_it_is(llama: Path) -> None:
    made = backend(llama)
    end, begin = 2, 1
    tokens = made._encode(Prompt((), text="a</s>b"))
    assert tokens[0] == begin
    assert tokens[2] == end
    assert made._encode(Prompt((), text="<s>a")) == made._encode(Prompt((), text="a"))


def test_messages_go_through_the_chat_template(llama: Path) -> None:
    made = backend(llama)
    messages = (Message("system", "S"), Message("user", "U"))
    tokens = made._encode(Prompt(messages))
    assert made.tokenizer.decode(tokens) == "<|system|>S</s><|user|>U</s><|assistant|>"
    assert dict(made.generate([Prompt(messages)]))[0].prompt_tokens == len(tokens)


def test_without_a_chat_template_the_way_out_is_named(tmp_path: Path) -> None:
    made = backend(save_llama(tmp_path, chat=False))
    with pytest.raises(BackendError, match="has no chat template"):
        list(made.generate([Prompt((Message("user", "x"),))]))


def test_a_prompt_that_does_not_fit_is_never_cut(tmp_path: Path) -> None:
    made = backend(save_llama(tmp_path, length=16))
    short, long = ask(made, "abc", "a" * 40)
    assert (long.text, long.finish_reason) == ("", "prompt_too_long")
    assert long.prompt_tokens == 41
    assert short.finish_reason in {"stop", "length"}
    (nearly,) = ask(made, "a" * 14)
    assert nearly.completion_tokens == 1


def test_stops_end_the_answer(llama: Path) -> None:
    free = ask(backend(llama, Decoding(max_tokens=20)), "Ann Lee met Bo.")[0]
    assert len(free.text) > 4
    stop = free.text[3]
    stopped = ask(
        backend(llama, Decoding(max_tokens=20, stop=(stop,))), "Ann Lee met Bo."
    )
    assert stopped[0].text == free.text[: free.text.index(stop)]
    assert stopped[0].finish_reason == "stop"


def test_sampling_is_seeded(llama: Path) -> None:
    hot = Decoding(max_tokens=12, temperature=1.5, seed=4)
    assert ask(backend(llama, hot), "Ann") == ask(backend(llama, hot), "Ann")
    other = msgspec.structs.replace(hot, seed=5)
    assert ask(backend(llama, hot), "Ann") != ask(backend(llama, other), "Ann")


def test_what_is_missing_from_a_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="no usable tokenizer"):
        ask(backend(tmp_path), "x")
    tokenizer().save_pretrained(tmp_path)
    with pytest.raises(BackendError, match="cannot be loaded as a generative model"):
        ask(backend(tmp_path), "x")
    with pytest.raises(CardError, match="unknown field `gpu`"):
        backend(tmp_path, gpu=1)


@pytest.mark.gpu
def test_a_gpu_gives_the_same_answers(llama: Path) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    texts = ["Ann Lee met Bo in Rome.", "x"]
    on_gpu = ask(backend(llama, device="cuda", dtype="float32"), *texts)
    assert on_gpu == ask(backend(llama), *texts)
