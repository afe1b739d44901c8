"""The markdown that this project's own programs write, as the blocks of `fourlenses.report.values`: headings, paragraphs, lists, tables,
bold, code. Not a markdown library: what it does not know is shown as it stands, escaped."""

import re

from markupsafe import Markup, escape

from fourlenses.report.tables import Table

_HEADING = re.compile(r"(#{1,6}) +(.*?)#*")
_ITEM = re.compile(r"(?:[-*+]|\d+[.)]) +(.*)")
_RULE = re.compile(r"\|?[\s:|-]*-[\s:|-]*\|?")
_CODE_OR_BOLD = re.compile(r"`([^`]+)`|\*\*(.+?)\*\*")


def parse(text: str) -> list[dict]:
    """The blocks of ``text``, in order."""
    blocks, lines, place = [], text.splitlines(), 0
    while place < len(lines):
        line = lines[place].strip()
        place += 1
        if not line:
            continue
        if heading := _HEADING.fullmatch(line):
            blocks.append(
                {"kind": "heading", "text": inline(heading[2].strip()), "depth": len(heading[1])}
            )
        elif (
            line.startswith("|")
            and place < len(lines)
            and "|" in lines[place]
            and _RULE.fullmatch(lines[place].strip())
        ):
            place += 1
            rows = []
            while place < len(lines) and lines[place].strip().startswith("|"):
                rows.append(_cells(lines[place]))
                place += 1
            blocks.append({"kind": "table", "table": _inlined(Table.of(_cells(line), rows))})
        elif item := _ITEM.fullmatch(line):
            if blocks and blocks[-1]["kind"] == "list" and lines[place - 2].strip():
                blocks[-1]["items"].append(inline(item[1]))
            else:
                blocks.append({"kind": "list", "items": [inline(item[1])]})
        elif (
            blocks
            and place > 1
            and lines[place - 2].strip()
            and blocks[-1]["kind"] in ("text", "list")
        ):  # the line goes on
            if blocks[-1]["kind"] == "text":
                blocks[-1]["text"] += Markup(" ") + inline(line)
            else:
                blocks[-1]["items"][-1] += Markup(" ") + inline(line)
        else:
            blocks.append({"kind": "text", "text": inline(line)})
    return blocks


def inline(text: str) -> Markup:
    """Escaped, with `code` and **bold**."""
    result, end = Markup(), 0
    for found in _CODE_OR_BOLD.finditer(text):
        result += escape(text[end : found.start()])
        result += (
            Markup("<code>{}</code>").format(found[1])
            if found[1]
            else Markup("<strong>{}</strong>").format(found[2])
        )
        end = found.end()
    return result + escape(text[end:])


def _cells(line: str) -> list[str]:
    return [
        cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))
    ]


def _inlined(table: Table) -> Table:
    return Table(
        [inline(column) for column in table.columns],
        [[inline(cell) for cell in row] for row in table.rows],
        table.numeric,
    )
