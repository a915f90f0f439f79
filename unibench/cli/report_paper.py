"""unibench report paper: the figures and tables of the paper."""

from __future__ import annotations

from pathlib import Path

import click

from unibench.cli import options, report_options


@click.command(
    epilog=options.example(
        "unibench report paper -o paper",
        "unibench report paper runs -o paper --only figure5a --only table2",
    )
)
@report_options.runs_argument
@report_options.folder_option
@click.option(
    "--only",
    "names",
    multiple=True,
    metavar="NAME",
    help="Make this one only, such as figure9 or table2; may be repeated.",
)
@click.option(
    "--templates",
    nargs=2,
    metavar="SPECIFIC ORIGINAL",
    help="Two models of the runs whose difference Figure 7 shows.",
)
def command(
    *,
    runs: tuple[Path, ...],
    output: Path,
    names: tuple[str, ...],
    templates: tuple[str, str] | None,
) -> None:
    """Write the figures and tables of the UniversalNER paper, with runs beside.

    Each as Markdown, CSV, LaTeX, PNG and SVG; printed figures and runs are told apart.
    """
    from unibench.reporting.catalogue import read_catalogue
    from unibench.reporting.paper.exhibit import Material
    from unibench.reporting.paper.write import write_paper
    from unibench.reporting.results import collect

    results = collect(report_options.records_below(runs, default=None))
    for record, reason in results.left_out:
        click.echo(f"left out {record.path}: {reason}", err=True)
    material = Material(
        catalogue=read_catalogue(), results=results, templates=templates
    )
    for exhibit in write_paper(material, output, names):
        if exhibit.table is None:
            click.echo(f"{exhibit.name:10} not made: {exhibit.missing}")
        else:
            click.echo(
                f"{exhibit.name:10} {output / exhibit.name}.{{md,csv,tex,png,svg}}"
            )
