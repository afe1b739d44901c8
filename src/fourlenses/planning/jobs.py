"""The jobs of a study that cost something: betons, pretraining, evaluations.

Each job once, with the lenses that need it and how long it takes. Standard library only.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from fourlenses.config.encoders import layout_of, stored_size
from fourlenses.core.errors import UserError
from fourlenses.data.augment.shares import mean_area
from fourlenses.planning.disk import encoder_bytes, feature_bytes
from fourlenses.planning.durations import evaluation_training_images, pretraining_images
from fourlenses.planning.memory.jobs import Asked, JobMemory, Peak, TargetSizes
from fourlenses.planning.networks import network_of
from fourlenses.planning.sizes import Size, image_bytes, size_of
from fourlenses.planning.throughput import PASSES, Rate, Throughput
from fourlenses.planning.views import relative_cost
from fourlenses.study import Cell, Plan, Run, Subset, parse_source
from fourlenses.study.corruptions import CORRUPTIONS
from fourlenses.study.layout import Layout, feature_record, job_of
from fourlenses.study.smaller import smaller_run
from fourlenses.study.vocabulary import (
    EXTERNAL,
    FEATURE_PROTOCOLS,
    FROM_SCRATCH,
    METHODS,
    PROTOCOLS,
    RANDOM_INIT,
)
from fourlenses.workflow.needs import WRITER_THREADS

Number = TypeVar("Number", int, float)


@dataclass(kw_only=True)
class Job:
    """A job of a study, and what it costs.

    Args:
        kind: one of `costs.KINDS`.
        key: its name; the log and the benchmark are called so.
        lenses: that need it.
        needs: keys of the jobs that come before it.
        images: as the speed counts them; None: unknown.
        seconds: summed over the devices it holds, or of one core where `on_cpu`; None: unknown.
        how: where the speed comes from.
        devices: that it holds at once.
        on_cpu: it needs no device.
        disk_bytes: that its outputs take.
        outputs: the files that show that it is done.
        done: its outputs exist, or no job that is left needs them.
        outdated: why Snakemake makes it again though its outputs exist; "" if it does not.
        start: seconds before the work begins (imports), where they are known.
        temporary: its outputs are deleted once they are used.
        peak: the most memory that it takes.
    """

    kind: str
    key: str
    lenses: set[str]
    needs: list[str] = field(default_factory=list)
    images: int | None = None
    seconds: float | None = None
    how: str = ""
    devices: int = 1
    on_cpu: bool = False
    disk_bytes: float = 0.0
    outputs: list[Path] = field(default_factory=list)
    done: bool = False
    outdated: str = ""
    start: float = 0.0
    temporary: bool = False
    peak: Peak = field(default_factory=Peak)

    @property
    def elapsed(self) -> float:
        """Seconds from its start to its end; 0 where unknown."""
        threads = WRITER_THREADS if self.on_cpu else self.devices
        return self.start + (self.seconds or 0.0) / threads

    @property
    def held(self) -> float:
        """Seconds of devices, or of one core, start included."""
        return (self.seconds or 0.0) + self.start * self.devices


class Jobs:
    """The jobs of a plan, by key in `all`; `memory` knows what they take.

    Args:
        config: completed (`config.read`).
        root: the folder that holds data/ and results/.
        outdated: outputs that Snakemake would make again, from that folder, and why.
        asked: memory that the rules ask for, MB.

    Raises:
        UserError: more images of a published dataset are asked for than it has.
    """

    def __init__(
        self,
        config: dict,
        plan: Plan,
        speeds: Throughput,
        *,
        root: Path = Path(),
        outdated: Mapping[str, str] | None = None,
        asked: Asked | None = None,
    ) -> None:
        self.memory = JobMemory(config, on_gpu=speeds.on_gpu(config), asked=asked or {})
        self._outdated = {root / file: why for file, why in (outdated or {}).items()}
        self.config, self.plan, self.speeds, self.root = config, plan, speeds, root
        self.layout = Layout(config["study"], config["stored_size"])
        self.all: dict[str, Job] = {}
        self._sizes: dict[str, Size] = {}
        self._add_pretrainings()
        for run in sorted({cell.run for cell in plan.cells}):
            if cells := plan.cells_of(run):
                self._add_features(run, cells)
        for cell in sorted(plan.cells):
            if cell.protocol not in FEATURE_PROTOCOLS:
                self._add_training(cell)
        self._mark_done()
        start = speeds.start_seconds()
        for job in self.all.values():
            job.start = start

    def _size(self, dataset: str) -> Size:
        if dataset not in self._sizes:
            definition, stored_size = self.config["datasets"][dataset], self.config["stored_size"]
            self._sizes[dataset] = size_of(dataset, definition, stored_size, root=self.root)
        return self._sizes[dataset]

    def _images(self, dataset: str, asked: str) -> int | None:
        """Return the images of a subset; None for all of a dataset whose size is unknown."""
        size = self._size(dataset)
        images = size.of_subset(asked)
        if size.how == "published" and asked.isdigit() and int(asked) > (size.train or 0):
            raise UserError(
                f"{asked} images of dataset '{dataset}' are asked for; its published files have "
                f"{size.train} training images"
            )
        return images

    def _rate(self, kind: str, run: Run, classes: int | None = None) -> Rate:
        """Return the speed of work with a single encoder, on images of its size."""
        backbone, image_size = network_of(self.config, run)
        return self.speeds.rate(kind, backbone, image_size, classes=classes)

    def _add_beton(self, dataset: str, variant: str, run: Run, *, lenses: set[str]) -> str:
        """Add a beton of a single encoder's size, or the lenses to one that is added already.

        Returns:
            Its key.
        """
        stored, layout = stored_size(self.config, run), layout_of(self.config, run)
        key = f"{dataset}/{variant}"
        if stored != self.config["stored_size"]:
            key += f"/{stored}px"
        if key not in self.all:
            size = self._size(dataset)
            kind = "beton" if variant == "clean" else f"beton_{CORRUPTIONS[variant][0]}"
            rate = self.speeds.rate(kind, "", stored)
            permanent = variant == "clean" or self.config["keep_corrupted"]
            output = layout.beton if permanent else layout.sidecar
            self.all[key] = Job(
                kind="beton",
                key=key,
                lenses=set(),
                images=size.images,
                seconds=_seconds(rate, size.images),
                how=rate.how if size.images is not None else "unknown: how many images there are",
                on_cpu=True,
                outputs=[self.root / output(dataset, variant)],
                temporary=not permanent,
                peak=self.memory.beton(size, stored),
                disk_bytes=(size.images or 0) * image_bytes(size, stored, variant),
            )
        self.all[key].lenses |= lenses
        return key

    def _add_pretrainings(self) -> None:
        needed_by: dict[Run, set[str]] = defaultdict(set)
        for cell, lenses in self.plan.cells.items():
            if cell.protocol not in FROM_SCRATCH:
                for encoder in cell.run.encoders:
                    needed_by[encoder] |= lenses
        for run in self.plan.runs:
            self._add_pretraining(run, needed_by[run])
        # after these, whose lenses are known: those that no cell asks for, but a larger one does
        for run in self.plan.runs:
            self._add_smaller(run)

    def _add_pretraining(self, run: Run, lenses: set[str]) -> None:
        parts = parse_source(run.source)
        job = Job(
            kind="pretrain",
            key=f"pretrain/{run.name}",
            lenses=set(lenses),
            needs=[
                self._add_beton(part.dataset, part.variant, run, lenses=lenses) for part in parts
            ],
            images=0,
            seconds=0.0,
            how="nothing is trained",
            disk_bytes=encoder_bytes(self.config, run),
            outputs=[self.root / self.layout.encoder(run.name)],
        )
        self.all[job.key] = job
        if run.method in (EXTERNAL, RANDOM_INIT):
            job.peak = self.memory.untrained(run, imported=run.method == EXTERNAL)
            return
        hyper = self.config["methods"][run.method]
        job.devices = self.config["training"]["processes"] * self.config["training"]["nodes"]
        images = _sum(self._images(part.dataset, part.images) for part in parts)
        classes = sum(self._size(part.dataset).classes or 0 for part in parts)
        job.peak = self.memory.pretraining(run, images, classes=classes, parts=len(parts))
        job.images = None if images is None else pretraining_images(hyper, images, job.devices)
        rate = self._rate(hyper["method"], run)
        job.seconds = _seconds(rate, job.images)
        job.how = rate.how if job.images is not None else "unknown: how many images there are"
        if job.seconds:
            _, image_size = network_of(self.config, run)
            job.seconds *= relative_cost(hyper, self.config["augmentations"], image_size)
        if job.seconds and 0 < hyper["micro_batch"] < hyper["batch_size"] / job.devices:
            # each view is embedded once more, without gradient
            job.seconds *= 1 + METHODS[hyper["method"]].views / PASSES[hyper["method"]]

    def _add_smaller(self, run: Run) -> None:
        """Add the encoder of fewer images that a pretraining continues, and those before it."""
        job, smaller = self.all[f"pretrain/{run.name}"], smaller_run(self.config["methods"], run)
        if smaller is None:
            return
        key = f"pretrain/{smaller.name}"
        if key not in self.all:
            self._add_pretraining(smaller, set(job.lenses))
        self.all[key].lenses |= job.lenses
        if key not in job.needs:
            job.needs.append(key)
        self._add_smaller(smaller)

    def _add_features(self, run: Run, cells: list[Cell]) -> None:
        """Add the job that takes a run's features and fits classifiers on them."""
        keep = self.config["evaluation"]["keep_features"]
        needs = [f"pretrain/{encoder.name}" for encoder in run.encoders]
        images: int | None = 0
        seconds: float | None = 0.0
        how: list[str] = []
        tested: list[TargetSizes | None] = []
        rates = {encoder: self._rate("features", encoder) for encoder in run.encoders}
        for target in sorted({cell.target for cell in cells}):
            on_target = [cell for cell in cells if cell.target == target]
            lenses = {lens for cell in on_target for lens in self.plan.cells[cell]}
            images_once = self._images_of_features(target, {cell.labelled for cell in on_target})
            tested.append(self._tested(target, on_target, images_once))
            for encoder, rate in rates.items():
                needs.append(self._add_beton(target, "clean", encoder, lenses=lenses))
                images = _sum([images, images_once])
                seconds = _sum([seconds, _seconds(rate, images_once)])
                how.append(rate.how)
            classes = self._size(target).classes
            for cell in on_target:
                if PROTOCOLS[cell.protocol].fits:
                    fits = [self._rate("linear", encoder, classes) for encoder in run.encoders]
                    seconds = _sum([seconds, *(self._fit_seconds(cell, fit) for fit in fits)])
                    how += [f"classifiers: {fit.how}" for fit in fits]
        each = (images or 0) // len(run.encoders)
        job = Job(
            kind="features",
            key=f"evaluate/{run.name}",
            lenses={lens for cell in cells for lens in self.plan.cells[cell]},
            needs=list(dict.fromkeys(needs)),
            images=images,
            seconds=seconds,
            how="; ".join(dict.fromkeys(how)),
            outputs=[self.root / self.layout.evaluation(feature_record(run.name))],
            disk_bytes=feature_bytes(self.config, run, each) if keep else 0.0,
            peak=self.memory.features(run, tested),
        )
        self.all[job.key] = job

    def _tested(self, target: str, cells: list[Cell], images: int | None) -> TargetSizes | None:
        """Return what decides the memory of an evaluation on a target; None: its size is unknown.

        Args:
            images: that features are taken of.
        """
        size = self._size(target)
        labels = [self._images(target, Subset.parse(cell.labelled).size) for cell in cells]
        known = [count for count in labels if count is not None]
        if images is None or size.test is None or size.classes is None or not known:
            return None
        return TargetSizes(
            images=images,
            labels=max(known),
            tested=size.test,
            classes=size.classes,
            neighbours=any(not PROTOCOLS[cell.protocol].fits for cell in cells),
        )

    def _fit_seconds(self, cell: Cell, fit: Rate) -> float | None:
        """Return the seconds of a cell's linear classifiers on one encoder's features.

        Args:
            fit: the speed of one of them.
        """
        seconds = _seconds(fit, self._images(cell.target, Subset.parse(cell.labelled).size))
        return None if seconds is None else seconds * PROTOCOLS[cell.protocol].fits

    def _images_of_features(self, target: str, subsets: set[str]) -> int | None:
        """Return the training images in the union of the subsets, and the test images.

        The subsets of one draw are nested.
        """
        size = self._size(target)
        largest: dict[tuple[bool, bool, int], int] = defaultdict(int)
        for name in subsets:
            subset = Subset.parse(name)
            images = self._images(target, subset.size)
            if images is None:
                return None
            draw = subset.balanced, subset.per_class, subset.draw
            largest[draw] = max(largest[draw], images)
        union = sum(largest.values())
        return None if size.test is None else min(union, size.train or union) + size.test

    def _add_training(self, cell: Cell) -> None:
        """Add an evaluation that trains."""
        lenses = self.plan.cells[cell]
        from_scratch = cell.protocol in FROM_SCRATCH
        encoder = Run(RANDOM_INIT, "none", cell.run.seed) if from_scratch else cell.run
        beton = self._add_beton(cell.target, "clean", encoder, lenses=lenses)
        needs = [f"pretrain/{encoder.name}", beton]
        if needs[0] not in self.all:
            self._add_pretraining(encoder, set(lenses))
        self.all[needs[0]].lenses |= lenses
        evaluation = self.config["evaluation"]
        labels = self._images(cell.target, Subset.parse(cell.labelled).size)
        test = self._size(cell.target).test
        job = Job(
            kind=cell.protocol,
            key=f"evaluate/{job_of(cell.record)}",
            lenses=set(lenses),
            needs=needs,
            how=f"unknown: how many images '{cell.target}' has",
            devices=evaluation["processes"],
            outputs=[self.root / self.layout.evaluation(cell.record)],
        )
        if labels is not None and test is not None:
            job.images, validated = evaluation_training_images(
                evaluation[cell.protocol],
                labels,
                validation_fraction=evaluation["validation_fraction"],
                processes=job.devices,
            )
            rate, features = (self._rate(kind, encoder) for kind in (cell.protocol, "features"))
            job.how = rate.how
            area = mean_area(evaluation[cell.protocol].get("progressive_sizes", [1]))
            trained, tested = rate.seconds(job.images), features.seconds(validated + test)
            job.seconds = _sum([None if trained is None else area * trained, tested])
        job.peak = self.memory.evaluation_training(
            encoder, cell.protocol, labels, size=self._size(cell.target)
        )
        self.all[job.key] = job

    def _mark_done(self) -> None:
        """Mark what Snakemake would not run.

        A job is done if its outputs exist, or if all jobs that need them are done.
        """
        needed_by: dict[str, list[str]] = defaultdict(list)
        for job in self.all.values():
            for need in job.needs:
                needed_by[need].append(job.key)
        order = {"beton": 2, "pretrain": 1}  # those that nobody needs first
        for job in sorted(self.all.values(), key=lambda job: order.get(job.kind, 0)):
            users = needed_by[job.key]
            unneeded = bool(users) and all(self.all[user].done for user in users)
            whole = all(output.exists() for output in job.outputs)
            reasons = [self._outdated[file] for file in job.outputs if file in self._outdated]
            job.outdated = reasons[0] if whole and reasons else ""
            job.done = (whole and not reasons) or (unneeded and not job.outdated)


def _seconds(rate: Rate, images: int | None) -> float | None:
    return None if images is None else rate.seconds(images)


def _sum(numbers: Iterable[Number | None]) -> Number | None:
    """Return the sum; None where one of the numbers is unknown."""
    values = list(numbers)
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
