"""The bench's arithmetic and its page, without measuring anything.

Ratios, bars, bounds, disk accounting, tables from a JSON.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
import disk  # noqa: E402
import figures  # noqa: E402
import render  # noqa: E402
import rounding  # noqa: E402
import run  # noqa: E402
import scaling  # noqa: E402
import startup  # noqa: E402
from timing import Rates, bounded, chosen, clock, durations, race, rows, verdict  # noqa: E402

from fourlenses.data.beton.reader import Beton  # noqa: E402
from tests.helpers.overlaps import problems  # noqa: E402


def test_a_ratio_is_taken_in_each_round_and_then_its_median():
    ours, peer = rows(
        "reading",
        "images/s",
        [Rates("ours", [10, 40, 30]), Rates("theirs", [10, 10, 10])],
        bars={"theirs": 3.5},
    )
    assert ours == {
        "what": "reading",
        "who": "ours",
        "unit": "images/s",
        "rate": 30,
        "rates": [10, 40, 30],
    }
    assert (peer["ours_over_it"], peer["least"], peer["most"], peer["bar"]) == (3, 1, 4, 3.5)
    assert verdict(peer) == "MISSED"
    assert verdict(peer | {"bar": 3}) == "met"
    assert verdict(ours) == ""


def test_of_durations_less_is_better():
    ours, peer = durations("starting", [Rates("ours", [2.0, 4.0]), Rates("theirs", [6.0, 6.0])])
    assert ours["rates"] == [2.0, 4.0]
    assert (ours["rate"], peer["rate"], ours["unit"]) == (3.0, 6.0, "s")
    assert (peer["ours_over_it"], peer["least"], peer["most"]) == pytest.approx((2.25, 1.5, 3.0))
    assert verdict(ours | {"at_most": 3.0}) == "met"
    assert verdict(ours | {"at_most": 2.9}) == "MISSED"


def test_the_share_of_a_bound():
    assert bounded({"rate": 25.0}, 100.0, "a copy")["share"] == 0.25
    assert bounded({"rate": 4.0, "less_is_better": True}, 1.0, "import torch")["share"] == 0.25


def test_contestants_take_turns_and_the_first_turn_of_a_race_does_not_count():
    calls = []

    def work(name, units):
        return lambda: calls.append(name) or units

    results = race({"a": work("a", 1), "b": work("b", 2)}, rounds=2, seconds=0)
    assert [len(rates.values) for rates in results] == [2, 2]
    assert calls[:2] == ["a", "b"]  # with no time left a turn is not begun
    seconds = iter(range(1, 5))
    assert [
        rates.values for rates in clock({"a": lambda: next(seconds), "b": lambda: next(seconds)}, 2)
    ] == [[1, 3], [2, 4]]
    assert [rates.name for rates in chosen(results, "b", "a")] == ["b", "a"]


@pytest.mark.parametrize("kind", ["resident", "streaming"])
def test_a_start_up_ends_at_the_first_step_of_a_job(tmp_path, kind):
    beton, subset = startup.prepare(tmp_path)
    settings = startup.arguments(tmp_path / "run", beton=beton, subset=subset, kind=kind)
    assert startup.to_first_step(settings, dict(os.environ)) > 0
    assert not (tmp_path / "run" / "encoder.safetensors").exists()


def test_disk_is_the_largest_beton_and_all_index_files_against_all_betons():
    assert disk.accounted({0.5: 50, 1.0: 100}, {0.5: 4, 1.0: 8}) == (112, 150)


def test_a_beton_of_many_samples_in_one_place(tmp_path):
    scaling.aliased(tmp_path / "x.beton", [b"first", b"second"], side=8, count=1000)
    beton = Beton(tmp_path / "x.beton")
    assert len(beton) == 1000
    assert np.array_equal(beton.index, np.arange(1000))
    assert {bytes(beton.image(sample).data) for sample in range(0, 1000, 2)} == {b"first"}
    assert bytes(beton.image(999).data) == b"second"


def content(who: str = "peer") -> dict:
    first, peer = rows(
        "reading",
        "images/s",
        [Rates("ours", [1000.0, 1200.0]), Rates(who, [100.0, 150.0])],
        bars={who: 10},
    )
    return {
        "machine": {
            "processor": "a chip",
            "cores": 2,
            "load": 0.1,
            "versions": {"torch": "2.15.0"},
            "commit": "0123456789abcdef",
        },
        "settings": {"rounds": 2, "seconds": 0.5},
        "rows": [
            bounded(first, 4400.0, "memory") | {"row": "reading"},
            peer | {"row": "reading"},
            durations("dry-run", [Rates("ours", [12.0])])[0] | {"at_most": 10, "row": "dag"},
        ],
    }


INDEX = "# Benchmarks\n<!-- bars -->\nold\n<!-- end -->\nlast\n"
PAGE = """by hand
<!-- cpu: reading -->
old
<!-- end -->
more by hand
<!-- cpu: dag absent -->
old
<!-- end -->
<!-- cpu: knn -->
old
<!-- end -->
<!-- gpu: steps -->
of another device
<!-- end -->
last
"""


@pytest.fixture
def index(tmp_path):
    """An index, and a page with a place for every part."""
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "kind.md").write_text(PAGE)
    (tmp_path / "benchmarks.md").write_text(INDEX)
    return tmp_path / "benchmarks.md"


def save(folder: Path, name: str, results: dict) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(results))
    return folder / name


def test_a_page_is_made_of_a_results_file_and_what_is_written_by_hand_stays(tmp_path, index):
    file = save(tmp_path / "results" / "cpu", "2026-01-02.json", content())
    assert render.render([file], index) == [file]
    text = (tmp_path / "benchmarks" / "kind.md").read_text()
    assert text.startswith("by hand\n<!-- cpu: reading -->\nFrom `results/cpu/2026-01-02.json`")
    assert "more by hand" in text
    assert text.endswith("<!-- gpu: steps -->\nof another device\n<!-- end -->\nlast\n")
    assert "old" not in text
    assert "<!-- cpu: knn -->\nNot measured.\n<!-- end -->" in text
    assert "| peer | 125 | 100 to 150 | **9.00x** (8.00 to 10.00) | 10x: MISSED |" in text
    assert "Ours: 25% of 4,400 images/s, memory." in text
    assert ": a chip, 2 cores; load average 0.1 before the run" in text
    assert text.index("**reading**") < text.index("more by hand") < text.index("**dry-run**")
    ratios = (tmp_path / "benchmarks" / "ratios_cpu.svg").read_text()
    assert ratios.count("<!-- peer -->") == 1
    assert "Other jobs" not in text
    render.render([file], index)
    assert (tmp_path / "benchmarks" / "kind.md").read_text() == text


def test_the_index_has_every_bar_with_the_page_of_its_row(tmp_path, index):
    render.render([save(tmp_path / "cpu", "2026-01-02.json", content())], index)
    assert index.read_text() == (
        "# Benchmarks\n<!-- bars -->\n"
        "| row | device | compared with | ratio | bar | |\n|---|---|---|---|---|---|\n"
        "| [reading](benchmarks/kind.md) | CPU | peer | 9.00x (8.00 to 10.00) | 10x "
        "| **missed**, 0.90 of the bar |\n"
        "| [dry-run](benchmarks/kind.md) | CPU | ours | 12 s | at most 10 s "
        "| **missed**, 0.83 of the bar |\n"
        "<!-- end -->\nlast\n"
    )


def test_a_row_without_the_name_of_its_part_is_found_by_what_it_measures():
    assert render.part_of({"what": "a view of 256 images"}) == "views"
    assert render.part_of({"what": "linear, 1000 features"}) == "linear"
    assert render.part_of({"what": "simclr, resnet50"}) == "steps"
    assert render.part_of({"what": "linear, 1000 features", "row": "linear10k"}) == "linear10k"


def test_a_page_says_that_the_machine_was_busy(tmp_path):
    results = content()
    results["machine"]["load"] = 1.5
    assert "Other jobs had the cores" in render.source(
        results, tmp_path / "cpu" / "2026-01-02.json"
    )


def test_a_part_that_no_page_has_a_place_for_is_an_error(tmp_path, index):
    file = save(tmp_path / "results" / "gpu", "2026-01-02.json", content())
    with pytest.raises(
        ValueError, match="put '<!-- gpu: reading -->' and, on a later line, '<!-- end -->'"
    ):
        render.render([file], index)
    assert index.read_text() == INDEX


def test_points_of_scaling_have_a_table_and_a_figure(tmp_path, index):
    page = tmp_path / "benchmarks" / "scaling.md"
    page.write_text("<!-- cpu: scaling -->\n<!-- end -->\n")
    point = {"row": "scaling", "what": "step", "who": "", "axis": "batch", "unit": "images/s"}
    points = [
        point | {"x": 32, "rate": 10.0, "peak_memory_mb": 300},
        point | {"x": 1024, "rate": 12.5, "peak_memory_mb": 1300},
    ]
    measured = {"machine": {}, "rows": points}
    render.render([save(tmp_path / "results" / "cpu", "2026-01-02-scaling.json", measured)], index)
    assert "| 1,024 | 12.5 | 1,300 |" in page.read_text()
    assert (tmp_path / "benchmarks" / "scaling_cpu.svg").exists()
    assert not (tmp_path / "benchmarks" / "ratios_cpu.svg").exists()


def test_files_that_begin_with_a_day_are_taken(tmp_path):
    for device, name in (
        ("cpu", "2026-01-02.json"),
        ("cpu", "2026-01-10-scaling.json"),
        ("cpu", "again-2026-01-10.json"),
        ("gpu", "2025-12-31.json"),
    ):
        save(tmp_path / device, name, content())
    files = [str(file.relative_to(tmp_path)) for file in render.dated(tmp_path)]
    assert files == ["cpu/2026-01-02.json", "cpu/2026-01-10-scaling.json", "gpu/2025-12-31.json"]


def test_each_part_is_from_the_latest_day_that_has_it(tmp_path, index):
    whole, part = content(), content()
    part["rows"] = [row | {"rate": 1.25} for row in whole["rows"] if row["row"] == "reading"]
    files = [
        save(tmp_path / "cpu", "2026-01-02.json", whole),
        save(tmp_path / "cpu", "2026-01-10.json", part),
    ]
    assert render.render(files[::-1], index) == files[::-1]
    reading, dry = (tmp_path / "benchmarks" / "kind.md").read_text().split("more by hand")
    assert "2026-01-10.json" in reading
    assert "2026-01-02.json" not in reading
    assert "| ours | 1.25 |" in reading
    assert "2026-01-02.json" in dry


def test_two_runs_of_the_same_rows_are_compared(tmp_path, index):
    page = tmp_path / "benchmarks" / "twice.md"
    page.write_text("first\n<!-- twice: cpu -->\nold\n<!-- end -->\nlast\n")
    first, second = content(), content()
    for row in second["rows"]:
        if row["who"] == "peer":
            row |= {"ours_over_it": 11.0, "least": 10.5, "most": 12.0}
    second["machine"]["load"] = 0.3
    file = save(tmp_path / "results" / "cpu", "2026-01-02.json", first)
    render.render([file], index)
    assert "old" in page.read_text()
    save(tmp_path / "results" / "cpu", "again-2026-01-02.json", second)
    save(tmp_path / "results" / "cpu", "again-2026-01-03.json", second)
    render.render([file], index)
    text = page.read_text()
    assert "load average 0.1 and 0.3 before them" in text
    assert "Of 1 ratios the spreads overlap in 0; medians lie up to 22% apart." in text
    assert "On another side of its bar the second time: reading, peer (bar 10x)." in text
    assert "| reading | peer | 9.00x (8.00 to 10.00) | 11.00x (10.50 to 12.00) | no |" in text
    assert text.startswith("first\n<!-- twice: cpu -->\n`2026-01-02.json` and")
    assert text.endswith("| no |\n<!-- end -->\nlast\n")


def test_files_of_one_day_have_all_their_rows(tmp_path, index):
    files = [
        save(tmp_path / "cpu", f"2026-01-02{more}.json", content()) for more in ("", "-second")
    ]
    assert render.render(files, index) == files


def test_a_line_of_progress_says_all_that_a_row_holds():
    first, peer, dry = content()["rows"]
    assert "25% of 4,400: memory" in run.sentence(first)
    assert "ours is 9.00x (8.00 to 10.00), bar 10x: MISSED" in run.sentence(peer)
    assert "at most 10 s: MISSED" in run.sentence(dry)


def test_the_committed_pages_are_those_of_the_committed_results(tmp_path):
    measured = BENCHMARKS.parent / "docs" / "measured"
    index = shutil.copy(measured / "benchmarks.md", tmp_path)
    shutil.copytree(measured / "benchmarks", tmp_path / "benchmarks")
    render.render(render.dated(BENCHMARKS / "results"), Path(index))
    for page in [measured / "benchmarks.md", *(measured / "benchmarks").glob("*.md")]:
        assert (tmp_path / page.relative_to(measured)).read_text() == page.read_text()


def test_a_part_that_fails_is_named_and_what_was_measured_stays(tmp_path, monkeypatch, capsys):
    def parts(name, arguments):
        yield {"what": "reading", "who": "ours", "unit": "images/s", "rate": 1.0}
        if name == "knn":
            raise RuntimeError("no such library")

    monkeypatch.setattr(run, "_rows", parts)
    monkeypatch.setattr(
        sys, "argv", ["run.py", "--only", "disk", "knn", "--output", str(tmp_path / "x.json")]
    )
    with pytest.raises(SystemExit, match="failed: knn"):
        run.main()
    assert [row["row"] for row in json.loads((tmp_path / "x.json").read_text())["rows"]] == [
        "disk",
        "knn",
    ]
    assert "no such library" in capsys.readouterr().out


def test_the_spread_over_roundings_is_of_what_rounds_otherwise():
    rows = [(rounding.FIRST, 0, 50.0, 1.0), (rounding.FIRST, 1, 53.0, 2.0)]
    rows += [(rounding.AGAIN, 0, 50.0, 1.0), ("oneDNN", 0, 51.0, 1.5), ("threads", 0, 50.0, 1.0)]
    keys = ("variant", "seed", "top1", "weights")
    summary = rounding.summed_up([dict(zip(keys, row, strict=True)) for row in rows])
    assert summary["again_has_the_same_bits"]
    assert summary["variants_that_round_otherwise"] == ["oneDNN"]
    assert summary["sd_over_seeds"] == pytest.approx(4.5**0.5)
    assert summary["sd_over_roundings"] == pytest.approx(0.5**0.5)
    assert summary["largest_difference"] == 1.0
    alone = rounding.summed_up([dict(zip(keys, rows[0], strict=True))])
    assert (alone["sd_over_seeds"], alone["sd_over_roundings"]) == (None, None)


def compared(what, who, ratio, **more):
    spread = {"least": 0.8 * ratio, "most": 1.3 * ratio}
    return {"what": what, "who": who, "ours_over_it": ratio, **spread, **more}


def test_no_text_of_the_figures_overlaps_or_leaves_them():
    rows = [
        compared("SimCLR epoch of 192 images, resnet18_cifar, 32 px, batch 64", "peer", 1.05),
        compared("a view of 4096 images", "torchvision v2, image by image", 2377.0, bar=10),
        compared("a view of 4096 images", "kornia on the batch", 0.4, bar=1),
        compared("simclr, resnet50, 224 px, batch 256", "views alone", 0.02),
        {"what": "a rate alone", "who": "ours"},
    ]
    assert problems(figures.ratios(rows, "NVIDIA H100 80GB HBM3, 16 cores · 2026-11-26.json")) == []
    assert problems(figures.ratios(rows[:1])) == []
    points = [
        {"what": f"streamed crops, {side} px", "axis": "images in the dataset", "unit": "images/s"}
        | {"x": x, "rate": 1e4 / x, "peak_memory_mb": 500 + x}
        for side in (32, 64, 224)
        for x in (1, 2, 4, 2048)
    ]
    assert problems(figures.scaling(points, "a chip, 2 cores · 2026-11-26.json")) == []
    two_rows = [
        {**points[0], "what": f"dry-run {number}", "x": x} for number in range(6) for x in (9, 1000)
    ]
    figure = figures.scaling(two_rows)
    assert problems(figure) == []
    assert len(figure.axes) == 12  # six groups, each with its rate and its memory


def test_parts_of_our_own_work_have_an_axis_of_their_own():
    rows = [compared("a step", "a peer", 30.0), compared("a step", "views alone", 0.02)]
    peers, parts = figures.ratios(rows).axes
    assert (peers.get_xscale(), parts.get_xscale()) == ("log", "linear")
    assert parts.get_xlim()[0] == 0
