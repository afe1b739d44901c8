"""Write the tables and figures of docs/measured/benchmarks.md from results files.

    python benchmarks/render.py [benchmarks/results/cpu/2026-11-26.json …]

Without files, the newest of each device. Only what stands between the page's marks is replaced,
`<!-- cpu: tables -->` to `<!-- end -->`; the text around them is written by hand.
"""

import argparse
import json
import re
from itertools import groupby
from pathlib import Path

import figures
from timing import verdict

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "measured" / "benchmarks.md"
BUSY = 0.25  # load average a core, above which the page says that the machine was not quiet


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "files", nargs="*", type=Path, help="results; without any the newest day's of each device"
    )
    parser.add_argument("--page", type=Path, default=PAGE, help="the page (%(default)s)")
    arguments = parser.parse_args()
    files = [file.resolve() for file in arguments.files] or newest(HERE / "results")
    print(f"{arguments.page} from {', '.join(file.name for file in render(files, arguments.page))}")


def newest(results: Path) -> list[Path]:
    """Of each device's folder the files of the latest day.

    The day is what their names begin with.
    """
    files = []
    for device in sorted(folder for folder in results.iterdir() if folder.is_dir()):
        days = [file for file in device.glob("*.json") if re.match(r"\d{4}-\d{2}-\d{2}", file.name)]
        latest = max((file.name[:10] for file in days), default="")
        files += sorted(file for file in days if file.name.startswith(latest))
    return files


def render(files: list[Path], page: Path) -> list[Path]:
    """Write the tables and figures of these files.

    Returns those that could be used: a machine, and rows of `timing.rows` or points.
    """
    text, used, sections, compared = page.read_text(encoding="utf-8"), [], {}, {}
    for file in files:
        content = json.loads(file.read_text(encoding="utf-8"))
        if "machine" not in content or not content.get("rows"):
            continue
        device = file.parent.name
        used.append(file)
        points = [row for row in content["rows"] if "axis" in row]
        rows = [row for row in content["rows"] if "axis" not in row]
        if points:
            figures.save(
                figures.scaling(points), page.with_name(f"benchmarks_scaling_{device}.svg")
            )
            sections.setdefault(f"{device}: scaling", []).append(
                source(content, file) + "\n\n" + points_table(points)
            )
        if rows:
            compared.setdefault(device, []).extend(rows)
            sections.setdefault(f"{device}: bars", []).append(bars_table(rows))
            sections.setdefault(f"{device}: tables", []).append(
                source(content, file) + "\n\n" + tables(rows)
            )
    for device, rows in compared.items():  # of all its files in one figure
        figures.save(figures.ratios(rows), page.with_name(f"benchmarks_{device}.svg"))
    for name, parts in sections.items():
        text = replace(text, name, "\n\n".join(part for part in parts if part))
    page.write_text(text, encoding="utf-8")
    return used


def replace(text: str, name: str, content: str) -> str:
    """The page with ``content`` between a pair of marks.

    Raises:
        ValueError: the page has no such marks.
    """
    marks = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not marks.search(text):
        raise ValueError(
            f"the page has no place for it: put '<!-- {name} -->' and, on a later line, "
            "'<!-- end -->' where it is to stand"
        )
    return marks.sub(lambda found: f"{found[1]}{content}\n{found[2]}", text, count=1)


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
    """A table for every `what`, in the order of the file."""
    return "\n\n".join(
        table(what, list(group)) for what, group in groupby(rows, key=lambda row: row["what"])
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


def bars_table(rows: list[dict]) -> str:
    """Every row that has a bar, with by how much it is met or missed."""
    barred = [row for row in rows if verdict(row)]
    if not barred:
        return ""
    lines = ["| what | compared with | measured | bar | |", "|---|---|---|---|---|"]
    for row in barred:
        if row.get("bar"):
            measured, factor = (
                f"{row['ours_over_it']:.2f}x ({row['least']:.2f} to {row['most']:.2f})",
                row["ours_over_it"] / row["bar"],
            )
        else:
            measured, factor = f"{number(row['rate'])} {row['unit']}", row["at_most"] / row["rate"]
        how = (
            f"met, {factor:.2f} of the bar"
            if verdict(row) == "met"
            else f"**missed**, {factor:.2f} of the bar"
        )
        lines.append(
            f"| {row['what']} | {row['who']} | {measured} | {bar(row, short=True)} | {how} |"
        )
    return "\n".join(lines)


def points_table(points: list[dict]) -> str:
    parts = []
    for what, group in groupby(points, key=lambda point: point["what"]):
        group = list(group)
        lines = [
            f"| {group[0]['axis']} | {what}, {group[0]['unit']} | peak memory, MB |",
            "|---|---|---|",
        ]
        lines += [
            f"| {point['x']:,} | {number(point['rate'])} | {point['peak_memory_mb']:,} |"
            for point in group
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


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
