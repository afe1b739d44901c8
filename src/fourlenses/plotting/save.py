"""Figures as files, with their numbers: the same table gives the same bytes, or nothing at all."""

from contextlib import ExitStack
from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from fourlenses.core.files import atomic
from fourlenses.plotting import look, style

# A date or a version in the file would make two equal figures differ.
METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def save(figure: Figure | None, numbers: pd.DataFrame, prefix: str | Path) -> list[Path]:
    """Write ``prefix``.csv and a picture in each format of the look; return their paths.

    All are renamed together at the end, so that a figure that fails leaves the old files. Where
    there is nothing to draw, there is the CSV with its header alone. A picture that is not asked
    for any more is removed.

    Args:
        figure: None where there is nothing to draw.
        numbers: those drawn.
        prefix: of the files.
    """
    prefix = Path(prefix)
    endings = look.current().formats if figure else ()
    paths = {ending: prefix.with_name(f"{prefix.name}.{ending}") for ending in (*endings, "csv")}
    with ExitStack() as stack:
        drafts = {ending: stack.enter_context(atomic(path)) for ending, path in paths.items()}
        if figure:
            with style.context():
                _fix_layout(figure)
                for ending in endings:
                    _print(figure, drafts[ending], ending)
        numbers.to_csv(drafts["csv"], index=False, float_format="%.4f", lineterminator="\n")
    for ending in set(look.FORMATS) - set(endings):
        prefix.with_name(f"{prefix.name}.{ending}").unlink(missing_ok=True)
    return list(paths.values())


def _print(figure: Figure, path: Path, ending: str) -> None:
    """Draw a figure whose layout is fixed into a file.

    `Figure.savefig` would draw it twice, the first time for the layout.
    """
    figure.set_dpi(look.current().dpi)
    if ending == "svg":
        FigureCanvasSVG(figure).print_svg(path, metadata=METADATA[ending])
    elif ending == "pdf":
        FigureCanvasPdf(figure).print_pdf(path, metadata=METADATA[ending])
    else:
        FigureCanvasAgg(figure).print_png(path, metadata=METADATA[ending])


def _fix_layout(figure: Figure) -> None:
    """Lay the figure out once, to a hundred-thousandth of its size.

    The solver of the layout differs in last digits from run to run, and an svg's ids are hashes of
    them.
    """
    style.lay_out(figure)
    figure.set_layout_engine("none")
    for part in figure.subfigs:
        box = part.bbox_relative
        box.p0, box.p1 = box.p0.round(5), box.p1.round(5)
    for axes in figure.axes:
        left, bottom, width, height = (
            round(float(value), 5) for value in axes.get_position().bounds
        )
        axes.set_position((left, bottom, width, height))
