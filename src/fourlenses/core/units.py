"""Bytes and durations in words, for messages, logs and reports."""

from math import floor, log10

import humanfriendly


def format_bytes(count: float | None, *, binary: bool = False) -> str:
    """Return bytes as ``26.1 GB``; for memory (``binary``), as ``24.3 GiB``. None is unknown."""
    if count is None:
        return "an unknown number of bytes"
    # an integer, for 0.0 would be "0.0 bytes"
    return humanfriendly.format_size(round(count), binary=binary)


def format_duration(seconds: float) -> str:
    """Return ``5.2 s``, ``1 min 11 s``, ``2 h 02 min`` or ``4 d 15 h``.

    Not humanfriendly's `format_timespan`, whose ``2 hours and 2 minutes`` no table has room for.
    """
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def about_duration(seconds: float) -> str:
    """Return `20 min`: with one digit, as much as an estimate knows."""
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * size:
            value = seconds / size
            return f"{int(round(value, -floor(log10(value))))} {unit}"
    return "a minute"
