"""A survey as one HTML file that reloads itself until all is done: no scripts, nothing loaded."""

import os
from datetime import datetime
from html import escape
from pathlib import Path
from urllib.parse import quote

from fourlenses.core.units import format_bytes
from fourlenses.status.job import STATES, Job
from fourlenses.status.survey import Survey
from fourlenses.status.terminal import headline, progress, whole

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2126; --paper: #fff; --line: #d8dcdf; --quiet: #59626b;
 --done: #1a7f37; --running: #0860c4; --stale: #855f00; --failed: #b3202a }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7ea; --paper: #15181b; --line: #3a4148;
 --quiet: #a3acb5; --done: #6fc98a; --running: #7cc0ec; --stale: #e0bd57; --failed: #f08a95 } }
* { box-sizing: border-box }
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5em auto; max-width: 60em; padding: 0 1em;
 color: var(--ink); background: var(--paper); overflow-wrap: anywhere }
h1 { margin: 0 0 .3em } h2 { font-size: 1.1em; margin: 1.4em 0 .3em } a { color: var(--running) }
.whole { width: 100%; height: 1.2em } progress { accent-color: var(--running) }
.scroll { overflow-x: auto; margin: 1em 0 } table { border-collapse: collapse; min-width: 100% }
th, td { padding: .25em .6em; text-align: right; white-space: nowrap;
 border-bottom: 1px solid var(--line) }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left }
ul { list-style: none; margin: 0; padding: 0 }
li { padding: .4em 0; border-bottom: 1px solid var(--line) }
.none, .waiting, .quiet { color: var(--quiet) } .done { color: var(--done) }
.running { color: var(--running) }
.stale, .changed { color: var(--stale) } .failed { color: var(--failed) }
.share { width: 8em } code { font-size: 85% } p { margin: .4em 0 }
"""


def page(survey: Survey, folder: Path, *, refresh_seconds: int = 30) -> str:
    """Return the page.

    Args:
        survey: what it shows.
        folder: that the page is in, from which its links lead.
        refresh_seconds: after which a browser loads the file again, until nothing more is to come.
    """
    when = datetime.fromtimestamp(survey.time).strftime("%Y-%m-%d %H:%M:%S")
    written, wanted = survey.betons
    share = f"{100 * survey.work.share:.0f}"
    body = [
        f"<h1>{escape(survey.study)}</h1>",
        f"<p>{escape(headline(survey))}.{_results(survey, folder)}</p>",
        f'<p><progress class="whole" max="100" value="{share}" aria-label="Work done"></progress>'
        f"<br>{escape(whole(survey))}</p>",
        f'<p class="quiet">At {when}; image files {written} of {wanted}; '
        f"plan from <code>{escape(survey.origin)}</code>.</p>",
        _table(survey),
    ]
    for state in ("failed", "running", "stale", "changed", "waiting"):
        jobs = [job for job in survey.in_state(state) if state != "waiting" or job.note]
        if jobs:
            heading = "waiting to be continued" if state == "waiting" else state
            rows = "".join(_row(job, folder) for job in jobs)
            body.append(f'<h2 class="{state}">{heading}</h2>\n<ul>{rows}</ul>')
    disk = ", ".join(
        f"<code>{escape(name)}</code> {format_bytes(count, binary=True)}"
        for name, count in survey.bytes.items()
    )
    body.append(f'<p class="quiet">Disk used: {disk}.</p>')
    content = "\n".join(body)
    head = _head(survey.study, None if survey.over else refresh_seconds)
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><main>\n{content}\n'
        "</main></body></html>\n"
    )


def _head(study: str, refresh_seconds: int | None) -> str:
    reload = f'<meta http-equiv="refresh" content="{refresh_seconds}">' if refresh_seconds else ""
    return (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{reload}<title>fourlenses: {escape(study)}</title><style>{_STYLE}</style>"
    )


def _link(target: Path, folder: Path, words: str) -> str:
    """A link to a file from the page's folder, so that both can be moved or served together."""
    address = quote(os.path.relpath(target.resolve(), folder.resolve()).replace(os.sep, "/"))
    return f'<a href="{escape(address)}">{escape(words)}</a>'


def _results(survey: Survey, folder: Path) -> str:
    files = ((survey.report, "report"), (survey.metrics, "numbers"))
    links = [_link(file, folder, words) for file, words in files if file.exists()]
    return f" Open: {', '.join(links)}." if links else ""


def _table(survey: Survey) -> str:
    states = "".join(f'<th scope="col">{state}</th>' for state in STATES)
    rows = [f'<tr><th scope="col">lens</th><th scope="col">jobs</th>{states}<th>all</th></tr>']
    for name, kind, counts, total in survey.table():
        cells = "".join(
            f'<td class="{state if count else "none"}">{count or "·"}</td>'
            for state, count in zip(STATES, counts, strict=True)
        )
        rows.append(f"<tr><td>{name}</td><td>{kind}</td>{cells}<td>{total}</td></tr>")
    table = "\n".join(rows)
    region = 'class="scroll" tabindex="0" role="region" aria-label="Jobs"'
    return f"<div {region}><table>{table}</table></div>"


def _row(job: Job, folder: Path) -> str:
    bar = log = ""
    if job.total and job.step is not None:
        bar = (
            f' <progress class="share" max="{job.total}" value="{job.step}" '
            f'aria-label="Progress of {escape(job.name)}"></progress>'
        )
    if job.log.exists():
        log = f" {_link(job.log, folder, 'log')}"
    details = progress(job) if job.state == "running" else job.note
    kind = "evaluate " if job.kind == "evaluations" else ""
    return f"<li><strong>{kind}{escape(job.name)}</strong>{bar}<br>{escape(details)}{log}</li>\n"
