"""The result of a check."""

from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class CheckResult:
    """A line of the report.

    Attributes:
        check: What was inspected.
        status: ok, warn (works, but slower or not for all) or fail.
        found: What it is like.
        remedy: What to do about it; "" for ok.
    """

    check: str
    status: str
    found: str
    remedy: str = ""
