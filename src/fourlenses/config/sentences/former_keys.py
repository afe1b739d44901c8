"""Keys of a config that were renamed, so that the error for a former key names the new one."""

from collections.abc import Sequence

from fourlenses.study.vocabulary import TRAINING_PROTOCOLS

# Former dotted key -> new dotted key; "*" stands for a name of the user's, the same in both.
FORMER_KEYS = {
    "evaluation.neighbours": "evaluation.knn.k",
    "evaluation.strength_of_supervised": "evaluation.linear.l2_of_supervised",
    "evaluation.strengths": "evaluation.linear.l2",
    "evaluation.temperature": "evaluation.knn.temperature",
    "domain.fused": "domain.concatenated",
    "training.health_images": "training.monitor_images",
    **{
        f"evaluation.{name}.views": f"evaluation.{name}.augmentations"
        for name in TRAINING_PROTOCOLS
    },
    "views": "augmentations",
    "methods.*.views": "methods.*.augmentations",
    "methods.*.loss_scale": "methods.*.loss_weight",
    "methods.*.momentum_base": "methods.*.ema_momentum",
    "methods.*.momentum_final": "methods.*.ema_momentum_final",
}


def renamed(path: Sequence[str]) -> str | None:
    """Return the new name of the key at `path`, in dotted form; None where it has none."""
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
