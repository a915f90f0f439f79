"""Send batches so that none is ever sent twice, and find those that a crash left."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from unibench.backends.batch.files import Limits, Spooled
from unibench.backends.batch.ledger import Batch, BatchLedger
from unibench.backends.batch.server import BatchServer, may_exist
from unibench.backends.server_errors import Refusal

Note = Callable[[str], None]
"""Told what happens, a line at a time."""
_LOOK_AGAIN_S = 5.0


class BatchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How batches are sent.

    `wait` looks every `poll_s` seconds until all is answered. A batch that may have
    been created is looked for `grace_s` seconds in the server's list before it counts
    as never created. `budget_usd` bounds the estimated price of what is under way.
    """

    wait: bool = False
    poll_s: float = 60.0
    grace_s: float = 30.0
    limits: Limits = Limits()
    budget_usd: float | None = None


class Sender:
    """Brings files of requests to the server as batches.

    A batch is `prepared` in the ledger, its file is uploaded (which costs nothing),
    it is `creating` in the ledger, it is created, it is `submitted` in the ledger.
    Whoever comes after a crash drops what was prepared and looks in the server's list
    for what was being created.
    """

    def __init__(
        self,
        server: BatchServer,
        ledger: BatchLedger,
        folder: Path,
        options: BatchOptions,
        note: Note,
    ) -> None:
        """Take the server, the ledger and the folder of this model's files."""
        self.server, self.ledger, self.folder = server, ledger, folder
        self.options, self.note = options, note

    def recover(self) -> None:
        """Clear up what a crash left, before anything is sent.

        Raises:
            BackendError: the server does not say whether a batch exists.
        """
        for batch in self.ledger.batches(self.server.url, self.server.model):
            if batch.state == "creating":
                self.note(
                    f"a batch of {batch.requests:,} requests was being created when the"
                    f" last run broke off; looking for it at {self.server.host}"
                )
                self._look_for(batch)
            elif batch.state == "prepared":
                self.ledger.drop(batch)
        for path in self.folder.glob("*.jsonl*"):
            path.unlink()

    def prepare(self, spooled: Spooled) -> Batch:
        """Write down a batch that is to be sent."""
        batch = Batch(
            id=spooled.id,
            server=self.server.url,
            model=self.server.model,
            endpoint=spooled.endpoint,
            requests=len(spooled.requests),
            expected_prompt_tokens=spooled.expected_prompt_tokens,
            expected_completion_tokens=spooled.expected_completion_tokens,
        )
        return self.ledger.add(batch, spooled.requests)

    def send(self, batch: Batch, path: Path) -> None:
        """Upload the file, create the batch and write down its id.

        Raises:
            BackendError: the server takes no such file or batch, or does not answer.
        """
        file_id = self.server.upload(path)
        batch = self.ledger.update(
            batch, file_id=file_id, state="creating", created=time.time()
        )
        try:
            remote = self.server.create(batch)
        except Refusal as refusal:
            if not may_exist(refusal):
                self.ledger.drop(batch)
                raise
            self.note(f"{refusal}; looking whether the batch was created")
            if not self._look_for(batch):
                raise
        else:
            self.ledger.update(
                batch,
                state="submitted",
                batch_id=remote.batch_id,
                status=remote.status,
            )
            self.note(
                f"sent {batch.requests:,} requests as {remote.batch_id} to"
                f" {self.server.host}"
            )
        path.unlink()

    def _look_for(self, batch: Batch) -> bool:
        """Adopt a batch that exists at the server; drop one that does not."""
        while not (found := self.server.find(batch)):
            rest_s = batch.created + self.options.grace_s - time.time()
            if rest_s <= 0:
                self.ledger.drop(batch)
                self.note("it was not created; its requests are sent again")
                return False
            time.sleep(min(rest_s, _LOOK_AGAIN_S, self.options.grace_s))
        first, *others = found
        self.ledger.update(
            batch, state="submitted", batch_id=first.batch_id, status=first.status
        )
        self.note(f"it was created: {first.batch_id}")
        for other in others:
            self.server.cancel(other.batch_id)
            self.note(
                f"{self.server.host} created it twice; {other.batch_id} was cancelled,"
                " what it answered until then may be billed"
            )
        return True
