"""What one check found."""

from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class CheckResult:
    """One line of the report: what was looked at, whether it is ok, warn (works, but slower or not for all) or fail, what was found there,
    and what to do about it (empty for ok).
    """

    check: str
    status: str
    found: str
    remedy: str = ""
