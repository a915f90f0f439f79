"""unibench data new: the two files of a dataset of one's own."""

from __future__ import annotations

from pathlib import Path

import click

from unibench.cli import options


@click.command(
    "new",
    epilog=options.example(
        "unibench data new my_corpus --from ~/my_corpus -o ~/cards",
        "UNIBENCH_PATH=~/cards unibench data check my_corpus --from ~/my_corpus",
    ),
)
@click.argument("name", metavar="NAME")
@options.from_option
@click.option("--title", default="", help="The dataset's name in prose.")
@click.option("--domain", default="General", show_default=True, help="Its domain.")
@click.option("--license", "licence", default="none stated", show_default=True)
@click.option("--homepage", default="", help="Where it is published.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    show_default="the current folder",
    help="The folder for dataset_cards/ and label_maps/; put it on UNIBENCH_PATH.",
)
def command(
    *,
    name: str,
    folder: Path | None,
    title: str,
    domain: str,
    licence: str,
    homepage: str,
    output: Path,
) -> None:
    """Write a card and a label map for NAME, to be completed by hand.

    With --from the splits, the format and the raw labels are read from the files.
    """
    from unibench.data.scaffold import write_scaffold

    values = {
        "title": title or name.replace("_", " "),
        "domain": domain,
        "license": licence,
        "homepage": homepage,
    }
    made = write_scaffold(name, output, folder, values)
    click.echo(f"{made.card}\n{made.label_map}")
    found = f"{len(made.labels)} raw labels" if made.labels else "no raw labels yet"
    click.echo(
        f"{found}; give each a natural name, a definition, paraphrases", err=True
    )
