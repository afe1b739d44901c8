"""A first study that fits a dataset: sizes, label sizes, pixels, backbone."""

from dataclasses import dataclass
from math import sqrt

from fourlenses.config.new_dataset.survey import Survey

FEW = 2000  # training images; of fewer, sizes are closer to each other
MINUTES = "{preset: minutes}"
LABELS_A_CLASS = 5  # of the smallest label size
SMALL_IMAGES = 64  # px; below, 32 px and a backbone made for it: 64 would enlarge the images


@dataclass(frozen=True, kw_only=True)
class FirstStudy:
    """The values of the written study.

    Attributes:
        pretrain_images: three sizes, increasing; ("all",) where the images are not known.
        labelled_images: three label sizes, increasing; likewise.
        image_size: px.
        backbone: a name of the vocabulary.
        simclr, tuned: the entries of pretraining, and of the protocols that train, as YAML.
    """

    pretrain_images: tuple[int | str, ...]
    labelled_images: tuple[int | str, ...]
    image_size: int
    backbone: str
    simclr: str
    tuned: str


_TUNED_ON_GPU = (
    "{preset: small, epochs: 60, min_steps: 2000, max_steps: 40000, batch_size: 128, "
    "learning_rates: [0.05, 0.2], weight_decays: [0.0005]}"
)


def first_study(known: Survey, *, gpu: bool = False) -> FirstStudy:
    """Return the values for what is known of a dataset.

    Images are a third and a ninth of all (of few a half and a quarter), labels from a few of each
    class to all, so that each doubles or more from one to the next. On a CPU 32 px, a small network
    and the presets `minutes`, by which a study takes minutes to hours.

    Args:
        known: of the dataset.
        gpu: whether one trains.
    """
    pretrain: tuple[int | str, ...] = ("all",)
    labels: tuple[int | str, ...] = ("all",)
    if known.train_images:
        most = _rounded_down(known.train_images)
        ratio = 3 if known.train_images >= FEW else 2
        pretrain = _distinct((most // ratio**2, most // ratio, most))
        fewest = min(max(LABELS_A_CLASS * (known.classes or 1), most // 25), most // 4)
        labels = _distinct((fewest, int(sqrt(fewest * most)), most))
    small = known.short_side is not None and known.short_side < SMALL_IMAGES
    on_gpu = "resnet18_cifar" if small else "resnet18"
    return FirstStudy(
        pretrain_images=pretrain,
        labelled_images=labels,
        image_size=32 if small or not gpu else 64,
        backbone=on_gpu if gpu else "resnet_small",
        simclr=f"{{preset: small, epochs: {200 if small else 100}}}" if gpu else MINUTES,
        tuned=_TUNED_ON_GPU if gpu else MINUTES,
    )


def _rounded_down(count: int) -> int:
    """To two digits: some images may turn out not to be decodable."""
    unit = 10 ** max(0, len(str(count)) - 2)
    return count // unit * unit


def _distinct(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """To two digits, at least 2 (which a size has to be), without repeats."""
    return tuple(dict.fromkeys(max(2, _rounded_down(size)) for size in sizes))
