"""The result of a check."""

from dataclasses import dataclass, field

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class CheckResult:
    """A line of the report.

    Attributes:
        check: What was inspected.
        status: ok, warn (works, but slower or not for all) or fail.
        message: The state of it.
        remedy: What to do about it; "" for ok.
    """

    check: str
    status: str
    message: str
    remedy: str = field(default="", kw_only=True)
