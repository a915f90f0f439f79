"""Whether the text of a dataset may stand on a page that others will see."""

from __future__ import annotations

from unibench.schema.dataset_card import DatasetCard

_FREE = ("cc0-1.0", "public domain", "pddl")
_WITH_CREDIT = ("cc-by-", "mit", "apache-2.0", "bsd-", "odc-by")
_LIMITED = ("-nc", "-nd")


def may_show_text(card: DatasetCard | None) -> bool:
    """Return whether the card allows passages to be shown, in doubt not.

    Data that are not open never; open data only under a licence that lets anyone
    redistribute for any purpose, and, unless they are in the public domain, only
    without a note on the licence: the note may say that the text has another one
    (as conllpp's, whose text is Reuters'). No licence stated means no.
    """
    if card is None or card.access != "open":
        return False
    licence = card.license.strip().lower()
    if licence in _FREE:
        return True
    if any(mark in licence for mark in _LIMITED):
        return False
    return licence.startswith(_WITH_CREDIT) and not card.license_note
