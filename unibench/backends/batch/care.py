"""What a user can do with a batch besides waiting: cancel it, or forget it."""

from __future__ import annotations

from unibench.backends.base import Backend
from unibench.backends.batch.ledger import Batch, BatchLedger
from unibench.backends.batch.server import BatchServer
from unibench.backends.openai import OpenAIBackend
from unibench.errors import RunError, UnknownNameError


def cancel_batch(backend: Backend, batch_id: str) -> str:
    """Cancel a batch at the backend's server; return what to say.

    Raises:
        UnknownNameError: we sent no such batch.
        RunError: it lies on another server, or has ended.
        BackendError: the server does not cancel it.
    """
    with BatchLedger() as ledger:
        batch = _find(ledger, batch_id)
        if not isinstance(backend, OpenAIBackend) or batch.server not in backend.urls:
            raise RunError(
                f"{batch_id} lies on {batch.server}; name a model of that server, or"
                f" add --base-url {batch.server}"
            )
        if batch.state != "submitted":
            raise RunError(f"{batch_id} is {batch.status}, there is nothing to cancel")
        remote = BatchServer(backend).cancel(batch.batch_id)
        ledger.update(batch, status=remote.status)
    return (
        f"{batch_id} is {remote.status}; the command that sent it collects what was"
        " answered until now"
    )


def forget_batch(batch_id: str) -> str:
    """Let the requests of a batch be sent again; return what to say.

    Raises:
        UnknownNameError: we sent no such batch.
    """
    with BatchLedger() as ledger:
        batch = _find(ledger, batch_id)
        ledger.drop(batch)
    return (
        f"{batch_id} is forgotten; those of its {batch.requests:,} requests that have"
        " no stored answer are asked, and billed, again"
    )


def _find(ledger: BatchLedger, batch_id: str) -> Batch:
    """Return a batch by the server's id, or by ours where it has none yet."""
    known = {batch.batch_id or batch.id: batch for batch in ledger.batches()}
    if batch_id not in known:
        raise UnknownNameError("batch", batch_id, known)
    return known[batch_id]
