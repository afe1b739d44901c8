"""Every job of a study that costs something: betons, pretraining, evaluations; each once, with who needs it and how long it takes.

Standard library only.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.planning.disk import encoder_bytes, feature_bytes
from fourlenses.planning.durations import evaluation_training_images, pretraining_images
from fourlenses.planning.sizes import Size, image_bytes, size_of
from fourlenses.planning.throughput import PASSES, Rate, Throughput
from fourlenses.study import ALL, Cell, Plan, Run, Subset, parse_source
from fourlenses.study.corruptions import CORRUPTIONS
from fourlenses.study.layout import Layout, feature_record, job_of
from fourlenses.study.vocabulary import FEATURE_PROTOCOLS, FROM_SCRATCH, PROTOCOLS, RANDOM_INIT

WRITER_THREADS = 8  # rules/common.smk: writing_threads


@dataclass
class Job:
    """seconds: of the devices it holds, in sum; of one core where ``on_cpu``; None: unknown. images: as the speed counts them.

    start: seconds before the work begins (imports), where they are known. devices: how many it holds at once. needs: keys of jobs that
    come before. temporary: deleted once used. done: what it would make is there, or nobody left needs it.
    """

    kind: str
    key: str
    lenses: set[str]
    needs: list[str]
    images: int | None
    seconds: float | None
    how: str
    devices: int = 1
    on_cpu: bool = False
    disk_bytes: float = 0.0
    outputs: list[Path] = field(default_factory=list)
    done: bool = False
    start: float = 0.0
    temporary: bool = False

    @property
    def elapsed(self) -> float:
        """Seconds from its start to its end; 0 where unknown."""
        return self.start + (self.seconds or 0.0) / (
            WRITER_THREADS if self.on_cpu else self.devices
        )

    @property
    def held(self) -> float:
        """Seconds of devices, or of one core, start included."""
        return (self.seconds or 0.0) + self.start * self.devices


class Jobs:
    """The jobs of a plan. config: completed (`config.read`). root: the folder that holds data/ and results/."""

    def __init__(self, config: dict, plan: Plan, speeds: Throughput, root: Path = Path()) -> None:
        self.config, self.plan, self.speeds, self.root = config, plan, speeds, root
        self.layout = Layout(config["study"], config["stored_size"])
        self.sizes: dict[str, Size] = {}
        self.all: dict[str, Job] = {}
        self.processes, self.evaluation_processes = (
            config["training"]["processes"],
            config["evaluation"]["processes"],
        )
        looked_at_by: dict[Run, set[str]] = defaultdict(set)
        for cell, lenses in plan.cells.items():
            if cell.protocol not in FROM_SCRATCH:
                for encoder in cell.run.encoders:
                    looked_at_by[encoder] |= lenses
        for run in plan.runs:
            self._add_pretraining(run, looked_at_by[run])
        by_run: dict[Run, list[Cell]] = defaultdict(list)
        for cell in plan.cells:
            by_run[cell.run].append(cell)
        for run in sorted(by_run):
            cells = plan.cells_of(run)
            if cells:
                self._add_features(run, cells)
        for cell in sorted(plan.cells):
            if cell.protocol not in FEATURE_PROTOCOLS:
                self._add_trained(cell)
        self._mark_done()
        start = speeds.start_seconds()
        for job in self.all.values():
            job.start = start

    def size(self, dataset: str) -> Size:
        if dataset not in self.sizes:
            definition = self.config["datasets"][dataset]
            self.sizes[dataset] = size_of(
                dataset, definition, self.config["stored_size"], self.root
            )
        return self.sizes[dataset]

    def images(self, dataset: str, asked: str) -> int | None:
        """Of a subset: None for all of a dataset whose size is unknown."""
        has = self.size(dataset).train
        if asked == ALL:
            return has
        if has is not None and int(asked) > has and self.size(dataset).how == "published":
            raise UserError(
                f"{asked} images of dataset '{dataset}' are asked for; its published files have {has} training images"
            )
        return int(asked)

    def _beton(self, dataset: str, variant: str, lenses: set[str]) -> str:
        key = f"{dataset}/{variant}"
        if key not in self.all:
            size, px = self.size(dataset), self.config["stored_size"]
            images = None if size.train is None or size.test is None else size.train + size.test
            rate = self.speeds.rate(
                "beton" if variant == "clean" else f"beton_{CORRUPTIONS[variant][0]}", "", px
            )
            kept = variant == "clean" or self.config["keep_corrupted"]
            file = self.layout.beton if kept else self.layout.sidecar
            self.all[key] = Job(
                "beton",
                key,
                set(),
                [],
                images,
                *_seconds(rate, images),
                on_cpu=True,
                outputs=[self.root / file(dataset, variant)],
                temporary=not kept,
                disk_bytes=(images or 0) * image_bytes(size, px, variant),
            )
        self.all[key].lenses |= lenses
        return key

    def _add_pretraining(self, run: Run, lenses: set[str]) -> None:
        parts = parse_source(run.source)
        needs = [self._beton(part.dataset, part.variant, lenses) for part in parts]
        job = Job(
            "pretrain",
            f"pretrain/{run.name}",
            set(lenses),
            needs,
            0,
            0.0,
            "nothing is trained",
            disk_bytes=encoder_bytes(self.config),
            outputs=[self.root / self.layout.encoder(run.name)],
        )
        self.all[job.key] = job
        if run.method == RANDOM_INIT:
            return
        hyper = self.config["methods"][run.method]
        counts = [self.images(part.dataset, part.images) for part in parts]
        job.devices = self.processes
        job.images = (
            None if None in counts else pretraining_images(hyper, sum(counts), self.processes)
        )
        rate = self.speeds.rate(hyper["method"], self.config["backbone"], self.config["image_size"])
        job.seconds, job.how = _seconds(rate, job.images)
        if job.seconds and 0 < hyper["micro_batch"] < hyper["batch_size"] / self.processes:
            views = len(hyper["views"])  # each is embedded once more, without gradient
            job.seconds *= 1 + views / PASSES[hyper["method"]]

    def _add_features(self, run: Run, cells: list[Cell]) -> None:
        """Features of every encoder on every image that is looked at, then the linear classifiers."""
        lenses = {lens for cell in cells for lens in self.plan.cells[cell]}
        key = f"evaluate/{run.name}"
        needs = [f"pretrain/{encoder.name}" for encoder in run.encoders]
        images, seconds, how = 0, 0.0, []
        backbone = self.config["backbone"]
        rate = self.speeds.rate("features", backbone, self.config["image_size"])
        for target in sorted({cell.target for cell in cells}):
            own = [cell for cell in cells if cell.target == target]
            needs.append(
                self._beton(
                    target, "clean", {lens for cell in own for lens in self.plan.cells[cell]}
                )
            )
            looked = self._looked_at(target, {cell.labelled for cell in own})
            looked = None if looked is None or images is None else looked * len(run.encoders)
            images = None if looked is None else images + looked
            seconds = _plus(seconds, _seconds(rate, looked)[0])
            how.append(rate.how)
            for cell in own:
                fits = PROTOCOLS[cell.protocol].fits
                if not fits:
                    continue
                fit = self.speeds.rate(
                    "linear", backbone, self.config["image_size"], self.size(target).classes
                )
                labels = self.images(target, Subset.parse(cell.labelled).images)
                fitted = _seconds(fit, labels)[0]
                seconds = _plus(
                    seconds, None if fitted is None else fitted * fits * len(run.encoders)
                )
                how.append(f"classifiers: {fit.how}")
        record = self.root / self.layout.evaluation(feature_record(run.name))
        keep = self.config["evaluation"]["keep_features"]
        self.all[key] = Job(
            "features",
            key,
            lenses,
            list(dict.fromkeys(needs)),
            images,
            seconds,
            "; ".join(dict.fromkeys(how)),
            outputs=[record],
            disk_bytes=feature_bytes(self.config, images or 0) if keep else 0.0,
        )

    def _looked_at(self, target: str, labelled: set[str]) -> int | None:
        """Training images in the union of the subsets (those of one draw are nested) and the test images."""
        size, largest = self.size(target), defaultdict(int)
        for name in labelled:
            subset = Subset.parse(name)
            images = self.images(target, subset.images)
            if images is None:
                return None
            place = subset.balanced, subset.draw
            largest[place] = max(largest[place], images)
        union = sum(largest.values())
        return None if size.test is None else min(union, size.train or union) + size.test

    def _add_trained(self, cell: Cell) -> None:
        run, config = cell.run, self.config
        hyper = config["evaluation"][cell.protocol]
        start = Run(RANDOM_INIT, "none", run.seed) if cell.protocol in FROM_SCRATCH else run
        needs = [f"pretrain/{start.name}", self._beton(cell.target, "clean", self.plan.cells[cell])]
        if needs[0] not in self.all:
            self._add_pretraining(start, set(self.plan.cells[cell]))
        self.all[needs[0]].lenses |= self.plan.cells[cell]
        labels, test = (
            self.images(cell.target, Subset.parse(cell.labelled).images),
            self.size(cell.target).test,
        )
        images = seconds = None
        rate = self.speeds.rate(cell.protocol, config["backbone"], config["image_size"])
        if labels is not None and test is not None:
            held_out = config["evaluation"]["validation_fraction"]
            images, looked = evaluation_training_images(
                hyper, labels, held_out, self.evaluation_processes
            )
            features = self.speeds.rate("features", config["backbone"], config["image_size"])
            seconds = _plus(rate.seconds(images), features.seconds(looked + test))
        record = self.root / self.layout.evaluation(cell.record)
        key = f"evaluate/{job_of(cell.record)}"
        how = rate.how if images is not None else f"unknown: how many images '{cell.target}' has"
        self.all[key] = Job(
            cell.protocol,
            key,
            set(self.plan.cells[cell]),
            needs,
            images,
            seconds,
            how,
            devices=self.evaluation_processes,
            outputs=[record],
        )

    def _mark_done(self) -> None:
        """As Snakemake decides it: what is there is done, and what is not is made only if something to be made needs it."""
        needed_by: dict[str, list[str]] = defaultdict(list)
        for job in self.all.values():
            for need in job.needs:
                needed_by[need].append(job.key)
        order = {"beton": 2, "pretrain": 1}  # those that nobody needs first
        for job in sorted(self.all.values(), key=lambda job: order.get(job.kind, 0)):
            there = all(output.exists() for output in job.outputs)
            users = needed_by[job.key]
            job.done = there or (bool(users) and all(self.all[user].done for user in users))


def _seconds(rate: Rate, images: int | None) -> tuple[float | None, str]:
    return (
        (None, "unknown: how many images there are")
        if images is None
        else (rate.seconds(images), rate.how)
    )


def _plus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
