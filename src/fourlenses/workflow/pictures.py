"""What the pictures of a study's images show, from its plan and config.

Standard library only: the Snakefile imports it, and is read again in every job.
"""

from typing import Any

from fourlenses.study import CLEAN, Plan, Run, methods, names, parse_source
from fourlenses.study.vocabulary import EXTERNAL, RANDOM_INIT, UNTRAINED

MOST_ENCODERS = 4  # of the picture of neighbours


def treatments(plan: Plan, config: dict, dataset: str) -> dict[str, Any]:
    """Return what the study does to the images of a dataset.

    Args:
        plan: of the study.
        config: completed.
        dataset: its name.

    Returns:
        ``augmentations``: the label of each method pretrained on it from random weights and the
        augmentation of each of its views, one entry for methods that share theirs;
        ``corruptions``; ``stored_size`` and ``image_size``, px; ``seed``.
    """
    entries: set[str] = set()
    corruptions: dict[str, None] = {}
    for run in plan.runs:
        for part in parse_source(run.source):
            if part.dataset == dataset:
                entries.add(run.method)
                if part.corruption != CLEAN:
                    corruptions.setdefault(part.corruption)
    shared: dict[tuple[str, ...], list[str]] = {}
    for entry in _as_named(entries):
        settings = config["methods"][entry]
        views = tuple(settings.get("augmentations", ()))
        # one that continues a download gets images of that encoder's size, from another beton
        if views and not settings.get("start"):
            shared.setdefault(views, []).append(methods.label(entry))
    return {
        "augmentations": [
            [", ".join(labels), [config["augmentations"][view] for view in views]]
            for views, labels in shared.items()
        ],
        "corruptions": list(corruptions),
        "stored_size": config["stored_size"],
        "image_size": config["image_size"],
        "seed": config["seeds"][0],
    }


def compared_encoders(plan: Plan, dataset: str, seed: int) -> dict[str, Run]:
    """Return the encoders whose neighbours are compared on a dataset, by what they are called.

    The one that was never trained; of each method the one on most clean images of the dataset; one
    of another domain; external ones. At most `MOST_ENCODERS`.

    Args:
        plan: of the study.
        dataset: evaluated on.
        seed: of the encoders.
    """
    evaluated = [run for run in plan.runs if run.seed == seed and _on_dataset(plan, run, dataset)]
    largest: dict[str, Run] = {}
    for run in evaluated:
        known = largest.get(run.method)
        if run.method not in UNTRAINED and (known is None or _images(run) > _images(known)):
            largest[run.method] = run
    chosen = [run for run in evaluated if run.method == RANDOM_INIT]
    own = [largest[entry] for entry in _as_named(set(largest))]
    external = [run for run in evaluated if run.method == EXTERNAL]
    # the first method again, pretrained on another domain
    elsewhere = [
        run for run in _of_others(plan, dataset, seed) if own and run.method == own[0].method
    ]
    chosen += [*own[:1], *elsewhere[:1], *external[:1], *own[1:], *external[1:]]
    return {_name(run): run for run in chosen[:MOST_ENCODERS]}


def _of_others(plan: Plan, dataset: str, seed: int) -> list[Run]:
    """Encoders on clean images of one other dataset, evaluated on this one; largest first."""
    found = []
    for run in plan.runs:
        parts = parse_source(run.source)
        other = len(parts) == 1 and parts[0].dataset != dataset and parts[0].corruption == CLEAN
        if other and run.seed == seed and any(c.target == dataset for c in plan.cells_of(run)):
            found.append(run)
    return sorted(found, key=lambda run: (-_images(run), run.source))


def _as_named(entries: set[str]) -> list[str]:
    """Entries of `methods` in the order of figures, without those made from another (`_half`)."""
    made = {f"{entry}_{ending}" for entry in entries for ending in methods.DERIVED}
    return methods.in_order(entries - made)


def _on_dataset(plan: Plan, run: Run, dataset: str) -> bool:
    """Whether the encoder was pretrained on clean images of the dataset alone, or on none."""
    parts = parse_source(run.source)
    own = all(part.dataset == dataset and part.corruption == CLEAN for part in parts)
    is_external = run.method == EXTERNAL
    return own if not is_external else any(cell.target == dataset for cell in plan.cells_of(run))


def _images(run: Run) -> float:
    sizes = [part.images for part in parse_source(run.source)]
    return sum(float(size) if size.isdigit() else float("inf") for size in sizes)


def _name(run: Run) -> str:
    if run.method == EXTERNAL:
        return run.source
    if run.method == RANDOM_INIT:
        return methods.label(run.method)
    return f"{methods.label(run.method)} on {names.source(run.source)}"
