"""Write the tables and figures of docs/measured/benchmarks from results files.

    python benchmarks/render.py [benchmarks/results/cpu/2026-11-28.json …]

Without files, all that begin with a day: of each device, a part of the bench is from the latest day
that has it, so that a run of some parts leaves the others where they were. A page has a place for
the rows of each part of the bench that it is about, `<!-- cpu: input resident -->` to `<!-- end
-->`, and the index one for all bars, `<!-- bars -->`. A place `<!-- twice: cpu -->` is for the
newest run that was made twice. Only what stands there is replaced; the text around it is written by
hand.
"""

import argparse
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import figures
import two_runs
from timing import ratio_words, verdict

HERE = Path(__file__).parent
INDEX = HERE.parent / "docs" / "measured" / "benchmarks.md"
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")  # what the names of results files begin with
BUSY = 0.25  # load average a core, above which the page says that the machine was not quiet
PLACE = re.compile(r"(<!-- (?P<device>\w+): (?P<parts>[\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
TWICE = re.compile(r"(<!-- twice: (?P<device>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
BARS = re.compile(r"(<!-- bars -->\n).*?(<!-- end -->)", re.DOTALL)
# the part of rows that name none, by how their `what` begins: files of benchmarks/gpu before it did
UNNAMED = {"a view of": "views", "linear,": "linear", "kNN,": "knn", "": "steps"}


@dataclass(frozen=True)
class Results:
    """A results file.

    Attributes:
        device: the folder that it is in.
        source: a sentence on where the numbers are from.
        parts: part of the bench -> its rows, of `timing.rows`, or points of `scaling`.
    """

    file: Path
    device: str
    source: str
    parts: dict[str, list[dict]]

    def of(self, parts: Iterable[str]) -> list[dict]:
        """Return the rows of these parts, in the order of the file."""
        wanted = set(parts)
        return [row for part, rows in self.parts.items() if part in wanted for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "files", nargs="*", type=Path, help="results; without any the latest day's of each part"
    )
    parser.add_argument(
        "--index",
        type=Path,
        default=INDEX,
        help="the page of all bars; the others are in the folder of its name (%(default)s)",
    )
    arguments = parser.parse_args()
    files = [file.resolve() for file in arguments.files] or dated(HERE / "results")
    used = render(files, arguments.index)
    print(f"{arguments.index} from {', '.join(f'{file.parent.name}/{file.name}' for file in used)}")


def dated(results: Path) -> list[Path]:
    """Return the files of each device's folder whose names begin with a day, in order of them."""
    return [
        file
        for device in sorted(folder for folder in results.iterdir() if folder.is_dir())
        for file in sorted(device.glob("*.json"))
        if DAY.match(file.name)
    ]


def latest(results: list[Results]) -> list[Results]:
    """Leave each part of the bench to the latest day of its device that has it.

    Files of one day, and those that are named without one, keep what they have.
    """

    def day(each: Results) -> str:
        found = DAY.match(each.file.name)
        return found[0] if found else "9"

    last: dict[tuple[str, str], str] = {}
    for each in results:
        for part in each.parts:
            last[each.device, part] = max(last.get((each.device, part), ""), day(each))
    kept = [
        replace(
            each,
            parts={
                part: rows
                for part, rows in each.parts.items()
                if day(each) == last[each.device, part]
            },
        )
        for each in results
    ]
    return [each for each in kept if each.parts]


def read(file: Path) -> Results | None:
    """Return a results file; None where it has no machine or no rows."""
    content = json.loads(file.read_text(encoding="utf-8"))
    if "machine" not in content or not content.get("rows"):
        return None
    parts: dict[str, list[dict]] = {}
    for row in content["rows"]:
        parts.setdefault(part_of(row), []).append(row)
    return Results(file, file.parent.name, source(content, file), parts)


def part_of(row: dict) -> str:
    """Return the name of the part of the bench that measured a row."""
    guesses = (part for begins, part in UNNAMED.items() if row["what"].startswith(begins))
    return row.get("row") or next(guesses)


def render(files: list[Path], index: Path) -> list[Path]:
    """Write the tables and figures of these files into the pages; return the files that had rows.

    Args:
        index: the page of all bars; the others are in the folder of its name.

    Raises:
        ValueError: no page has a place for a part.
    """
    results = latest([each for file in files if (each := read(file))])
    folder = index.with_suffix("")
    pages = {page: page.read_text(encoding="utf-8") for page in sorted(folder.glob("*.md"))}
    places = places_of(pages)
    for each in results:
        for part in each.parts:
            if (each.device, part) not in places:
                raise ValueError(
                    f"no page in {folder} has a place for the rows '{part}': put "
                    f"'<!-- {each.device}: {part} -->' and, on a later line, '<!-- end -->' where "
                    "they are to stand"
                )
    for page, text in pages.items():
        page.write_text(with_two_runs(filled(text, results), results), encoding="utf-8")
    table = bars_table(results, {key: f"{folder.name}/{page}" for key, page in places.items()})
    text = index.read_text(encoding="utf-8")
    index.write_text(BARS.sub(lambda place: f"{place[1]}{table}\n{place[2]}", text), "utf-8")
    draw(results, folder)
    return [each.file for each in results]


def places_of(pages: dict[Path, str]) -> dict[tuple[str, str], str]:
    """Return (device, part) -> the name of the page that has a place for it."""
    return {
        (place["device"], part): page.name
        for page, text in pages.items()
        for place in PLACE.finditer(text)
        for part in place["parts"].split()
    }


def filled(text: str, results: list[Results]) -> str:
    """Return a page with the rows of these results; places of other devices stay as they are."""

    def fill(place: re.Match) -> str:
        of_device = [each for each in results if each.device == place["device"]]
        if not of_device:
            return place[0]
        parts = place["parts"].split()
        blocks = [
            f"{each.source}\n\n{tables(rows)}" for each in of_device if (rows := each.of(parts))
        ]
        content = "\n\n".join(blocks) or "Not measured."
        return f"{place[1]}{content}\n{place[4]}"

    return PLACE.sub(fill, text)


def with_two_runs(text: str, results: list[Results]) -> str:
    """Return a page with the newest run of each device that was made twice."""
    folders = {each.device: each.file.parent for each in results}

    def fill(place: re.Match) -> str:
        pairs = two_runs.pairs(folders[place["device"]]) if place["device"] in folders else []
        return f"{place[1]}{two_runs.table(*pairs[-1])}\n{place[3]}" if pairs else place[0]

    return TWICE.sub(fill, text)


def draw(results: list[Results], folder: Path) -> None:
    """Draw the ratios of each device's files in one figure, and how speed and memory grow."""
    for device, of_device in groupby(results, key=lambda each: each.device):
        group = list(of_device)
        points = [each for each in group if any("axis" in row for row in _rows([each]))]
        compared = [each for each in group if each not in points]
        if points:
            figure = figures.scaling(_rows(points), short_source(points))
            figures.save(figure, folder / f"scaling_{device}.svg")
        if compared:
            figure = figures.ratios(_rows(compared), short_source(compared))
            figures.save(figure, folder / f"ratios_{device}.svg")


def _rows(results: list[Results]) -> list[dict]:
    return [row for each in results for rows in each.parts.values() for row in rows]


def short_source(results: list[Results]) -> str:
    """Machines and files, for the footer of a figure."""
    machines = dict.fromkeys(
        each.source.split(";")[0].split(": ", 1)[-1].rstrip(".") for each in results
    )
    return f"{' and '.join(machines)} · {', '.join(each.file.name for each in results)}"


def source(content: dict, file: Path) -> str:
    """A sentence on where the numbers are from."""
    machine = content["machine"]
    hardware = (
        machine.get("gpu")
        or machine.get("device")
        or machine.get("processor")
        or "an unnamed machine"
    )
    sentences = [f"{hardware}" + (f", {machine['cores']} cores" if machine.get("cores") else "")]
    busy = machine.get("load", 0) > BUSY * machine.get("cores", 1)
    sentences += [f"load average {machine['load']:g} before the run"] if "load" in machine else []
    if settings := content.get("settings"):
        sentences.append(
            ", ".join(
                f"{value:g} {key}"
                for key, value in settings.items()
                if isinstance(value, int | float)
            )
        )
    sentences += (
        [", ".join(f"{name} {version}" for name, version in machine["versions"].items())]
        if machine.get("versions")
        else []
    )
    sentences += (
        [f"commit {machine['commit'][:10]}" + (" with changes" if "," in machine["commit"] else "")]
        if machine.get("commit")
        else []
    )
    sentence = (
        f"From `{file.parent.parent.name}/{file.parent.name}/{file.name}`: {'; '.join(sentences)}."
    )
    return sentence + (
        " **Other jobs had the cores at the time: rates are too low and ratios rough.**"
        if busy
        else ""
    )


def tables(rows: list[dict]) -> str:
    """Return a table for every `what`, in the order of the rows."""
    return "\n\n".join(
        (points_table if "axis" in group[0] else table)(what, group)
        for what, group in (
            (what, list(each)) for what, each in groupby(rows, lambda row: row["what"])
        )
    )


def table(what: str, rows: list[dict]) -> str:
    direction = ", lower is better" if rows[0].get("less_is_better") else ""
    lines = [f"**{what}** ({rows[0]['unit']}{direction})", ""]
    lines += ["| | median | least to most | ours over it | bar |", "|---|---|---|---|---|"]
    for row in rows:
        values, ratio = row.get("rates") or [row["rate"]], ""
        if row.get("ours_over_it") is not None:
            ratio = f"**{row['ours_over_it']:.2f}x** ({row['least']:.2f} to {row['most']:.2f})"
        cells = [row["who"], number(row["rate"]), f"{number(min(values))} to {number(max(values))}"]
        lines.append(f"| {' | '.join([*cells, ratio, bar(row)])} |")
    for row in rows:
        if row.get("share") is not None:
            who = row["who"][0].upper() + row["who"][1:]
            bound = f"{number(row['bound'])} {row['unit']}, {row['bound_what']}"
            lines += ["", f"{who}: {row['share']:.0%} of {bound}."]
        if row.get("note"):
            lines += ["", f"{row['note']}"]
    return "\n".join(lines)


def bars_table(results: list[Results], pages: dict[tuple[str, str], str]) -> str:
    """Return a table of every row that has a bar, with by how much it is met or missed.

    Args:
        pages: (device, part) -> the page of its rows, relative to the index.
    """
    lines = ["| row | device | compared with | ratio | bar | |", "|---|---|---|---|---|---|"]
    for each in results:
        for part, rows in each.parts.items():
            for row in filter(verdict, rows):
                what = f"[{row['what']}]({pages[each.device, part]})"
                cells = [what, each.device.upper(), row["who"], *ratio_cells(row)]
                lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def ratio_cells(row: dict) -> tuple[str, str, str]:
    """Return what was measured of a row, its bar, and by how much that is met or missed."""
    if row.get("bar"):
        measured = ratio_words(row)
        factor = row["ours_over_it"] / row["bar"]
    else:
        measured, factor = f"{number(row['rate'])} {row['unit']}", row["at_most"] / row["rate"]
    met = "met" if verdict(row) == "met" else "**missed**"
    return measured, bar(row, short=True), f"{met}, {factor:.2f} of the bar"


def points_table(what: str, points: list[dict]) -> str:
    lines = [
        f"| {points[0]['axis']} | {what}, {points[0]['unit']} | peak memory, MB |",
        "|---|---|---|",
    ]
    lines += [
        f"| {point['x']:,} | {number(point['rate'])} | {point['peak_memory_mb']:,.0f} |"
        for point in points
    ]
    return "\n".join(lines)


def bar(row: dict, short: bool = False) -> str:
    met = verdict(row)
    if not met:
        return ""
    text = f"{row['bar']:g}x" if row.get("bar") else f"at most {row['at_most']:g} {row['unit']}"
    return text if short else f"{text}: {met}"


def number(value: float) -> str:
    """Three digits, or all that stand before the point."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
