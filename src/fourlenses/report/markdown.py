"""Markdown as the blocks of `fourlenses.report.values`: headings, text, lists and tables.

Within them code, **bold** and *italics*. Everything else, HTML, links and images included, is
text: a name that a user gave leads nowhere and runs nothing.
"""

from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from fourlenses.report.tables import Table

_PARSER = MarkdownIt("zero").enable(
    ["heading", "list", "table", "backticks", "emphasis", "balance_pairs", "newline"]
)
_TAGS = {"strong_open": "<strong>", "strong_close": "</strong>"}
_TAGS |= {"em_open": "<em>", "em_close": "</em>"}
_BREAKS = ("softbreak", "hardbreak")


def parse(text: str) -> list[dict]:
    """Return the blocks of ``text``, in order."""
    tokens = iter(_PARSER.parse(text))
    return [block for token in tokens for block in _blocks(token, tokens)]


def _blocks(token: Token, tokens: Iterator[Token]) -> Iterator[dict]:
    """The block that a token opens; takes what belongs to it from the tokens that follow."""
    if token.type == "heading_open":
        content = Markup(" ").join(map(_inline, _contents(tokens, "heading_close")))
        yield {"kind": "heading", "text": content, "depth": int(token.tag[1:])}
    elif token.type == "paragraph_open":
        content = Markup(" ").join(map(_inline, _contents(tokens, "paragraph_close")))
        yield {"kind": "text", "text": content}
    elif token.type in ("bullet_list_open", "ordered_list_open"):
        yield {"kind": "list", "items": list(_items(tokens))}
    elif token.type == "table_open":
        yield {"kind": "table", "table": _table(tokens)}


def _contents(tokens: Iterator[Token], closing: str) -> Iterator[Token]:
    """The texts up to a closing token."""
    for token in tokens:
        if token.type == closing:
            return
        if token.type == "inline":
            yield token


def _items(tokens: Iterator[Token]) -> Iterator[Markup]:
    """The items of a list; those of a list within an item are part of its text."""
    depth, item = 1, []
    for token in tokens:
        depth += (token.type.endswith("_list_open")) - (token.type.endswith("_list_close"))
        if token.type == "inline":
            item.append(_inline(token))
        if token.type == "list_item_close" and depth == 1:
            yield Markup(" ").join(item)
            item = []
        if depth == 0:
            return


def _table(tokens: Iterator[Token]) -> Table:
    rows: list[list[Token]] = []
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append(list(_contents(tokens, "tr_close")))
    columns, *cells = rows
    plain = Table.of(_plain(columns), [_plain(row) for row in cells])
    shown = [[_inline(cell) for cell in row] for row in cells]
    return Table([_inline(column) for column in columns], shown, plain.numeric)


def _plain(cells: Sequence[Token]) -> list[str]:
    return [cell.content for cell in cells]


def _inline(token: Token) -> Markup:
    """Escaped, with the few tags that this module knows."""
    text = Markup()
    for child in token.children or []:
        if child.type == "code_inline":
            text += Markup("<code>{}</code>").format(child.content)
        elif child.type in _TAGS:
            text += Markup(_TAGS[child.type])
        elif child.type in _BREAKS:
            text += Markup(" ")
        else:
            text += escape(child.content)
    return text
