"""Findings as lines for a terminal, or JSON."""

import json
import textwrap
from dataclasses import asdict

from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult

_COLOURS = {OK: "32", WARN: "33", FAIL: "31"}
_WIDTH, _NAME = 100, 24


def lines(finding: CheckResult, colours: bool) -> str:
    """Status, check and what was found; the remedy below."""
    status = f"{finding.status:<5}"
    if colours:
        status = f"\033[{_COLOURS[finding.status]}m{status}\033[0m"
    found = textwrap.wrap(finding.found, _WIDTH - _NAME - 6, break_long_words=False) or [""]
    shown = [
        f"{status} {finding.check:<{_NAME}}{found[0]}",
        *(" " * (_NAME + 6) + line for line in found[1:]),
    ]
    if finding.remedy:
        remedy = textwrap.wrap(
            f"do: {finding.remedy}",
            _WIDTH - _NAME - 6,
            subsequent_indent="    ",
            break_long_words=False,
        )
        shown += [" " * (_NAME + 6) + line for line in remedy]
    return "\n".join(shown)


def summary(findings: list[CheckResult]) -> str:
    counts = {
        status: sum(finding.status == status for finding in findings) for status in (OK, WARN, FAIL)
    }
    return f"{counts[OK]} ok, {counts[WARN]} warn, {counts[FAIL]} fail"


def as_json(findings: list[CheckResult]) -> str:
    fit = all(finding.status != FAIL for finding in findings)
    return json.dumps({"fit": fit, "findings": [asdict(finding) for finding in findings]}, indent=1)
