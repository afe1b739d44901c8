"""Keys of a config that were renamed, so that the error for a former key names the new one."""

from collections.abc import Sequence

# Former dotted key -> new dotted key; "*" stands for a name of the user's, the same in both.
FORMER_KEYS = {
    "domain.fused": "domain.concatenated",
    "methods.*.loss_scale": "methods.*.loss_weight",
    "methods.*.momentum_base": "methods.*.ema_momentum",
    "methods.*.momentum_final": "methods.*.ema_momentum_final",
}


def renamed(path: Sequence[str]) -> str | None:
    """Return what the key at ``path`` is called now, in dotted form; None where it has no new name."""
    for former, new in FORMER_KEYS.items():
        parts = former.split(".")
        if len(parts) == len(path) and all(
            part in ("*", name) for part, name in zip(parts, path, strict=True)
        ):
            names = iter(name for part, name in zip(parts, path, strict=True) if part == "*")
            return ".".join(next(names) if part == "*" else part for part in new.split("."))
    return None


def now_called(path: Sequence[str]) -> str | None:
    """Return the sentence for the error of a former key; None where it is none."""
    new = renamed(path)
    return None if new is None else f"key '{'.'.join(path)}' is now called '{new}'"
