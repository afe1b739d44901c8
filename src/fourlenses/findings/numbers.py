"""One rounding for all numbers that findings and cards write. Standard library only."""

POINTS = "points"
NOTHING = "–"


def number(value: float, unit: str = POINTS) -> str:
    """Points and percent to a tenth, log-odds to a hundredth; with a sign, never -0.0."""
    digits = 2 if unit == "log-odds" else 1
    # by way of what the JSON holds, so that no two files differ
    rounded = round(round(value, 4), digits) + 0.0
    return f"{rounded:+.{digits}f}"


def end(value: float, unit: str = POINTS) -> str:
    """An end of an interval: one just below 0 is -0.0, as the sign says on which side 0 is."""
    rounded = number(value, unit)
    return f"-{rounded[1:]}" if round(value, 4) < 0 else rounded


def difference(
    estimate: float | None, low: float | None, high: float | None, *, unit: str = POINTS
) -> str:
    """`+8.2 (+5.4 to +10.9)`; a dash where there is no number."""
    if estimate is None or low is None or high is None:
        return NOTHING
    return f"{number(estimate, unit)} ({end(low, unit)} to {end(high, unit)})"


def percent(estimate: float, low: float, high: float) -> str:
    """`71.7 (68.7 to 74.5)`"""
    first, second, third = (number(value).removeprefix("+") for value in (estimate, low, high))
    return f"{first} ({second} to {third})"


def images(count: int) -> str:
    """`3,000`; in sentences numbers are whole, in figures short."""
    return f"{count:,}"
