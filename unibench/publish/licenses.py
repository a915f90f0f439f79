"""What licences allow: a typed table of SPDX ids, and expressions of them.

A dataset card's `license` decides whether its texts may be put on the Hub. It is an
SPDX expression: `A AND B` where both hold (the annotations' and the texts'), `A OR B`
where one may choose. What is not in the table allows nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from unibench.schema.dataset_card import DatasetCard


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """What a licence allows and asks for; `hub_id` is the Hub's name of it."""

    redistribute: bool = False
    commercial: bool = False
    share_alike: bool = False
    attribution: bool = True
    hub_id: str = "other"
    url: str = ""


NOTHING = Rights()
"""Of a licence that is unknown, not stated, or an agreement between parties."""

_CC = "https://creativecommons.org/licenses"


def _creative_commons() -> dict[str, Rights]:
    kinds = {
        "by": Rights(redistribute=True, commercial=True),
        "by-sa": Rights(redistribute=True, commercial=True, share_alike=True),
        "by-nc": Rights(redistribute=True),
        "by-nc-sa": Rights(redistribute=True, share_alike=True),
        # A parquet file of spans is an adaptation of the corpus, which ND forbids.
        "by-nd": Rights(commercial=True),
        "by-nc-nd": Rights(),
    }
    return {
        f"cc-{kind}-{version}": msgspec.structs.replace(
            rights, hub_id=f"cc-{kind}-{version}", url=f"{_CC}/{kind}/{version}/"
        )
        for kind, rights in kinds.items()
        for version in ("2.0", "2.5", "3.0", "4.0")
    }


def _free(hub_id: str, url: str = "", *, attribution: bool = True) -> Rights:
    return Rights(
        redistribute=True, commercial=True, attribution=attribution, hub_id=hub_id,
        url=url or f"https://spdx.org/licenses/{hub_id}.html",
    )  # fmt: skip


RIGHTS: Mapping[str, Rights] = {
    **_creative_commons(),
    "cc0-1.0": _free("cc0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/",
                     attribution=False),
    "public domain": _free(
        "other", "https://creativecommons.org/publicdomain/mark/1.0/",
        attribution=False),
    "unlicense": _free("unlicense", "https://unlicense.org/", attribution=False),
    "pddl-1.0": _free("pddl", "https://opendatacommons.org/licenses/pddl/",
                      attribution=False),
    "odc-by-1.0": _free("odc-by", "https://opendatacommons.org/licenses/by/"),
    "odbl-1.0": Rights(redistribute=True, commercial=True, share_alike=True,
                       hub_id="odbl", url="https://opendatacommons.org/licenses/odbl/"),
    "mit": _free("mit", "https://spdx.org/licenses/MIT.html"),
    "apache-2.0": _free("apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
    "bsd-2-clause": _free("bsd-2-clause", "https://spdx.org/licenses/BSD-2-Clause.html"),
    "bsd-3-clause": _free("bsd-3-clause", "https://spdx.org/licenses/BSD-3-Clause.html"),
}  # fmt: skip
"""Lower-case SPDX id -> what it allows. `public domain` is no SPDX id but is stated
so by the NCBI; all else that stands in a card allows nothing."""


def rights_of(license_: str) -> Rights:
    """Return what a licence, or an expression of licences, allows."""
    choices = re.split(r"\s+OR\s+", license_.strip().strip("()"))
    return max(map(_all_of, choices), key=_freedom)


def may_redistribute(card: DatasetCard) -> bool:
    """Tell whether the texts and gold of a dataset may be put on the Hub."""
    return card.access == "open" and rights_of(card.license).redistribute


def why_not(card: DatasetCard) -> str:
    """Say why a dataset may not be redistributed; empty if it may."""
    if card.access != "open":
        return f"its access is {card.access!r} ({card.license})"
    if not rights_of(card.license).redistribute:
        return f"the licence {card.license!r} does not allow it, or is not known to"
    return ""


def _all_of(expression: str) -> Rights:
    """The strictest of `A AND B`; its Hub name is that of a single licence only."""
    names = re.split(r"\s+AND\s+", expression)
    rights = [RIGHTS.get(name.strip().strip("()").lower(), NOTHING) for name in names]
    if len(rights) == 1:
        return rights[0]
    return Rights(
        redistribute=all(r.redistribute for r in rights),
        commercial=all(r.commercial for r in rights),
        share_alike=any(r.share_alike for r in rights),
        attribution=any(r.attribution for r in rights),
    )


def _freedom(rights: Rights) -> tuple[bool, bool, bool]:
    return rights.redistribute, rights.commercial, not rights.share_alike
