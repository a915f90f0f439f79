"""Send one request to one server; what comes back is an answer or a `Refusal`."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgspec

from unibench.backends.openai_wire import Reply, read_models, read_reply
from unibench.backends.server_client import ServerClient
from unibench.backends.server_errors import Refusal, refusal_in, refusal_of

_OK = 200
_SHOWN = 10


class Request(NamedTuple):
    """What is sent to a path; `refusals` is how often it was answered with an error."""

    path: str
    body: bytes
    refusals: int = 0

    @property
    def mark(self) -> str:
        """The `Idempotency-Key`: a server that knows it (few do) works and bills once.

        It is the same in later runs, so that a request whose answer was lost with the
        process is not paid twice. After an error it is another one, since such a
        server would only repeat the error.
        """
        digest = hashlib.sha256(self.body).hexdigest()[:32]
        return f"{digest}-{self.refusals}" if self.refusals else digest


async def ask_server(client: ServerClient, request: Request, model: str) -> Reply:
    """Return the server's answer.

    Raises:
        Refusal: there is none; it says whether to ask again. Keys are cut out of it.
    """
    import aiohttp

    url = client.access.url
    try:
        answer = await client.post(request.path, request.body, request.mark)
        if answer.status == _OK:
            return read_reply(answer.content, url)
        raise refusal_in(answer.status, answer.headers, answer.content, url, model)
    except (aiohttp.ClientError, OSError) as error:
        refusal = refusal_of(error, url, model)
        refusal.args = (client.access.without_key(str(refusal)),)
        raise refusal from error
    except Refusal as refusal:
        refusal.args = (client.access.without_key(str(refusal)),)
        raise


async def models_at(client: ServerClient) -> str:
    """Return what models a server lists, in words; empty where it does not say."""
    import aiohttp

    try:
        answer = await client.get("/models")
        names = read_models(answer.content) if answer.status == _OK else []
    except (aiohttp.ClientError, OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return ""  # the error that this is a part of stands all the same
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    return f"the server lists {shown}" if names else ""
