"""The synthetic domains.

They are pure in their arguments, have a consistent hierarchy and do not differ by colour.
"""

import hashlib
import itertools

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from fourlenses.core.randomness import uniform
from fourlenses.data.synthetic import DOMAINS, LEVELS, classes, draw, label
from fourlenses.data.synthetic.draws import Draws

each_domain = pytest.mark.parametrize("domain", DOMAINS)


@pytest.fixture(scope="module")
def drawn() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """900 images and their fine classes of each domain."""
    indices = np.arange(900)
    return {
        domain: (np.stack([draw(domain, 7, int(i)) for i in indices]), label(domain, 7, indices))
        for domain in DOMAINS
    }


@each_domain
def test_an_image_is_a_pure_function_of_its_arguments(domain):
    forwards = [draw(domain, 3, i).tobytes() for i in range(40)]
    backwards = [draw(domain, 3, i).tobytes() for i in reversed(range(40))]
    assert forwards == backwards[::-1]
    assert draw(domain, 3, np.int64(5)).tobytes() == forwards[5]


@each_domain
def test_indices_and_seeds_give_different_images(domain):
    digests = {
        hashlib.sha256(draw(domain, seed, i).tobytes()).digest()
        for seed in (0, 1)
        for i in range(40)
    }
    assert len(digests) == 80
    assert (label(domain, 0, np.arange(200)) != label(domain, 1, np.arange(200))).mean() > 0.5


def test_domains_do_not_share_a_stream():
    drawn = [
        label(domain, 0, np.arange(500)) for domain in ("objects", "species", "scenes", "landcover")
    ]
    for first, second in itertools.combinations(drawn, 2):
        # labels drawn from the same hash would determine each other far better than this
        assert abs(np.corrcoef(first, second)[0, 1]) < 0.15


@each_domain
@pytest.mark.parametrize("size", [8, 32, 48, 64])
def test_shape_and_type_at_each_size(domain, size):
    for index in range(12):
        image = draw(domain, 0, index, size=size)
        assert image.shape == (size, size, 3)
        assert image.dtype == np.uint8
        assert image.std() > 1.5


@each_domain
def test_a_picture_is_the_same_at_another_size_but_for_its_grain(domain):
    # both averaged over 4 x 4 blocks of the small size, without the grain and the thinnest lines
    small, large = (
        np.stack([draw(domain, 2, i, size=size) for i in range(30)])
        .astype(float)
        .reshape(30, 8, size // 8, 8, size // 8, 3)
        .mean(axis=(2, 4))
        .reshape(30, -1)
        for size in (32, 64)
    )
    correlation = [np.corrcoef(a, b)[0, 1] for a, b in zip(small, large, strict=True)]
    assert np.median(correlation) > 0.97


@each_domain
def test_no_image_is_broken(domain, drawn):
    images, _ = drawn[domain]
    extreme = ((images == 0) | (images == 255)).all(axis=3).mean(axis=(1, 2))
    assert (extreme > 0.9).mean() < 0.01
    assert (images.std(axis=(1, 2, 3)) > 1.5).all()


def test_levels_are_named_from_coarse_to_fine():
    assert DOMAINS == ("objects", "species", "scenes", "landcover")
    assert LEVELS == ("coarse", "middle", "fine")


@pytest.mark.parametrize(
    ("domain", "counts"),
    [
        ("objects", (3, 8, 24)),
        ("species", (3, 7, 28)),
        ("scenes", (3, 7, 21)),
        ("landcover", (3, 6, 12)),
    ],
)
def test_the_hierarchy_is_a_tree(domain, counts):
    names = classes(domain)
    coarse, middle, fine = (({name[level] for name in names}) for level in range(3))
    assert (len(coarse), len(middle), len(fine)) == counts
    assert len(names) == len(fine)
    assert len({name[:2] for name in names}) == len(middle)
    assert min(sum(name[1] == parent for name in names) for parent in middle) >= 2


@each_domain
def test_labels_are_balanced_and_agree_between_scalars_and_arrays(domain):
    count = len(classes(domain))
    labels = label(domain, 11, np.arange(20_000))
    assert labels.dtype == np.int64
    observed = np.bincount(labels, minlength=count)
    assert observed.size == count
    chi_square = ((observed - 20_000 / count) ** 2 / (20_000 / count)).sum()
    # Mean count - 1 and variance 2 (count - 1): five standard deviations to either side, since
    # labels that are too even are not drawn either.
    assert abs(chi_square - (count - 1)) < 5 * np.sqrt(2 * (count - 1))
    assert [label(domain, 11, i) for i in range(50)] == labels[:50].tolist()
    assert (
        label(domain, 11, np.arange(6).reshape(2, 3)).tolist() == labels[:6].reshape(2, 3).tolist()
    )


def _accuracy(features: np.ndarray, labels: np.ndarray) -> float:
    """Return the test accuracy of logistic regression, with two thirds for training."""
    features = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)
    model = LogisticRegression(max_iter=400, C=0.1).fit(features[:600], labels[:600])
    return float((model.predict(features[600:]) == labels[600:]).mean())


