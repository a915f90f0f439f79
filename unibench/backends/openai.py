"""Any OpenAI-compatible server, several at once, addressed as the openai SDK does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from unibench.backends.base import read_options
from unibench.backends.openai_wire import Reply, SchemaForm, schema_fields
from unibench.backends.server_ask import Request, ask_server, models_at
from unibench.backends.server_client import (
    OPENAI_HOST,
    Access,
    ServerClient,
    Timeouts,
    blocking_client,
    key_for,
)
from unibench.backends.server_errors import Refusal
from unibench.backends.server_health import Server
from unibench.backends.server_pool import Patience, ServerPool
from unibench.backends.server_stream import stream
from unibench.errors import BackendError, CardError
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Prompt, Response

OPENAI = f"https://{OPENAI_HOST}/v1"
_NOT_FOUND = 404
_SCHEMA_REFUSED = {400, 404, 415, 422, 501}


class OpenAIOptions(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """What a card's `backend:` may say besides `name`.

    Several `base_url`s share the work. The key is read from the variable
    `api_key_env`, which may map hosts to variables; `OPENAI_API_KEY` is sent to
    api.openai.com only. With `route: auto` a prompt that has its family's own text
    goes to the completions route as it is, any other to the chat route.
    `structured_output` sends the adapter's JSON schema: `auto` goes on without where
    the server does not know it, and says so; `schema_form` is the field that the
    server reads it from. `concurrency` is the most requests under way at once on each
    server; fewer are sent where it says that they are too many. `max_wait_s`
    is how long all servers may be silent, `grace_s` how long an interrupted run waits
    for the answers under way.
    """

    base_url: str | tuple[str, ...] = OPENAI
    api_key_env: str | dict[str, str] = ""
    model: str = ""
    route: Literal["auto", "chat", "completions"] = "auto"
    structured_output: Literal["off", "auto", "require"] = "off"
    schema_form: SchemaForm = "response_format"
    token_limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"  # noqa: S105
    concurrency: int = 32
    retries: int = 5
    connect_timeout_s: float = 10.0
    timeout_s: float = 300.0
    max_wait_s: float = 120.0
    grace_s: float = 10.0
    extra_body: dict[str, Any] = {}


class OpenAIBackend:
    """Ask the servers that the card names, as many requests at once as they bear."""

    def __init__(self, card: ModelCard) -> None:
        """Read the options; the SDK is imported by the first `generate`."""
        self.card = card
        self.options = read_options(card, OpenAIOptions)
        urls = self.options.base_url
        self.urls = tuple(dict.fromkeys((urls,) if isinstance(urls, str) else urls))
        if fault := _fault(self.urls, self.options):
            name = card.title or card.checkpoint.id
            raise CardError(f"backend of {name}: {fault}")
        self.without_schema: set[str] = set()
        """Servers that refused a schema."""

    def generate(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Response]]:
        """Answer `prompts`; servers take the next one when they are free."""
        if prompts:
            yield from stream(_Run(self, prompts), self.options.grace_s)

    def access(self, url: str) -> Access:
        """Return a server's address with the key that may go there.

        Raises:
            BackendError: the variable that holds the key is not set.
        """
        return Access(url, key_for(url, self.options.api_key_env))

    def client(self, url: str) -> Any:
        """Return the SDK's own, blocking client of one server, for the Batch API."""
        return blocking_client(self.access(url), self.timeouts)

    @property
    def timeouts(self) -> Timeouts:
        """How long a connection and an answer may take."""
        return Timeouts(self.options.connect_timeout_s, self.options.timeout_s)

    def answer(
        self, prompt: Prompt, reply: Reply, seconds: float | None, *, structured: bool
    ) -> Response:
        """Return what the store keeps of a server's reply to a prompt."""
        flags = self.schema_flags(prompt, structured=structured)
        return self.response(reply, latency_s=seconds, flags=flags)

    def response(
        self, reply: Reply, *, latency_s: float | None, flags: tuple[str, ...]
    ) -> Response:
        """Return what the store keeps of a server's reply."""
        return Response(
            reply.text,
            reply.finish_reason,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            latency_s=latency_s,
            model=reply.model or self.card.checkpoint.id,
            flags=flags,
        )

    def wants_schema(self, url: str, prompt: Prompt) -> bool:
        """Whether the adapter's JSON schema is sent to this server."""
        if self.options.structured_output == "off" or prompt.schema is None:
            return False
        fits = self.is_chat(prompt) or self.options.schema_form != "response_format"
        return fits and url not in self.without_schema

    def schema_flags(self, prompt: Prompt, *, structured: bool) -> tuple[str, ...]:
        """Return what an answer says about the schema that was sent, or was not."""
        if structured:
            return ("structured_output",)
        asked = self.options.structured_output != "off" and prompt.schema is not None
        return ("structured_output_unsupported",) if asked else ()

    def is_chat(self, prompt: Prompt) -> bool:
        """Whether a prompt goes to the chat route."""
        if self.options.route == "auto":
            return prompt.text is None
        return self.options.route == "chat"

    @property
    def model(self) -> str:
        """The model's name at the server."""
        return self.options.model or self.card.checkpoint.id

    def batch_request(
        self, prompt: Prompt, *, structured: bool
    ) -> tuple[str, dict[str, Any]]:
        """Return the endpoint and the whole body, as the Batch API takes them."""
        path, body = self.request(prompt, structured=structured)
        return f"/v1{path}", body

    def request(
        self, prompt: Prompt, *, structured: bool
    ) -> tuple[str, dict[str, Any]]:
        """Return the path below the base URL and the body of a request."""
        options, decoding = self.options, self.card.decoding
        body: dict[str, Any] = {
            "model": self.model,
            "temperature": decoding.temperature,
        }
        if decoding.stop:
            body["stop"] = decoding.stop
        if decoding.seed is not None:
            body["seed"] = decoding.seed
        if structured and prompt.schema is not None:
            body |= schema_fields(options.schema_form, prompt.schema)
        if self.is_chat(prompt):
            turns = [{"role": m.role, "content": m.content} for m in prompt.messages]
            body |= {"messages": turns, options.token_limit: decoding.max_tokens}
            return "/chat/completions", body | options.extra_body
        if prompt.text is None:
            raise BackendError(
                f"{self.card.title}: the adapter {self.card.adapter!r} has no text for"
                " the completions route; say 'route: chat' in 'backend'"
            )
        body |= {"prompt": prompt.text, "max_tokens": decoding.max_tokens}
        return "/completions", body | options.extra_body

    def goes_on_without_schema(self, refusal: Refusal) -> bool:
        """Whether a request that was refused so is sent again without its schema."""
        optional = self.options.structured_output == "auto"
        return optional and refusal.status in _SCHEMA_REFUSED


