"""The program draw_figure: its files, their bytes, its errors; without torch."""

import runpy
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from fourlenses.lenses.registry import figure_named
from fourlenses.plotting.save import save
from fourlenses.study.vocabulary import METRICS_FIGURES
from tests.helpers import synthetic_metrics as synthetic

PROGRAM = Path(__file__).resolve().parents[2] / "workflow_scripts" / "draw_figure.py"


@pytest.fixture
def program(monkeypatch):
    """Return a function that runs the program in this process and returns its exit status."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", [str(PROGRAM), *map(str, arguments)])
        try:
            runpy.run_path(str(PROGRAM), run_name="__main__")
        except SystemExit as end:
            return end.code
        return 0

    return run


@pytest.fixture
def metrics(tmp_path):
    return synthetic.write(tmp_path / "metrics.csv", synthetic.planted())


@pytest.mark.parametrize("figure_name", METRICS_FIGURES)
def test_the_same_table_gives_the_same_bytes(tmp_path, metrics, figure_name):
    for folder in ("first", "second"):
        figure, numbers = figure_named(figure_name).draw(Evidence.of(read_metrics(metrics)))
        paths = save(figure, numbers, tmp_path / folder / figure_name)
    endings = ("csv", "png", "svg") if figure else ("csv",)
    assert sorted(path.name for path in (tmp_path / "second").iterdir()) == [
        f"{figure_name}.{end}" for end in endings
    ]
    for path in paths:
        assert path.read_bytes() == (tmp_path / "first" / path.name).read_bytes()
    if figure:  # text stays text
        assert "<text" in (tmp_path / "first" / f"{figure_name}.svg").read_text()


def test_an_empty_figure_is_not_drawn_and_an_old_picture_of_it_goes(program, tmp_path, metrics):
    (tmp_path / "published.svg").write_text("old")
    arguments = ("--metrics", metrics, "--output-prefix", tmp_path / "published")
    assert program(*arguments, "--figure", "published") == 0
    assert not (tmp_path / "published.svg").exists()
    assert not (tmp_path / "published.png").exists()
    assert (tmp_path / "published.csv").read_text().startswith("lens,method,source")
    assert (tmp_path / "published.csv").read_text().count("\n") == 1


def test_look_and_labels_reach_the_figure(program, tmp_path, metrics):
    look, labels = '{"formats": ["svg"], "width": 5}', '{"a": "Birds of the north"}'
    arguments = ("--metrics", metrics, "--output-prefix", tmp_path / "q", "--figure", "quality")
    assert program(*arguments, "--look", look, "--labels", labels) == 0
    assert sorted(path.name for path in tmp_path.glob("q.*")) == ["q.csv", "q.svg"]
    text = (tmp_path / "q.svg").read_text()
    assert 'width="360pt"' in text
    assert "Birds of the north" in text


def test_a_failed_drawing_leaves_the_old_files_and_no_drafts(tmp_path, metrics, monkeypatch):
    figure, numbers = figure_named("domain").draw(Evidence.of(read_metrics(metrics)))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "domain.svg").write_text("old")

    def fails(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fails)
    with pytest.raises(OSError, match="disk full"):
        save(figure, numbers, tmp_path / "out" / "domain")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["domain.svg"]
    assert (tmp_path / "out" / "domain.svg").read_text() == "old"


def test_the_program_writes_another_process_same_bytes_without_torch(tmp_path, metrics):
    arguments = ["draw_figure.py", "--metrics", str(metrics), "--figure", "quality"]
    arguments += ["--output-prefix", str(tmp_path / "q")]
    code = (
        "import runpy, sys\n"
        f"sys.argv = {arguments!r}\n"
        f"runpy.run_path({str(PROGRAM)!r}, run_name='__main__')\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    figure, numbers = figure_named("quality").draw(Evidence.of(read_metrics(metrics)))
    for path in save(figure, numbers, tmp_path / "here"):
        assert path.read_bytes() == (tmp_path / f"q{path.suffix}").read_bytes()
    assert list(pd.read_csv(tmp_path / "q.csv")["change"]) == [-20.0, -5.0, -6.0, -1.5]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("--metrics", "absent.csv", "--figure", "domain", "--output-prefix", "x"),
            "absent.csv does not exist",
        ),
        (
            ("--metrics", "absent.csv", "--figure", "depth", "--output-prefix", "x"),
            "there is no figure 'depth'; known are quantity, quantity_gain, quantity_saved",
        ),
    ],
)
def test_a_mistake_is_one_sentence_and_code_two(program, capsys, arguments, sentence):
    assert program(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"fourlenses: {sentence}")
    assert printed.err.count("\n") == 1


def test_help_names_the_options(program, capsys):
    assert program("--help") == 0
    printed = capsys.readouterr().out
    assert all(
        option in printed for option in ("--metrics", "--figure", "--seed-sd", "--output-prefix")
    )


def test_the_stated_deviation_over_seeds_reaches_the_bands(program, tmp_path):
    """A study of one seed is widened by the stated deviation."""
    metrics = synthetic.write(
        tmp_path / "metrics.csv", [entry for entry in synthetic.planted() if entry["seed"] == 0]
    )
    widths = []
    for name, stated in (("exact", "0"), ("default", "0.8"), ("wide", "4")):
        assert (
            program(
                "--metrics",
                metrics,
                "--figure",
                "domain",
                "--seed-sd",
                stated,
                "--output-prefix",
                tmp_path / name,
            )
            == 0
        )
        widths.append(pd.read_csv(tmp_path / f"{name}.csv")["half_width"].mean())
    assert widths[0] < widths[1] < 0.5 * widths[2]
