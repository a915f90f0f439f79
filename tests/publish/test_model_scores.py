"""Scores for a model's page: entries, model-index, and the proposal around them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import yaml
from huggingface_hub import ModelCard, ModelCardData
from huggingface_hub._eval_results import parse_eval_result_entries

from tests.publish.conftest import MakeRun
from tests.publish.hub_stub import GUEST, HubStub
from tests.publish.test_hub_faults import Connect
from unibench.errors import PublishError
from unibench.publish.files import Repo
from unibench.publish.hub.client import Snapshot
from unibench.publish.hub.send import propose, publish
from unibench.publish.model.eval_results import (
    FILE,
    Suite,
    entries_of,
    entry_values,
    merged,
)
from unibench.publish.model.model_index import with_results
from unibench.publish.model.propose import TITLE, plan_scores, scores_for
from unibench.publish.results.gather import gather
from unibench.publish.results.plan import plan_results

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
BENCH = "owner/bench"


def test_an_entry_is_what_the_hub_s_own_client_reads(make_run: MakeRun) -> None:
    entries = entries_of([make_run()], BENCH, {"freecorpus": "https://example.org/r"})
    values = yaml.safe_load(merged(None, entries).read())
    (entry,) = parse_eval_result_entries(values)
    assert (entry.dataset_id, entry.task_id) == (BENCH, "freecorpus")
    assert entry.value == 85.71  # 6/7
    assert entry.date == "2026-01-02"
    assert entry.source_url == "https://example.org/r"
    assert entry.notes is not None
    assert "profile uniner v1" in entry.notes
    assert "95% CI" in entry.notes


def test_a_suite_has_an_average_only_with_all_its_subsets(make_run: MakeRun) -> None:
    both = Suite("two", ("freecorpus", "silentcorpus"))
    one = [make_run("freecorpus")]
    assert [e.task for e in entries_of(one, BENCH, {}, [both])] == ["freecorpus"]
    two = [*one, make_run("silentcorpus", wrong="Nobody")]
    average, *_ = entries_of(two, BENCH, {}, [both])
    assert average.task == "avg_two"
    assert average.value == 85.71
    assert "unweighted mean of 2 subsets" in average.notes


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"limit": 2}, "only the first 2 passages"),
        ({"labels": "raw"}, "worded 'raw'"),
    ],
)
def test_what_is_no_result_of_the_benchmark(
    make_run: MakeRun, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(PublishError, match=said):
        entries_of([make_run(**changes)], BENCH, {})


def test_two_runs_of_one_subset_are_not_chosen_between(make_run: MakeRun) -> None:
    runs = [make_run(), make_run(wrong="Bob")]
    with pytest.raises(PublishError, match="two runs on freecorpus"):
        entries_of(runs, BENCH, {})


OTHERS = b"""# scores of others stay
- dataset: {id: some/bench, task_id: t}
  value: 1.5
- just: odd
"""


def test_entries_of_others_stay_and_ours_are_replaced(make_run: MakeRun) -> None:
    entries = entries_of([make_run()], BENCH, {})
    once = merged(OTHERS, entries).read()
    assert yaml.safe_load(once)[:2] == yaml.safe_load(OTHERS)
    changed = [msgspec.structs.replace(entries[0], value=12.0)]
    again = yaml.safe_load(merged(once, changed).read())
    assert [item.get("value") for item in again] == [1.5, None, 12.0]


def test_the_same_value_changes_nothing(make_run: MakeRun) -> None:
    entries = entries_of([make_run()], BENCH, {"freecorpus": "https://old"})
    once = merged(None, entries).read()
    later = [msgspec.structs.replace(entries[0], date="2027-01-01", evidence="new")]
    assert merged(once, later).read() == once


@pytest.mark.parametrize(
    "content",
    [b"a: b", b"[1, 2]", b"{", b"!!python/object/apply:os.system [id]", b"\xff"],
    ids=["mapping", "numbers", "broken", "code", "bytes"],
)
def test_files_of_others_are_data(make_run: MakeRun, content: bytes) -> None:
    with pytest.raises(PublishError, match="of the model"):
        merged(content, entries_of([make_run()], BENCH, {}))


def test_dates_are_quoted(make_run: MakeRun) -> None:
    (entry,) = entries_of([make_run()], BENCH, {})
    text = merged(None, [entry]).read().decode()
    assert "date: '2026-01-02'" in text
    assert yaml.safe_load(text) == [entry_values(entry)]


# --- model-index --------------------------------------------------------------------

CARD = """---
license: mit   # kept, comment and all
tags:
- ner
model-index:
- name: ner
  results:
  - task: {type: token-classification}
    dataset: {type: other, name: Other}
    metrics: [{type: f1, value: 1.0}]
