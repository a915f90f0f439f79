"""The plan of a results repository: run files, aggregates, card, in one commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from unibench.publish.files import PlannedFile, Publication
from unibench.publish.hub.client import Snapshot
from unibench.publish.results.card import CARD, card_file, is_ours, schema_file
from unibench.publish.results.index import (
    INDEX,
    TABLE,
    IndexRow,
    index_bytes,
    index_row,
    ordered,
    read_index,
    read_table,
    table_bytes,
    table_rows,
)
from unibench.publish.results.runs import RUNS, is_run, read_run, run_file
from unibench.schema.record import RunRecord


class RunFiles(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it will lie in the repository, with its predictions if wanted."""

    record: RunRecord
    run: PlannedFile
    predictions: PlannedFile | None = None


def run_files(record: RunRecord, predictions: PlannedFile | None = None) -> RunFiles:
    """Return the files of a run, which may be published.

    Raises:
        PublishError: it may not.
    """
    file = run_file(record)
    # What is read back is what others will read, so the index is made of that.
    read_back = read_run(file.path, file.read())
    return RunFiles(record=read_back, run=file, predictions=predictions)


def plan_runs(snapshot: Snapshot, runs: Sequence[RunFiles]) -> Publication:
    """Return new runs and their predictions, as a stranger proposes them.

    Aggregates are left to who merges: two proposals that both changed them could not
    both be merged. A run that is there already is left as it was first published.
    """
    new = [run for run in runs if run.run.path not in snapshot.files]
    files = [run.run for run in new]
    files += [
        run.predictions
        for run in runs
        if run.predictions and run.predictions.path not in snapshot.files
    ]
    return Publication(
        title=_title(new), description=_description(new), files=tuple(files)
    )


def plan_results(
    snapshot: Snapshot, runs: Sequence[RunFiles], *, name: str, rebuild: bool = False
) -> Publication:
    """Return new runs and the aggregates over all of them, for one commit on main.

    The aggregates follow from the run files at the snapshot's commit and `runs`; they
    are made again only where the index is not what it must be. With `rebuild` the index
    is not trusted: every run is read again. `name` heads the card.
    """
    added = plan_runs(snapshot, runs)
    rows = _rows(snapshot, runs, rebuild=rebuild)
    files = list(added.files)
    if _outdated(snapshot, rows, rebuild=rebuild):
        files.append(PlannedFile(INDEX, index_bytes(rows)))
        files.append(PlannedFile(TABLE, table_bytes(rows)))
    files += _papers(snapshot, rows, name)
    if added.files:
        return msgspec.structs.replace(added, files=tuple(files))
    return Publication(title="Bring the aggregates up to date", files=tuple(files))


def _papers(
    snapshot: Snapshot, rows: Sequence[IndexRow], name: str
) -> Iterable[PlannedFile]:
    """The schema, and the card unless the owner has written one of their own."""
    yield schema_file()
    card = snapshot.read_if_there(CARD)
    if card is None or is_ours(card):
        yield card_file(rows, name)


def _outdated(snapshot: Snapshot, rows: Sequence[IndexRow], *, rebuild: bool) -> bool:
    """Tell whether the aggregates must be written.

    Another version of pyarrow writes other bytes for the same table, so the index
    decides; the table is only looked into when everything is rebuilt.
    """
    index = PlannedFile(INDEX, index_bytes(rows))
    known = snapshot.files.get(INDEX)
    if known is None or not known.holds(index) or TABLE not in snapshot.files:
        return True
    return rebuild and read_table(snapshot.read(TABLE)) != table_rows(rows)


def _rows(
    snapshot: Snapshot, runs: Sequence[RunFiles], *, rebuild: bool
) -> list[IndexRow]:
    """One row for each run file that is there or will be; unknown ones are read."""
    rows: dict[str, IndexRow] = {}
    index = None if rebuild else snapshot.read_if_there(INDEX)
    known = read_index(index or b"") or {}
    for path in snapshot.below(RUNS):
        if is_run(path):
            rows[path] = known.get(path) or index_row(
                read_run(path, snapshot.read(path))
            )
    for run in runs:
        rows.setdefault(run.run.path, index_row(run.record))
    return ordered(rows.values())


def _title(runs: Sequence[RunFiles]) -> str:
    if not runs:
        return "Nothing new"
    models = sorted({run.record.model.checkpoint for run in runs})
    subsets = {run.record.subset for run in runs}
    shown = ", ".join(models[:3]) + (", ..." if models[3:] else "")
    return f"Add {len(runs)} runs of {shown} on {len(subsets)} subsets"


def _description(runs: Sequence[RunFiles]) -> str:
    commands = sorted({run.record.environment.command for run in runs})
    if not commands:
        return ""
    lines = "\n".join(f"    {command}" for command in commands[:50])
    return f"Made with:\n\n{lines}\n"


def proposal_title(runs: Sequence[RunFiles]) -> str:
    """Return the title of a pull request; it finds ours again when it is amended."""
    models = sorted(
        {f"{r.record.model.checkpoint}@{r.record.model.revision[:12]}" for r in runs}
    )
    return f"Add runs of {', '.join(models)}"[:200]
