"""The visual language: sizes, colours, and how measured and printed figures differ.

Measured figures are filled, printed ones hatched and pale; what is missing says so in
words. Colours are those of Okabe and Ito, which colour-blind readers can tell apart.
The font is DejaVu Sans, which comes with matplotlib, and SVG text is drawn as paths, so
that a chart looks the same everywhere and two renderings are equal byte for byte.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

COLUMN = 3.3
"""The width of one column of a two-column paper, in inches."""

PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442",
    "#000000",
)  # fmt: skip
ORANGE, BLUE, RED = "#E69F00", "#0072B2", "#D55E00"
INK, FAINT, GRID = "#1A1A1A", "#767676", "#E3E3E3"
HATCH = "//////"
MISSING_HATCH = "xxxx"
FONT_SIZE = 7.0
SMALL = 6.0

_SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": FONT_SIZE,
    "axes.labelsize": FONT_SIZE,
    "axes.titlesize": FONT_SIZE + 1,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": SMALL + 0.5,
    "hatch.linewidth": 0.5,
    "text.parse_math": False,
    "svg.hashsalt": "unibench",
    "svg.fonttype": "path",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@contextmanager
def drawing() -> Iterator[None]:
    """Apply the settings while a chart is made; global settings stay as they were."""
    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        # A name may hold letters that the font lacks; they are drawn as boxes.
        warnings.filterwarnings("ignore", r"Glyph .* missing from font")
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)  # type: ignore[arg-type]
        yield


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Return an empty chart of `width` x `height` inches with one pair of axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(w_pad=0.03, h_pad=0.03)  # type: ignore[call-arg]
    return figure, figure.add_subplot()


def save(figure: Figure, base: Path, *, dpi: int = 300) -> list[Path]:
    """Write `base`.png and `base`.svg; equal charts give equal files."""
    paths = [base.with_name(f"{base.name}{suffix}") for suffix in (".png", ".svg")]
    with drawing():
        figure.savefig(paths[0], dpi=dpi, metadata={"Software": None})
        figure.savefig(paths[1], metadata={"Date": None, "Creator": None})
    return paths


def face(color: str, *, measured: bool) -> dict[str, Any]:
    """Return how a bar is filled: solid if measured, else hatched and pale."""
    if measured:
        return {"facecolor": color, "edgecolor": color, "linewidth": 0.6}
    return {
        "facecolor": pale(color), "edgecolor": color, "hatch": HATCH, "linewidth": 0.6,
    }  # fmt: skip


def pale(color: str, share: float = 0.22) -> str:
    """Mix `color` with white; `share` is that of the colour."""
    from matplotlib.colors import to_hex, to_rgb

    red, green, blue = (share * part + 1 - share for part in to_rgb(color))
    return to_hex((red, green, blue))


def origin_handles(*, measured: bool, printed: bool) -> list[Patch]:
    """Return the legend entries that say which figures are whose."""
    from matplotlib.patches import Patch

    handles = []
    if measured:
        handles.append(Patch(label="measured", **face(FAINT, measured=True)))
    if printed:
        handles.append(Patch(label="printed", **face(FAINT, measured=False)))
    return handles


def text_width(text: str, size: float = SMALL) -> float:
    """Return the width of `text` in inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text.strip():
        return 0.0
    font = FontProperties(family="DejaVu Sans")
    path = TextPath((0, 0), text.replace("$", "S"), size=size, prop=font)
    return float(path.get_extents().width) / 72


def ink_on(color: Any) -> str:
    """Return black or white, whichever reads better on `color` (WCAG contrast)."""
    from matplotlib.colors import to_rgb

    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in to_rgb(color)
    ]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return INK if (light + 0.05) / 0.06 > 1.05 / (light + 0.05) else "white"


def series_color(number: int) -> str:
    """Return the colour of the series with that number; the palette repeats."""
    return PALETTE[number % len(PALETTE)]
