"""The rendered leaderboard in the repository is what the command makes today."""

from __future__ import annotations

from pathlib import Path

import pytest

from unibench.cli import main


def test_the_committed_leaderboard_is_the_current_state(tmp_path: Path) -> None:
    """Fails when cards, printed figures or runs changed without rendering again.

    Mend it with: unibench report leaderboard reports/runs -o reports/leaderboard
    """
    reports = Path(__file__).parents[2] / "reports"
    with pytest.raises(SystemExit) as stopped:
        main(["report", "leaderboard", str(reports / "runs"), "-o", str(tmp_path)])
    assert stopped.value.code == 0
    committed = reports / "leaderboard"
    rendered = {
        str(path.relative_to(tmp_path)): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    kept = {
        str(path.relative_to(committed)): path.read_bytes()
        for path in committed.rglob("*")
        if path.is_file()
    }
    assert sorted(rendered) == sorted(kept)
    assert [name for name in kept if kept[name] != rendered[name]] == []
