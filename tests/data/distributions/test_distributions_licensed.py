"""The LDC corpora: the official releases, and the forms that others made of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Prepare = Callable[..., Callable[..., list[str]]]
SENTENCE = (
    "The mayor of Riga met her staff . | person: The mayor of Riga"
    " | geographical social political: Riga | person: her | person: her staff"
)


@pytest.mark.parametrize("dataset", ["ace04", "ace05"])
@pytest.mark.parametrize("form", ["mrc", "uie"])
def test_ace_in_the_forms_of_the_field(
    dataset: str, form: str, prepare: Prepare
) -> None:
    show = prepare(dataset, f"{dataset}/{form}")
    assert show("train") == [SENTENCE, "Nothing happened ."]
    assert show("dev") == ["Nothing happened ."]
    assert show("test") == [
        "Soldiers held the bridge . | person: Soldiers | facility: the bridge"
    ]


@pytest.mark.parametrize("dataset", ["ace04", "ace05"])
def test_ace_as_the_ldc_hands_it_out(dataset: str, prepare: Prepare) -> None:
    show = prepare(dataset, f"{dataset}/official")
    splits = [show(split) for split in ("train", "dev", "test")]
    # ten documents, two of them of two sentences; 8, 1 and 1 by documents
    assert sum(map(len, splits)) == 12
    assert {passage for split in splits for passage in split} == {
        "The mayor of Riga met her/staff. | person: The mayor of Riga"
        " | geographical social political: Riga | person: her | person: her/staff",
        "AT&T sent a truck. | organization: AT&T | vehicle: a truck",
        "Soldiers held the bridge over the Daugava. | person: Soldiers"
        " | facility: the bridge over the Daugava | location: the Daugava",
        "Nobody fired a rifle. | person: Nobody | weapon: a rifle",
        "Nothing happened.",
    }


def test_ontonotes_without_the_new_testament(prepare: Prepare) -> None:
    show = prepare("ontonotes")
    bracketed = "( Riga ) . | geographical social political: Riga"
    assert show("train") == [
        "Mayor Anna Kowal opened two bridges . | person: Anna Kowal | cardinal: two",
        bracketed,
    ]
    assert show("dev") == [bracketed]
    assert show("test") == ["The Demo Book | work of art: The Demo Book", bracketed]
