"""Tables 2 to 5 and Figure 9: scores on the seven, the twenty and the 49 subsets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from unibench.reporting.charts.heat import heat_table
from unibench.reporting.paper.exhibit import (
    Exhibit,
    Material,
    by_model,
    in_training,
    mark_best,
    measured_cell,
    measured_cells,
    name_of,
    printed_cells,
    printed_in,
    whole_mean,
    word_cells,
)
from unibench.reporting.published import (
    PublishedResult,
    published_averages,
    subset_of_name,
)
from unibench.reporting.results import Row
from unibench.reporting.tables import Column, Table, TableCell, label, number

_SEVEN = "AVG(7: MIT x2 + CrossNER x5)"
_TWENTY = "AVG(20)"
_WIDE = 6.8
_SHORT = {
    "mit-movie": "Movie", "mit-restaurant": "Restaurant", "CrossNER_AI": "AI",
    "CrossNER_literature": "Literature", "CrossNER_music": "Music",
    "CrossNER_politics": "Politics", "CrossNER_science": "Science",
}  # fmt: skip

Line = list[TableCell]


def table2(material: Material) -> Exhibit:
    """Return zero-shot and out-of-domain scores on MIT and CrossNER."""
    rows = printed_in("arXiv:2308.03279v1 Table 2")
    later = printed_in("camera-ready Table 3")
    zero = [row for row in rows if "human-labelled" not in row.setting]
    rest = [row for row in [*rows, *later] if "human-labelled" in row.setting]
    sections = [
        ("zero-shot", _printed_lines(zero, _names(_SEVEN))),
        ("trained on other human-labelled sets", _printed_lines(rest, _names(_SEVEN))),
        ("measured", _run_lines(material.measured(), _subsets(_SEVEN))),
    ]
    return _scores("table2", "Table 2: out-of-domain evaluation", sections)


def table3(material: Material) -> Exhibit:
    """Return supervised scores on the twenty datasets of InstructUIE, by dataset."""
    printed = by_model(printed_in("arXiv:2308.03279v1 Table 3"))
    names = [*published_averages()[_TWENTY].datasets, _TWENTY]
    runs = [r for r in material.measured() if _covers(r, _subsets(_TWENTY))]
    lines: list[Line] = []
    for name in names:
        cells = [printed_cells(values, [name])[0] for values in printed.values()]
        cells += [_run_cell(row, name) for row in runs]
        lines.append([label("mean" if name == _TWENTY else name), *cells])
    columns = [Column("dataset", "dataset", numeric=False)]
    columns += [Column(name, name) for name in (*printed, *map(name_of, runs))]
    table = Table(
        name="table3",
        title="Table 3: supervised F1 on twenty datasets",
        columns=tuple(columns),
        rows=tuple(map(tuple, lines)),
        notes=(
            "The paper copied BERT-base from InstructUIE's; its scorer is not known."
            " CoNLL03 has other labels than conllpp, so runs have no cell there.",
            *in_training(runs),
        ),
    )
    return Exhibit(name="table3", table=table, draw=lambda: heat_table(table))


def table4(material: Material) -> Exhibit:
    """Return the ablation of negative sampling."""
    names = [*_names(_SEVEN), _SEVEN]
    found: dict[str, dict[str, str]] = {}
    for row in printed_in("arXiv:2308.03279v1 Table 4"):
        strategy = row.setting.rpartition(" = ")[2]
        found.setdefault(strategy, {})[row.dataset] = row.value
    lines = [[label(s), *printed_cells(v, names)] for s, v in found.items()]
    table = Table(
        name="table4",
        title="Table 4: negative sampling strategies for UniNER-7B",
        columns=(Column("strategy", "strategy", numeric=False), *_columns(names)),
        rows=tuple(map(tuple, mark_best(lines, 1))),
    )
    return Exhibit(
        name="table4", table=table, draw=lambda: heat_table(table, width=_WIDE)
    )


def table5(material: Material) -> Exhibit:
    """Return strict and partial match side by side."""
    partial = [
        *printed_in("arXiv:2308.03279v1 Table 5"),
        *printed_in("camera-ready partial-match table"),
    ]
    models = {row.model for row in partial}
    strict = [
        row
        for row in [
            *printed_in("arXiv:2308.03279v1 Table 2"),
            *printed_in("camera-ready Table 3"),
        ]
        if row.model in models
    ]
    seven = _subsets(_SEVEN)
    sections = [
        ("strict match", _printed_lines(strict, _names(_SEVEN))),
        ("partial match, half credit", _printed_lines(partial, _names(_SEVEN))),
        ("strict match, measured", _run_lines(material.measured(), seven)),
        ("partial match, measured", _run_lines(material.measured("partial"), seven)),
    ]
    note = (
        "The partial figure of UniNER-7B-type on Music (62.9) is below its strict one"
        " (65.0), which half credit cannot do: a printing error, used in its mean."
    )
    return _scores("table5", "Table 5: strict and partial match", sections, note)


def figure9(material: Material) -> Exhibit:
    """Return all scores of the 49 subsets: three printed models and the runs."""
    printed = by_model(printed_in("corrected version"))
    runs = material.measured()
    runs = [row for row in runs if _covers(row, material.catalogue.benchmark)]
    names = {subset: name for name, subset in subset_of_name().items()}
    lines: list[Line] = []
    sections: dict[int, str] = {}
    by_domain = material.catalogue.by_domain(material.catalogue.benchmark)
    for domain, subsets in by_domain.items():
        sections[len(lines)] = domain
        for subset in subsets:
            cells = [printed_cells(v, [names[subset]])[0] for v in printed.values()]
            cells += [_measured(row, subset) for row in runs]
            lines.append([label(subset), *cells])
    sections[len(lines)] = "mean"
    lines.append([label("all 49 subsets"), *_means(material, printed, runs)])
    columns = [Column("subset", "subset", numeric=False)]
    columns += [Column(_brief(name), name) for name in printed]
    columns += [Column(name_of(row), name_of(row)) for row in runs]
    table = Table(
        name="figure9",
        title="Figure 9: full evaluation results",
        columns=tuple(columns),
        rows=tuple(map(tuple, lines)),
        sections=sections,
        notes=(
            "Printed: camera-ready version, corrected. UniNER-7B-type+sup saw the"
            " training data of 42 subsets; MIT and CrossNER were held out.",
            *in_training(runs),
        ),
    )
    return Exhibit(name="figure9", table=table, draw=lambda: heat_table(table))


def _scores(
    name: str, title: str, sections: Iterable[tuple[str, list[Line]]], note: str = ""
) -> Exhibit:
    """Return a table of the seven subsets; the best of each section is bold."""
    lines: list[Line] = []
    headings = {}
    for heading, part in sections:
        if part:
            headings[len(lines)] = heading
            lines += mark_best(part, 1)
    names = [*_names(_SEVEN), _SEVEN]
    table = Table(
        name=name,
        title=title,
        columns=(Column("model", "model", numeric=False), *_columns(names)),
        rows=tuple(map(tuple, lines)),
        sections=headings,
        notes=(note,) if note else (),
    )
    return Exhibit(name=name, table=table, draw=lambda: heat_table(table, width=_WIDE))


def _printed_lines(
    results: Iterable[PublishedResult], names: Sequence[str]
) -> list[Line]:
    return [
        [*word_cells(model), *printed_cells(values, [*names, _SEVEN])]
        for model, values in by_model(results).items()
    ]


def _run_lines(rows: Iterable[Row], subsets: Sequence[str]) -> list[Line]:
    return [
        [label(name_of(row)), *measured_cells(row.cells, subsets)]
        for row in rows
        if _covers(row, subsets)
    ]


def _means(
    material: Material, printed: Mapping[str, Mapping[str, str]], runs: Iterable[Row]
) -> list[TableCell]:
    cells = [
        number(sum(map(float, values.values())) / len(values), kind="computed")
        for values in printed.values()
    ]
    return cells + [whole_mean(r.cells, material.catalogue.benchmark) for r in runs]


def _run_cell(row: Row, name: str) -> TableCell:
    if name == _TWENTY:
        return number(None)
    return _measured(row, subset_of_name().get(name, ""))


def _measured(row: Row, subset: str) -> TableCell:
    return measured_cell(row.cells.get(subset))


def _covers(row: Row, subsets: Iterable[str]) -> bool:
    return any(subset in row.cells for subset in subsets)


def _names(average: str) -> list[str]:
    return list(published_averages()[average].datasets)


def _subsets(average: str) -> list[str]:
    return [subset_of_name()[n] for n in _names(average) if n in subset_of_name()]


def _columns(names: Iterable[str]) -> list[Column]:
    return [Column(_SHORT.get(n, "mean"), _SHORT.get(n, "mean").lower()) for n in names]


def _brief(model: str) -> str:
    return {"gpt-3.5-turbo-0301 (ChatGPT)": "ChatGPT"}.get(model, model)
