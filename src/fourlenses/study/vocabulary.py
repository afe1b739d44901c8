"""The names of a study: a record for each protocol, lens, method, backbone.

A registry elsewhere holds only what is called for a name: a function, a class, a module.
tests/study/test_vocabulary.py holds each of them, the presets, the schema and config.yaml to the
keys of this module, and says which file to touch where one was forgotten. The order of each
dictionary is the order of figures, tables and legends.

Standard library only: the Snakefile imports it, and is parsed again in every job.
"""

from dataclasses import KW_ONLY, dataclass


@dataclass(frozen=True)
class Protocol:
    """A way to evaluate an encoder on a target.

    Args:
        name: as in the config and in the column `protocol`.
        label: on axes and in legends.
        frozen: the encoder's weights stay as they are; a random-init encoder is evaluated so too,
            as the lower bound.
        trains: a network is trained, in a separate job with checkpoints. The others fit
            classifiers on stored features, all of an encoder in one job.
        from_scratch: no encoder is evaluated; the network starts from random weights.
        in_words: of an encoder or a training, within a sentence of the findings; empty: the
            protocol takes no part in the comparison of pretraining with labels alone.
        passes: forward passes that one image of a training costs: 3 with gradients (backward
            costs twice the forward pass), 1 without. None: it costs fits on features.
        fits: linear fits that one evaluation on features costs; 0 where it costs next to nothing.
        colour: of its bar in the figure of `snakemake plan`.
    """

    name: str
    label: str
    _: KW_ONLY
    frozen: bool = False
    trains: bool = False
    from_scratch: bool = False
    in_words: str = ""
    passes: int | None = None
    fits: int = 0
    colour: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure: results/<study>/figures/<name>.{svg,png,csv}.

    Args:
        name: `<lens>` is drawn by lenses/<lens>/figure.py, `<lens>_<second>` by
            lenses/<lens>/<second>.py; captions are caption.md and caption_<second>.md there. Those
            of `STUDY_FIGURES` are lenses/across/<name>.py.
        thresholds: the keys of the config's `findings` that it marks.
        table: `<table>.csv` of the study, which it needs next to metrics.csv. Such a figure has a
            separate rule.
    """

    name: str
    _: KW_ONLY
    thresholds: tuple[str, ...] = ()
    table: str = ""


@dataclass(frozen=True)
class Lens:
    """A question of the study, and a section of the config with the same name.

    Args:
        name: as in the config and in the column `lens`.
        question: what it asks, for the report.
        figures: those it draws.
        every_level: its cells are scored at every label level, not only at the finest.
    """

    name: str
    question: str
    figures: tuple[Figure, ...]
    _: KW_ONLY
    every_level: bool = False


@dataclass(frozen=True)
class Method:
    """A way to pretrain an encoder.

    Args:
        name: as in the config (an entry is called `<name>` or `<name>_<anything>`).
        label: in legends.
        colour: with a contrast of 3:1 or more against white.
        marker: matplotlib's; distinguishes methods in print without colour.
        contrastive: learns from augmented images without labels. BYOL and its like are counted
            here, as in the paper.
        views: of an image, that a step takes.
        more_views: it takes any number of them, from ``views`` on.
        passes: forward passes that one image of a training step of ``views`` views costs: 3 for
            each view that is trained on, 1 for each that is only embedded. None: nothing is
            trained.
    """

    name: str
    label: str
    _: KW_ONLY
    colour: str
    marker: str
    contrastive: bool = True
    views: int = 2
    more_views: bool = False
    passes: int | None = None


@dataclass(frozen=True)
class Backbone:
    """An encoder's architecture.

    Args:
        name: as in the config; `models.backbones` builds it.
        label: in figures and in the report.
        parameters: number of weights, without a classifier.
        width: of its features.
        multiply_adds: of one forward pass of one image of `side` px, over its convolutions.
        side: px.
    """

    name: str
    label: str
    _: KW_ONLY
    parameters: int
    width: int
    multiply_adds: float
    side: int

    def multiply_adds_at(self, image_size: int) -> float:
        """Return those of an image of `image_size` px; a convolution's grow with its area."""
        return self.multiply_adds * (image_size / self.side) ** 2


