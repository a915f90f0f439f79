"""Predictions that others can score again, without the text of the dataset.

A mention that stands in the passage is published as its place there; who has the
dataset puts the text back and gets the very file that the record's hash names. A
mention that the model invented is the model's text and is kept. In a gated repository
the text may stand too, where the licence of the dataset allows it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from unibench.errors import PublishError
from unibench.publish.files import PlannedFile
from unibench.publish.policy import places_allowed, text_allowed
from unibench.publish.results.runs import RUNS, run_path
from unibench.schema.query import Prediction
from unibench.schema.record import RunRecord
from unibench.schema.text import Mention, Span, mention_at

FOLDER = "predictions/"
MAX_BYTES = 2**30
"""Unpacked; the largest subset has 200,000 queries of some 300 bytes."""

_REASON = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,63}|")
Texts = Mapping[str, str]
"""Passage id -> text."""


class PlacedMention(msgspec.Struct, frozen=True, omit_defaults=True):
    """A mention by its place: `spans` are its own offsets, `at` where its text stands.

    `text` is given where it does not stand in the passage, or may be published.
    """

    entity_type: str
    text: str | None = None
    spans: tuple[Span, ...] = ()
    at: Span | None = None
    score: float | None = None


class PlacedPrediction(msgspec.Struct, frozen=True, omit_defaults=True):
    """A `Prediction` whose mentions are places; the other fields are the same."""

    id: str
    entity_types: tuple[str, ...]
    mentions: tuple[PlacedMention, ...] = ()
    parse_error: str = ""
    repairs: tuple[str, ...] = ()
    dropped: Mapping[str, int] = {}
    flags: tuple[str, ...] = ()
    unknown_types: tuple[str, ...] = ()
    finish_reason: str = "stop"
    response_key: str = ""


def predictions_path(run: str) -> str:
    """Return where the predictions of the run at path `run` lie."""
    return FOLDER + run.removeprefix(RUNS).removesuffix(".json") + ".jsonl.gz"


def predictions_file(
    record: RunRecord,
    predictions: Sequence[Prediction],
    texts: Texts,
    *,
    with_text: bool = False,
) -> PlannedFile:
    """Return the predictions of a run as a file.

    Raises:
        PublishError: they may not be published, or are not those of the record.
    """
    require_allowed(record, with_text=with_text)
    where = record.path or run_path(record)
    if digest(predictions) != record.predictions_sha256:
        raise PublishError(
            f"{where}: the predictions beside it are not those that it was scored from;"
            " run 'unibench rescore' on it and publish again"
        )
    if with_text:
        rows: Iterable[msgspec.Struct] = predictions
    else:
        rows = (placed(row, texts) for row in predictions)
    _require_reasons(predictions, where)
    content = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    packed = gzip.compress(content, compresslevel=6, mtime=0)
    return PlannedFile(predictions_path(run_path(record)), packed)


def require_allowed(record: RunRecord, *, with_text: bool) -> None:
    """Refuse predictions on a dataset that does not allow them.

    Raises:
        PublishError: the dataset's card or access forbids it.
    """
    if with_text and not text_allowed(record):
        raise PublishError(
            f"predictions on {record.subset} hold text of it, which its licence"
            f" ({record.data.license}) does not allow to publish"
        )
    if not places_allowed(record):
        raise PublishError(
            f"predictions on {record.subset} cannot be published: its access is"
            f" {record.data.access!r}, or its card is not on this machine"
        )


def placed(prediction: Prediction, texts: Texts) -> PlacedPrediction:
    """Return a prediction with places instead of the passage's own text.

    Raises:
        PublishError: there is no such passage.
    """
    text = _text_of(prediction.id, texts)
    fields = msgspec.structs.asdict(prediction)
    fields["mentions"] = tuple(_placed(m, text) for m in prediction.mentions)
    return PlacedPrediction(**fields)


def restored(row: PlacedPrediction, texts: Texts) -> Prediction:
    """Return the prediction whose places are given, its text taken from the passage.

    Raises:
        PublishError: a place lies outside its passage, or a mention has no text.
    """
    text = _text_of(row.id, texts)
    fields = msgspec.structs.asdict(row)
    fields["mentions"] = tuple(_restored(m, text, row.id) for m in row.mentions)
    return Prediction(**fields)


def read_predictions_file(
    path: str, content: bytes, texts: Texts
) -> tuple[Prediction, ...]:
    """Return the predictions that a published file holds, places or text.

    Raises:
        PublishError: the file is damaged, too large, or does not fit the passages.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            unpacked = stream.read(MAX_BYTES + 1)
        if len(unpacked) > MAX_BYTES:
            raise PublishError(f"{path} unpacks to more than {MAX_BYTES:,} bytes")
        decoder = msgspec.json.Decoder(PlacedPrediction)
        rows = [decoder.decode(line) for line in unpacked.splitlines() if line.strip()]
    except (OSError, EOFError, ValueError) as error:
        raise PublishError(f"{path} is no file of predictions: {error}") from error
    return tuple(restored(row, texts) for row in rows)


def digest(predictions: Iterable[Prediction]) -> str:
    """Return the sha256 of `predictions.jsonl`, as the record of a run names it."""
    whole = hashlib.sha256()
    for row in predictions:
        whole.update(msgspec.json.encode(row) + b"\n")
    return whole.hexdigest()


def _placed(mention: Mention, text: str) -> PlacedMention:
    kept = PlacedMention(
        mention.entity_type, mention.text, mention.spans, None, mention.score
    )
    if mention.spans:
        return (
            _without_text(kept) if _cut(text, mention.spans) == mention.text else kept
        )
    start = text.find(mention.text) if mention.text else -1
    if start < 0:
        return kept
    at = Span(start, start + len(mention.text))
    return msgspec.structs.replace(_without_text(kept), at=at)


def _without_text(mention: PlacedMention) -> PlacedMention:
    return msgspec.structs.replace(mention, text=None)


def _restored(mention: PlacedMention, text: str, where: str) -> Mention:
    own = mention.text
    if own is None:
        spans = (mention.at,) if mention.at is not None else mention.spans
        own = _cut(text, spans)
        if not spans or own is None:
            raise PublishError(
                f"passage {where}: a mention at {list(spans)} lies outside its text;"
                " the predictions are of other passages"
            )
    return Mention(mention.entity_type, own, mention.spans, mention.score)


def _cut(text: str, spans: tuple[Span, ...]) -> str | None:
    try:
        return mention_at(text, "", *spans).text
    except ValueError:
        return None


def _text_of(passage: str, texts: Texts) -> str:
    if passage not in texts:
        raise PublishError(
            f"there is no passage {passage!r} in the dataset that is prepared here;"
            " prepare the one that the record names by its fingerprint"
        )
    return texts[passage]


def _require_reasons(predictions: Sequence[Prediction], where: str) -> None:
    """Errors and flags are names; anything else could be text of a passage."""
    for row in predictions:
        names = (row.parse_error, row.finish_reason, *row.repairs, *row.flags)
        for name in (*names, *row.dropped):
            if not _REASON.fullmatch(name):
                raise PublishError(
                    f"{where}: {name[:40]!r} of passage {row.id} is no name of a"
                    " reason; text must not stand there"
                )
