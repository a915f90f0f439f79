"""The twelve subsets of the first datasets, on the real files.

Every number is from the reference of the datasets, measured with other code.
"""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from unibench.data.api import load_prepared
from unibench.data.check import check
from unibench.data.export import conversations, conversations_json
from unibench.data.plan import plan_of
from unibench.data.prepare import prepare_from
from unibench.data.raw.locate import RawFolder

pytestmark = pytest.mark.realdata

# passages (train, dev, test), mentions without dropped labels; as in the files
CORRECTED = {
    "crossner_ai": ((100, 350, 431), {"test": 1628}),
    "crossner_literature": ((100, 400, 416), {"test": 2027}),
    "crossner_music": ((100, 380, 465), {"test": 3165}),
    "crossner_politics": ((200, 541, 651), {"test": 3951}),
    "crossner_science": ((200, 450, 543), {"test": 2569}),
    "conllpp": ((14041, 3250, 3453), {"train": 20061, "dev": 5020, "test": 4979}),
    "wikiann_en": ((20000, 10000, 10000), {"test": 13958}),
    "wikineural_en": ((None, 11590, 11597), {"dev": 15010, "test": 14614}),
    "mit_movie": ((9775, None, 2443), {"test": 5339}),
    "mit_restaurant": ((7660, None, 1521), {"test": 3151}),
    "bc5cdr": ((4560, 4581, 4797), {"train": 9385, "dev": 9593, "test": 9809}),
    "tasteset": ((556, 69, 71), {"test": 1336}),
}
# what the paper's reader makes of them: the released files' counts
PAPER = {
    "crossner_ai": ((100, 350, 431), {"test": 1624}),
    "crossner_literature": ((100, 400, 416), {"test": 2025}),
    "crossner_music": ((100, 380, 465), {"test": 3163}),
    "crossner_politics": ((199, 540, 650), {"test": 3943}),
    "crossner_science": ((200, 450, 543), {"test": 2568}),
    "conllpp": CORRECTED["conllpp"],
    "wikiann_en": CORRECTED["wikiann_en"],
    "wikineural_en": CORRECTED["wikineural_en"],
    "mit_movie": ((9774, 2442, 2442), {"test": 5338}),
    "mit_restaurant": ((7659, 1520, 1520), {"test": 3150}),
    "bc5cdr": CORRECTED["bc5cdr"],
    "tasteset": CORRECTED["tasteset"],
}
EMPTY = {"conllpp": 902, "bc5cdr": 823, "wikiann_en": 0}
AI = (
    "task 219 field 207 product 198 metrics 191 misc 181 algorithm 177 researcher 160"
    " organisation 145 conference 93 person 67 programlang 60 country 44 location 39"
    " university 28"
)
LITERATURE = (
    "writer 567 book 418 misc 239 literarygenre 194 person 175 award 141 poem 120"
    " organisation 110 country 101 location 99 magazine 57 event 45"
)
MUSIC = (
    "musicalartist 515 musicgenre 487 band 462 location 343 album 332 award 260"
    " song 227 organisation 208 misc 171 country 160 person 80 event 69"
    " musicalinstrument 22"
)
POLITICS = (
    "politicalparty 953 location 599 organisation 513 politician 485 election 434"
    " country 418 person 354 misc 258 event 195"
)
SCIENCE = (
    "misc 520 scientist 471 astronomicalobject 337 organisation 273 person 230"
    " academicjournal 180 location 170 chemicalcompound 160 protein 156 award 146"
    " university 130 chemicalelement 85 enzyme 80 discipline 73 event 31 country 27"
    " theory 20"
)
MOVIE = (
    "GENRE 1117 ACTOR 812 YEAR 720 TITLE 562 RATING 500 PLOT 491 DIRECTOR 456"
    " RATINGS_AVERAGE 451 CHARACTER 90 REVIEW 56 SONG 54 TRAILER 30"
)
RESTAURANT = (
    "Location 812 Amenity 533 Cuisine 532 Restaurant_Name 402 Dish 288 Hours 212"
    " Rating 201 Price 171"
)
TASTE = (
    "FOOD 407 QUANTITY 369 UNIT 308 PROCESS 123 PHYSICAL_QUALITY 82 COLOR 27 TASTE 8"
    " PURPOSE 7 PART 5"
)
TEST_LABELS = {
    "crossner_ai": AI,
    "crossner_literature": LITERATURE,
    "crossner_music": MUSIC,
    "crossner_politics": POLITICS,
    "crossner_science": SCIENCE,
    "conllpp": "ORG 1715 LOC 1646 PER 1618 MISC 723",
    "wikiann_en": "ORG 4745 LOC 4657 PER 4556",
    "wikineural_en": "LOC 5955 PER 5210 MISC 5061 ORG 3449",
    "mit_movie": MOVIE,
    "mit_restaurant": RESTAURANT,
    "bc5cdr": "Chemical 5385 Disease 4424",
    "tasteset": TASTE,
}


