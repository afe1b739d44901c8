"""Data that the jobs of a study need: which datasets, betons, labels and files.

Standard library only: the Snakefile imports it, and is read again in every job.
"""

from collections.abc import Callable

from fourlenses.config.encoders import layout_of, stored_size
from fourlenses.study import CLEAN, Part, Plan, Run, Subset, parse_source
from fourlenses.study.layout import manifest
from fourlenses.study.vocabulary import FROM_SCRATCH, RANDOM_INIT

WRITER_THREADS = 8  # of a job that decodes images into a beton
SMALL_IMAGES = 128  # px, stored


def targets(plan: Plan) -> list[str]:
    """Return the datasets that encoders are evaluated on."""
    return sorted({cell.target for cell in plan.cells})


def _parts(plan: Plan) -> list[Part]:
    return [part for run in plan.runs for part in parse_source(run.source)]


def datasets(plan: Plan) -> list[str]:
    """Return all datasets, of pretraining and of evaluation."""
    return sorted({part.dataset for part in _parts(plan)} | set(targets(plan)))


def evaluation_memory(config: dict, run: Run) -> int:
    """Return the MB that an evaluation on features asks for (docs/measured/planning.md)."""
    sides = [stored_size(config, encoder) for encoder in run.encoders]
    return 8000 if max(sides) <= SMALL_IMAGES else 16000


def compared_targets(plan: Plan, dataset: str) -> list[str]:
    """Return the other targets whose test images must not be among what is pretrained on.

    None where nothing is pretrained on the dataset.
    """
    if dataset not in {part.dataset for part in _parts(plan)}:
        return []
    return [target for target in targets(plan) if target != dataset]


def betons(plan: Plan, config: dict) -> list[str]:
    """Return all stored images that the study reads, each at the size that an encoder takes.

    Args:
        config: completed.
    """
    clean = Part("any", "all", CLEAN).variant
    pretraining = {
        layout_of(config, run).beton(part.dataset, part.variant)
        for run in plan.runs
        for part in parse_source(run.source)
    }
    evaluation = {
        layout_of(config, encoder).beton(cell.target, clean)
        for cell in plan.cells
        for encoder in starting_run(cell.run, cell.protocol).encoders
    }
    return sorted(pretraining | evaluation)


def most_images(plan: Plan, dataset: str) -> int:
    """Return the largest number of training images that the study takes from a dataset.

    For pretraining or as labels; 0 where it only takes `all`.
    """
    sizes = [part.images for part in _parts(plan) if part.dataset == dataset]
    sizes += [Subset.parse(cell.labelled).size for cell in plan.cells if cell.target == dataset]
    return max((int(size) for size in sizes if size.isdigit()), default=0)


def writer_threads(source: str) -> int:
    """Return the threads of a job that writes a beton. source: of the dataset.

    Drawing holds Python's lock; decoding does not. The bytes do not depend on it.
    """
    return 1 if source == "synthetic" else WRITER_THREADS


def starting_run(run: Run, protocol: str) -> Run:
    """Return the encoder that a training of a protocol starts from.

    From scratch it is the one that was never trained, for its backbone and seed.
    """
    return Run(RANDOM_INIT, "none", run.seed) if protocol in FROM_SCRATCH else run


def evaluation_targets(plan: Plan, config: dict, run: Run) -> list[dict]:
    """Return what an encoder's features are evaluated on, in one job.

    Args:
        config: completed.
        run: one encoder, or several concatenated.

    Returns:
        For each target `dataset`, `betons` (by the stored size that an encoder takes), `manifest`
        and `subsets`: the file of each number of labels under each protocol.
    """
    layouts = [layout_of(config, encoder) for encoder in run.encoders]
    targets: dict[str, dict] = {}
    for cell in plan.cells_of(run):
        entry = targets.setdefault(
            cell.target,
            {
                "dataset": cell.target,
                "betons": {str(each.stored_size): each.beton(cell.target) for each in layouts},
                "manifest": manifest(cell.target),
                "subsets": {},
            },
        )
        # of every stored size the same rows
        subset = layouts[0].subset(cell.target, cell.labelled, cell.run.seed)
        entry["subsets"].setdefault(cell.protocol, {})[cell.labelled] = subset
    return list(targets.values())


def placed_targets(targets: list[dict], placed: Callable[[str], str]) -> list[dict]:
    """Return `evaluation_targets` with every path under a module's prefix.

    Args:
        targets: see there.
        placed: puts the prefix before a path.
    """
    return [
        {
            "dataset": target["dataset"],
            "betons": {size: placed(file) for size, file in target["betons"].items()},
            "manifest": placed(target["manifest"]),
            "subsets": {
                protocol: {labels: placed(file) for labels, file in files.items()}
                for protocol, files in target["subsets"].items()
            },
        }
        for target in targets
    ]


def beton_files(targets: list[dict]) -> list[str]:
    """Return the files of images that `evaluation_targets` names."""
    return list(dict.fromkeys(file for target in targets for file in target["betons"].values()))


def label_files(targets: list[dict]) -> list[str]:
    """Return the files of labelled images that `evaluation_targets` names."""
    return sorted(
        {
            file
            for target in targets
            for files in target["subsets"].values()
            for file in files.values()
        }
    )
