"""From raw files to prepared sets: hashes, filters, parts, protocols, the cache."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest

from unibench.data import store
from unibench.data.api import load_dataset, load_prepared
from unibench.data.parquet import SplitWriter
from unibench.data.prepare import prepare_from
from unibench.data.raw.locate import RawFolder
from unibench.data.steps.labels import LabelKindError
from unibench.data.store import Manifest
from unibench.errors import (
    CardError,
    DataError,
    FormatError,
    UnavailableError,
    UnknownNameError,
)
from unibench.resources import cache_root
from unibench.schema.text import Mention, Passage, Span


def prepare(folder: Path, protocol: str = "corrected", **options: Any) -> Manifest:
    return prepare_from("toy", protocol, RawFolder(folder), **options)


def texts(split: str = "test", protocol: str = "corrected") -> list[str]:
    return [passage.text for passage in load_dataset("toy", split, protocol)]


def test_labels_are_named_and_dropped(toy: Any) -> None:
    prepare(toy.usual())
    assert load_dataset("toy") == [
        Passage("0", "in Rome", (Mention("location", "Rome", (Span(3, 7),)),)),
        Passage(
            "1", "Ann Lee ate pasta", (Mention("person", "Ann Lee", (Span(0, 7),)),)
        ),
        Passage("2", "no"),
    ]


@pytest.mark.parametrize(
    ("protocol", "labels", "types"),
    [
        pytest.param("corrected", "natural", ("person", "location"), id="natural"),
        pytest.param("paper", "natural", ("Person", "location"), id="released"),
        pytest.param("corrected", "raw", ("PER", "LOC"), id="raw"),
    ],
)
def test_wordings_of_the_types(
    toy: Any, protocol: str, labels: str, types: tuple[str, ...]
) -> None:
    prepare(toy.usual(), protocol)
    prepared = load_prepared("toy", "test", protocol, labels)
    assert prepared.entity_types == types
    assert prepared.passages[1].mentions[0].entity_type == types[0]
    assert prepared.definitions == {types[0]: "A named individual."}
    assert prepared.raw_labels == {types[0]: ("PER",), types[1]: ("LOC",)}
    assert prepared.identity.split == "test"
    assert prepared.identity.license == "cc0-1.0"


def test_wordings_that_the_map_lacks(toy: Any) -> None:
    prepare(toy.usual())
    with pytest.raises(CardError, match=r"'LOC' \(location\) has no definition"):
        load_prepared("toy", "test", labels="definition")
    with pytest.raises(LabelKindError, match="paraphrase:K"):
        load_prepared("toy", "test", labels="paraphrase:0")
    toy.map["labels"]["LOC"] = {"name": "location", "paraphrases": ["place"]}
    toy.save()
    prepared = load_prepared("toy", "test", labels="paraphrase:1")
    assert prepared.entity_types == ("individual", "place")


def test_two_types_of_one_name_are_one_mention_a_place(toy: Any) -> None:
    toy.map = {"labels": {"A": "thing", "B": "thing"}}
    toy.save(format={"name": "columns", "tag": [1, 2]}, splits={"test": "t.txt"})
    prepare(toy.write({"t.txt": "x\tB-A\tB-B\n"}))
    ((mention,),) = [p.mentions for p in load_dataset("toy")]
    assert mention.entity_type == "thing"
    assert load_prepared("toy", "test").raw_labels == {"thing": ("A", "B")}


def test_an_unmapped_label_names_label_file_and_map(toy: Any) -> None:
    toy.write({"data/train.txt": "a\tO\n", "data/test.txt": "a\tO\n\nb\tB-NEW\n"})
    with pytest.raises(DataError) as caught:
        prepare(toy.raw)
    message = str(caught.value)
    for part in ("'NEW'", "data/test.txt", "passage 1", "label_maps/toy.yaml"):
        assert part in message
    assert not list(store.home("toy").glob("*"))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        pytest.param({"bytes": 10**6}, "cut off or changed", id="bytes"),
        pytest.param({"sha256": "0" * 64}, "its sha256 is", id="sha256"),
        pytest.param({"git_blob": "0" * 40}, "its git blob id is", id="git-blob"),
    ],
)
def test_a_changed_file_is_refused_unless_accepted(
    toy: Any, spec: dict[str, Any], message: str
) -> None:
    toy.save(files={"data/test.txt": spec})
    with pytest.raises(DataError, match=message) as caught:
        prepare(toy.usual())
    assert "--accept-changed" in str(caught.value)
    manifest = prepare(toy.raw, accept_changed=True)
    assert manifest.changed == (str(toy.raw / "data" / "test.txt"),)


def test_known_hashes_are_accepted(toy: Any) -> None:
    content = toy.usual().joinpath("data/test.txt").read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324
    spec = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "git_blob": blob,
    }
    toy.save(files={"data/test.txt": spec})
    assert not prepare(toy.raw).changed


ROWS = "".join(f"w{i}\tO\nx\tO\n\n" for i in range(9)) + "w0\tO\nx\tO\n\nshort\tO\n"


@pytest.mark.parametrize(
    ("filters", "left", "count"),
    [
        pytest.param([{"name": "distinct"}], 10, {"distinct": 1}, id="distinct"),
        pytest.param(
            [{"name": "min_tokens", "count": 2}], 10, {"min_tokens": 1}, id="tokens"
        ),
        pytest.param(
            [{"name": "without_texts", "groups": [["w1", "x"], ["nowhere"]]}],
            10,
            {"without_texts": 1},
            id="texts",
        ),
        pytest.param([{"name": "with_mentions"}], 0, {}, id="mentions"),
    ],
)
def test_filters_leave_out_and_count(
    toy: Any, filters: list[Any], left: int, count: dict[str, int]
) -> None:
    toy.save(splits={"test": "t.txt"}, filters=filters)
    toy.write({"t.txt": ROWS})
    if not left:
        with pytest.raises(DataError, match="hold no passage"):
            prepare(toy.raw)
        return
    manifest = prepare(toy.raw)
    assert manifest.splits["test"].statistics.passages == left
    assert manifest.left_out == count


def test_labels_and_broken_words_are_filtered(toy: Any) -> None:
    rows = [
        '{"text": "2lb salt", "mentions": [{"type": "PER", "start": 0, "end": 1}]}',
        '{"text": "2 lb salt", "mentions": [{"type": "PER", "start": 0, "end": 1}]}',
        '{"text": "bad", "mentions": [{"type": "STRAY", "start": 0, "end": 3}]}',
    ]
    toy.save(
        format="jsonl",
        splits={"test": "t.jsonl"},
        filters=[
            {"name": "whole_words"},
            {"name": "without_labels", "labels": ["STRAY"]},
        ],
    )
    manifest = prepare(toy.write({"t.jsonl": "\n".join(rows)}))
    assert manifest.left_out == {"whole_words": 1, "without_labels": 1}
    assert texts() == ["2 lb salt"]


def test_one_file_is_divided_by_int_of_shares(toy: Any) -> None:
    parts = [{"files": "t.txt", "into": {"train": 0.8, "dev": 0.1, "test": "rest"}}]
    toy.card.pop("splits")
    toy.save(partition=parts)
    prepare(toy.write({"t.txt": "".join(f"w{i}\tO\n\n" for i in range(19))}))
    assert texts("train") == [f"w{i}" for i in range(15)]  # int(15.2)
    assert texts("dev") == ["w15"]  # int(1.9)
    assert texts("test") == ["w16", "w17", "w18"]
    toy.save(partition=[{**parts[0], "seed": 7}])
    prepare(toy.raw)
    shuffled = texts("train")
    assert len(shuffled) == 15
    assert shuffled != [f"w{i}" for i in range(15)]
    assert shuffled == sorted(shuffled, key=lambda word: int(word[1:]))


def test_documents_are_listed_or_kept_together(toy: Any) -> None:
    rows = "".join(f"-DOCSTART- ({d})\n\na{d} O\n\nb{d} O\n\n" for d in "123")
    toy.save(
        format={"name": "columns", "separator": " "},
        splits={
            "train": {"files": ["t.txt"], "documents": {"file": "s.json", "key": "a"}},
            "test": {
                "files": ["t.txt"],
                "documents": {"file": "s.csv", "column": "id", "where": {"set": "t"}},
            },
        },
    )
    toy.write(
        {
            "t.txt": rows,
            "s.json": '{"a": ["1.txt", "3.txt"]}',
            "s.csv": "id,set\n2,t\n1,x\n",
        }
    )
    prepare(toy.raw)
    assert texts("train") == ["a1", "b1", "a3", "b3"]
    assert texts("test") == ["a2", "b2"]
    toy.write({"s.json": '{"a": ["1", "9"]}'})
    with pytest.raises(DataError, match="1 of 2 listed documents"):
        prepare(toy.raw)


STEP = {"why": "tested"}


def test_the_paper_protocol_does_what_the_card_says(toy: Any) -> None:
    toy.save(
        paper=[
            {"name": "drop_last_passage", "splits": ["test"], **STEP},
            {"name": "drop_final_mentions", **STEP},
            {"name": "dev_is_test", **STEP},
            {"name": "append_empty", "splits": ["train"], **STEP},
        ]
    )
    folder = toy.usual()
    prepare(folder, "paper")
    prepare(folder)
    assert texts(protocol="paper") == ["in Rome", "Ann Lee ate pasta"]
    assert texts("dev", "paper") == texts(protocol="paper")
    assert texts("train", "paper") == ["Ann ran", "Oslo", ""]
    assert [len(p.mentions) for p in load_dataset("toy", protocol="paper")] == [0, 1]
    assert len(texts()) == 3
    with pytest.raises(UnavailableError, match="no split 'dev'"):
        load_dataset("toy", "dev")


def test_the_paper_protocol_may_read_otherwise(toy: Any) -> None:
    toy.save(
        paper=[
            {"name": "format_options", "options": {"docstart": "keep"}, **STEP},
            {"name": "other_splits", "files": {"test": "p.txt"}, **STEP},
        ],
    )
    toy.usual()
    prepare(toy.write({"p.txt": "-DOCSTART-\tO\nb\tO\n"}), "paper")
    assert texts(protocol="paper") == ["-DOCSTART- b"]


def test_relabel_and_layouts(toy: Any) -> None:
    toy.map = {"labels": {"art": "art"}}
    toy.save(
        relabel=[["^([^-]+)-.*", r"\1"]],
        sources=[
            {"title": "official"},
            {
                "title": "copy",
                "format": {"name": "columns", "tag": 0, "token": 1, "scheme": "IO"},
                "splits": {"test": "copy.bio"},
            },
        ],
    )
    manifest = prepare(toy.write({"copy.bio": "art-film\tJaws\nart-song\tX\n"}))
    assert manifest.source == "copy"
    assert [m.text for m in load_dataset("toy")[0].mentions] == ["Jaws", "X"]


def test_the_same_inputs_are_prepared_once(toy: Any) -> None:
    first = prepare(toy.usual())
    made = store.home("toy") / first.fingerprint / "test.parquet"
    before = made.stat().st_mtime_ns
    assert prepare(toy.raw) == first
    assert prepare(toy.raw, "paper").fingerprint == first.fingerprint  # no paper steps
    assert made.stat().st_mtime_ns == before
    toy.write({"data/test.txt": "other\tO\n"})
    assert prepare(toy.raw).fingerprint != first.fingerprint


def test_a_changed_card_or_map_is_noticed(toy: Any) -> None:
    prepare(toy.usual())
    toy.map["labels"]["LOC"] = "place"
    toy.save()
    assert load_dataset("toy")[0].mentions[0].entity_type == "place"
    toy.save(format={"name": "columns", "scheme": "IO"})
    with pytest.raises(DataError, match="neither maps nor drops"):
        load_dataset("toy")  # made again of the same files: B-PER is a label now


def test_what_is_not_here_says_how_to_get_it(toy: Any) -> None:
    with pytest.raises(UnavailableError, match="unibench data prepare toy --from DIR"):
        load_dataset("toy")
    toy.save(access="licensed", order="Order X1 from the LDC.")
    with pytest.raises(UnavailableError, match=r"Order X1 from the LDC\."):
        load_dataset("toy")


def test_unknown_names_are_suggested(toy: Any) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'toy'"):
        load_dataset("toi")
    with pytest.raises(UnknownNameError, match="no split is called 'validation'"):
        load_dataset("toy", "validation")
    with pytest.raises(UnknownNameError, match="no protocol is called 'papers'"):
        load_dataset("toy", "test", "papers")


def test_a_broken_file_leaves_nothing_behind(toy: Any) -> None:
    rows = "".join(f"w{i}\tO\n\n" for i in range(9000))
    toy.write({"data/train.txt": rows, "data/test.txt": rows + "cut"})
    with pytest.raises(FormatError, match="line 18001"):
        prepare(toy.raw)
    assert not list(store.home("toy").iterdir())


def test_a_full_disk_leaves_nothing_behind(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: SplitWriter) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "test.parquet")

    monkeypatch.setattr(SplitWriter, "_write", full)
    with pytest.raises(OSError, match="No space left"):
        prepare(toy.usual())
    assert not list(store.home("toy").iterdir())


def test_a_damaged_cache_entry_is_one_error(toy: Any) -> None:
    manifest = prepare(toy.usual())
    folder = store.home("toy") / manifest.fingerprint
    (folder / "test.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="prepare it again"):
        load_dataset("toy")
    (folder / "manifest.json").write_bytes(b"{")
    with pytest.raises(DataError, match="damaged"):
        load_dataset("toy")


def test_a_cache_that_is_no_folder_is_one_error(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (toy.root / "file").write_text("x")
    monkeypatch.setenv("UNIBENCH_CACHE", str(toy.root / "file" / "cache"))
    with pytest.raises(DataError, match="set UNIBENCH_CACHE"):
        prepare(toy.usual())
    with pytest.raises(DataError, match="set UNIBENCH_CACHE"):
        load_dataset("toy")


def _prepare_in_process(folder: str, cache: str, path: str) -> str:
    os.environ |= {"UNIBENCH_CACHE": cache, "UNIBENCH_PATH": path}
    return prepare(Path(folder)).fingerprint


def test_two_processes_may_prepare_at_once(toy: Any) -> None:
    rows = "".join(f"w{i}\tB-PER\n\n" for i in range(2000))
    toy.write({"data/train.txt": rows, "data/test.txt": rows})
    arguments = (str(toy.raw), str(cache_root()), str(toy.root / "cards"))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        made = pool.starmap(_prepare_in_process, [arguments] * 2)
    assert made[0] == made[1]
    assert len(load_dataset("toy")) == 2000
    assert {path.name for path in store.home("toy").iterdir()} == {
        made[0],
        "corrected.json",
    }
