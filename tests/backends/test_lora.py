"""Cards of a base and a LoRA adapter: found, verified, merged as PEFT merges."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.backends.tiny_models import save_llama, tokenizer
from unibench.adapters.base import GenerativeAdapter
from unibench.adapters.load import build_adapter, load_card
from unibench.backends.local.loading import load_weights
from unibench.backends.local.options import TransformersOptions
from unibench.backends.transformers import TransformersBackend
from unibench.errors import BackendError, CardError
from unibench.schema.model_card import Checkpoint, Lora, card_hash
from unibench.schema.query import Prompt, Query
from unibench.schema.text import Passage

pytest.importorskip("torch", reason="needs unibench[local]")
peft: Any = pytest.importorskip("peft", reason="needs unibench[train]")
# PEFT asks models for this when it wraps them.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing")


def save_lora(base: Path, folder: Path, **settings: Any) -> str:
    """Write an adapter of random weights as PEFT does; return its hash."""
    import torch
    from transformers import LlamaForCausalLM

    torch.manual_seed(3)
    options = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "down_proj"]}
    config = peft.LoraConfig(task_type="CAUSAL_LM", **options | settings)
    model = peft.get_peft_model(LlamaForCausalLM.from_pretrained(base), config)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)
    return sha256(folder)


def sha256(folder: Path) -> str:
    content = (folder / "adapter_model.safetensors").read_bytes()
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_llama(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def plain(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lora") / "tuned"
    save_lora(base, folder)
    return folder


@pytest.fixture
def world(plain: Path, base: Path, tmp_path: Path) -> Path:
    """A folder for `UNIBENCH_PATH` with one card and its adapter beside it."""
    models = tmp_path / "world" / "models"
    models.mkdir(parents=True)
    shutil.copytree(plain, models / "tuned")
    card = {
        "adapter": "uniner",
        "backend": {"name": "transformers", "device": "cpu"},
        "checkpoint": {
            "id": str(base),
            "lora": {"folder": "tuned", "sha256": sha256(plain)},
        },
        "decoding": {"max_tokens": 8},
    }
    (models / "my-model.yaml").write_text(json.dumps(card), "utf-8")
    return models.parent


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"use_rslora": True},
        {"rank_pattern": {"down_proj": 2}, "alpha_pattern": {"1.*.q_proj": 32}},
        {"layers_to_transform": [1]},
        {"target_modules": "all-linear", "init_lora_weights": "gaussian"},
    ],
    ids=["plain", "rslora", "patterns", "one layer", "all layers"],
)
def test_it_is_merged_as_peft_merges(
    base: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    import torch
    from transformers import LlamaForCausalLM

    lora = Lora(folder=str(tmp_path), sha256=save_lora(base, tmp_path, **settings))
    ours = load_weights(
        Checkpoint(id=str(base), lora=lora), TransformersOptions(), "cpu"
    )
    raw = LlamaForCausalLM.from_pretrained(base)
    before = {name: value.clone() for name, value in raw.state_dict().items()}
    tuned = peft.PeftModel.from_pretrained(raw, tmp_path)
    theirs = tuned.merge_and_unload().state_dict()
    assert ours.state_dict().keys() == theirs.keys()
    for name, value in ours.state_dict().items():
        torch.testing.assert_close(value, theirs[name], rtol=1e-6, atol=1e-6)
    assert any(not torch.equal(value, before[n]) for n, value in theirs.items())


def test_a_bfloat16_model_is_rounded_once(base: Path, plain: Path) -> None:
    import torch

    checkpoint = Checkpoint(
        id=str(base), lora=Lora(folder=str(plain), sha256=sha256(plain))
    )
    exact = load_weights(checkpoint, TransformersOptions(), "cpu")
    rounded = load_weights(checkpoint, TransformersOptions(dtype="bfloat16"), "cpu")
    for name, value in rounded.state_dict().items():
        assert torch.equal(value, exact.state_dict()[name].to(torch.bfloat16))


def test_a_card_finds_the_folder_beside_it(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_path = load_card(str(world / "models" / "my-model.yaml"))
    monkeypatch.setenv("UNIBENCH_PATH", str(world))
    name, card = load_card("my-model")
    assert by_path == (name, card)
    assert name == "my-model"
    lora = card.checkpoint.lora
    assert lora is not msgspec.UNSET
    assert lora.folder == str(world / "models" / "tuned")


def test_identities_hold_the_hash_and_no_path(world: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(world, tmp_path / "elsewhere")
    cards = [load_card(str(w / "models" / "my-model.yaml"))[1] for w in (world, moved)]
    assert cards[0] != cards[1]
    assert card_hash(cards[0]) == card_hash(cards[1])
    query = Query(Passage("a", "Ann met Bo."), ("person",))
    adapters = [build_adapter(card) for card in cards]
    lora = cards[0].checkpoint.lora
    assert lora is not msgspec.UNSET
    for adapter in adapters:
        assert isinstance(adapter, GenerativeAdapter)
        assert adapter.details() == {"lora": lora.sha256}
    keys = {adapter.request_key(query) for adapter in adapters}
    bare = msgspec.structs.replace(cards[0].checkpoint, lora=msgspec.UNSET)
    untuned = msgspec.structs.replace(cards[0], checkpoint=bare)
    assert len(keys) == 1
    assert build_adapter(untuned).request_key(query) not in keys


def test_the_tokenizer_beside_the_adapter_goes_first(world: Path) -> None:
    folder = world / "models" / "tuned"
    _, card = load_card(str(world / "models" / "my-model.yaml"))
    assert TransformersBackend(card).tokenizer.bos_token == "<s>"  # noqa: S105
    tokenizer(bos=False).save_pretrained(folder)
    assert TransformersBackend(card).tokenizer.bos_token is None


def test_it_answers_otherwise_than_its_base(world: Path) -> None:
    _, card = load_card(str(world / "models" / "my-model.yaml"))
    bare = msgspec.structs.replace(card.checkpoint, lora=msgspec.UNSET)
    texts = [
        dict(TransformersBackend(each).generate([Prompt((), text="Ann met Bo.")]))[0]
        for each in (card, msgspec.structs.replace(card, checkpoint=bare))
    ]
    assert texts[0].text != texts[1].text


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"use_dora": True}, "use_dora: True"),
        ({"bias": "lora_only"}, "bias: 'lora_only'"),
        ({"init_lora_weights": "olora"}, "init_lora_weights: 'olora'"),
        ({"modules_to_save": ["lm_head"]}, r"modules_to_save: \['lm_head'\]"),
    ],
    ids=["dora", "bias", "olora", "modules_to_save"],
)
def test_more_than_plain_lora_is_refused(
    base: Path, tmp_path: Path, settings: dict[str, Any], named: str
) -> None:
    digest = save_lora(base, tmp_path, **settings)
    checkpoint = Checkpoint(
        id=str(base), lora=Lora(folder=str(tmp_path), sha256=digest)
    )
    with pytest.raises(BackendError, match=f"asks for {named}"):
        load_weights(checkpoint, TransformersOptions(), "cpu")


def test_what_is_wrong_with_a_folder_is_named(
    world: Path, tmp_path: Path, base: Path
) -> None:
    folder = world / "models" / "tuned"
    digest = sha256(folder)

    def load(weights_id: Path, sha: str = digest) -> None:
        lora = Lora(folder=str(folder), sha256=sha)
        checkpoint = Checkpoint(id=str(weights_id), lora=lora)
        load_weights(checkpoint, TransformersOptions(), "cpu")

    with pytest.raises(BackendError, match=f"but the model's card says {'0' * 64}"):
        load(base, "0" * 64)
    wide = save_llama(tmp_path / "wide", hidden=48)
    with pytest.raises(BackendError, match="has the shape 32 x 64 and rank 4"):
        load(wide)
    config = folder / "adapter_config.json"
    values = json.loads(config.read_text("utf-8"))
    config.write_text(json.dumps(values | {"r": 8}), "utf-8")
    with pytest.raises(BackendError, match=r"adapter_config\.json rank 8"):
        load(base)
    config.write_text(json.dumps({"r": 8}), "utf-8")
    with pytest.raises(BackendError, match="missing required field `peft_type`"):
        load(base)
    config.unlink()
    with pytest.raises(BackendError, match=r"adapter_config\.json cannot be read"):
        load(base)
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(BackendError, match=r"there is no .*adapter_model"):
        load(base)


def test_an_adapter_of_another_model_is_refused(plain: Path, tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    GPT2LMHeadModel(
        GPT2Config(n_layer=1, n_head=2, n_embd=16, vocab_size=40)
    ).save_pretrained(tmp_path)
    checkpoint = Checkpoint(
        id=str(tmp_path), lora=Lora(folder=str(plain), sha256=sha256(plain))
    )
    with pytest.raises(BackendError, match="trained on another base"):
        load_weights(checkpoint, TransformersOptions(), "cpu")


def test_a_server_is_asked_for_the_adapter_not_for_its_base(world: Path) -> None:
    path = world / "models" / "my-model.yaml"
    _, card = load_card(str(path), base_urls=["http://localhost:8000/v1"])
    assert card.backend["model"] == "my-model"
    path.write_text(
        path.read_text("utf-8").replace('"transformers", "device": "cpu"', '"openai"'),
        "utf-8",
    )
    with pytest.raises(CardError, match="say 'model' in 'backend'"):
        build_adapter(load_card(str(path))[1])


def test_span_models_take_no_adapter(world: Path) -> None:
    _, card = load_card(str(world / "models" / "my-model.yaml"))
    spans = msgspec.structs.replace(card, adapter="gliner", backend={})
    with pytest.raises(CardError, match="cannot put a LoRA"):
        build_adapter(spans)
