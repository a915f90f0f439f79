"""Where weights come from: a local folder, the Hub, or a package of the index."""

from __future__ import annotations

import functools
import urllib.error
import urllib.request
from pathlib import Path
from typing import Literal

import msgspec

from unibench.backends.weight_package import converted_folder, package_weights
from unibench.errors import BackendError
from unibench.schema.model_card import Checkpoint

Source = Literal["folder", "hub", "package"]
_PROBE_S = 10.0
_SERVER_ERROR = 500
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
_FILES = ("*.json", "*.safetensors", "*.model", "*.jinja", "*.txt", "*.tiktoken")


def is_folder(checkpoint: Checkpoint) -> bool:
    """Whether the checkpoint is a local folder."""
    return Path(checkpoint.id).expanduser().is_dir()


def is_here(checkpoint: Checkpoint) -> bool:
    """Whether the weights lie on this machine, or come in a package of the index."""
    lora = checkpoint.lora
    if lora is not msgspec.UNSET and not Path(lora.folder).is_dir():
        return False
    return (
        is_folder(checkpoint)
        or checkpoint.package is not None
        or _is_cached(checkpoint)
    )


@functools.lru_cache(maxsize=64)
def source_of(checkpoint: Checkpoint) -> Source:
    """Return where the weights of `checkpoint` will be taken from on this machine.

    A checkpoint with a package is taken from the Hub when its files are cached or
    the Hub answers, else from the package; nothing is downloaded here. The choice is
    part of the model's identity, because a package may hold quantised weights.
    """
    if is_folder(checkpoint):
        return "folder"
    if checkpoint.package is None or _is_cached(checkpoint):
        return "hub"
    if converted_folder(checkpoint.package).is_dir() or not _hub_answers(checkpoint):
        return "package"
    return "hub"


def weights_folder(checkpoint: Checkpoint) -> Path:
    """Return the folder with the weights and the tokenizer, downloaded if need be.

    Raises:
        BackendError: they cannot be had; the message says what to do.
    """
    source = source_of(checkpoint)
    if source == "folder":
        return Path(checkpoint.id).expanduser()
    if source == "package" and checkpoint.package is not None:
        return package_weights(checkpoint.package)
    return hub_snapshot(checkpoint)


def hub_snapshot(checkpoint: Checkpoint, patterns: tuple[str, ...] = _FILES) -> Path:
    """Return the local snapshot of a Hub repository at its pinned revision."""
    from huggingface_hub import errors, snapshot_download

    name = f"{checkpoint.id} at revision {checkpoint.revision or '(none pinned)'}"
    try:
        folder = snapshot_download(
            checkpoint.id,
            revision=checkpoint.revision or None,
            allow_patterns=list(patterns),
        )
    except errors.GatedRepoError as error:
        raise BackendError(
            f"{name} is gated: accept its licence on the Hub, then run"
            " 'hf auth login' or set HF_TOKEN"
        ) from error
    except (errors.RevisionNotFoundError, errors.RepositoryNotFoundError) as error:
        raise BackendError(
            f"the Hub has no {name} that you may read; check 'checkpoint' in the"
            " model's card, or log in with 'hf auth login'"
        ) from error
    except errors.HFValidationError as error:
        raise BackendError(
            f"{checkpoint.id!r} is neither a folder nor a Hub repository: {error}"
        ) from error
    except (errors.LocalEntryNotFoundError, errors.HfHubHTTPError, OSError) as error:
        raise BackendError(
            f"the weights of {name} are not on this machine and the Hub does not"
            f" answer ({_first_line(error)}); connect, unset HF_HUB_OFFLINE, set"
            " HF_ENDPOINT to a mirror, or name a local folder in 'checkpoint.id'"
        ) from error
    return Path(folder)


def _is_cached(checkpoint: Checkpoint) -> bool:
    from huggingface_hub import try_to_load_from_cache

    revision = checkpoint.revision or None
    return any(
        isinstance(try_to_load_from_cache(checkpoint.id, name, revision=revision), str)
        for name in _WEIGHTS
    )


def _hub_answers(checkpoint: Checkpoint) -> bool:
    """Ask the Hub for the model's configuration, once, without patience."""
    from huggingface_hub import constants, hf_hub_url

    if constants.HF_HUB_OFFLINE:
        return False
    revision = checkpoint.revision or None
    url = hf_hub_url(checkpoint.id, "config.json", revision=revision)
    # The client of huggingface_hub would try six times before it says no.
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310
    try:
        urllib.request.urlopen(request, timeout=_PROBE_S).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        return error.code < _SERVER_ERROR
    except OSError:
        return False
    return True


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
