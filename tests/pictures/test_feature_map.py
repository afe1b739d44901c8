"""Maps of features: against the eigenvectors of the covariance, and what is coloured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from fourlenses.data.manifest.manifest import Hierarchy
from fourlenses.pictures.feature_map import MOST_GROUPS, draw_map, groups_of, plane_of


def features(seed: int, rows: int = 30, width: int = 6) -> np.ndarray:
    draws = np.random.default_rng(seed)
    return draws.normal(size=(rows, width)) * np.arange(1, width + 1)


@given(st.integers(0, 1000))
def test_the_plane_is_that_of_the_two_largest_eigenvalues(seed):
    values = features(seed)
    plane = plane_of(values)
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    eigenvalues, vectors = np.linalg.eigh(np.cov(unit.T, bias=True))
    assert plane.share == pytest.approx(eigenvalues[-2:].sum() / eigenvalues.sum())
    expected = (unit - unit.mean(axis=0)) @ vectors[:, [-1, -2]]
    assert np.abs(plane.points) == pytest.approx(np.abs(expected), abs=1e-9)
    assert plane.points.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)


@given(st.integers(0, 1000), st.floats(0.1, 10))
def test_lengths_of_features_do_not_count_and_directions_are_fixed(seed, scale):
    values = features(seed)
    plane = plane_of(values)
    assert plane_of(values * scale).points == pytest.approx(plane.points, abs=1e-9)
    furthest = plane.points[np.abs(plane.points).argmax(axis=0), [0, 1]]
    assert (furthest > 0).all()
    assert plane_of(values.astype(np.float32)).points == pytest.approx(plane.points, abs=1e-5)


@pytest.mark.parametrize("values", [np.zeros((4, 3)), np.ones((4, 3)), np.ones((1, 1))])
def test_features_without_variance_are_one_point(values):
    plane = plane_of(values)
    assert plane.points.shape == (len(values), 2)
    assert np.abs(plane.points).max() == pytest.approx(0, abs=1e-12)
    assert 0 <= plane.share <= 1


def hierarchy(*counts: int) -> Hierarchy:
    """Levels of so many labels; a finest class has the label of its number modulo theirs."""
    finest = np.arange(counts[-1])
    return Hierarchy(
        names=[f"level{place}" for place in range(len(counts))],
        classes=[
            [f"l{place}-{each:03}" for each in range(count)] for place, count in enumerate(counts)
        ],
        table=np.stack([finest % count for count in counts], axis=1),
    )


@pytest.mark.parametrize(
    ("counts", "level"), [((2, 10, 100), 1), ((3,), 0), ((2, 5, 10), 2), ((1, 4), 1), ((4, 200), 0)]
)
def test_colours_are_the_finest_level_that_they_can_tell_apart(counts, level):
    labels = np.arange(counts[-1])[::-1]
    names, group = groups_of(hierarchy(*counts), labels)
    assert names == [f"l{level}-{each:03}" for each in range(counts[level])]
    assert (group == labels % counts[level]).all()


def test_of_many_classes_the_most_frequent_are_coloured():
    labels = np.array([*range(40), *range(20, 31), *range(20, 25)])
    names, group = groups_of(hierarchy(40), labels)
    assert names == [f"l0-{each:03}" for each in range(20, 20 + MOST_GROUPS)]
    assert (group[:20] == -1).all()
    assert (group[20:30] == np.arange(10)).all()
    assert (group[30:40] == -1).all()


def test_a_map_has_a_panel_for_each_encoder_and_the_same_bytes_again():
    planes = [(f"encoder {seed}", plane_of(features(seed))) for seed in range(4)]
    group = np.arange(30) % 3 - 1
    pictures = [
        draw_map("Birds", planes[:count], groups=["crow", "wren"], group=group)
        for count in (2, 4, 4)
    ]
    assert pictures[1].tobytes() == pictures[2].tobytes()
    assert pictures[1].width == pytest.approx(2 * pictures[0].width, rel=0.01)
    colours = {tuple(pixel) for pixel in np.asarray(pictures[1]).reshape(-1, 3)}
    assert len(colours) > 50


@pytest.fixture
def legends(monkeypatch):
    """The legends that are drawn."""
    made = []
    legend = Figure.legend

    def noted(figure, *given, **settings):
        made.append(legend(figure, *given, **settings))
        return made[-1]

    monkeypatch.setattr(Figure, "legend", noted)
    return made


def test_names_of_classes_are_no_formulas_and_none_is_left_out(legends):
    groups = ["_other", "5$ to $\\frac$", "wren"]
    planes = [("on $\\frac$", plane_of(features(0)))]
    draw_map("$\\frac$", planes, groups=groups, group=np.arange(30) % 3)
    assert [text.get_text() for text in legends[0].get_texts()] == groups


@pytest.mark.parametrize("count", [1, 2, 6])
def test_names_are_within_the_picture_and_longer_ones_are_cut(legends, count):
    groups = ["HerbaceousVegetation"] * 9 + ["HerbaceousVegetation or trees"]
    planes = [("an encoder", plane_of(features(0)))] * count
    draw_map("Birds: features of 500 test images", planes, groups=groups, group=np.arange(30))
    names, figure = legends[0].get_texts(), legends[0].figure
    assert names[-1].get_text() == "HerbaceousVegetation or…"
    for text in [*names, *figure.texts]:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y0 >= 0
