"""From a config to the plan of a study: which encoders to pretrain, on what to evaluate them, and which lens looks at which number.

Standard library only: the Snakefile imports this module, and it is parsed again in every job.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from fourlenses.data.corruption_names import CORRUPTIONS, changes_nothing
from fourlenses.errors import UserError, one_of

LENSES = ("quantity", "domain", "quality", "granularity")
CLEAN = "none"  # the value of the `corruption` column for images as they are
ALL = "all"  # as many images as the dataset has; its number is known once it is indexed
FLOOR = "random"  # the method that does not train: a randomly initialised encoder, the floor of every figure
SEVERAL = "~"  # between the sources of several encoders whose features stand side by side
SCRATCH = "scratch"  # the protocol that starts from no encoder
# Protocols that look at features alone share one job per encoder; the others train a network, and each is a job of its own.
ON_FEATURES = ("linear", "linear_per_level", "knn")
TRAINED = ("linear_augmented", "fine_tune", SCRATCH)

# What each lens draws: figures/<name>.{svg,png,csv}, each a module of fourlenses.lenses.
FIGURES = {
    "quantity": ("quantity", "quantity_gain"),
    "domain": ("domain", "domain_pools"),
    "quality": ("quality", "quality_severity"),
    "granularity": ("granularity", "granularity_gap"),
}
SIMILARITY = "domain_similarity"  # the one figure that reads similarity.csv beside the table

_PART = re.compile(r"(?P<dataset>[a-z][a-z0-9_]*)-(?P<images>[0-9]+|all)(@(?P<corruption>[a-z][a-z0-9_]*))?")
Quantity = int | str


@dataclass(frozen=True, order=True)
class Part:
    """One dataset's share of a pretraining set: ``imagenet-250000@jpeg10`` is 250,000 images with the corruption ``jpeg10``."""

    dataset: str
    images: str
    corruption: str = CLEAN

    @property
    def variant(self) -> str:
        return "clean" if self.corruption == CLEAN else self.corruption

    def __str__(self) -> str:
        return f"{self.dataset}-{self.images}" + ("" if self.corruption == CLEAN else f"@{self.corruption}")


def parse_source(source: str) -> list[Part]:
    """The parts of a source name; ``none`` (nothing was pretrained on) has no parts.

    Raises:
        UserError: the name is not of the form ``dataset-images[@corruption]``, parts joined by ``+``.
    """
    if source == "none":
        return []
    parts = []
    for text in source.split("+"):
        match = _PART.fullmatch(text)
        if not match:
            raise UserError(f"'{text}' in source '{source}' is not of the form dataset-images or dataset-images@corruption")
        parts.append(Part(match["dataset"], match["images"], match["corruption"] or CLEAN))
    return parts


@dataclass(frozen=True, order=True)
class Run:
    """One encoder: a method, what it was pretrained on, and a seed (of the subset, of the initialisation and of the training).

    Or several encoders of one method and seed, whose features stand side by side: their sources are joined by ``SEVERAL``.
    """

    method: str
    source: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.method}/{self.source}/seed{self.seed}"

    @property
    def encoders(self) -> list["Run"]:
        return [Run(self.method, source, self.seed) for source in self.source.split(SEVERAL)]

    @property
    def corruption(self) -> str:
        parts = [part for source in self.source.split(SEVERAL) for part in parse_source(source)]
        return "+".join(sorted({part.corruption for part in parts})) or CLEAN


@dataclass(frozen=True, order=True)
class Subset:
    """Some of a dataset's training images: how many, of which of several draws, and whether of each class as many as can be."""

    images: str
    balanced: bool = False
    draw: int = 0

    _NAME = re.compile(r"(?P<images>[0-9]+|all)(?P<balanced>_balanced)?(_draw(?P<draw>[0-9]+))?")

    @classmethod
    def parse(cls, name: str) -> "Subset":
        """
        Raises:
            UserError: the name is not of the form ``1000``, ``all``, ``1000_balanced``, ``1000_draw2`` or ``1000_balanced_draw2``.
        """
        match = cls._NAME.fullmatch(name)
        if not match:
            raise UserError(f"'{name}' is no subset: a number or 'all', with _balanced or _draw<k> behind it")
        return cls(match["images"], bool(match["balanced"]), int(match["draw"] or 0))

    def __str__(self) -> str:
        return self.images + ("_balanced" if self.balanced else "") + (f"_draw{self.draw}" if self.draw else "")


