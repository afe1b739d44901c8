import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms import RandomResizedCrop

from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.data.augment.parameters import CONTRAST, HUE, draw_parameters

COUNT = 4000
IDS = np.arange(COUNT, dtype=np.uint64)


@pytest.fixture(scope="module")
def drawn():
    return draw_parameters(
        Augmentation(solarise=0.1), 64, 64, seed=0, sample_ids=IDS, epoch=3, view=1
    )


@pytest.mark.parametrize(
    ("height", "width", "scale"),
    [(64, 64, (0.08, 1.0)), (40, 160, (0.2, 1.0)), (300, 20, (0.9, 1.0))],
)
def test_crops_are_distributed_as_torchvisions(height, width, scale):
    """The second and third shape often or always need the central fallback.

    At 0.001 a check of correct code fails never or always.
    """
    ours = draw_parameters(
        Augmentation(crop_scale=scale), height, width, seed=0, sample_ids=IDS, epoch=0, view=0
    )
    torch.manual_seed(0)
    image = torch.empty(3, height, width)
    theirs = np.array(
        [RandomResizedCrop.get_params(image, list(scale), [3 / 4, 4 / 3]) for _ in range(COUNT)]
    )
    top, left, box_height, box_width = theirs.T
    pairs = {
        "area": (ours.height * ours.width, box_height * box_width),
        "ratio": (ours.width / ours.height, box_width / box_height),
        "top": (ours.top, top),
        "left": (ours.left, left),
    }
    for name, (a, b) in pairs.items():
        assert stats.ks_2samp(a, b).pvalue > 1e-3, name


def test_boxes_lie_within_the_image():
    for height, width in ((64, 64), (1, 1), (2, 300), (300, 2), (7, 5)):
        boxes = draw_parameters(
            Augmentation(), height, width, seed=0, sample_ids=IDS, epoch=0, view=0
        )
        assert (boxes.height >= 1).all() and (boxes.width >= 1).all()  # noqa: PT018
        assert (boxes.top >= 0).all() and (boxes.left >= 0).all()  # noqa: PT018
        assert (boxes.top + boxes.height <= height).all()
        assert (boxes.left + boxes.width <= width).all()


@pytest.mark.parametrize(
    ("name", "probability"),
    [("flip", 0.5), ("jitter", 0.8), ("grey", 0.2), ("blur", 0.5), ("solarise", 0.1)],
)
def test_frequencies_are_the_recipes(drawn, name, probability):
    assert stats.binomtest(int(getattr(drawn, name).sum()), COUNT, probability).pvalue > 1e-3


def test_orders_are_uniform_permutations(drawn):
    assert (np.sort(drawn.order, axis=1) == np.arange(4)).all()
    _, counts = np.unique(drawn.order @ [64, 16, 4, 1], return_counts=True)
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 1e-3


def test_factors_and_sigma_are_uniform_over_their_ranges():
    drawn = draw_parameters(
        Augmentation(jitter=(0.4, 1.5, 0.2, 0.1)), 32, 32, seed=0, sample_ids=IDS, epoch=0, view=0
    )
    for column, (low, high) in enumerate([(0.6, 1.4), (0.0, 2.5), (0.8, 1.2), (-0.1, 0.1)]):
        assert (
            stats.kstest(drawn.factors[:, column], stats.uniform(low, high - low).cdf).pvalue > 1e-3
        )
    assert stats.kstest(drawn.sigma, stats.uniform(0.1, 1.9).cdf).pvalue > 1e-3


def test_quantities_are_uncorrelated(drawn):
    columns = [
        drawn.top,
        drawn.left,
        drawn.flip,
        drawn.jitter,
        drawn.grey,
        drawn.blur,
        drawn.sigma,
        *drawn.factors.T,
    ]
    correlation = np.corrcoef(np.array(columns, float)) - np.eye(len(columns))
    # A crop's top and left are both near 0 where the crop is large: that pair is correlated.
    correlation[0, 1] = correlation[1, 0] = 0
    assert np.abs(correlation).max() < 5 / np.sqrt(COUNT)


def test_changing_one_setting_leaves_other_draws_alone(drawn):
    other = draw_parameters(
        Augmentation(jitter=None, crop_scale=(0.5, 1.0), flip=0.0),
        64,
        64,
        seed=0,
        sample_ids=IDS,
        epoch=3,
        view=1,
    )
    assert not other.jitter.any()
    assert not other.flip.any()
    for name in ("grey", "blur", "sigma", "order"):
        assert np.array_equal(getattr(other, name), getattr(drawn, name))


def test_named_columns_are_those_of_torchvisions_order():
    assert (CONTRAST, HUE) == (1, 3)
    hue_only = draw_parameters(
        Augmentation(jitter=(0, 0, 0, 0.5)), 32, 32, seed=0, sample_ids=IDS[:50], epoch=0, view=0
    )
    assert (hue_only.factors[:, :3] == 1).all()
    assert np.abs(hue_only.factors[:, HUE]).max() > 0.4
