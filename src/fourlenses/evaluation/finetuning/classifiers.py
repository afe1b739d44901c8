"""The classifier of each protocol that trains, as it starts.

All are the supervised method on the labels of a subset, with the classifier's weights from 0 as in
SimCLR's own command (``zero_init_logits_layer``). Fine-tuning and training from scratch differ in
the weights that the encoder starts from, and in their presets; so scratch is fine-tuning of the
entry ``random``, image by image. Cole et al. (CVPR 2022, section 3) have the supervised baseline
train on the same labels.
"""

from collections.abc import Callable

from torch import nn

from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.finetuning.linear_augmented import LinearAugmented
from fourlenses.evaluation.finetuning.settings import FinetuningHyperparameters
from fourlenses.methods.supervised import Supervised


def linear_augmented(
    encoder: Encoder, num_classes: int, hyper: FinetuningHyperparameters
) -> Supervised:
    network, width = encoder.pretrained()
    return _from_zero(
        LinearAugmented(
            network,
            width,
            num_classes,
            label_smoothing=hyper.label_smoothing,
            piece=hyper.micro_batch,
        )
    )


def fine_tune(encoder: Encoder, num_classes: int, hyper: FinetuningHyperparameters) -> Supervised:
    network, width = encoder.pretrained()
    smoothing = hyper.label_smoothing
    return _from_zero(Supervised(network, width, num_classes, label_smoothing=smoothing))


def scratch(encoder: Encoder, num_classes: int, hyper: FinetuningHyperparameters) -> Supervised:
    network, width = encoder.initial()
    smoothing = hyper.label_smoothing
    return _from_zero(Supervised(network, width, num_classes, label_smoothing=smoothing))


def _from_zero(method: Supervised) -> Supervised:
    nn.init.zeros_(method.head.weight)
    nn.init.zeros_(method.head.bias)
    return method


# protocol -> (encoder, number of classes, hyper-parameters) -> what is trained
PROTOCOLS: dict[str, Callable[[Encoder, int, FinetuningHyperparameters], Supervised]] = {
    "linear_augmented": linear_augmented,
    "fine_tune": fine_tune,
    "scratch": scratch,
    "scratch_published": scratch,
}
