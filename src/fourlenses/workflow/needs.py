"""Data that the jobs of a study need: which datasets, betons, labels and files.

Standard library only: the Snakefile imports it, and is read again in every job.
"""

from fourlenses.study import CLEAN, Part, Plan, Run, Subset, parse_source
from fourlenses.study.layout import Layout, manifest
from fourlenses.study.vocabulary import FROM_SCRATCH, RANDOM_INIT

WRITER_THREADS = 8  # of a job that decodes images into a beton


def targets(plan: Plan) -> list[str]:
    """Return the datasets that encoders are evaluated on."""
    return sorted({cell.target for cell in plan.cells})


def _parts(plan: Plan) -> list[Part]:
    return [part for run in plan.runs for part in parse_source(run.source)]


def datasets(plan: Plan) -> list[str]:
    """Return all datasets, of pretraining and of evaluation."""
    return sorted({part.dataset for part in _parts(plan)} | set(targets(plan)))


def variants(plan: Plan) -> list[tuple[str, str]]:
    """Return each dataset with each variant of its images: `clean` or a corruption."""
    clean = Part("any", "all", CLEAN).variant
    pretraining = {(part.dataset, part.variant) for part in _parts(plan)}
    return sorted(pretraining | {(target, clean) for target in targets(plan)})


def most_images(plan: Plan, dataset: str) -> int:
    """Return the largest number of training images that the study takes from a dataset.

    For pretraining or as labels; 0 where it only takes `all`.
    """
    sizes = [part.images for part in _parts(plan) if part.dataset == dataset]
    sizes += [Subset.parse(cell.labelled).images for cell in plan.cells if cell.target == dataset]
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


def evaluation_targets(plan: Plan, layout: Layout, run: Run) -> list[dict]:
    """Return what an encoder's features are evaluated on, in one job.

    Returns:
        For each target `dataset`, `beton`, `manifest` and `subsets`: the file of each number of
        labels under each protocol.
    """
    found: dict[str, dict] = {}
    for cell in plan.cells_of(run):
        entry = found.setdefault(
            cell.target,
            {
                "dataset": cell.target,
                "beton": layout.beton(cell.target),
                "manifest": manifest(cell.target),
                "subsets": {},
            },
        )
        subset = layout.subset(cell.target, cell.labelled, cell.run.seed)
        entry["subsets"].setdefault(cell.protocol, {})[cell.labelled] = subset
    return list(found.values())


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
