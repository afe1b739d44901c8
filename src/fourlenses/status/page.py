"""A survey as one HTML file that reloads itself: no scripts, nothing else is loaded."""

from datetime import datetime
from html import escape

from fourlenses.core.units import format_bytes
from fourlenses.status.survey import STATES, Job, Survey
from fourlenses.status.terminal import headline, progress

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 60em;
 padding: 0 1em; color: #222; background: #fff }
table { border-collapse: collapse; margin: 1em 0; width: 100% }
th, td { padding: .25em .7em; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left }
.jobs td { text-align: left; vertical-align: top }
.none { color: #aaa } .done { color: #1a7f37 } .running { color: #0969da }
.stale { color: #9a6700 } .failed { color: #cf222e } .waiting { color: #666 }
progress { width: 8em } code { font-size: 85%; overflow-wrap: anywhere } p { margin: .4em 0 }
"""


def page(survey: Survey, *, refresh_seconds: int = 30) -> str:
    """Return the page. refresh_seconds: after which a browser loads the file again."""
    when = datetime.fromtimestamp(survey.time).strftime("%Y-%m-%d %H:%M:%S")
    written, wanted = survey.betons
    body = [
        f"<h1>{escape(survey.study)}</h1>",
        f"<p>{escape(headline(survey))}. At {when}; image files {written} of {wanted}; "
        f"plan from <code>{escape(survey.origin)}</code>.</p>",
        _table(survey),
    ]
    for state in ("running", "failed", "stale", "waiting"):
        jobs = [job for job in survey.in_state(state) if state != "waiting" or job.note]
        if jobs:
            heading = "waiting to be continued" if state == "waiting" else state
            rows = "".join(_row(job) for job in jobs)
            body.append(f'<h2 class="{state}">{heading}</h2>\n<table class="jobs">{rows}</table>')
    disk = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{format_bytes(count, binary=True)}</td></tr>"
        for name, count in survey.bytes.items()
    )
    body.append(f"<h2>disk used</h2>\n<table>{disk}</table>")
    head = (
        f'<meta charset="utf-8"><meta http-equiv="refresh" content="{refresh_seconds}">'
        f"<title>fourlenses: {escape(survey.study)}</title><style>{_STYLE}</style>"
    )
    content = "\n".join(body)
    return (
        f"<!doctype html>\n<html lang=en><head>{head}</head>\n<body>\n{content}\n</body></html>\n"
    )


def _table(survey: Survey) -> str:
    states = "".join(f"<th>{state}" for state in STATES)
    rows = [f"<tr><th>lens<th>jobs{states}<th>all</tr>"]
    for name, kind, counts, total in survey.table():
        cells = "".join(
            f'<td class="{state if count else "none"}">{count or "·"}</td>'
            for state, count in zip(STATES, counts, strict=True)
        )
        rows.append(f"<tr><td>{name}</td><td>{kind}</td>{cells}<td>{total}</td></tr>")
    return "<table>" + "\n".join(rows) + "</table>"


def _row(job: Job) -> str:
    bar = log = ""
    if job.total and job.step is not None:
        bar = f'<progress max="{job.total}" value="{job.step}"></progress>'
    if job.state in ("failed", "stale"):
        log = f"<br><code>{escape(str(job.log))}</code>"
    details = progress(job) if job.state == "running" else job.note
    kind = "evaluate " if job.kind == "evaluations" else ""
    return (
        f"<tr><td>{kind}{escape(job.name)}</td><td>{bar}</td><td>{escape(details)}{log}</td></tr>\n"
    )
