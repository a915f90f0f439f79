"""The openai backend against a loopback server that misbehaves on request."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.backends.loopback_server import (
    Reply,
    chat,
    failure,
    ok,
    serving,
    unused_url,
)
from unibench.backends.openai import OpenAIBackend
from unibench.backends.server_client import proxy_for
from unibench.errors import BackendError, CardError
from unibench.schema.model_card import Checkpoint, Decoding, ModelCard
from unibench.schema.query import Message, Prompt, Response

ASK = Prompt((Message("user", "Who?"),))
FAMILY = Prompt((Message("user", "Who?"),), text="USER: Who? ASSISTANT:")
SCHEMA = Prompt((Message("user", "Who?"),), schema={"type": "object"})


OK = ok(chat("[]"))


def backend(*urls: str, **options: Any) -> OpenAIBackend:
    return OpenAIBackend(
        ModelCard(
            adapter="json_types",
            title="Tiny",
            checkpoint=Checkpoint(id="m"),
            backend={"name": "openai", "base_url": list(urls)} | options,
            decoding=Decoding(max_tokens=9, stop=("</s>",), seed=3),
        )
    )


def answers(made: OpenAIBackend, *prompts: Prompt) -> list[Response]:
    found = dict(made.generate(prompts))
    return [found[position] for position in range(len(prompts))]


def test_a_chat_answer_with_its_cost() -> None:
    with serving(lambda body, number: ok(chat("[]"))) as server:
        (answer,) = answers(backend(server.url), ASK)
    assert msgspec.structs.replace(answer, latency_s=None) == Response(
        "[]", prompt_tokens=7, completion_tokens=3, model="m-1"
    )
    assert server.paths == ["/v1/chat/completions"]
    assert server.bodies[0] == {
        "model": "m",
        "messages": [{"role": "user", "content": "Who?"}],
        "temperature": 0.0,
        "max_tokens": 9,
        "stop": ["</s>"],
        "seed": 3,
    }


def test_a_familys_own_text_goes_to_the_completions_route_as_it_is() -> None:
    content = json.dumps({"choices": [{"text": "[]", "finish_reason": "length"}]})
    with serving(lambda body, number: ok(content.encode())) as server:
        (answer,) = answers(backend(server.url), FAMILY)
    assert (answer.text, answer.finish_reason) == ("[]", "length")
    assert server.paths == ["/v1/completions"]
    assert server.bodies[0]["prompt"] == FAMILY.text


def test_chat_route_on_demand_and_newer_parameters() -> None:
    options = {"route": "chat", "token_limit": "max_completion_tokens"}
    with serving(lambda body, number: ok(chat("[]"))) as server:
        answers(backend(server.url, extra_body={"top_k": 1}, **options), FAMILY)
    assert server.paths == ["/v1/chat/completions"]
    assert server.bodies[0]["max_completion_tokens"] == 9
    assert server.bodies[0]["top_k"] == 1


def test_answers_come_to_their_own_prompts() -> None:
    prompts = [Prompt((Message("user", str(i)),)) for i in range(40)]
    with serving(lambda b, n: ok(chat(b["messages"][0]["content"]))) as server:
        found = answers(backend(server.url), *prompts)
    assert [answer.text for answer in found] == [str(i) for i in range(40)]


def test_several_servers_share_the_work_and_a_dead_one_is_left_out() -> None:
    def slow(body: dict[str, Any], number: int) -> Reply:
        time.sleep(0.01)
        return ok(chat("[]"))

    with serving(slow) as one, serving(slow) as two:
        found = answers(
            backend(one.url, two.url, unused_url(), concurrency=2), *[ASK] * 20
        )
    assert len(found) == 20
    assert one.bodies and two.bodies
    assert len(one.bodies) + len(two.bodies) == 20


def test_a_refusing_server_is_named_at_once() -> None:
    url = unused_url()
    started = time.monotonic()
    host = urlsplit(url).netloc
    with pytest.raises(BackendError, match=rf"{host} cannot be reached.*URL"):
        answers(backend(url), ASK)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("reply", "message", "requests"),
    [
        pytest.param(
            failure(401, "bad key"), "status 401.*bad key.*api_key_env", 1, id="401"
        ),
        pytest.param(
            failure(404, "no model m"), "404 for the model 'm'.*name", 1, id="404"
        ),
        pytest.param(
            failure(429, "slow down", **{"retry-after": "0"}),
            "status 429.*slow down.*concurrency",
            3,
            id="429",
        ),
        pytest.param(
            failure(429, "pay", code="insufficient_quota"),
            "status 429.*insufficient_quota",
            1,
            id="429-quota",
        ),
        pytest.param(
            failure(429, "tomorrow", **{"retry-after": "90000"}),
            "status 429.*tomorrow",
            1,
            id="429-too-long",
        ),
        pytest.param(
            failure(500, "oops", **{"retry-after": "0"}),
            "status 500.*oops",
            3,
            id="500",
        ),
        pytest.param(failure(400, "bad field"), "status 400.*bad field", 1, id="400"),
        pytest.param(
            (502, {"content-type": "text/html", "retry-after": "0"}, b"<b>gate</b>"),
            "status 502.*gate",
            3,
            id="html-error",
        ),
    ],
)
def test_an_error_names_host_status_and_way_out(
    reply: Reply, message: str, requests: int
) -> None:
    with serving(lambda body, number: reply) as server:
        with pytest.raises(BackendError, match=f"127.0.0.1.*{message}"):
            answers(backend(server.url, retries=2), ASK)
        assert len(server.bodies) == requests


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"<html>", "not as an OpenAI-compatible server", id="html"),
        pytest.param(b"{}", "not as an OpenAI-compatible server", id="no-choices"),
        pytest.param(b"\xff\xfe", "not as an OpenAI-compatible server", id="bytes"),
        pytest.param(b'{"choices": []}', "empty list of choices", id="empty"),
        pytest.param(b'{"choices": [', "not as an OpenAI", id="half-a-body"),
    ],
)
def test_garbage_with_status_200_is_an_error(content: bytes, message: str) -> None:
    with (
        serving(lambda body, number: ok(content)) as server,
        pytest.raises(BackendError, match=f"127.0.0.1.*status 200.*{message}"),
    ):
        answers(backend(server.url, retries=0), ASK)


def test_an_answer_that_breaks_off_is_asked_again() -> None:
    def cut_once(body: dict[str, Any], number: int) -> Reply:
        if number == 1:
            return 200, {"content-length": "999", "connection": "close"}, b'{"cho'
        return ok(chat("[]"))

    with serving(cut_once) as server:
        (answer,) = answers(backend(server.url, retries=1), ASK)
    assert answer.text == "[]"
    with (
        serving(lambda b, n: (200, {"content-length": "999"}, b'{"cho')) as server,
        pytest.raises(BackendError, match="broke off in the middle"),
    ):
        answers(backend(server.url, retries=0), ASK)


def test_retry_after_is_honoured() -> None:
    def once(body: dict[str, Any], number: int) -> Reply:
        if number == 1:
            return failure(429, "wait", **{"retry-after": "0.3"})
        return ok(chat("[]"))

    started = time.monotonic()
    with serving(once) as server:
        answers(backend(server.url), ASK)
    assert 0.3 <= time.monotonic() - started < 3


def test_a_prompt_that_a_filter_keeps_out_is_an_answer_of_its_own() -> None:
    reply = failure(400, "the prompt was filtered", code="content_filter")
    with serving(lambda body, number: reply) as server:
        (answer,) = answers(backend(server.url), ASK)
    assert (answer.text, answer.finish_reason) == ("", "content_filter")


def test_a_prompt_over_the_context_is_an_answer_of_its_own() -> None:
    reply = failure(400, "maximum context length is 9 tokens")
    with serving(lambda body, number: reply) as server:
        (answer,) = answers(backend(server.url), ASK)
    assert (answer.text, answer.finish_reason) == ("", "prompt_too_long")


@pytest.mark.parametrize(
    ("message", "finish_reason", "expected"),
    [
        pytest.param({}, "content_filter", ("", "content_filter"), id="filtered"),
        pytest.param({"refusal": "No."}, "stop", ("No.", "refusal"), id="refusal"),
    ],
)
def test_answers_without_text(
    message: dict[str, Any], finish_reason: str, expected: tuple[str, str]
) -> None:
    content = chat(None, message=message, finish_reason=finish_reason)
    with serving(lambda body, number: ok(content)) as server:
        (answer,) = answers(backend(server.url), ASK)
    assert (answer.text, answer.finish_reason) == expected


def test_structured_output_is_sent_and_recorded() -> None:
    with serving(lambda body, number: ok(chat("{}"))) as server:
        (answer,) = answers(backend(server.url, structured_output="auto"), SCHEMA)
    sent = server.bodies[0]["response_format"]
    assert sent["json_schema"]["schema"] == {"type": "object"}
    assert answer.flags == ("structured_output",)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        pytest.param("guided_json", {"type": "object"}, id="vllm"),
        pytest.param("structured_outputs", {"json": {"type": "object"}}, id="new-vllm"),
    ],
)
def test_vllms_own_ways_work_on_the_completions_route_too(
    form: str, expected: dict[str, Any]
) -> None:
    prompt = msgspec.structs.replace(SCHEMA, text="USER: Who?")
    with serving(lambda body, number: OK) as server:
        made = backend(server.url, structured_output="require", schema_form=form)
        (answer,) = answers(made, prompt)
    assert server.paths == ["/v1/completions"]
    assert server.bodies[0][form] == expected
    assert answer.flags == ("structured_output",)


def test_a_server_without_structured_output_is_asked_without() -> None:
    def unknown(body: dict[str, Any], number: int) -> Reply:
        if "response_format" in body:
            return failure(400, "response_format is not supported")
        return ok(chat("{}"))

    with serving(unknown) as server:
        made = backend(server.url, structured_output="auto", concurrency=1)
        found = answers(made, SCHEMA, SCHEMA)
        assert [a.flags for a in found] == [("structured_output_unsupported",)] * 2
        assert len(server.bodies) == 3
        with pytest.raises(BackendError, match="response_format is not supported"):
            answers(backend(server.url, structured_output="require"), SCHEMA)


def test_openais_key_goes_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "admin-secret")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-secret")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Mine: secret\nAuthorization: secret")
    monkeypatch.setenv("MY_KEY", "mine")
    with serving(lambda body, number: ok(chat("[]"))) as server:
        for options in ({}, {"api_key_env": "MY_KEY"}):
            answers(backend(server.url, **options), ASK)
        made = backend(server.url, api_key_env="MY_KEY")
        with made.client(server.url) as sdk:
            turn = {"role": "user", "content": "Who?"}
            sdk.chat.completions.create(model="m", messages=[turn])
    assert "secret" not in str(server.headers)
    assert [h["authorization"] for h in server.headers] == [
        "Bearer none",
        "Bearer mine",
        "Bearer mine",
    ]


def test_each_host_has_its_own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST_KEY", "first")
    with serving(lambda b, n: ok(chat("1"))) as server:
        names = {urlsplit(server.url).netloc: "FIRST_KEY", "example.org": "OTHER_KEY"}
        answers(backend(server.url, api_key_env=names), ASK)
        names = {"example.org": "FIRST_KEY"}
        answers(backend(server.url, api_key_env=names), ASK)
    assert [h["authorization"] for h in server.headers] == [
        "Bearer first",
        "Bearer none",
    ]


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda b, n: ok(chat("through"))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        monkeypatch.setenv("no_proxy", "example.org")
        (answer,) = answers(backend("http://server.invalid/v1"), ASK)
        assert answer.text == "through"
        assert proxy.paths == ["http://server.invalid/v1/chat/completions"]
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with serving(lambda b, n: ok(chat("direct"))) as server:
            (answer,) = answers(backend(server.url), ASK)
    assert answer.text == "direct"


@pytest.mark.parametrize(
    ("proxy", "kind"),
    [
        pytest.param("socks5://127.0.0.1:9", "socks5", id="socks"),
        pytest.param("//proxy.invalid", "address without http://", id="no-scheme"),
    ],
)
def test_a_proxy_that_is_no_http_proxy_is_one_error(
    proxy: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("all_proxy", proxy)
    monkeypatch.setenv("no_proxy", "example.org")
    with pytest.raises(BackendError, match=rf"server.invalid .*\({kind}\).*NO_PROXY"):
        answers(backend("http://server.invalid/v1"), ASK)
    monkeypatch.setenv("no_proxy", "server.invalid")
    assert proxy_for("http://server.invalid/v1") is None


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate and its key, in one file, that nobody has signed."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate, and is not installed")
    key, path = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", path),
        ],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path


def test_a_server_with_tls_is_trusted_when_its_certificate_is(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(lambda b, n: OK) as server:
        listening = context.wrap_socket(server.server.socket, server_side=True)
        server.server.socket = listening
        url = server.url.replace("http://127.0.0.1", "https://localhost")
        with pytest.raises(BackendError, match="CERTIFICATE_VERIFY_FAILED"):
            answers(backend(url, max_wait_s=0.1), ASK)
        assert not server.bodies
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        (answer,) = answers(backend(url), ASK)
    assert answer.text == "[]"


def test_a_kept_connection_is_used_again_and_cookies_are_not() -> None:
    def with_cookie(body: dict[str, Any], number: int) -> Reply:
        return 200, {"set-cookie": "session=1"}, chat("[]")

    with serving(with_cookie) as server:
        answers(backend(server.url, concurrency=1), *[ASK] * 5)
        assert server.connections == 1
    assert not any("cookie" in headers for headers in server.headers)


def test_attempts_at_a_request_bear_one_mark_until_it_is_answered() -> None:
    def twice(body: dict[str, Any], number: int) -> Reply:
        if number == 1:
            return 200, {"content-length": "999"}, b"{"
        return failure(500, "oops", **{"retry-after": "0"}) if number == 2 else OK

    with serving(twice) as server:
        answers(backend(server.url), ASK)
        answers(backend(server.url), ASK)
    marks = [headers["idempotency-key"] for headers in server.headers]
    assert marks == [marks[0], marks[0], f"{marks[0]}-1", marks[0]]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"base_url": "https://api.openai.com/v1"}, id="openai"),
        pytest.param({"api_key_env": "NOT_SET"}, id="named"),
    ],
)
def test_a_missing_key_is_named(options: dict[str, Any]) -> None:
    made = backend("http://127.0.0.1:1/v1", **options)
    name = options.get("api_key_env", "OPENAI_API_KEY")
    with pytest.raises(BackendError, match=f"needs a key: set the variable {name}"):
        answers(made, ASK)


def test_a_key_that_no_header_can_hold_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_KEY", "schl\u00fcssel")
    made = backend("http://127.0.0.1:1/v1", api_key_env="MY_KEY")
    with pytest.raises(BackendError, match="MY_KEY holds characters that no key has"):
        answers(made, ASK)


def test_openais_variable_cannot_be_named_for_another_host() -> None:
    made = backend("http://127.0.0.1:1/v1", api_key_env="OPENAI_API_KEY")
    with pytest.raises(BackendError, match=r"is for api.openai.com and is not sent to"):
        answers(made, ASK)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"base_urls": "x"}, "unknown field `base_urls`", id="unknown"),
        pytest.param({"concurrency": "2"}, "Expected `int`", id="type"),
        pytest.param({"concurrency": 0}, "concurrency of at least 1", id="range"),
        pytest.param({"timeout_s": 0}, "timeout_s must be above 0", id="time"),
        pytest.param({"base_url": "localhost:1"}, "no http", id="scheme"),
        pytest.param({"base_url": "http://u:p@h/v1"}, "holds a password", id="word"),
    ],
)
def test_options_are_read_strictly(options: dict[str, Any], message: str) -> None:
    with pytest.raises(CardError, match=message):
        backend(**({"base_url": "http://127.0.0.1:1/v1"} | options))