base_model: big/model
---
# My model

---
text: with rules
"""


def test_the_card_keeps_every_other_byte(make_run: MakeRun) -> None:
    card = with_results(CARD, "ner", [make_run()])
    head, _, rest = CARD.partition("model-index:\n")
    after = rest[rest.index("base_model") : rest.index("---\n")]
    assert card.startswith(head + after)
    assert card.endswith("---\n# My model\n\n---\ntext: with rules\n")
    values = yaml.safe_load(card.split("---\n")[1])
    types = [r["dataset"]["type"] for r in values["model-index"][0]["results"]]
    assert types == ["other", "freecorpus"]


def test_the_hub_s_own_client_reads_the_card(make_run: MakeRun) -> None:
    card = ModelCard(with_results("", "ner", [make_run()], "https://example.org"))
    assert isinstance(card.data, ModelCardData)
    strict, partial = card.data.eval_results or []
    assert strict.dataset_config == "freecorpus"
    assert strict.metric_value == 85.71
    assert partial.metric_name == "Partial micro-F1 (unibench, profile partial)"


def test_writing_the_card_again_changes_nothing(make_run: MakeRun) -> None:
    once = with_results(CARD, "ner", [make_run()], "https://at/one/commit")
    assert with_results(once, "ner", [make_run()], "https://at/another") == once


@pytest.mark.parametrize("card", ["---\n- a\n---\n", "---\nmodel-index: 3\n---\n"])
def test_a_card_that_cannot_be_read(make_run: MakeRun, card: str) -> None:
    with pytest.raises(PublishError, match="mend it there"):
        with_results(card, "ner", [make_run()])


# --- the proposal -------------------------------------------------------------------


def test_from_run_to_pull_request(
    hub: HubStub, connect: Connect, make_run: MakeRun
) -> None:
    results, model = Repo("owner/results", "dataset"), Repo("owner/ner", "model")
    hub.make(results.id)
    there = hub.make(model.id, "model")
    record = make_run(checkpoint="owner/ner")
    guest = connect(GUEST)

    def scores(record: Any) -> Any:
        return scores_for(
            model.id,
            [record],
            benchmark=BENCH,
            results=guest.snapshot(results),
            model_index=True,
        )

    with pytest.raises(PublishError, match="publish it first"):
        scores(record)
    publish(
        connect(), results, lambda s: plan_results(s, gather([record]).runs, name="x")
    )
    known = scores(record)
    sent = propose(guest, model, lambda s: plan_scores(s, known), title=TITLE)
    assert sent.page.endswith("/discussions/1")
    files = there.files("refs/pr/1")
    (entry,) = yaml.safe_load(files[FILE])
    commit = hub.repos["dataset", results.id].at("main")
    assert f"/datasets/owner/results/blob/{commit}/runs/" in entry["source"]["url"]
    assert b"model-index" in files["README.md"]
    (body,) = hub.sent("POST", "commit/main.*create_pr")
    said = body.body.decode()
    assert "unibench evaluate -m tiny.yaml -d freecorpus" in said
    # Nothing new: nothing sent. Another number: the same pull request.
    assert (
        propose(guest, model, lambda s: plan_scores(s, known), title=TITLE).commit
        is None
    )
    other = make_run(checkpoint="owner/ner", wrong="Bob", created="2026-03-03")
    publish(
        connect(), results, lambda s: plan_results(s, gather([other]).runs, name="x")
    )
    assert len(there.proposals) == 1


def test_runs_of_another_model_are_not_proposed(make_run: MakeRun) -> None:
    with pytest.raises(PublishError, match="not of 'owner/ner'"):
        scores_for("owner/ner", [make_run()], benchmark=BENCH, results=None)
    with pytest.raises(PublishError, match="no run to propose"):
        scores_for("owner/ner", [], benchmark=BENCH, results=None)


def test_two_revisions_are_not_mixed(make_run: MakeRun) -> None:
    runs = [make_run(), make_run("silentcorpus", model_revision="b" * 40)]
    with pytest.raises(PublishError, match="2 revisions"):
        scores_for("guest/ner", runs, benchmark=BENCH, results=None)


def test_a_plan_needs_no_hub(make_run: MakeRun) -> None:
    scores = scores_for("guest/ner", [make_run()], benchmark=BENCH, results=None)
    plan = plan_scores(Snapshot(repo=Repo("guest/ner", "model")), scores)
    assert [file.path for file in plan.files] == [FILE]
    assert "https" not in plan.files[0].read().decode()
