"""The contract of a protocol on features: a `ProbeContext` in, `EvaluationResult`s out.

A protocol is a callable of `registry.PROTOCOLS` under its name in the study's vocabulary. Its
settings are a section of the config key `evaluation`, which its own file reads into a dataclass.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

import numpy as np
import torch

from fourlenses.config.sentences.former_keys import now_called
from fourlenses.core.errors import UserError
from fourlenses.evaluation.record import EvaluationResult
from fourlenses.metrics.label_levels import LabelLevels

Features = np.ndarray | torch.Tensor
T = TypeVar("T")


@dataclass(frozen=True)
class LabelledFeatures:
    """Features of N images and their classes.

    Attributes:
        features: (N, D), an array, a memmap or a tensor of any floating-point type.
        labels: int (N,), in [0, num_classes).
    """

    features: Features
    labels: np.ndarray | torch.Tensor


@dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    """The settings of the protocols on features: the science of the config key `evaluation`.

    Attributes:
        validation_fraction: of the labelled images, to choose hyperparameters on, in [0, 1).
        torch_threads: compute threads; another number changes the last bits of a sum.
        sections: section name -> its keys, e.g. ``{"knn": {"k": 200, "temperature": 0.07}}``.
    """

    validation_fraction: float
    torch_threads: int
    sections: Mapping[str, Mapping[str, Any]]

    @classmethod
    def from_config(cls, values: Mapping[str, Any]) -> Self:
        """Split ``values`` into what all protocols share and their sections.

        Raises:
            UserError: a shared key is missing, or another key is no section.
        """
        sections = dict(values)
        try:
            fraction, threads = sections.pop("validation_fraction"), sections.pop("torch_threads")
        except KeyError as error:
            raise UserError(f"the settings of an evaluation lack {error}") from None
        for name, section in sections.items():
            if not isinstance(section, Mapping):
                sentence = now_called(["evaluation", name]) or f"key '{name}' is no section"
                raise UserError(f"in the settings of an evaluation: {sentence}")
        return cls(validation_fraction=fraction, torch_threads=threads, sections=sections)

    def section(self, name: str, kind: type[T]) -> T:
        """Return a section as the dataclass of its protocol.

        Raises:
            UserError: there is no such section, or its keys are not those of ``kind``.
        """
        try:
            return kind(**self.sections[name])
        except KeyError:
            raise UserError(f"the settings of an evaluation lack the section '{name}'") from None
        except TypeError as error:
            raise UserError(f"the section '{name}' of an evaluation: {error}") from None


@dataclass(frozen=True, kw_only=True)
class ProbeContext:
    """What a protocol is given for one target.

    Attributes:
        dataset: name of the target.
        train: features of the labelled training images.
        test: features of the test images.
        subsets: name of a label subset -> positions in ``train``, int64 (n,).
        levels: label levels of the target.
        settings: of all protocols on features.
        seed: of the (first) encoder.
        pretrained_with_labels: an encoder was trained with labels of this target. It may know any
            of them by heart, so none can validate a choice.
        device: where to compute.
    """

    dataset: str
    train: LabelledFeatures
    test: LabelledFeatures
    subsets: Mapping[str, np.ndarray]
    levels: LabelLevels
    settings: EvaluationSettings
    seed: int
    pretrained_with_labels: bool
    device: torch.device


class FeatureProtocol(Protocol):
    """Evaluate features: one result per label subset, in the order of ``context.subsets``."""

    def __call__(self, context: ProbeContext) -> list[EvaluationResult]: ...
