"""Look at batches under way; collect the answers of those that have ended."""

from __future__ import annotations

from pathlib import Path

from unibench.backends.batch.answers import Harvest, harvest
from unibench.backends.batch.ledger import Batch, BatchLedger
from unibench.backends.batch.send import Note
from unibench.backends.batch.server import BatchServer, Remote
from unibench.backends.openai import OpenAIBackend
from unibench.backends.server_errors import Refusal
from unibench.backends.store import ResponseStore
from unibench.errors import BackendError

_GONE = 404
_ENDS = {"failed": "rejected", "expired": "expired", "cancelled": "cancelled"}


class Collector:
    """Brings the answers of ended batches into the store."""

    def __init__(
        self,
        server: BatchServer,
        ledger: BatchLedger,
        backend: OpenAIBackend,
        places: tuple[ResponseStore, Path],
        note: Note,
    ) -> None:
        """Take the server, the ledger, and where answers and files go."""
        self.server, self.ledger, self.backend = server, ledger, backend
        self.store, self.folder = places
        self.note = note

    def look(self, batch: Batch) -> Batch:
        """Return how the batch stands now, settled if it has ended.

        Raises:
            BackendError: the server does not know it any more, or lost its files.
        """
        try:
            remote = self.server.retrieve(batch.batch_id)
            if not remote.final:
                return self.ledger.update(batch, status=remote.status, done=remote.done)
            return self._settle(batch, remote)
        except Refusal as refusal:
            if refusal.status != _GONE:
                raise
            raise BackendError(
                f"{self.server.host} does not know {batch.batch_id} or a file of it any"
                f" more ({refusal}). Its {batch.requests:,} requests may have been"
                f" billed; 'unibench batches forget {batch.batch_id}' lets the next run"
                " send them again"
            ) from refusal

    def _settle(self, batch: Batch, remote: Remote) -> Batch:
        found, kept = self._harvest(batch, remote)
        outcome = _ENDS.get(remote.status, "missing")
        rest = self.ledger.settle_rest(batch, outcome)
        note = self._told(batch, remote, found, rest)
        if kept:
            note += f"; see {', '.join(str(path) for path in kept)}"
        answered = len(found.answered)
        self.note(f"{batch.batch_id}: {note}")
        return self.ledger.update(
            batch,
            state="settled",
            status=remote.status,
            done=remote.done,
            answered=answered,
            unanswered=batch.requests - answered,
            prompt_tokens=found.prompt_tokens,
            completion_tokens=found.completion_tokens,
            note=("queue full: " if remote.queue_full else "") + note,
        )

    def _harvest(self, batch: Batch, remote: Remote) -> tuple[Harvest, list[Path]]:
        """Collect, once more where lines were broken; keep files with odd lines."""
        for last in (False, True):
            paths = self._fetch(batch, remote)
            found = harvest(batch, paths, self.backend, self.store, self.ledger)
            if last or not found.odd["unreadable lines"]:
                break
        if not found.odd:
            for path in paths:
                path.unlink()
            return found, []
        kept = self.folder / "kept"
        kept.mkdir(exist_ok=True)
        return found, [path.replace(kept / path.name) for path in paths]

    def _fetch(self, batch: Batch, remote: Remote) -> list[Path]:
        paths = []
        files = {"output": remote.output_file_id, "errors": remote.error_file_id}
        for kind, file_id in files.items():
            if file_id:
                path = self.folder / f"{batch.id}-{kind}.jsonl"
                self.server.download(file_id, path)
                paths.append(path)
        return paths

    def _told(self, batch: Batch, remote: Remote, found: Harvest, rest: int) -> str:
        """Say in one line how a batch ended."""
        text = (
            f"{remote.status}, {len(found.answered):,} of {batch.requests:,} answered"
        )
        if remote.errors:
            text += f"; {'; '.join(said for _, said in remote.errors[:3])}"
        if found.reasons:
            why, times = found.reasons.most_common(1)[0]
            text += f"; {found.reasons.total():,} refused ({times:,} times: {why})"
        if rest and remote.status not in _ENDS:
            text += f"; {rest:,} in neither file"
        return text + (f"; {found.said()}" if found.odd else "")
