"""The protocols that train: one encoder, one target, one label subset; linear_augmented, fine_tune, or one of the baselines
from scratch.

Learning rate and weight decay are chosen on a held-out part of the labels, the training repeated on all of them with these, and the test
images looked at once. Every training is one run of the pretraining's engine, so it resumes to the same bits.
"""

import contextlib
import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from fourlenses.core.errors import one_of
from fourlenses.core.files import sha256
from fourlenses.core.randomness import named_seed
from fourlenses.data.augment.augment import Augment
from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.data.beton.staging import staged
from fourlenses.data.loading.inputs import Input, Subset, choose_input
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.finetuning import classifiers
from fourlenses.evaluation.finetuning.candidates import (
    Candidate,
    Choice,
    Trial,
    candidates_of,
    choose,
)
from fourlenses.evaluation.finetuning.progress import TrainingProgress
from fourlenses.evaluation.finetuning.schedule import make_schedule
from fourlenses.evaluation.finetuning.scorer import Scorer
from fourlenses.evaluation.finetuning.task import Task, read_task
from fourlenses.evaluation.predictions import TargetPredictions
from fourlenses.evaluation.scores import report
from fourlenses.methods.supervised import Supervised
from fourlenses.models.batch_norm import set_batch_norm
from fourlenses.parallel.devices import choose_device
from fourlenses.parallel.distributed import check_in_first, joined_processes, rank
from fourlenses.resume.checkpoint import Checkpoints
from fourlenses.resume.lock import LockLost, TrainingLock
from fourlenses.resume.requeue import requeued_when_out_of_time
from fourlenses.resume.restart_log import RestartLog
from fourlenses.resume.result_cache import ResultCache
from fourlenses.resume.time_limit import TimeLimit
from fourlenses.study.vocabulary import FROM_SCRATCH
from fourlenses.training.convergence import not_converged
from fourlenses.training.optimizers.build import build_optimizer
from fourlenses.training.pretrain import Data, Placement
from fourlenses.training.step_config import StepConfig, choose_precision
from fourlenses.training.trainer import Diverged, Outcome, Schedule, Trainer

log = logging.getLogger(__name__)

# (encoder's run, number of classes, hyperparameters) -> what is trained
PROTOCOLS: dict[str, Callable[[Encoder, int, dict], Supervised]] = {
    "linear_augmented": classifiers.linear_augmented,
    "fine_tune": classifiers.fine_tune,
    "scratch": classifiers.scratch,
    "scratch_published": classifiers.scratch,
}


@dataclass(frozen=True)
class Settings:
    """Everything that has a say in the numbers, besides encoder and images.

    hyperparameters: as in presets/evaluation/<protocol>.yaml. recipe: of its views, without mean and std, which are the encoder's.
    validation_fraction: of the labels, to choose a candidate by. precision: float32, bfloat16, or auto: bfloat16 on a GPU.
    """

    protocol: str
    hyperparameters: dict
    recipe: dict
    stored_size: int
    image_size: int
    validation_fraction: float
    torch_threads: int
    precision: str = "float32"
    channels_last: bool = True


