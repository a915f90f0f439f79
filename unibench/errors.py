"""The errors that unibench raises.

UnibenchError
├── UnknownNameError     no dataset, model, adapter ... has the name that was given
├── PluginError          an installed plugin clashes with another or cannot be imported
├── MissingExtraError    a package is needed that an optional extra installs
├── CardError            a YAML file of a data folder is not what it should be
├── DataError            a dataset cannot be had, or a raw file is not what it should be
│   ├── UnavailableError a dataset is not here and must be fetched or ordered first
│   └── FormatError      a raw file breaks its format, at a line that is named
├── AdapterError         a query cannot be asked in the form that a model family needs
├── BackendError         a model or a server did not answer
├── ScoreError           gold and predictions do not fit together
├── RunError             a run cannot go on: full disk, other settings, another writer
├── TrainingError        a model cannot be trained so, or training went wrong
└── PublishError         something may not be published, or the Hub did not take it
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UnibenchError(Exception):
    """Base class: the message says what is wrong, where, and what to do next."""


class UnknownNameError(UnibenchError):
    """No component of this kind has the name that the user gave."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        close = difflib.get_close_matches(name, names, n=3)
        hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
        shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        super().__init__(f"no {kind} is called {name!r}.{hint} Known: {shown}.")


class PluginError(UnibenchError):
    """An installed plugin clashes with another one or cannot be imported."""


class MissingExtraError(UnibenchError):
    """A package is needed that an optional extra of unibench installs."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs: pip install 'unibench[{extra}]'")


class CardError(UnibenchError):
    """A YAML file of a data folder is not what it should be."""


class DataError(UnibenchError):
    """A dataset cannot be had, or a raw file is not what it should be."""


class UnavailableError(DataError):
    """A dataset is not on this machine; the message says how to get it."""


class FormatError(DataError):
    """A raw file breaks its format; the message names the file and the line."""


class AdapterError(UnibenchError):
    """A query cannot be asked in the form that a model family needs."""


class BackendError(UnibenchError):
    """A model or a server did not answer."""


class ScoreError(UnibenchError):
    """Gold and predictions do not fit together."""


class RunError(UnibenchError):
    """A run cannot go on: a full disk, other settings, another writer."""


class TrainingError(UnibenchError):
    """A model cannot be trained so, or training went wrong; says which knob to turn."""


class PublishError(UnibenchError):
    """Something may not be published, or the Hub did not take it."""
