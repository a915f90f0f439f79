"""The card of the benchmark repository, and the page of its licences."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from unibench.publish.benchmark.manifest import Config, Manifest
from unibench.publish.licenses import rights_of
from unibench.publish.results.card import MARK, front_matter

_SIZES = (
    (1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
)  # fmt: skip
_ARXIV = "https://arxiv.org/abs/2308.03279"

_INTRO = """{mark}

# {name}

The part of the UniversalNER benchmark ([arXiv 2308.03279]({arxiv})) that may be
redistributed: {count} of its subsets, with natural-language entity types, made by
unibench {version}.

```python
from datasets import load_dataset

rows = load_dataset("{name}", "{default}", split="test")
rows[0]["entities"]  # [{{"entity_type": ..., "text": ..., "spans": [...]}}, ...]
```

Each subset stands under the licence of its own makers; see the table and
[LICENSES.md](LICENSES.md). **Cite the makers of every subset that you use.**
"""

_FORMAT = """## Format

One row a passage: `id`, `text`, `document` (where passages were cut from documents),
`tokens` (the dataset's own tokens as offsets; empty where they are the pieces between
white space), `entities` (`entity_type`, `text`, `spans`). Spans are half-open character
offsets; a discontinuous mention has several. Nested, overlapping and repeated mentions
are kept. `manifest.json` lists the entity types of each config and the sha256 of every
file and of its content; `fingerprint` is what run records of unibench name.

## How it was made

`unibench publish benchmark --repo {name}` with unibench {version}: the official files,
checked by their hashes, read as the dataset's card says (protocol `corrected` unless
the table says otherwise), raw labels renamed by the label map, nothing else changed.
"""


def benchmark_card(manifest: Manifest, left_out: Mapping[str, str], name: str) -> str:
    """Return the card: metadata, snippet, configs, what is missing, citations."""
    default = next(iter(manifest.configs), "")
    parts = [
        front_matter(_metadata(manifest, name)),
        _INTRO.format(
            mark=MARK, name=name, arxiv=_ARXIV, count=len(manifest.configs),
            default=default, version=version("unibench"),
        ),
        "## Subsets\n\n" + _table(manifest),
        _missing(left_out),
        _FORMAT.format(name=name, version=version("unibench")),
        _errors(manifest),
        "## Citations\n\n" + _citations(manifest),
    ]  # fmt: skip
    return "\n".join(part.rstrip() + "\n" for part in parts if part)


def licenses_page(manifest: Manifest) -> str:
    """Return the page with the licence, notes and homepage of each subset."""
    lines = [
        "# Licences",
        "",
        "Each folder stands under the licence of its makers, given here. `nc`: no"
        " commercial use; `sa`: what you make of it must stand under the same licence.",
        "",
        "| subset | licence | asks for | by |",
        "| --- | --- | --- | --- |",
    ]
    for subset, config in manifest.configs.items():
        rights = rights_of(config.license)
        text = _cell(config.license)
        shown = f"[{text}]({rights.url})" if rights.url else text
        home = f"[{_cell(config.title)}]({config.homepage})"
        lines.append(f"| {subset} | {shown} | {_asks(config.license)} | {home} |")
    notes = [
        f"- {subset}: {' '.join(config.license_note.split())}"
        for subset, config in manifest.configs.items()
        if config.license_note
    ]
    return "\n".join([*lines, *(["", "## Notes", "", *notes] if notes else []), ""])


def _metadata(manifest: Manifest, name: str) -> dict[str, Any]:
    passages = sum(
        entry.passages for c in manifest.configs.values() for entry in c.splits.values()
    )
    size = next((words for limit, words in _SIZES if passages < limit), "n>1M")
    configs = []
    for number, (subset, config) in enumerate(manifest.configs.items()):
        files = [{"split": s, "path": e.path} for s, e in config.splits.items()]
        first = {"default": True} if not number else {}
        configs.append({"config_name": subset, **first, "data_files": files})
    return {
        "pretty_name": name.partition("/")[2],
        **_license(manifest),
        "language": ["en"],
        "task_categories": ["token-classification"],
        "task_ids": ["named-entity-recognition"],
        "size_categories": [size],
        "tags": ["named-entity-recognition", "zero-shot", "benchmark", "unibench"],
        "configs": configs,
    }


def _license(manifest: Manifest) -> dict[str, str]:
    ids = {rights_of(config.license).hub_id for config in manifest.configs.values()}
    if len(ids) == 1 and "other" not in ids:
        return {"license": ids.pop()}
    return {
        "license": "other",
        "license_name": "mixed",
        "license_link": "LICENSES.md",
    }


def _table(manifest: Manifest) -> str:
    lines = [
        "| config | domain | types | train | dev | test | licence | asks for |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    for subset, config in manifest.configs.items():
        sizes = [
            f"{config.splits[s].passages:,}" if s in config.splits else "-"
            for s in ("train", "dev", "test")
        ]
        note = (
            "" if config.protocol == "corrected" else f" (protocol {config.protocol})"
        )
        cells = [
            f"{subset}{note}", config.domain, str(len(config.entity_types)), *sizes,
            _cell(config.license), _asks(config.license),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _asks(license_: str) -> str:
    rights = rights_of(license_)
    marks = [
        word
        for word, holds in (
            ("attribution", rights.attribution),
            ("nc", not rights.commercial),
            ("sa", rights.share_alike),
        )
        if holds
    ]
    return ", ".join(marks) or "nothing"


def _missing(left_out: Mapping[str, str]) -> str:
    if not left_out:
        return ""
    lines = [f"| {subset} | {_cell(why)} |" for subset, why in left_out.items()]
    return "\n".join(
        [
            "## Not here",
            "",
            "unibench prepares these on your machine from the official files"
            " (`unibench data show NAME` says how to get them).",
            "",
            "| subset | why |",
            "| --- | --- |",
            *lines,
        ]
    )


def _errors(manifest: Manifest) -> str:
    lines = [
        f"- {subset}: {' '.join(error.split())}"
        for subset, config in manifest.configs.items()
        for error in config.known_errors
    ]
    return "\n".join(["## Known errors", "", *lines]) if lines else ""


def _citations(manifest: Manifest) -> str:
    by_dataset: dict[str, Config] = {}
    for config in manifest.configs.values():
        by_dataset.setdefault(config.dataset, config)
    lines = [f"- {name}: {c.citation}" for name, c in by_dataset.items()]
    return "\n".join(
        [
            *lines,
            "- the benchmark: Wenxuan Zhou, Sheng Zhang, Yu Gu, Muhao Chen and Hoifung"
            f" Poon. UniversalNER. ICLR 2024. {_ARXIV}",
        ]
    )


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
