"""What an answer of the Hub means, in words of our own and without the token."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from unibench.errors import PublishError
from unibench.publish.files import Repo

_CONFLICTS = {409, 412}
_LOGIN = (
    "log in with 'hf auth login', or put a token with write access into HF_TOKEN"
    " (https://huggingface.co/settings/tokens)"
)


class RepoMissingError(PublishError):
    """There is no such repository, or the token may not see it."""


class RefusedError(PublishError):
    """The token may not do this."""


class MovedError(PublishError):
    """Main has moved since the plan was made; make it again and retry."""


class UncertainError(PublishError):
    """The answer was lost, or was a server's error: it may have happened."""


class BusyError(PublishError):
    """The Hub asks to wait; `seconds` says how long, where it said."""

    def __init__(self, message: str, seconds: float | None) -> None:
        super().__init__(message)
        self.seconds = seconds


class InvalidError(PublishError):
    """The Hub found a file invalid (400); the message holds its words."""


def no_token() -> PublishError:
    """Return the error of a command that must send and has no token."""
    return RefusedError(f"there is no token for the Hub; {_LOGIN}")


@contextmanager
def translated(repo: Repo | None, doing: str, token: str = "") -> Iterator[None]:
    """Turn the client's exceptions into ours, naming `repo` and what was `doing`."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    what = f"cannot {doing} {repo or 'the Hub'}"
    try:
        with _unwrapped():
            yield
    except HfHubHTTPError as error:
        raise _of_status(error, what, token) from None
    except OfflineModeIsEnabled:
        raise PublishError(
            f"{what}: HF_HUB_OFFLINE is set, so the Hub is not asked; unset it, or use"
            " --dry-run or 'unibench publish export', which need no Hub"
        ) from None
    except (httpx.HTTPError, ConnectionError, TimeoutError) as error:
        raise _of_connection(error, what, token) from None
    except ValueError as error:  # the card check, and ids that cannot be
        raise InvalidError(f"{what}: {_said(str(error), token)}") from None


@contextmanager
def _unwrapped() -> Iterator[None]:
    """Raise what made an upload fail; the client hides it in a RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error.__cause__, Exception):
            raise error.__cause__ from None
        raise


def _of_connection(error: Exception, what: str, token: str) -> PublishError:
    said = _said(str(error) or type(error).__name__, token)
    if "xet-write-token" in said:
        return PublishError(
            f"{what}: this server does not know Xet uploads; set HF_HUB_DISABLE_XET=1"
            " and run the command again"
        )
    return UncertainError(
        f"{what}: the Hub could not be reached or the connection was cut"
        f" ({said}). {_what_now(what)}"
    )


def _what_now(what: str) -> str:
    """Say what a lost answer means; only a commit may have happened all the same."""
    if what.startswith("cannot commit"):
        return (
            "It may have happened all the same, as one whole commit; run the command"
            " again, and what arrived is not sent twice"
        )
    return (
        "Check the network and HF_ENDPOINT, then run the command again; what arrived"
        " before is not sent twice"
    )


def _of_status(error: Any, what: str, token: str) -> PublishError:
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        RepositoryNotFoundError,
    )

    status = error.response.status_code
    said = _said(error.server_message or str(error), token)
    if isinstance(error, GatedRepoError):
        return RefusedError(
            f"{what}: it is gated; ask for access on its page, then {_LOGIN}"
        )
    if isinstance(error, RepositoryNotFoundError):
        return _missing(what, status)
    if isinstance(error, EntryNotFoundError):
        return PublishError(f"{what}: a file is not there any more ({said})")
    maker = _BY_STATUS.get(status)
    if status == 429:
        return _busy(error, what)
    if maker is not None:
        return maker(what, said)
    if status >= 500:
        return UncertainError(
            f"{what}: the Hub answered {status} ({said}). {_what_now(what)}"
        )
    return PublishError(f"{what}: the Hub answered {status}: {said}")


def _missing(what: str, status: int) -> PublishError:
    if status == 401:
        return RepoMissingError(
            f"{what}: there is no such repository, or it is private and you are"
            f" not logged in. Check the name; {_LOGIN}; or add --create to make it"
        )
    return RepoMissingError(
        f"{what}: there is no such repository, or your token may not see it."
        " Check the name, or add --create to make it"
    )


def _unauthorized(what: str, said: str) -> PublishError:
    return RefusedError(f"{what}: the Hub does not know the token ({said}); {_LOGIN}")


def _forbidden(what: str, said: str) -> PublishError:
    return RefusedError(
        f"{what}: the token may not write there ({said}). Use one of the owner with"
        " write access, or propose runs as a pull request ('publish results --pr')"
    )


def _moved(what: str, said: str) -> PublishError:
    return MovedError(f"{what}: somebody else has committed meanwhile ({said})")


def _invalid(what: str, said: str) -> PublishError:
    return InvalidError(f"{what}: the Hub found it invalid: {said}")


_BY_STATUS: dict[int, Callable[[str, str], PublishError]] = {
    400: _invalid,
    401: _unauthorized,
    403: _forbidden,
    **dict.fromkeys(_CONFLICTS, _moved),
}


def _busy(error: Any, what: str) -> BusyError:
    seconds = wait_of(error.response.headers)
    when = "later" if seconds is None else f"in {seconds:.0f} seconds"
    return BusyError(
        f"{what}: the Hub limits how often one may ask (429); run the command"
        f" again {when}, what arrived is not sent twice",
        seconds,
    )


def wait_of(headers: Any) -> float | None:
    """Return how many seconds the Hub asks to wait, None where it does not say."""
    found = re.search(r"\bt=(\d+)", headers.get("RateLimit", ""))
    spent = re.search(r"\br=0\b", headers.get("RateLimit", ""))
    if found and spent:
        return float(found[1])
    after = headers.get("Retry-After", "").strip()
    return float(after) if re.fullmatch(r"\d{1,6}", after) else None


def _said(text: str, token: str) -> str:
    """Return the Hub's words on one short line, without token and signed links."""
    if token:
        text = text.replace(token, "***")
    text = re.sub(r"\bhf_\w{4,}", "***", text)
    text = re.sub(r"\?\S*(?:[Ss]ignature|[Tt]oken|X-Amz)\S*", "?***", text)
    line = " ".join(text.split())
    return line if len(line) <= 300 else line[:297] + "..."