def evaluate_trained(
    run: Encoder,
    task: Task,
    settings: Settings,
    placement: Placement,
    outputs: Mapping[str, Path],
    write: Callable[[dict, TargetPredictions, Path], None],
) -> None:
    """Train and test, then call ``write`` (in one process of several) with the record, the test images, of which nothing is predicted
    there, and the folder to write the files named in ``outputs`` to, from where they are put into place; and only then forget the
    checkpoints. Where the same evaluation has finished before, its files are put into place instead (`ResultCache`).

    A record holds
    - label_size, steps and epochs (of the final training), batch_size, peak_learning_rate, input, notes;
    - what `report` says of the test images;
    - what `choose` says of the choice: learning_rates, weight_decays, learning_rate, weight_decay, validation_accuracy, n_validation;
    - train_top1 (percent, in the last row of the history), training_not_converged (a sentence or None) and training_losses (see
      `convergence`) of the final training;
    - fingerprints of encoder and beton and, apart from the numbers, timing (stage -> seconds, over all attempts).

    Raises:
        UserError: see `read_task`, `Trainer.train`, `TrainingLock` and `RestartLog`; every candidate diverged.
        Interrupted: the time is over; a checkpoint has been taken.
    """
    if settings.protocol not in PROTOCOLS:
        raise one_of("protocol", settings.protocol, PROTOCOLS)
    torch.set_num_threads(settings.torch_threads)
    target = read_task(task)
    root = placement.checkpoints / _key(run, task, settings)
    budget = TimeLimit(placement.max_minutes)
    with requeued_when_out_of_time(placement.requeue, budget), contextlib.ExitStack() as stack:
        device = stack.enter_context(joined_processes(choose_device(placement.device)))
        stack.enter_context(budget)
        owner = TrainingLock(root)
        finished = ResultCache(root, outputs, device, _made_from(run, task, settings))
        if rank() == 0:
            stack.enter_context(owner)
        if (
            finished.put_back()
        ):  # the others wait in there, and read the progress only once this run owns it
            return
        progress = TrainingProgress(root, partial(check_in_first, owner.verify, LockLost, device))
        attempts = RestartLog(root)
        if rank() == 0:
            stack.enter_context(attempts.attempt(progress.start()))
        stack.enter_context(finished.by_another())
        (copy,) = stack.enter_context(staged([task.beton], placement.stage_to))
        near = replace(task, beton=copy)
        job = _Job(
            run,
            near,
            settings,
            placement,
            target.train_rows,
            target.hierarchy.num_classes,
            device,
            budget,
            progress,
        )
        chosen = job.choose()
        method, schedule, outcome, fitted = job.train(
            np.arange(len(target.train_rows)), chosen.candidate, "final"
        )
        if rank() == 0:
            began = time.monotonic()
            scores, labels = job.scorer.score(
                method.encoder, method.head, target.test_rows, device, "test images"
            )
            record = {
                "label_size": len(target.train_rows),
                **report(scores, labels, target.hierarchy.table, target.hierarchy.names),
                **chosen.record,
                "steps": schedule.total_steps,
                "epochs": round(outcome.images / len(target.train_rows), 3),
                "batch_size": schedule.batch_size,
                "peak_learning_rate": schedule.peak_learning_rate,
                "input": job.data.kind,
                "train_top1": 100 * outcome.history[-1]["train_top1"],
                "training_not_converged": not_converged(outcome.losses),
                "training_losses": asdict(outcome.losses),
                "notes": target.notes + chosen.notes + fitted,
                "fingerprints": _fingerprints(run, task, settings),
                "timing": {
                    "select": chosen.seconds,
                    "train": outcome.seconds,
                    "test": time.monotonic() - began,
                },
            }
        progress.verify()
        if rank() == 0:
            seen = TargetPredictions({}, target.test_rows, labels, target.hierarchy.classes[-1])
            finished.keep(lambda folder: write(record, seen, folder))
            attempts.clear()
            progress.clear()


