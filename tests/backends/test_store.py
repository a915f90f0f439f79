"""What is stored is found, is never changed, and lies where it should."""

from __future__ import annotations

import threading
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from unibench.backends.store import ResponseStore, default_path
from unibench.schema.query import Response, content_hash

KEYS = [content_hash(i) for i in range(1200)]
RESPONSES = st.builds(
    Response,
    st.text(),
    st.sampled_from(["stop", "length", "content_filter"]),
    st.none() | st.integers(0, 2**40),
    st.none() | st.integers(0, 2**40),
    st.none() | st.floats(0, 1e6),
    st.text(max_size=5),
    st.lists(st.text(max_size=5), max_size=2).map(tuple),
)


def test_what_is_put_is_got_and_the_rest_is_absent(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "s.sqlite") as store:
        store.put({KEYS[0]: Response("a", latency_s=0.5), KEYS[1]: Response("é\n")})
        assert store.get(KEYS[:3]) == {
            KEYS[0]: Response("a", latency_s=0.5),
            KEYS[1]: Response("é\n"),
        }
        assert len(store) == 2


@settings(deadline=None, max_examples=30)  # each writes files
@given(answers=st.lists(RESPONSES, max_size=5))
def test_every_answer_comes_back_as_it_was(
    tmp_path_factory: object, answers: list[Response]
) -> None:
    kept = {content_hash(i): answer for i, answer in enumerate(answers)}
    folder = tmp_path_factory.mktemp("kept")  # type: ignore[attr-defined]
    with ResponseStore(folder / "s.sqlite") as store:
        assert store.put(kept) == len(kept)
    with ResponseStore(folder / "s.sqlite") as store:
        assert store.get(kept) == kept


def test_many_keys_are_looked_up_in_pieces(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "s.sqlite") as store:
        store.put({key: Response(key) for key in KEYS})
        assert len(store.get([*KEYS, *KEYS])) == len(KEYS)


def test_found_keys_and_models_take_no_memory_of_their_own(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "s.sqlite") as store:
        store.put({key: Response("a", model="tiny/model") for key in KEYS})
        found = store.get(KEYS)
    own = {id(key) for key in KEYS}
    assert all(id(key) in own for key in found)
    assert len({id(answer.model) for answer in found.values()}) == 1


def test_a_second_answer_to_a_request_is_not_taken(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "s.sqlite") as store:
        assert store.put({KEYS[0]: Response("first")}) == 1
        assert store.put({KEYS[0]: Response("second"), KEYS[1]: Response("b")}) == 1
        assert store.put({}) == 0
        assert store.get(KEYS[:1]) == {KEYS[0]: Response("first")}


def test_the_default_lies_in_the_cache(tmp_path: Path) -> None:
    assert default_path() == tmp_path / "cache" / "responses.sqlite"


def test_two_processes_see_each_others_answers(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "s") as one, ResponseStore(tmp_path / "s") as two:
        one.put({KEYS[0]: Response("a")})
        two.put({KEYS[1]: Response("b")})
        assert set(one.get(KEYS[:2])) == set(KEYS[:2])


def test_threads_share_one_store(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "s.sqlite") as store:

        def keep(part: list[str]) -> None:
            for key in part:
                store.put({key: Response(key)})
                assert store.get([key])[key].text == key

        threads = [
            threading.Thread(target=keep, args=(KEYS[n:100:4],)) for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store) == 100
