"""The trainings of one evaluation: one for each candidate, then the final one."""

import logging
import time
from dataclasses import dataclass

import numpy as np

from fourlenses.core.randomness import named_seed
from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.data.loading.inputs import Input, Subset, choose_input
from fourlenses.data.loading.progressive import ProgressiveInput, views_in_parts
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.finetuning.candidates import (
    Candidate,
    Choice,
    Trial,
    candidates_of,
    choose,
)
from fourlenses.evaluation.finetuning.classifiers import PROTOCOLS
from fourlenses.evaluation.finetuning.progress import TrainingProgress
from fourlenses.evaluation.finetuning.schedule import make_schedule
from fourlenses.evaluation.finetuning.scorer import Scorer
from fourlenses.evaluation.finetuning.settings import FinetuningSettings
from fourlenses.evaluation.finetuning.task import Target, Task
from fourlenses.evaluation.scores import Scores
from fourlenses.methods.supervised import Supervised
from fourlenses.models.architectures import check_image_size
from fourlenses.models.batch_norm import set_batch_norm
from fourlenses.parallel.distributed import rank
from fourlenses.resume.checkpoint import Checkpoints
from fourlenses.resume.session import Session
from fourlenses.study.vocabulary import FROM_SCRATCH
from fourlenses.training.schedule import Schedule
from fourlenses.training.trainer import Diverged, Outcome
from fourlenses.training.trainer_setup import Arithmetic, set_up_trainer

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A classifier after its training; notes: sentences on what was fitted to the labels."""

    method: Supervised
    schedule: Schedule
    outcome: Outcome
    notes: list[str]


class Trainings:
    """The trainings of one evaluation, on the labelled images of one target.

    Args:
        target: the rows of the task.
        session: this process's.
        progress: what the evaluation has found so far.
    """

    def __init__(
        self,
        encoder: Encoder,
        task: Task,
        settings: FinetuningSettings,
        *,
        target: Target,
        session: Session,
        progress: TrainingProgress,
    ) -> None:
        self.encoder, self.settings, self.session = encoder, settings, session
        self.progress, self.hyper, self.dataset = progress, settings.hyperparameters, task.dataset
        self.rows, self.num_classes = target.train_rows, target.hierarchy.num_classes
        self.name = (
            f"{settings.protocol} of {encoder.name} on {len(self.rows)} labels of {task.dataset}"
        )
        self.seed = named_seed(encoder.seed, "evaluation")
        placement, normalisation = session.placement, encoder.normalisation()
        augmentation = Augmentation.from_config(
            self.hyper.views[0], settings.recipe | normalisation
        )
        # an interrupted job continues with the kind of input that it had
        kind = progress.input if progress.input and placement.input == "auto" else placement.input
        self.views = views_in_parts(
            [augmentation],
            self.hyper.progressive_sizes,
            image_size=settings.image_size,
            seed=self.seed,
        )
        if ":" in encoder.settings["backbone"] and len(self.views) > 1:  # ours take any size
            network, _ = encoder.initial()
            for (view,) in self.views:
                check_image_size(network, view.size, name=encoder.settings["backbone"])
        self.data = choose_input(
            kind,
            [(task.beton, self.rows, task.dataset)],
            stored_size=settings.stored_size,
            views=self.views[-1],
            device=session.device,
            workers=placement.workers,
        )
        progress.begin(self.data.kind)
        self.scorer = Scorer(
            task.beton,
            task.dataset,
            image_size=settings.image_size,
            crop=encoder.crop if encoder.external else self.hyper.test_crop,
            normalisation=normalisation,
            workers=placement.workers,
            interpolation=encoder.interpolation,
        )

    def choose(self) -> Choice:
        """Train with every candidate on a part of the labels, and choose on the others."""
        from_scratch = self.settings.protocol in FROM_SCRATCH
        memorised = not from_scratch and self.encoder.trained_with_labels_of(self.dataset)
        return choose(
            candidates_of(self.hyper),
            self.data.labels,
            fraction=self.settings.validation_fraction,
            seed=self.encoder.seed,
            progress=self.progress,
            try_candidate=self._try,
            reason=f"the encoder was trained with labels of {self.dataset}, so held-out ones are "
            "none to choose by"
            if memorised
            else None,
        )

    def train(self, positions: np.ndarray, candidate: Candidate, name: str) -> Trained:
        """Train on some of the labelled images, from the newest checkpoint if there is one.

        Args:
            positions: int64 (n,), ascending, of the labelled images.
            name: of the training's checkpoints.
        """
        settings, hyper = self.settings, self.hyper
        schedule, notes = make_schedule(hyper, len(positions), candidate.learning_rate)
        method = PROTOCOLS[settings.protocol](self.encoder, self.num_classes, hyper)
        set_batch_norm(method, 1)
        checkpoints = Checkpoints(self.session.directory / name)
        state = checkpoints.newest()
        data = self._input(positions, schedule, first_step=state["step"] if state else 0)
        trainer = set_up_trainer(
            method,
            data,
            schedule,
            arithmetic=Arithmetic(
                optimizer=hyper.optimizer,
                momentum=hyper.momentum,
                weight_decay=candidate.weight_decay,
                precision=settings.precision,
                channels_last=settings.channels_last,
                micro_batch=0 if method.cuts_batches else hyper.micro_batch,
            ),
            session=self.session,
            checkpoints=checkpoints,
            seed=self.seed,
            description=f"{self.name}, {candidate}",
        )
        return Trained(
            method=method,
            schedule=schedule,
            outcome=trainer.train(state),
            notes=notes,
        )

    def _input(self, positions: np.ndarray, schedule: Schedule, *, first_step: int) -> Input:
        """Return the input of a training on some of the labelled images."""
        data: Input = self.data
        if len(self.views) > 1:
            steps = schedule.total_steps
            data = ProgressiveInput(self.data, self.views, total_steps=steps, first_step=first_step)
        return data if len(positions) == len(self.rows) else Subset(data, positions)

    def score(self, method: Supervised, rows: np.ndarray, what: str) -> tuple[Scores, np.ndarray]:
        """Score a trained classifier on rows of the manifest; also their labels, int64 (M,)."""
        return self.scorer.score(method, rows, device=self.session.device, what=what)

    def _try(
        self, candidate: Candidate, positions: np.ndarray, validation: np.ndarray
    ) -> Trial | None:
        """Train a candidate on some labels and test it on others; both by their positions.

        Returns:
            The trial; None in all processes but the first.
        """
        try:
            trained = self.train(positions, candidate, candidate.name)
        except Diverged as error:
            log.warning("%s", error)
            return Trial(None, None, 0.0)
        if rank() > 0:
            return None
        began = time.monotonic()
        scores, labels = self.score(trained.method, self.rows[validation], "validation images")
        seconds = trained.outcome.seconds
        if scores.log_loss is None or not np.isfinite(scores.log_loss):
            return Trial(None, None, seconds)
        correct = int((scores.predictions == labels).sum())
        log.info(
            "%s, %s: %d of %d held-out images right", self.name, candidate, correct, len(labels)
        )
        return Trial(correct, scores.log_loss, seconds + time.monotonic() - began)
