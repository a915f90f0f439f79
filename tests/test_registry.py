"""Components are found by name; clashes and broken targets are errors."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest

from unibench import registry as module
from unibench.errors import PluginError, UnknownNameError
from unibench.registry import Registry


def registry(monkeypatch: pytest.MonkeyPatch, *plugins: tuple[str, str]) -> Registry:
    points = [EntryPoint(name, value, "g") for name, value in plugins]

    def entry_points(**_: Any) -> list[EntryPoint]:
        return points

    monkeypatch.setattr(module, "entry_points", entry_points)
    return Registry("thing", "g", {"join": "os.path:join", "broken": "no_such:x"})


def test_built_in_and_plugin_are_loaded_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    things = registry(monkeypatch, ("dumps", "json:dumps"))
    assert things.load("dumps")([]) == "[]"
    assert things.load("join")("a", "b") == "a/b"


def test_an_unknown_name_suggests(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'join'"):
        registry(monkeypatch).load("jion")


def test_a_clash_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PluginError, match=r"os\.path:join and json:dumps"):
        registry(monkeypatch, ("join", "json:dumps")).load("join")


def test_a_broken_target_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PluginError, match=r"'broken'.*no_such"):
        registry(monkeypatch).load("broken")
