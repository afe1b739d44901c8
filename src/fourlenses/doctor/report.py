"""Results of checks as lines for a terminal, or as JSON."""

import json
import textwrap

from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult

_COLOURS = {OK: "32", WARN: "33", FAIL: "31"}
_WIDTH, _NAME = 100, 24
NEXT = (
    "next: make demo (the default study, some minutes), or make new-dataset NAME=mine DATA=/images"
)


def lines(result: CheckResult, colours: bool) -> str:
    """Return status, check and message in a line, and the remedy below; long ones are wrapped."""
    status = f"{result.status:<5}"
    if colours:
        status = f"\033[{_COLOURS[result.status]}m{status}\033[0m"
    margin = " " * (_NAME + 6)
    width = _WIDTH - len(margin)
    message = textwrap.wrap(result.message, width, break_long_words=False) or [""]
    shown = [f"{status} {result.check:<{_NAME}}{message[0]}"]
    shown += [margin + line for line in message[1:]]
    if result.remedy:
        text = f"do: {result.remedy}"
        remedy = textwrap.wrap(text, width, subsequent_indent="    ", break_long_words=False)
        shown += [margin + line for line in remedy]
    return "\n".join(shown)


def summary(results: list[CheckResult]) -> str:
    """Return how many checks have each status, and where none fails what to do next."""
    statuses = [result.status for result in results]
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in (OK, WARN, FAIL))
    return counts if FAIL in statuses else f"{counts}; {NEXT}"


def as_json(results: list[CheckResult]) -> str:
    """Return all results, and whether the machine is fit (no check fails)."""
    findings = [  # these keys are read by programs outside this repository
        {
            "check": result.check,
            "status": result.status,
            "found": result.message,
            "remedy": result.remedy,
        }
        for result in results
    ]
    fit = all(result.status != FAIL for result in results)
    return json.dumps({"fit": fit, "findings": findings}, indent=1)
