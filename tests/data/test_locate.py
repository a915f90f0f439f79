"""Where raw files are looked for below --from DIR."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unibench.data.prepare import prepare_from
from unibench.data.raw.locate import RawFolder
from unibench.data.store import Manifest
from unibench.errors import DataError, FormatError, UnavailableError

TRAIN = "Ann\tB-PER\nran\tO\n"
TEST = "Rome\tB-LOC\n"


def prepare(folder: Path, **options: Any) -> Manifest:
    return prepare_from("toy", "corrected", RawFolder(folder), **options)


@pytest.mark.parametrize(
    "place",
    ["data/", "", "toy/", "toy/data/", "toy/deep/er/data/", "deep/data/"],
)
def test_names_are_found_by_any_end_of_their_path(toy: Any, place: str) -> None:
    folder = toy.write({f"{place}train.txt": TRAIN, f"{place}test.txt": TEST})
    manifest = prepare(folder)
    assert sorted(manifest.splits) == ["test", "train"]
    assert sorted(manifest.raw_sha256) == ["data/test.txt", "data/train.txt"]


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        pytest.param(".xz", lzma.compress, id="xz"),
        pytest.param(".gz", gzip.compress, id="gz"),
        pytest.param(".bz2", bz2.compress, id="bz2"),
    ],
)
def test_packed_files_are_seen_through(
    toy: Any, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    plain = prepare(toy.usual())
    for name in ("data/train.txt", "data/test.txt"):
        path = toy.raw / name
        path.with_name(path.name + suffix).write_bytes(pack(path.read_bytes()))
        path.unlink()
    assert prepare(toy.raw).fingerprint == plain.fingerprint


def zipped(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)


def tarred(path: Path, files: dict[str, bytes]) -> None:
    mode: Any = f"w:{path.suffix[1:].replace('tgz', 'gz')}"
    with tarfile.open(path, mode) as packed:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))


ARCHIVES = [
    pytest.param("corpus.zip", zipped, id="zip"),
    pytest.param("corpus.tgz", tarred, id="tgz"),
    pytest.param("corpus.tar.gz", tarred, id="tar-gz"),
    pytest.param("corpus.tar.xz", tarred, id="tar-xz"),
    pytest.param("corpus.tar.bz2", tarred, id="tar-bz2"),
]


@pytest.mark.parametrize(("name", "pack"), ARCHIVES)
@pytest.mark.parametrize("as_file", [False, True], ids=["folder", "archive"])
def test_archives_are_read_in_place(
    toy: Any, name: str, pack: Callable[[Path, dict[str, bytes]], None], as_file: bool
) -> None:
    plain = prepare(toy.usual())
    files = {n: (toy.raw / n).read_bytes() for n in ("data/train.txt", "data/test.txt")}
    folder = toy.root / "packed"
    folder.mkdir()
    hidden = {"__MACOSX/data/test.txt": b"x", "data/._test.txt": b"x"}
    pack(folder / name, {f"corpus-1.0/{n}": c for n, c in files.items()} | hidden)
    made = prepare(folder / name if as_file else folder)
    assert made.fingerprint == plain.fingerprint


@pytest.mark.parametrize(("name", "pack"), ARCHIVES)
def test_a_truncated_archive_is_one_error(
    toy: Any, name: str, pack: Callable[[Path, dict[str, bytes]], None]
) -> None:
    toy.raw.mkdir()
    pack(toy.raw / name, {"data/test.txt": bytes(range(256)) * 400})
    whole = (toy.raw / name).read_bytes()
    (toy.raw / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match=rf"{name}.*damaged or\s+incomplete"):
        prepare(toy.raw)


def test_a_truncated_packed_file_is_one_error(toy: Any) -> None:
    toy.write({"test.txt.xz": lzma.compress(TEST.encode() * 99)[:-20]})
    with pytest.raises(FormatError, match=r"test\.txt\.xz.*damaged or incomplete"):
        prepare(toy.raw)


def test_a_folder_of_the_name_comes_first_and_others_stay_out(toy: Any) -> None:
    folder = toy.write(
        {
            "toy/train.txt": TRAIN,
            "toy/test.txt": TEST,
            "conllpp/train.txt": "other\tO\n",
            "conllpp/test.txt": "other\tO\n",
        }
    )
    assert prepare(folder).splits["test"].statistics.mentions == 1


def test_files_of_another_dataset_are_not_taken(toy: Any) -> None:
    folder = toy.write({"conllpp/train.txt": TRAIN, "conllpp/test.txt": TEST})
    with pytest.raises(UnavailableError, match=r"missing data/train\.txt"):
        prepare(folder)


def test_two_candidates_that_differ_are_listed(toy: Any) -> None:
    folder = toy.write({"a/test.txt": TEST, "b/test.txt": TRAIN})
    with pytest.raises(DataError, match="several files") as caught:
        prepare(folder)
    assert str(folder / "a" / "test.txt") in str(caught.value)
    assert str(folder / "b" / "test.txt") in str(caught.value)


def test_a_file_in_dir_and_another_in_its_folder_are_ambiguous(toy: Any) -> None:
    folder = toy.write({"test.txt": TEST, "toy/test.txt": TRAIN})
    with pytest.raises(DataError, match="several files"):
        prepare(folder)


def test_two_copies_of_one_file_are_no_problem(toy: Any) -> None:
    folder = toy.write({"a/test.txt": TEST, "b/test.txt": TEST})
    assert prepare(folder).splits.keys() == {"test"}


def test_a_hash_settles_which_candidate_is_meant(toy: Any) -> None:
    blob = "2b8b1b1d0d0bd8c5f3e0fd4c8e5f9a1a5e1a2b3c"
    folder = toy.write({"a/test.txt": TEST, "b/test.txt": TRAIN})
    import hashlib

    sha256 = hashlib.sha256(TRAIN.encode()).hexdigest()
    toy.save(files={"data/test.txt": {"sha256": sha256}})
    assert prepare(folder).splits["test"].statistics.labels == {"PER": 1}
    toy.save(files={"data/test.txt": {"git_blob": blob}})
    with pytest.raises(DataError, match="several files"):
        prepare(folder)


def test_other_names_of_a_file(toy: Any) -> None:
    toy.save(files={"data/test.txt": {"also": ["eval.bio"]}})
    assert prepare(toy.write({"eval.bio": TEST})).splits.keys() == {"test"}


def test_patterns_take_many_files_in_name_order(toy: Any) -> None:
    toy.save(splits={"test": ["data/*.txt", "!data/skip*"]})
    folder = toy.write(
        {
            "data/b.txt": "b\tO\n",
            "data/a.txt": "a\tO\n",
            "data/skipped.txt": "c\tO\n",
            "data/deep/d.txt": "d\tO\n",
        }
    )
    assert list(prepare(folder).raw_sha256) == ["data/a.txt", "data/b.txt"]


def test_what_is_missing_is_named_with_the_way_out(toy: Any) -> None:
    toy.raw.mkdir()
    with pytest.raises(UnavailableError) as caught:
        prepare(toy.raw)
    message = str(caught.value)
    assert "missing data/train.txt, data/test.txt" in message
    assert str(toy.raw / "toy") in message
    assert "https://toy.example" in message


def test_a_missing_split_is_reported_and_the_rest_prepared(toy: Any) -> None:
    manifest = prepare(toy.write({"test.txt": TEST}))
    assert manifest.missing == {"train": ("data/train.txt",)}
    assert list(manifest.splits) == ["test"]