@dataclass(frozen=True, order=True)
class Cell:
    """One number to measure: an encoder on a target dataset with a subset of its labels under a protocol.

    Under ``scratch`` the run says what is trained, supervised on as many images; there is no such encoder.
    """

    run: Run
    target: str
    labelled: str
    protocol: str

    @property
    def record(self) -> str:
        """The file, below evaluate/, in which the number is looked for."""
        return (
            f"{self.run.name}/{self.protocol}/{self.target}/{self.labelled}.json"
            if self.protocol in TRAINED
            else f"{self.run.name}/cells.json"
        )


@dataclass
class Plan:
    """Every cell of a study with the lenses that look at it. Runs shared by several lenses occur once."""

    cells: dict[Cell, set[str]] = field(default_factory=dict)
    # Kept by run: every job of a study asks for its own, and to look through all cells each time would take longer than Snakemake does.
    _on_features: dict[Run, list[Cell]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for cell in self.cells:
            self._keep(cell)

    def add(self, lens: str, cell: Cell) -> None:
        if cell not in self.cells:
            self._keep(cell)
        self.cells.setdefault(cell, set()).add(lens)

    def _keep(self, cell: Cell) -> None:
        if cell.protocol in ON_FEATURES:
            self._on_features.setdefault(cell.run, []).append(cell)

    @property
    def runs(self) -> list[Run]:
        """The encoders to be pretrained."""
        return sorted({encoder for cell in self.cells if cell.protocol != SCRATCH for encoder in cell.run.encoders})

    @property
    def records(self) -> list[str]:
        return sorted({cell.record for cell in self.cells})

    def cells_of(self, run: Run) -> list[Cell]:
        """What is evaluated on the run's features."""
        return sorted(self._on_features.get(run, ()), key=_cell_order)

    def as_json(self) -> list[dict]:
        """The cells as plain values, in a stable order, for results/<study>/study.json."""
        return [
            {
                "run": cell.run.name,
                "target": cell.target,
                "labelled": cell.labelled,
                "protocol": cell.protocol,
                "record": cell.record,
                "lenses": [lens for lens in LENSES if lens in lenses],
            }
            for cell, lenses in sorted(self.cells.items(), key=lambda item: (item[0].run, _cell_order(item[0])))
        ]


def _cell_order(cell: Cell) -> tuple:
    subset = Subset.parse(cell.labelled)
    return cell.target, cell.protocol, float("inf") if subset.images == ALL else int(subset.images), subset


def make_plan(config: dict) -> Plan:
    """The plan of a validated config.

    Raises:
        UserError: a lens names a dataset, method or corruption that is not defined, or more images than a dataset is defined to have.
    """
    plan = Plan()
    for lens in config["lenses"]:
        settings = config[lens]
        _check(config, lens, settings)
        for place, entry in enumerate(settings.get("more", [])):
            _check(config, f"{lens}.more[{place}]", {**settings, **entry})
        for seed in config["seeds"]:
            for run, target, labelled, protocol in _ENUMERATE[lens](settings, seed):
                for subset in _subsets(labelled, config["evaluation"]):
                    plan.add(lens, Cell(run, target, str(subset), protocol))
                    if protocol in (*ON_FEATURES, "linear_augmented"):
                        plan.add(lens, Cell(Run(FLOOR, "none", seed), target, str(subset), protocol))
    return plan


def figure_names(config: dict) -> list[str]:
    """The figures of a study, in the order of its lenses."""
    return [figure for lens in config["lenses"] for figure in FIGURES[lens]]


def _subsets(labelled: Quantity, settings: dict) -> list[Subset]:
    repeated = labelled != ALL and labelled <= settings["label_repeats_up_to"]
    draws = settings["label_repeats"] if repeated else 1
    balanced = settings["label_subsets"] == "balanced" and labelled != ALL
    return [Subset(str(labelled), balanced, draw) for draw in range(draws)]


Enumerated = Iterator[tuple[Run, str, Quantity, str]]


def _quantity(settings: dict, seed: int) -> Enumerated:
    """Figures 2 and 3: in-domain pretraining at every quantity, every label size; supervised from scratch on the same labels.

    An entry of ``more`` is the lens once again with what it says instead: three methods on one dataset only, as in Figure 3.
    """
    for entry in settings.get("more", []):
        yield from _quantity({**settings, "more": [], **entry}, seed)
    for dataset in settings["datasets"]:
        for labelled in settings["labelled_images"]:
            for method in settings["methods"]:
                for images in settings["pretrain_images"]:
                    for protocol in settings["protocols"]:
                        yield Run(method, f"{dataset}-{images}", seed), dataset, labelled, protocol
            yield Run("supervised", f"{dataset}-{labelled}", seed), dataset, labelled, SCRATCH


def _domain(settings: dict, seed: int) -> Enumerated:
    """Tables 1 to 3: every source dataset, pool of them, and set of encoders side by side, onto every target, all labels."""
    images = settings["pretrain_images"]
    sources = [f"{dataset}-{images}" for dataset in settings["datasets"]]
    sources += ["+".join(f"{dataset}-{settings['pool_images']}" for dataset in pool) for pool in settings["pools"]]
    sources += [SEVERAL.join(f"{dataset}-{images}" for dataset in fused) for fused in settings["fused"]]
    for source in sources:
        for target in settings["datasets"]:
            for method in settings["methods"]:
                for protocol in settings["protocols"]:
                    if SEVERAL not in source or protocol in ON_FEATURES:
                        yield Run(method, source, seed), target, settings["labelled_images"], protocol


def _quality(settings: dict, seed: int) -> Enumerated:
    """Figure 4: pretrain on corrupted images, evaluate on clean ones; contrastive beside supervised."""
    for dataset in settings["datasets"]:
        for corruption in [CLEAN, *settings["corruptions"]]:
            source = str(Part(dataset, str(settings["pretrain_images"]), corruption))
            for method in settings["methods"]:
                for protocol in settings["protocols"]:
                    yield Run(method, source, seed), dataset, settings["labelled_images"], protocol


def _granularity(settings: dict, seed: int) -> Enumerated:
    """Figure 5: linear for contrastive, end to end from scratch for supervised, scored at every level of the hierarchy."""
    for dataset in settings["datasets"]:
        labelled = settings["labelled_images"]
        for method in settings["methods"]:
            for protocol in settings["protocols"]:
                yield Run(method, f"{dataset}-{settings['pretrain_images']}", seed), dataset, labelled, protocol
        yield Run("supervised", f"{dataset}-{labelled}", seed), dataset, labelled, SCRATCH


_ENUMERATE = {"quantity": _quantity, "domain": _domain, "quality": _quality, "granularity": _granularity}


def _check(config: dict, lens: str, settings: dict) -> None:
    pools, fused = ([name for one in settings.get(key, []) for name in one] for key in ("pools", "fused"))
    for key, datasets in (("datasets", settings["datasets"]), ("pools", pools), ("fused", fused)):
        for dataset in datasets:
            if dataset not in config["datasets"]:
                raise UserError(f"key '{lens}.{key}': {one_of('dataset', dataset, config['datasets'])}")
    trained = [method for method in config["methods"] if method != FLOOR]
    for method in settings["methods"]:
        if method not in trained:
            raise UserError(f"key '{lens}.methods': {one_of('method', method, trained)}")
    for corruption in settings.get("corruptions", []):
        if corruption not in CORRUPTIONS:
            raise UserError(f"key '{lens}.corruptions': {one_of('corruption', corruption, CORRUPTIONS)}")
        if changes_nothing(corruption, config["stored_size"]):
            raise UserError(
                f"key '{lens}.corruptions': '{corruption}' changes no image at stored_size: {config['stored_size']}, to which the "
                "shortest side is shrunk anyway; raise 'stored_size' or leave it out"
            )
    asked = [("pretrain_images", [*settings["datasets"], *fused]), ("labelled_images", settings["datasets"]), ("pool_images", pools)]
    for key, datasets in asked:
        sizes = settings.get(key, [])
        for size in sizes if isinstance(sizes, list) else [sizes]:
            for dataset in datasets:
                has = config["datasets"][dataset].get("train_images")
                if size != ALL and has is not None and size > has:
                    raise UserError(
                        f"key '{lens}.{key}' asks for {size} images, but dataset '{dataset}' is defined with "
                        f"train_images: {has}; lower the one or raise the other"
                    )