@pytest.fixture(scope="module")
def raw(real_data: Path) -> RawFolder:
    return RawFolder(real_data)


@pytest.mark.parametrize("subset", CORRECTED)
def test_counts_are_those_of_the_reference(subset: str, raw: RawFolder) -> None:
    for protocol, expected in (("corrected", CORRECTED), ("paper", PAPER)):
        manifest = prepare_from(subset, protocol, raw)
        sizes, mentions = expected[subset]
        measured = {
            split: made.statistics.passages for split, made in manifest.splits.items()
        }
        wanted = zip(("train", "dev", "test"), sizes, strict=True)
        assert measured == {split: size for split, size in wanted if size}
        for split, count in mentions.items():
            assert manifest.splits[split].statistics.mentions == count
        row = check(subset, protocol, raw)
        assert row.state in {"ok", "explained", "identical"}, row.problems
    statistics = prepare_from(subset, "corrected", raw).splits["test"].statistics
    pairs = TEST_LABELS[subset].split()
    labels = dict(zip(pairs[::2], map(int, pairs[1::2]), strict=True))
    assert statistics.labels == labels
    assert statistics.empty == EMPTY.get(subset, statistics.empty)


def test_a_missing_split_is_named(raw: RawFolder) -> None:
    row = check("wikineural_en", "corrected", raw)
    assert row.state == "explained"
    assert "data/wikineural/en/train.conllu" in row.explained["train missing"]


def test_crossner_ai_equals_the_released_file(raw: RawFolder, real_data: Path) -> None:
    path = real_data / "crossner_ai" / "universal_ner" / "CrossNER_AI.json.xz"
    with lzma.open(path, "rt", encoding="utf-8") as stream:
        released = json.load(stream)
    prepare_from("crossner_ai", "paper", raw)
    prepared = load_prepared("crossner_ai", "test", "paper")
    ours = list(conversations(prepared, plan_of("crossner_ai").released))
    assert len(ours) == len(released) == 5603
    assert [row["id"] for row in ours] == [row["id"] for row in released]
    for start in range(0, 5603, 13):
        mine, theirs = ours[start : start + 13], released[start : start + 13]
        assert _by_question(mine) == _by_question(theirs)
    spelt = "".join(conversations_json(released))
    with lzma.open(path) as original:
        assert spelt.encode() == original.read()


def _by_question(rows: list[dict[str, list[dict[str, str]]]]) -> dict[str, list[str]]:
    """Return question -> the other turns; the order of types is random in both."""
    found = {}
    for row in rows:
        text, read, question, gold = row["conversations"]
        found[question["value"]] = [text["value"], read["value"], gold["value"]]
        assert [turn["from"] for turn in row["conversations"]] == ["human", "gpt"] * 2
    assert len(found) == len(rows)
    return found
