"""A hub on loopback, and runs on small corpora that were made for these tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.publish.hub_server import running_hub
from tests.publish.hub_stub import OWNER, HubStub
from unibench.data.api import load_prepared
from unibench.publish.hub.client import Hub
from unibench.publish.hub.send import Retries
from unibench.runner.plan import plan_subset
from unibench.runner.score_run import PROFILES, cases_of, scores_of, tally_of
from unibench.runner.store import write_run
from unibench.schema.query import Prediction
from unibench.schema.record import Environment, ModelIdentity, RunRecord
from unibench.schema.text import Mention

MakeRun = Callable[..., RunRecord]
SENTENCES = "Zorvath Quill visited Mimbledon.\nNobody came.\nMimbledon sleeps.\n"
"""Words that occur nowhere else, so that a leak of them can be searched for."""
SECRET_WORDS = ("Zorvath", "Quill", "Mimbledon", "Nobody", "sleeps")

_CARD = """title: {subset}
domain: General
license: {license}
{access}homepage: https://example.org/{subset}
citation: The makers of {subset}.
sources:
  - {{title: beside the card, path: {subset}}}
format: {{name: jsonl}}
splits: {{test: test.jsonl}}
"""
_ROWS = """\
{"id": "a", "text": "Zorvath Quill visited Mimbledon.", \
"entity_types": ["PER", "LOC"], "mentions": [\
{"entity_type": "PER", "start": 0, "end": 13}, \
{"entity_type": "LOC", "start": 22, "end": 31}]}
{"id": "b", "text": "Nobody came.", "entity_types": ["PER", "LOC"], "mentions": []}
{"id": "c", "text": "Mimbledon sleeps.", "entity_types": ["PER", "LOC"], \
"mentions": [{"entity_type": "LOC", "start": 0, "end": 9}]}
"""
LICENSES = {
    "freecorpus": ("CC-BY-4.0", "open"),
    "silentcorpus": ("none stated", "open"),
    "closedcorpus": ("LDC User Agreement", "licensed"),
    "hospitalcorpus": ("CC-BY-4.0", "registration"),
}
"""subset -> licence and access of the small corpora"""


@pytest.fixture
def hub() -> Iterator[HubStub]:
    """A hub with no repositories."""
    with running_hub() as running:
        yield running


@pytest.fixture
def connect(hub: HubStub, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Hub]:
    """Return a function that connects to the hub under a token."""
    from huggingface_hub import constants

    # The connection switches it off for servers of others; here it is put back.
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)

    def connect_as(token: str = OWNER) -> Hub:
        return Hub(hub.url, token)

    return connect_as


@pytest.fixture
def quickly() -> Retries:
    """Retries that hardly wait."""
    return Retries(first_wait_s=0.001, longest_wait_s=0.01, sleep=lambda s: None)


@pytest.fixture
def corpora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Four small corpora under different licences, on UNIBENCH_PATH."""
    root = tmp_path / "cards"
    (root / "label_maps").mkdir(parents=True)
    for subset, (license_, access) in LICENSES.items():
        folder = root / "dataset_cards" / subset
        folder.mkdir(parents=True)
        (folder / "test.jsonl").write_text(_ROWS)
        closed = (
            f"access: {access}\norder: ask the makers\n" if access != "open" else ""
        )
        (root / "dataset_cards" / f"{subset}.yaml").write_text(
            _CARD.format(subset=subset, license=license_, access=closed)
        )
        (root / "label_maps" / f"{subset}.yaml").write_text(
            "labels: {PER: person, LOC: place}\n"
        )
    monkeypatch.setenv("UNIBENCH_PATH", str(root))
    return dict(LICENSES)


@pytest.fixture
def make_run(tmp_path: Path, corpora: dict[str, Any]) -> MakeRun:
    """Return a function that writes a run: right but for one invented mention."""

    def make(
        subset: str = "freecorpus",
        checkpoint: str = "guest/ner",
        *,
        wrong: str = "Ann",
        folder: str = "runs",
        **changes: Any,
    ) -> RunRecord:
        prepared = load_prepared(subset, "test")
        plan = plan_subset(prepared, None)
        predictions = [
            Prediction(
                id=passage.id,
                entity_types=prepared.entity_types,
                mentions=(
                    *(Mention(m.entity_type, m.text) for m in passage.mentions),
                    *((Mention("person", wrong),) if passage.id == "b" else ()),
                ),
                response_key="0" * 64,
            )
            for passage in plan.passages
        ]
        cases = cases_of(prepared, plan.passages, predictions)
        scores = scores_of(cases, PROFILES)
        record = RunRecord(
            unibench_version="0.1.0", scoring_version=1,
            created="2026-01-02T03:04:05+00:00",
            model=ModelIdentity(
                name="tiny-ner", title="Tiny NER", adapter="json_types",
                backend="transformers", checkpoint=checkpoint, revision="a" * 40,
                revision_pinned=True, card_sha256="c" * 64, prompt_sha256="b" * 64,
                prompt_origin="ours",
            ),
            data=prepared.identity, entity_types=prepared.entity_types, scores=scores,
            tally=tally_of(cases, predictions, scores),
            environment=Environment(
                command=f"unibench evaluate -m tiny.yaml -d {subset}", python="3.11",
                platform="Linux", hardware="2 cores",
            ),
        )  # fmt: skip
        model = {k[6:]: v for k, v in changes.items() if k.startswith("model_")}
        rest = {k: v for k, v in changes.items() if not k.startswith("model_")}
        changed = msgspec.structs.replace(record.model, **model)
        record = msgspec.structs.replace(record, model=changed, **rest)
        name = f"{checkpoint.replace('/', '-')}-{subset}-{wrong}"
        return write_run(tmp_path / folder / name, record, predictions)

    return make
