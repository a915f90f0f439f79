"""What is there, what may go, what is broken."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from unibench.backends.store import ResponseStore
from unibench.backends.store_care import Share, check, holdings, prune
from unibench.backends.store_lines import AnswerLine, write_lines
from unibench.backends.store_transfer import import_answers
from unibench.errors import UnknownNameError
from unibench.schema.query import Response, content_hash

DAY = 86_400.0
# model, day, prompt tokens, completion tokens
ROWS = [
    ("a", 1, 10, 1),
    ("a", 2, 20, None),
    ("a", 3, None, None),
    ("b", 2, None, None),
    ("", 4, 5, 5),
]


@pytest.fixture
def store(tmp_path: Path):  # type: ignore[no-untyped-def]
    with ResponseStore(tmp_path / "s.sqlite") as opened:
        lines = [
            AnswerLine(
                content_hash(n),
                day * DAY,
                Response("x", prompt_tokens=asked, completion_tokens=said, model=model),
            )
            for n, (model, day, asked, said) in enumerate(ROWS)
        ]
        write_lines(tmp_path / "rows.jsonl", lines)
        import_answers(opened, [tmp_path / "rows.jsonl"])
        yield opened


def test_holdings_add_up(store: ResponseStore) -> None:
    found = holdings(store)
    rows = [
        (s.model, s.answers, s.prompt_tokens, s.completion_tokens, s.oldest, s.newest)
        for s in (*found.models, found.all)
    ]
    assert rows == [
        ("", 1, 5, 5, 4 * DAY, 4 * DAY),
        ("a", 3, 30, 1, DAY, 3 * DAY),
        ("b", 1, None, None, 2 * DAY, 2 * DAY),
        ("", 5, 35, 6, DAY, 4 * DAY),
    ]
    # {"text":"x"} and, in turn, what the answers say of tokens
    sizes = [
        len(msgspec.json.encode(Response("x", prompt_tokens=p, completion_tokens=c)))
        for _, _, p, c in ROWS
    ]
    assert found.all.bytes == sum(sizes)
    assert found.file_bytes >= store.path.stat().st_size


def test_an_empty_store_has_no_dates(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "s.sqlite") as store:
        found = holdings(store)
        assert found.models == ()
        assert found.all == Share(
            model="", answers=0, prompt_tokens=None, completion_tokens=None, bytes=0,
            oldest=None, newest=None,
        )  # fmt: skip
        assert prune(store, before=1e12) == ()


@pytest.mark.parametrize(
    ("models", "before", "gone"),
    [
        pytest.param(["a"], None, {0, 1, 2}, id="model"),
        pytest.param(["a", "b"], None, {0, 1, 2, 3}, id="models"),
        pytest.param([""], None, {4}, id="unnamed"),
        pytest.param([], 2 * DAY, {0}, id="older"),
        pytest.param([], 2 * DAY + 1, {0, 1, 3}, id="older-than-just-after"),
        pytest.param(["a"], 2 * DAY + 1, {0, 1}, id="both"),
        pytest.param(["b"], DAY, set(), id="none"),
    ],
)
def test_prune(
    store: ResponseStore, models: list[str], before: float | None, gone: set[int]
) -> None:
    keys = [content_hash(n) for n in range(len(ROWS))]
    planned = prune(store, models=models, before=before, dry_run=True)
    assert len(store) == len(ROWS)
    deleted = prune(store, models=models, before=before)
    assert planned == deleted
    assert sum(share.answers for share in deleted) == len(gone)
    left = store.get(keys)
    assert {n for n, key in enumerate(keys) if key not in left} == gone
    assert [row.state for row in check(store)] == ["ok"] * 3


def test_an_unknown_model_is_named(store: ResponseStore) -> None:
    with pytest.raises(UnknownNameError, match=r"'c'.*Known: , a, b"):
        prune(store, models=["c"])
    assert len(store) == len(ROWS)


def test_a_pruned_store_is_smaller(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "s.sqlite") as store:
        for start in range(0, 9000, 3000):
            keys = (content_hash(i) for i in range(start, start + 3000))
            model = f"m{start}"
            store.put({key: Response("x" * 300, model=model) for key in keys})
        before = holdings(store).file_bytes
        prune(store, models=["m0", "m3000"])
        assert holdings(store).file_bytes < before / 2
        assert len(store) == 3000


def test_broken_answers_are_counted_and_named(store: ResponseStore) -> None:
    with closing(sqlite3.connect(store.path)) as db, db:
        db.execute("UPDATE responses SET response = x'7b' WHERE id = 1")
        db.execute("UPDATE responses SET model = 77 WHERE id = 2")
        db.execute("UPDATE responses SET key = x'ff' WHERE id = 3")
    row = check(store)[1]
    assert (row.what, row.state) == ("answers", "broken")
    assert "2 of 5 can be read" in row.detail
    assert content_hash(0) in row.detail
    assert "belongs to no model" in row.detail
    assert "'ff' has not 32 bytes" in row.detail


def test_a_broken_index_is_found(store: ResponseStore) -> None:
    with closing(sqlite3.connect(store.path)) as db, db:
        db.execute("PRAGMA writable_schema=ON")
        db.execute("DELETE FROM sqlite_master WHERE name = 'models' AND type = 'index'")
        (root,) = db.execute(
            "SELECT rootpage FROM sqlite_master WHERE name LIKE 'sqlite_autoindex_r%'"
        ).fetchone()
    path = store.path
    with store.database() as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096 + 3)  # the page's number of cells
        file.write(b"\x00\x02")
    with ResponseStore(path) as again:
        row = check(again)[0]
    assert (row.what, row.state) == ("file", "broken")
    assert row.detail
