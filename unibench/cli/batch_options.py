"""Options of the Batch API and of money, and how batches are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from unibench.backends.batch.ledger import Batch
    from unibench.backends.batch.run import BatchStatus
    from unibench.backends.batch.send import BatchOptions

F = TypeVar("F", bound=Callable[..., Any])

POLL_S = 60.0
GRACE_S = 30.0
"""How long a batch may take to appear in a server's list after a crash."""

_BATCH = (
    click.option(
        "--batch",
        is_flag=True,
        help="Ask through the server's Batch API: submit, and come back to collect.",
    ),
    click.option(
        "--wait",
        is_flag=True,
        help="With --batch: stay until every batch has ended.",
    ),
    click.option(
        "--poll",
        "poll_s",
        type=click.FloatRange(min=0, min_open=True),
        default=None,
        metavar="SECONDS",
        help="With --wait: how long between two looks; by default 60.",
    ),
    click.option(
        "--batch-requests",
        type=click.IntRange(min=1),
        default=None,
        metavar="N",
        help="With --batch: at most so many requests in one; by default 50,000.",
    ),
)

budget_option = click.option(
    "--budget",
    "budget_usd",
    type=click.FloatRange(min=0, min_open=True),
    default=None,
    metavar="USD",
    help="Stop before this run has spent more; needs a price in models/prices*.csv.",
)
rate_option = click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    default=None,
    metavar="N",
    help="With --dry-run: requests a second; by default what earlier runs measured.",
)


def batch_options(command: F) -> F:
    """Add the options of the Batch API."""
    for option in reversed(_BATCH):
        command = option(command)
    return command


def batch_settings(
    chosen: MutableMapping[str, Any], budget_usd: float | None
) -> BatchOptions | None:
    """Take the Batch API's options out of `chosen`; None where it is not wanted.

    Raises:
        UsageError: an option of the Batch API is given without --batch.
    """
    from unibench.backends.batch.files import MAX_BYTES, MAX_REQUESTS, Limits
    from unibench.backends.batch.send import BatchOptions

    wanted, wait = chosen.pop("batch"), chosen.pop("wait")
    poll_s, requests = chosen.pop("poll_s"), chosen.pop("batch_requests")
    if not wanted:
        given = {"--wait": wait, "--poll": poll_s, "--batch-requests": requests}
        if named := [name for name, value in given.items() if value]:
            raise click.UsageError(f"{', '.join(named)} needs --batch")
        return None
    if poll_s is not None and not wait:
        raise click.UsageError("--poll needs --wait")
    limits = Limits(min(requests or MAX_REQUESTS, MAX_REQUESTS), MAX_BYTES)
    return BatchOptions(
        wait=wait,
        poll_s=poll_s or POLL_S,
        grace_s=GRACE_S,
        limits=limits,
        budget_usd=budget_usd,
    )


def teller(kind: str) -> Callable[[str], None]:
    """Return who says on stderr what happens to batches: in words, JSON, or not."""
    if kind == "quiet":
        return lambda text: None
    if kind == "json":
        return lambda text: click.echo(_event(text), err=True)
    return lambda text: click.echo(text, err=True)


def _event(text: str) -> str:
    import json
    from datetime import UTC, datetime

    now = datetime.now(UTC).isoformat(timespec="seconds")
    return json.dumps({"time": now, "event": "batch", "text": text})


def batch_rows(batches: Sequence[Batch]) -> list[dict[str, Any]]:
    """Return a row a batch, for tables."""
    return [
        {
            "batch": batch.batch_id or batch.id,
            "server": batch.server,
            "model": batch.model,
            "status": batch.status or batch.state,
            "requests": batch.requests,
            "done": batch.done,
            "answered": batch.answered if batch.state == "settled" else "",
            "sent": _day(batch.created),
        }
        for batch in batches
    ]


def show_status(status: BatchStatus, missing: Mapping[str, int]) -> None:
    """Print what is under way or missing, and how to come back."""
    from unibench.backends.prices import money
    from unibench.cli.render import show_rows

    if status.collected:
        text = f"Collected {status.collected:,} answers now"
        if status.cost_usd is not None:
            text += f" for {money(status.cost_usd)}"
        click.echo(text + ".")
    if missing:
        counts = ", ".join(f"{name} {count:,}" for name, count in missing.items())
        click.echo(f"Answers not there yet: {counts}")
    if status.cancelled:
        click.echo(
            f"{status.cancelled:,} requests were in batches that were cancelled; run"
            " the same command again to send them once more."
        )
    if status.under_way:
        click.echo()
        show_rows(batch_rows(status.under_way), as_json=False)
        click.echo(
            "\nRun the same command again to collect the answers, now or within days;"
            " --wait stays until they are there."
        )


def _day(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
