"""Figures as files: a title in both languages, a text alternative, and small PNGs."""

from __future__ import annotations

import io
import re
import textwrap
import unicodedata
import warnings
from pathlib import Path

import matplotlib.figure
from PIL import Image

from studylib import result
from studylib.errors import invalid
from studylib.files import write_bytes
from studylib.findings._figures.style import INK, MUTED
from studylib.result import Text

_DPI = 160
_MOST_BYTES = 120_000
_TITLE_POINTS, _SUBTITLE_POINTS, _LINE_SPACING = 12.5, 10.5, 1.2


def save(figure: matplotlib.figure.Figure, folder: Path, name: str, title: Text, alt: Text) -> result.Figure:
    """Write ``folder/name.png`` under its title, English over Japanese, and return the report's record of it.

    Parameters
    ----------
    title
        The finding, in a sentence.
    alt
        What is drawn, for readers who do not see it; also stored inside the PNG.
    """
    if not name or Path(name).name != name or name.endswith(".png"):
        raise invalid("name", name, "is not a plain file name without .png")
    for language in ("en", "ja"):
        if not getattr(alt, language).strip():
            raise invalid(f"alt.{language}", getattr(alt, language), "is empty: every figure needs its description")
    width, height = figure.get_size_inches()
    said = textwrap.wrap(title.en, int(width * 8.8))
    figure.suptitle("\n".join(said), x=0.012, ha="left", fontsize=_TITLE_POINTS, fontweight="bold", color=INK)
    # The Japanese line sits where matplotlib keeps room by itself: the first axes' left title.
    first = figure.axes[0]
    above = first.get_title(loc="left")
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A glyph that the font lacks must not pass as an empty box in a published figure.
        warnings.filterwarnings("error", message="Glyph .* missing")
        figure.draw_without_rendering()  # long labels push the axes, and the title with them, to the right
        place = first.get_position()
        # The layout keeps room for a title's centre: beyond the first of several axes it would push the others away.
        room = min(width * (1 - place.x0) - 0.1, 1.9 * width * place.width)
        cells = int(room * 72 / _SUBTITLE_POINTS)
        below = _wrap_ja(title.ja, cells)
        lines = [*below, *([above] if above else [])]
        first.set_title("\n".join(lines), loc="left", fontsize=_SUBTITLE_POINTS, color=MUTED, pad=8)
        # What is drawn keeps its room: each further line of a title makes the figure higher.
        more = (len(said) - 1) * _TITLE_POINTS + (len(below) - 1) * _SUBTITLE_POINTS
        figure.set_size_inches(width, height + _LINE_SPACING * more / 72)
        figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Description": alt.en, "Software": None})
    write_bytes(Path(folder) / f"{name}.png", _small(buffer.getvalue(), alt.en))
    return result.Figure(file=f"{name}.png", title=title, alt=alt)


def show(figure: result.Figure, folder: Path) -> None:
    """Display a saved figure in a notebook, with its alt text."""
    from IPython.display import Image as Shown
    from IPython.display import display

    data = (Path(folder) / figure.file).read_bytes()
    with Image.open(io.BytesIO(data)) as picture:
        width = picture.width * 96 // _DPI
    alt = f"{figure.title.en} {figure.alt.en}"
    display(Shown(data=data, width=width, alt=alt), metadata={"image/png": {"alt": alt, "width": width}})


def _small(png: bytes, description: str) -> bytes:
    """The PNG with 256 colours where that is what it takes to stay small (line art loses nothing one could see)."""
    if len(png) <= _MOST_BYTES:
        return png
    from PIL.PngImagePlugin import PngInfo

    note = PngInfo()
    note.add_itxt("Description", description)
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        reduced = picture.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        reduced.save(buffer, format="png", optimize=True, dpi=(_DPI, _DPI), pnginfo=note)
    return min(png, buffer.getvalue(), key=len)


def _wrap_ja(text: str, columns: int) -> list[str]:
    """Break a line after ``columns`` full-width cells: between Japanese characters, but not inside a Latin word or number,
    nor before 、 or 。."""
    lines, line, used = [], "", 0.0
    for piece in re.findall(r"[!-~×]+|.", text):
        cells = sum(1.0 if unicodedata.east_asian_width(one) in "WF" else 0.55 for one in piece)
        if line and used + cells > columns and piece not in "、。)」』)%":
            lines.append(line.rstrip())
            line, used = "", 0.0
            if piece == " ":
                continue
        line, used = line + piece, used + cells
    return [*lines, line]
