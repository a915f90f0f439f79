"""unibench batches: what lies at servers' Batch APIs."""

from __future__ import annotations

import click

from unibench.cli import options


@click.group(
    epilog=options.example(
        "unibench batches list",
        "unibench batches cancel batch_abc123 -m gpt-4o",
        "unibench batches forget batch_abc123",
    )
)
def command() -> None:
    """Show, cancel or forget batches that 'evaluate --batch' and others sent."""


@command.command("list", epilog=options.example("unibench batches list --json"))
@click.option("--all", "ended", is_flag=True, help="Also those that are collected.")
@options.json_option
def list_(*, ended: bool, as_json: bool) -> None:
    """List the batches under way, as they stood when they were last looked at."""
    from unibench.backends.batch.ledger import BatchLedger
    from unibench.cli.batch_options import batch_rows
    from unibench.cli.render import show_json, show_rows

    with BatchLedger() as ledger:
        found = [b for b in ledger.batches() if ended or b.state != "settled"]
    if as_json:
        show_json(found)
    elif found:
        show_rows(batch_rows(found), as_json=False)
    else:
        click.echo("No batch is under way.")


@command.command(
    "cancel", epilog=options.example("unibench batches cancel batch_abc123 -m gpt-4o")
)
@click.argument("batch")
@options.model_option
@click.option(
    "--base-url",
    "base_urls",
    multiple=True,
    metavar="URL",
    help="The server, where the model's card names another.",
)
def cancel(*, batch: str, model: str, base_urls: tuple[str, ...]) -> None:
    """Cancel a batch at its server; what it has answered is collected and paid."""
    from unibench.adapters.load import build_backend, load_card
    from unibench.backends.batch.care import cancel_batch

    name, card = load_card(model, base_urls=base_urls)
    click.echo(cancel_batch(build_backend(card, name), batch))


@command.command(
    "forget", epilog=options.example("unibench batches forget batch_abc123")
)
@click.argument("batch")
def forget(*, batch: str) -> None:
    """Forget a batch that its server lost; the next run sends its requests again."""
    from unibench.backends.batch.care import forget_batch

    click.echo(forget_batch(batch))