RANDOM_INIT = "random"  # the method that trains nothing: an encoder as it was initialised
EXTERNAL = "external"  # the method that trains nothing either: an encoder of the section `encoders`

LIBRARIES = ("torchvision", "timm")  # whose networks an architecture may name: `timm:vit_tiny…`

PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("linear", "linear", frozen=True, in_words="with a linear classifier", fits=1),
        Protocol(
            "linear_augmented",
            "linear, augmented",
            frozen=True,
            trains=True,
            in_words="with a linear classifier on augmented images",
            passes=1,
            colour="#2A8C7B",
        ),
        # the coarser levels have fewer classes: together at most another fit of the finest
        Protocol("linear_per_level", "linear, per level", frozen=True, fits=2),
        Protocol(
            "fine_tune",
            "fine-tuned",
            trains=True,
            in_words="fine-tuned",
            passes=3,
            colour="#A67C00",
        ),
        # the supervised baseline, tuned as fine-tuning is
        Protocol(
            "scratch",
            "from scratch",
            trains=True,
            from_scratch=True,
            in_words="training from scratch",
            passes=3,
            colour="#CC6677",
        ),
        # and as long as the paper's, at one learning rate
        Protocol(
            "scratch_published",
            "from scratch, published length",
            trains=True,
            from_scratch=True,
            in_words="training from scratch at the published length",
            passes=3,
            colour="#AA4499",
        ),
        Protocol("knn", "nearest neighbours", frozen=True),
    )
}
FEATURE_PROTOCOLS = tuple(name for name, protocol in PROTOCOLS.items() if not protocol.trains)
TRAINING_PROTOCOLS = tuple(name for name, protocol in PROTOCOLS.items() if protocol.trains)
FROZEN_PROTOCOLS = tuple(name for name, protocol in PROTOCOLS.items() if protocol.frozen)
FROM_SCRATCH = tuple(name for name, protocol in PROTOCOLS.items() if protocol.from_scratch)

LENSES = {
    lens.name: lens
    for lens in (
        Lens(
            "quantity",
            "How many unlabelled images does pretraining need?",
            (
                Figure("quantity"),
                Figure(
                    "quantity_gain",
                    thresholds=("modest_gain",),
                ),
                Figure(
                    "quantity_saved",
                ),
            ),
        ),
        Lens(
            "domain",
            "Do images of another domain help?",
            (
                Figure("domain"),
                Figure(
                    "domain_pools",
                    thresholds=("trained_margin",),
                ),
                Figure(
                    "domain_similarity",
                    table="similarity",
                ),
            ),
        ),
        Lens(
            "quality",
            "What do corrupted pretraining images cost?",
            (
                Figure("quality"),
                Figure(
                    "quality_severity",
                ),
            ),
        ),
        Lens(
            "granularity",
            "How fine a task can the features serve?",
            (
                Figure("granularity", thresholds=("trained_margin",)),
                Figure(
                    "granularity_gap",
                    thresholds=("trained_margin",),
                ),
            ),
            every_level=True,
        ),
        Lens(
            "alternatives",
            "One's own pretraining, labels alone, or an encoder that can be downloaded?",
            (Figure("alternatives"),),
        ),
    )
}
EVERY_LEVEL_LENSES = tuple(name for name, lens in LENSES.items() if lens.every_level)
# of the whole study, whatever its lenses: drawn from what they have measured
STUDY_FIGURES = (
    Figure(
        "methods",
    ),
    Figure(
        "protocols",
    ),
    Figure(
        "published",
    ),
)
FIGURES = {
    figure.name: figure
    for figure in (
        *(figure for lens in LENSES.values() for figure in lens.figures),
        *STUDY_FIGURES,
    )
}
METRICS_FIGURES = tuple(name for name, figure in FIGURES.items() if not figure.table)
SIMILARITY_FIGURE = "domain_similarity"  # drawn by rules/similarity.smk