class _Job:
    """The trainings of one evaluation: on which images, with what budget, and where their checkpoints lie."""

    def __init__(
        self,
        run: Encoder,
        task: Task,
        settings: Settings,
        placement: Placement,
        rows: np.ndarray,
        num_classes: int,
        device: torch.device,
        budget: TimeLimit,
        progress: TrainingProgress,
    ) -> None:
        self.run, self.settings, self.placement, self.rows, self.num_classes = (
            run,
            settings,
            placement,
            rows,
            num_classes,
        )
        self.device, self.budget, self.progress, self.hyper = (
            device,
            budget,
            progress,
            settings.hyperparameters,
        )
        self.dataset = task.dataset
        self.name = f"{settings.protocol} of {run.name} on {len(rows)} labels of {task.dataset}"
        self.seed = named_seed(run.seed, "evaluation")
        normalisation = run.normalisation()
        recipe = Augmentation.from_config(self.hyper["views"][0], settings.recipe | normalisation)
        views = [Augment(recipe, settings.image_size, self.seed)]
        # an interrupted job goes on with the kind of input that it had
        kind = progress.input if progress.input and placement.input == "auto" else placement.input
        self.data: Input = choose_input(
            kind,
            [(task.beton, rows, task.dataset)],
            settings.stored_size,
            views,
            device,
            placement.workers,
        )
        progress.begin(self.data.kind)
        self.scorer = Scorer(
            task.beton,
            task.dataset,
            settings.image_size,
            self.hyper["test_crop"],
            normalisation,
            placement.workers,
        )

    def choose(self) -> Choice:
        known = PROTOCOLS[
            self.settings.protocol
        ] != classifiers.scratch and self.run.trained_with_labels_of(self.dataset)
        return choose(
            candidates_of(self.hyper),
            self.data.labels,
            fraction=self.settings.validation_fraction,
            seed=self.run.seed,
            progress=self.progress,
            try_candidate=self.try_candidate,
            reason=f"the encoder was trained with labels of {self.dataset}, so held-out ones are none to choose by"
            if known
            else None,
        )

    def try_candidate(
        self, candidate: Candidate, positions: np.ndarray, validation: np.ndarray
    ) -> Trial | None:
        """A candidate trained on some of the labels and tested on others (positions); None in all processes but the first."""
        try:
            method, _, outcome, _ = self.train(positions, candidate, candidate.name)
        except Diverged as error:
            log.warning("%s", error)
            return Trial(None, None, 0.0)
        if rank() > 0:
            return None
        began = time.monotonic()
        scores, labels = self.scorer.score(
            method.encoder, method.head, self.rows[validation], self.device, "validation images"
        )
        if not np.isfinite(scores.log_loss):
            return Trial(None, None, outcome.seconds)
        correct = int((scores.predictions == labels).sum())
        log.info(
            "%s, %s: %d of %d held-out images right", self.name, candidate, correct, len(labels)
        )
        return Trial(correct, scores.log_loss, outcome.seconds + time.monotonic() - began)

    def train(
        self, positions: np.ndarray, candidate: Candidate, name: str
    ) -> tuple[Supervised, Schedule, Outcome, list[str]]:
        """Train on the labelled images of these positions (ascending), from the newest checkpoint of that ``name`` if there is one."""
        settings, hyper = self.settings, self.hyper
        data = self.data if len(positions) == len(self.rows) else Subset(self.data, positions)
        schedule, notes = make_schedule(hyper, len(positions), candidate.learning_rate)
        method = PROTOCOLS[settings.protocol](self.run, self.num_classes, hyper)
        set_batch_norm(method, 1)
        micro_batch = (
            0 if settings.protocol == "linear_augmented" else hyper["micro_batch"]
        )  # it cuts its batches itself
        engine = StepConfig(
            self.device,
            choose_precision(settings.precision, self.device),
            settings.channels_last,
            micro_batch,
        )
        optimizer = build_optimizer(
            hyper["optimizer"],
            method,
            schedule.peak_learning_rate,
            hyper["momentum"],
            candidate.weight_decay,
        )
        checkpoints = Checkpoints(self.progress.directory / name)
        description = f"{self.name}, {candidate}"
        log.info(
            "%s: %d images, %d steps of %d, peak learning rate %.4g, %s input, on %s",
            description,
            len(positions),
            schedule.total_steps,
            schedule.batch_size,
            schedule.peak_learning_rate,
            data.kind,
            self.device,
        )
        trainer = Trainer(
            method,
            optimizer,
            data,
            schedule,
            engine,
            self.seed,
            checkpoints,
            self.placement.checkpoint_seconds,
            self.budget,
            description,
            verify=self.progress.verify,
        )
        outcome = trainer.train(checkpoints.newest())
        return method, schedule, outcome, notes


def _fingerprints(run: Encoder, task: Task, settings: Settings) -> dict:
    """What was trained from and on, by its content."""
    (data,) = Data([task.dataset], [task.beton], [task.subset]).fingerprints()
    encoders = [] if settings.protocol in FROM_SCRATCH else [run.weights_sha256]
    return {"encoders": encoders, "beton": data["beton_sha256"]}


def _made_from(run: Encoder, task: Task, settings: Settings) -> dict:
    """What has a say in the record, but not in the trainings: how the run is called, and what the manifest calls the test images."""
    return {
        "run": run.columns(),
        "manifest_sha256": sha256(task.manifest),
        "beton_sha256": _fingerprints(run, task, settings)["beton"],
    }


def _key(run: Encoder, task: Task, settings: Settings) -> str:
    """A short hash of the settings, the encoder and the images; checkpoints of one key never meet another evaluation."""
    prints = [_fingerprints(run, task, settings), sha256(task.subset), task.dataset]
    known = [asdict(settings), prints, run.settings["backbone"], run.seed, run.normalisation()]
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]
