"""Any OpenAI-compatible server, through the openai SDK, with a pool of threads."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from unibench.backends.base import PROMPT_TOO_LONG, read_options
from unibench.backends.openai_wire import Reply, read_reply
from unibench.backends.server_errors import Refusal, refusal_of
from unibench.backends.server_pool import ServerPool
from unibench.errors import BackendError, CardError
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Prompt, Response

OPENAI = "https://api.openai.com/v1"


class OpenAIOptions(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """What a card's `backend:` may say besides `name`.

    Several `base_url`s share the work. The key is read from the variable
    `api_key_env`; `OPENAI_API_KEY` is sent to api.openai.com only. With `route: auto`
    a prompt that has its family's own text goes to the completions route as it is,
    any other to the chat route. `structured_output` sends the adapter's JSON schema:
    `auto` goes on without where the server does not know it, and says so.
    `concurrency` is requests under way at once on each server.
    """

    base_url: str | tuple[str, ...] = OPENAI
    api_key_env: str = ""
    model: str = ""
    route: Literal["auto", "chat", "completions"] = "auto"
    structured_output: Literal["off", "auto", "require"] = "off"
    token_limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"  # noqa: S105
    concurrency: int = 8
    retries: int = 5
    timeout_s: float = 300.0
    max_wait_s: float = 120.0
    extra_body: dict[str, Any] = {}


class OpenAIBackend:
    """Ask the servers that the card names, as many requests at once as it says."""

    def __init__(self, card: ModelCard) -> None:
        """Read the options; the SDK is imported by the first `generate`."""
        self.card = card
        self.options = read_options(card, OpenAIOptions)
        urls = self.options.base_url
        self.urls = (urls,) if isinstance(urls, str) else tuple(urls)
        if not self.urls or self.options.concurrency < 1 or self.options.retries < 0:
            raise CardError(
                f"backend of {card.title or card.checkpoint.id}: it needs a base_url,"
                " concurrency of at least 1 and retries of at least 0"
            )
        self._unsupported: set[str] = set()

    def generate(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Response]]:
        """Answer `prompts`; servers take the next one when they are free."""
        clients = {url: self.client(url) for url in self.urls}
        pool = ServerPool(
            servers=self.urls,
            ask=lambda url, prompt: self._ask(clients[url], url, prompt),
            concurrency=self.options.concurrency,
            retries=self.options.retries,
            max_wait_s=self.options.max_wait_s,
        )
        yield from pool.run(prompts)

    def client(self, url: str) -> Any:
        """Return the SDK's client of one server, with the key that may go there."""
        from openai import OpenAI

        client = OpenAI(
            base_url=url,
            api_key=self._key(url),
            timeout=self.options.timeout_s,
            max_retries=0,  # the pool retries, so that other servers can help
        )
        if urlsplit(url).hostname != urlsplit(OPENAI).hostname:
            client.organization = client.project = None
        return client

    def _key(self, url: str) -> str:
        """The key for `url`; OpenAI's own goes nowhere else."""
        name = self.options.api_key_env
        if not name and urlsplit(url).hostname == urlsplit(OPENAI).hostname:
            name = "OPENAI_API_KEY"
        if not name:
            return "none"
        if not (key := os.environ.get(name, "").strip()):
            raise BackendError(
                f"{urlsplit(url).netloc} needs a key: set the variable {name}"
            )
        return key

    def _ask(self, client: Any, url: str, prompt: Prompt) -> Response:
        """Send one request; with `auto`, once more where the schema was refused."""
        structured = self.wants_schema(url, prompt)
        started = time.monotonic()
        try:
            reply = self._send(client, url, prompt, structured=structured)
        except Refusal as refusal:
            if refusal.too_long:
                return Response("", PROMPT_TOO_LONG, model=self.card.checkpoint.id)
            if not structured or refusal.status not in {400, 404, 415, 422, 501}:
                raise
            if self.options.structured_output == "require":
                raise
            self._unsupported.add(url)
            structured = False
            reply = self._send(client, url, prompt, structured=False)
        return self.response(
            reply,
            latency_s=time.monotonic() - started,
            flags=self.schema_flags(prompt, structured=structured),
        )

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
        wanted = self.options.structured_output != "off" and prompt.schema is not None
        return wanted and self._is_chat(prompt) and url not in self._unsupported

    def schema_flags(self, prompt: Prompt, *, structured: bool) -> tuple[str, ...]:
        """Return what an answer says about the schema that was sent, or was not."""
        if structured:
            return ("structured_output",)
        asked = self.options.structured_output != "off" and prompt.schema is not None
        return ("structured_output_unsupported",) if asked else ()

    def _is_chat(self, prompt: Prompt) -> bool:
        if self.options.route == "auto":
            return prompt.text is None
        return self.options.route == "chat"

    def _send(
        self, client: Any, url: str, prompt: Prompt, *, structured: bool
    ) -> Reply:
        """Return what the server said; raise `Refusal` when that is no answer."""
        import httpx
        import openai

        body = self.body(prompt, structured=structured)
        if self.options.extra_body:
            body["extra_body"] = self.options.extra_body
        route = client.chat.completions if self._is_chat(prompt) else client.completions
        try:
            raw = route.with_raw_response.create(**body)
            content = raw.http_response.content
        except openai.OpenAIError as error:
            raise refusal_of(error, url, self.model) from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise refusal_of(error, url, self.model) from error
        return read_reply(content, url)

    @property
    def model(self) -> str:
        """The model's name at the server."""
        return self.options.model or self.card.checkpoint.id

    def batch_request(
        self, prompt: Prompt, *, structured: bool
    ) -> tuple[str, dict[str, Any]]:
        """Return the endpoint and the whole body, as the Batch API takes them."""
        route = "chat/completions" if self._is_chat(prompt) else "completions"
        body = self.body(prompt, structured=structured)
        return f"/v1/{route}", body | self.options.extra_body

    def body(self, prompt: Prompt, *, structured: bool) -> dict[str, Any]:
        """Return what the SDK sends, without the options' `extra_body`."""
        decoding = self.card.decoding
        body: dict[str, Any] = {
            "model": self.model,
            "temperature": decoding.temperature,
        }
        if decoding.stop:
            body["stop"] = list(decoding.stop)
        if decoding.seed is not None:
            body["seed"] = decoding.seed
        if not self._is_chat(prompt):
            if prompt.text is None:
                raise BackendError(
                    f"{self.card.title}: the adapter {self.card.adapter!r} has no text"
                    " for the completions route; say 'route: chat' in 'backend'"
                )
            return body | {"prompt": prompt.text, "max_tokens": decoding.max_tokens}
        turns = [{"role": m.role, "content": m.content} for m in prompt.messages]
        body |= {"messages": turns, self.options.token_limit: decoding.max_tokens}
        if structured:
            answer = {"name": "answer", "strict": True, "schema": prompt.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": answer}
        return body
