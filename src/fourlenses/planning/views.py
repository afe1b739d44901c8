"""The cost of a method's views, which may be more than it needs, and smaller than the images.

Standard library only.
"""

from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.study.vocabulary import METHODS


def relative_cost(entry: dict, augmentations: dict[str, dict], image_size: int) -> float:
    """Return the cost of a step relative to one whose views are as few and large as the method's.

    A view costs as its area, as a convolution does.

    Args:
        entry: of `methods`, completed.
        augmentations: by name, as in a completed config.
        image_size: px.
    """
    views = [Augmentation.from_config(name, augmentations[name]) for name in entry["augmentations"]]
    shares = entry.get("progressive_sizes", [1])
    sizes = [view.at_share(share, image_size).size for share in shares for view in views]
    area = sum(((size or 0) / image_size) ** 2 for size in sizes)
    return area / len(shares) / METHODS[entry["method"]].views
