"""The plan of the benchmark repository: parquet files, manifest, card, licences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import yaml

from unibench.publish.benchmark.card import benchmark_card, licenses_page
from unibench.publish.benchmark.manifest import (
    MANIFEST,
    Built,
    Config,
    Manifest,
    manifest_file,
    read_manifest,
    split_entry,
    still_allowed,
)
from unibench.publish.files import PlannedFile, Publication
from unibench.publish.hub.client import Snapshot
from unibench.publish.model.eval_results import Suite, task_of_suite
from unibench.publish.results.card import CARD, is_ours

EVAL = "eval.yaml"
FRAMEWORK = "unibench"


def plan_benchmark(
    snapshot: Snapshot, built: Sequence[Built], left_out: Mapping[str, str], name: str
) -> Publication:
    """Return the files of `built`, and what follows from all configs that stay.

    Configs that were published before and are not in `built` stay, unless their
    licence does not allow it any more: then they are deleted.
    """
    before = read_manifest(snapshot.read_if_there(MANIFEST))
    configs = {
        subset: config
        for subset, config in before.configs.items()
        if still_allowed(subset, config)
    }
    files: list[PlannedFile] = []
    for one in built:
        config, written = _config(one, before.configs.get(one.subset), snapshot)
        configs[one.subset] = config
        files += written
    manifest = Manifest(configs=dict(sorted(configs.items())))
    files.append(manifest_file(manifest))
    files.append(PlannedFile("LICENSES.md", licenses_page(manifest).encode()))
    card = snapshot.read_if_there(CARD)
    if card is None or is_ours(card):
        text = benchmark_card(manifest, left_out, name)
        files.append(PlannedFile(CARD, text.encode()))
    return Publication(
        title=f"Publish {len(built)} of {len(manifest.configs)} subsets",
        description=_described(built),
        files=tuple(files),
        deletions=_gone(before, manifest),
        notes=tuple(f"{subset}: {why}" for subset, why in left_out.items()),
    )


def plan_eval(
    snapshot: Snapshot,
    suites: Sequence[Suite],
    subsets: Sequence[str],
    built: Sequence[Built] = (),
) -> Publication:
    """Return `eval.yaml`, which declares the tasks of the Hub's own leaderboard.

    A task for each suite's average and for each subset; those whose data lie here, or
    will with `built`, name their config. It is a commit of its own, since the Hub
    checks this file.
    """
    manifest = read_manifest(snapshot.read_if_there(MANIFEST))
    tested = {s for s, config in manifest.configs.items() if "test" in config.splits}
    tested |= {one.subset for one in built if "test" in one.prepared}
    tasks: list[dict[str, str]] = [{"id": task_of_suite(s.name)} for s in suites]
    for subset in subsets:
        task = {"id": subset}
        if subset in tested:
            task |= {"config": subset, "split": "test"}
        tasks.append(task)
    values = {
        "name": "UniversalNER benchmark (unibench)",
        "description": (
            "Open named entity recognition: 43 datasets in 9 domains, strict micro-F1"
            " (profile uniner)."
        ),
        "evaluation_framework": FRAMEWORK,
        "tasks": tasks,
    }
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=1000)
    return Publication(
        title="Declare the evaluation tasks",
        files=(PlannedFile(EVAL, text.encode()),),
    )


def _config(
    one: Built, before: Config | None, snapshot: Snapshot
) -> tuple[Config, list[PlannedFile]]:
    entries, files = {}, []
    for split, prepared in one.prepared.items():
        known = before.splits.get(split) if before else None
        if known is not None and known.path not in snapshot.files:
            known = None
        entries[split], file = split_entry(one.subset, split, prepared, known)
        files += [file] if file else []
    return msgspec.structs.replace(one.config, splits=entries), files


def _gone(before: Manifest, after: Manifest) -> tuple[str, ...]:
    kept = {e.path for config in after.configs.values() for e in config.splits.values()}
    had = {e.path for config in before.configs.values() for e in config.splits.values()}
    return tuple(sorted(had - kept))


def _described(built: Sequence[Built]) -> str:
    lines = []
    for one in built:
        sizes = ", ".join(
            f"{split} {len(prepared.passages):,}"
            for split, prepared in one.prepared.items()
        )
        lines.append(f"- {one.subset}: {sizes} passages ({one.config.license})")
    return "\n".join(lines)
