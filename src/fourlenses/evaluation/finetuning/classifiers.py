"""Classifiers trained end to end: from a pretrained encoder (fine-tuning), or from the initialisation alone (from scratch).

Both are the supervised method on the labels of a subset, with the classifier's weights from 0 as in SimCLR's own command
(``zero_init_logits_layer``); they differ in the weights that the encoder starts from, and in their presets. So scratch is fine-tuning of
the method ``random``, image by image. Cole et al. (CVPR 2022, section 3) have the supervised baseline train on the same labels.
"""

from torch import nn

from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.finetuning.linear_augmented import LinearAugmented
from fourlenses.methods.supervised import Supervised


def linear_augmented(run: Encoder, num_classes: int, hyper: dict) -> Supervised:
    encoder, width = run.pretrained()
    return _from_zero(
        LinearAugmented(encoder, width, num_classes, hyper["label_smoothing"], hyper["micro_batch"])
    )


def fine_tune(run: Encoder, num_classes: int, hyper: dict) -> Supervised:
    encoder, width = run.pretrained()
    return _from_zero(Supervised(encoder, width, num_classes, hyper["label_smoothing"]))


def scratch(run: Encoder, num_classes: int, hyper: dict) -> Supervised:
    encoder, width = run.initial()
    return _from_zero(Supervised(encoder, width, num_classes, hyper["label_smoothing"]))


def _from_zero(method: Supervised) -> Supervised:
    nn.init.zeros_(method.head.weight)
    nn.init.zeros_(method.head.bias)
    return method