def _fault(urls: Sequence[str], options: OpenAIOptions) -> str:
    """What is wrong with the options, empty where nothing is."""
    if not urls or options.concurrency < 1 or options.retries < 0:
        return (
            "it needs a base_url, concurrency of at least 1 and retries of at least 0"
        )
    if min(options.connect_timeout_s, options.timeout_s) <= 0:
        return "connect_timeout_s and timeout_s must be above 0"
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return (
                f"{url!r} is no http(s) URL; say for example http://localhost:8000/v1"
            )
        if parts.username or parts.password:
            return f"the URL of {parts.hostname} holds a password; use api_key_env"
    return ""


class _Run:
    """One call of `generate`, on the event loop."""

    def __init__(self, backend: OpenAIBackend, prompts: Sequence[Prompt]) -> None:
        self.backend, self.prompts = backend, prompts
        options = backend.options
        self.clients = {
            url: ServerClient(
                backend.access(url), backend.timeouts, options.concurrency
            )
            for url in backend.urls
        }
        self.pool = ServerPool(
            [Server(url, options.concurrency) for url in self.clients],
            self._ask,
            Patience(options.retries, options.max_wait_s),
        )

    async def run(self, deliver: Callable[[int, Response], bool]) -> None:
        """Deliver all answers."""
        try:
            await self.pool.run(self.prompts, deliver)
        except BackendError as error:
            if listed := await self._listed():
                raise BackendError(f"{error}; {listed}") from error
            raise
        finally:
            for client in self.clients.values():
                await client.close()

    def go_on(self) -> None:
        """Send again."""
        self.pool.go_on()

    def stop(self, grace_s: float) -> None:
        """Send nothing more."""
        self.pool.stop(grace_s)

    def left_behind(self) -> str:
        """Say what may be billed although nobody saw an answer."""
        return self.pool.bill() if self.pool.maybe_billed else ""

    async def _listed(self) -> str:
        """What models a server has that does not know the one we asked for."""
        url, refusal = self.pool.ended_by or ("", None)
        if refusal is None or refusal.status != _NOT_FOUND:
            return ""
        return await models_at(self.clients[url])

    async def _ask(self, url: str, prompt: Prompt, refusals: int) -> Response:
        """Send one request; with `auto`, once more where the schema was refused."""
        backend = self.backend
        structured = backend.wants_schema(url, prompt)
        began = time.monotonic()
        try:
            reply = await self._send(url, prompt, refusals, structured=structured)
        except Refusal as refusal:
            if reason := refusal.finish_reason:
                return Response("", reason, model=backend.card.checkpoint.id)
            if not structured or not backend.goes_on_without_schema(refusal):
                raise
            backend.without_schema.add(url)
            structured = False
            reply = await self._send(url, prompt, refusals, structured=False)
        seconds = time.monotonic() - began
        return backend.answer(prompt, reply, seconds, structured=structured)

    async def _send(
        self, url: str, prompt: Prompt, refusals: int, *, structured: bool
    ) -> Reply:
        path, fields = self.backend.request(prompt, structured=structured)
        request = Request(path, msgspec.json.encode(fields), refusals)
        return await ask_server(self.clients[url], request, self.backend.model)