METHODS = {
    method.name: method
    for method in (
        Method("simclr", "SimCLR", colour="#0072B2", marker="o", passes=6),
        Method("moco", "MoCo v2", colour="#8C4A00", marker="^", passes=4),
        Method("byol", "BYOL", colour="#00875A", marker="D", passes=8),
        Method("simsiam", "SimSiam", colour="#4A8FD0", marker="v", passes=6),
        Method("barlow_twins", "Barlow Twins", colour="#A0489C", marker="P", passes=6),
        Method("vicreg", "VICReg", colour="#8A7400", marker="X", passes=6),
        Method("lejepa", "LeJEPA", colour="#5B1050", marker="p", more_views=True, passes=6),
        Method(
            "supervised",
            "supervised",
            colour="#D55E00",
            marker="s",
            contrastive=False,
            views=1,
            passes=3,
        ),
        Method(EXTERNAL, "downloaded encoder", colour="#000000", marker="*", contrastive=False),
        Method(RANDOM_INIT, "random encoder", colour="#7F7F7F", marker="x", contrastive=False),
    )
}
# The ways to an encoder for one's images, the cheapest first: what each is called, and what it is.
# The last is none, but what each has to beat.
OPTIONS = {
    "labels": (
        "labels alone",
        "no unlabelled image is used: a network trained from scratch on the labelled ones, or a "
        "linear classifier on an encoder supervised with them",
    ),
    "download": ("downloaded encoder", "somebody else pretrained it, on other images"),
    "continue": ("continued download", "a downloaded encoder, pretrained further on your images"),
    "pretrain": ("own pretraining", "an encoder pretrained on your images, without labels"),
    "untrained": (METHODS[RANDOM_INIT].label, "its weights are random: nothing was trained"),
}
USES = {
    "linear": "a linear classifier on the encoder's features, its weights frozen",
    "fine_tune": "all weights trained on",
}
UNTRAINED = (EXTERNAL, RANDOM_INIT)  # methods of encoders that the study did not pretrain
TRAINED_METHODS = tuple(name for name in METHODS if name not in UNTRAINED)


def method_of(entry: str) -> str | None:
    """Return the method of an entry of `methods`: `simclr_long` -> `simclr`; None where no method
    is known of that name."""
    fitting = [name for name in METHODS if f"{entry}_".startswith(f"{name}_")]
    return max(fitting, key=len, default=None)


# tests/study/test_backbones.py counts parameters and multiply-adds again.
BACKBONES = {
    backbone.name: backbone
    for backbone in (
        Backbone(
            "resnet_small",
            "small ResNet",
            parameters=307_536,
            width=128,
            multiply_adds=4_042_752,
            side=32,
        ),
        Backbone(
            "resnet_small_wide",
            "small ResNet, wide",
            parameters=1_226_400,
            width=256,
            multiply_adds=15_949_824,
            side=32,
        ),
        Backbone(
            "resnet18_cifar",
            "ResNet-18 (3x3 stem)",
            parameters=11_168_832,
            width=512,
            multiply_adds=555_417_600,
            side=32,
        ),
        Backbone(
            "resnet18",
            "ResNet-18",
            parameters=11_176_512,
            width=512,
            multiply_adds=1_813_561_344,
            side=224,
        ),
        Backbone(
            "resnet34",
            "ResNet-34",
            parameters=21_284_672,
            width=512,
            multiply_adds=3_663_249_408,
            side=224,
        ),
        Backbone(
            "resnet50",
            "ResNet-50",
            parameters=23_508_032,
            width=2048,
            multiply_adds=4_087_136_256,
            side=224,
        ),
        Backbone(
            "resnet101",
            "ResNet-101",
            parameters=42_500_160,
            width=2048,
            multiply_adds=7_799_357_440,
            side=224,
        ),
    )
}