@pytest.mark.parametrize(
    ("domain", "bound"),
    [("objects", 0.12), ("species", 0.12), ("scenes", 0.2), ("landcover", 0.35)],
)
def test_colour_statistics_say_little_about_the_class(domain, bound, drawn):
    images, labels = drawn[domain]
    statistics = np.concatenate([images.mean(axis=(1, 2)), images.std(axis=(1, 2))], axis=1)
    assert _accuracy(statistics, labels) < bound


@pytest.mark.parametrize(
    ("domain", "bound"), [("objects", 0.14), ("species", 0.12), ("scenes", 0.3), ("landcover", 0.3)]
)
def test_raw_pixels_do_not_separate_the_classes(domain, bound, drawn):
    images, labels = drawn[domain]
    pixels = images.reshape(len(images), 16, 2, 16, 2, 3).mean(axis=(2, 4)).reshape(len(images), -1)
    assert _accuracy(pixels, labels) < bound


def _gradients(images: np.ndarray) -> np.ndarray:
    """Return histograms of gradient orientation, of unit length: (N, 128).

    8 bins, undirected, on a 4 x 4 grid. They do not depend on colour and contrast.
    """
    down, across = np.gradient(images.mean(axis=3).astype(np.float32), axis=(1, 2))
    strength, turn = np.hypot(down, across), np.arctan2(down, across) % np.pi
    bins = np.minimum((turn / np.pi * 8).astype(int), 7)
    cells = [
        np.where(bins == b, strength, 0).reshape(-1, 4, 8, 4, 8).sum(axis=(2, 4)) for b in range(8)
    ]
    histogram = np.stack(cells, axis=-1).reshape(len(images), -1)
    return histogram / np.linalg.norm(histogram, axis=1, keepdims=True)


def _spectrum(images: np.ndarray) -> np.ndarray:
    """Return the log power of the grey image in rings of spatial frequency: (N, 12).

    The mean of the rings is subtracted. It does not depend on orientation and colour.
    """
    grey = images.mean(axis=3)
    power = np.abs(np.fft.fft2(grey - grey.mean(axis=(1, 2), keepdims=True))) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(32) * 32, np.fft.fftfreq(32) * 32))
    rings = [power[:, (frequency >= r) & (frequency < r + 1)].mean(axis=1) for r in range(1, 13)]
    logarithm = np.log(np.stack(rings, axis=1) + 1.0)
    return logarithm - logarithm.mean(axis=1, keepdims=True)


@each_domain
def test_structure_tells_the_middle_classes_apart_better_than_chance(domain, drawn):
    images, labels = drawn[domain]
    names = classes(domain)
    parents = sorted({name[1] for name in names})
    middle = np.array([parents.index(names[fine][1]) for fine in labels])
    # from above, at any orientation, only the scale of the texture is left of structure
    features = _spectrum(images) if domain == "landcover" else _gradients(images)
    accuracy = _accuracy(features, middle)
    majority = np.bincount(middle[600:]).max() / 300
    assert accuracy > 1.5 * majority


def test_species_are_mistaken_for_siblings_more_than_for_strangers(drawn):
    images, labels = drawn["species"]
    family = np.array([name[1] for name in classes("species")])
    model = LogisticRegression(max_iter=200, C=10)
    predicted = cross_val_predict(model, _gradients(images), labels, cv=3)
    wrong = predicted != labels
    assert wrong.sum() > 150
    # a blind mistake falls on one of the 3 siblings among the 27 other species
    assert (family[predicted] == family[labels])[wrong].mean() > 1.5 * 3 / 27


@pytest.mark.parametrize(
    "call", [classes, lambda domain: label(domain, 0, 0), lambda domain: draw(domain, 0, 0)]
)
def test_an_unknown_domain_is_named_with_those_known(call):
    with pytest.raises(ValueError, match=r"'medical'.*objects, species, scenes, landcover"):
        call("medical")


def test_a_size_too_small_to_show_anything_is_refused():
    with pytest.raises(ValueError, match="at least 8"):
        draw("objects", 0, 0, size=4)


def test_draws_read_on_beyond_their_first_block():
    draws = Draws(99)
    first = np.array([draws.real() for _ in range(2048)])
    assert np.allclose(first, uniform(99, 0, draws=2048))
    later = draws.array(5000)
    assert later.shape == (5000,)
    assert np.allclose(later, uniform(99, 1, draws=5000).astype(np.float32))
    assert 0 <= draws.real() < 1
    assert {Draws(k).whole(2, 4) for k in range(60)} == {2, 3, 4}
