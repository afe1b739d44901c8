"""Bytes of jobs, against numbers by hand and against the code whose constants are repeated."""

import pytest

from fourlenses.data.loading import inputs, streaming
from fourlenses.evaluation.features import store
from fourlenses.evaluation.finetuning import scorer
from fourlenses.evaluation.logistic import memory_budget
from fourlenses.evaluation.probes import knn
from fourlenses.planning.memory import formulas
from fourlenses.planning.memory.formulas import MB, Training
from fourlenses.planning.memory.networks import ImageBytes

NETWORK = ImageBytes(10, forward=1_000, training=3_000)
SIZES = {"trained": 100, "optimizer": "adamw", "network": NETWORK, "images": 50, "stored": 10}
TWO_VIEWS = Training(view_images=((10, 8), (10, 8)), views=((10, 8), (10, 8)), **SIZES)


def test_what_the_code_that_computes_says():
    assert formulas.RESIDENT_SHARE == inputs.SHARE
    assert (formulas.BATCH, formulas.BLOCK) == (store.BATCH_SIZE, store.BLOCK)
    assert formulas.BATCH == scorer.BATCH_SIZE
    assert knn.BLOCK_ROWS["cpu"] == formulas.KNN_ROWS
    assert (
        memory_budget.VECTORS,
        memory_budget.HISTORY[0],
    ) == (formulas.VECTORS, formulas.HISTORY)
    ahead = streaming.StreamingInput.__init__.__kwdefaults__["ahead"]
    assert ahead + 2 == formulas.STREAMED_BATCHES


def test_a_step_by_hand():
    # weights, gradients and two moments of 100 floats
    assert TWO_VIEWS.weights == 4 * 4 * 100
    assert TWO_VIEWS.activations == 2 * 8 * 3_000
    assert TWO_VIEWS.batch_views == 2 * 8 * 3 * 10 * 10 * 4
    assert TWO_VIEWS.resident == 50 * 300
    sgd = Training(
        copied=100, view_images=((20, 8),), views=((20, 8),), **SIZES | {"optimizer": "sgd"}
    )
    # one moment, and a momentum encoder
    assert sgd.weights == 4 * 4 * 100
    assert sgd.activations == 8 * 4 * 3_000


def test_a_cpu_s_process_by_hand():
    step = 1.4 * 48_000 + 13 * 19_200
    images = 50 * (300 + 1_500)
    expected = (540 + 45) * MB + 1_600 + step + images
    assert formulas.training_on_cpu(TWO_VIEWS, resident=True, watched=0) == pytest.approx(expected)
    watched = formulas.training_on_cpu(TWO_VIEWS, resident=True, watched=1e9)
    assert watched == pytest.approx(expected - step + 1e9)
    streamed = formulas.training_on_cpu(TWO_VIEWS, resident=False, watched=0)
    assert streamed == pytest.approx(expected - images + 5 * 16 * 4 * 100 + 50 * 900)


def test_a_gpu_by_hand():
    whole = 1_600 + 48_000 + 6 * 19_200 + 15_000
    assert formulas.training_on_gpu(TWO_VIEWS, resident=True, half=False) == whole
    halved = formulas.training_on_gpu(TWO_VIEWS, resident=True, half=True)
    assert halved == whole - 24_000 + 2 * 100
    host = formulas.host_of_gpu_training(TWO_VIEWS, resident=True)
    assert host == (540 + 2_000) * MB + 1_600 + 50 * 1_800


def test_images_are_resident_where_the_input_would_be(monkeypatch):
    needed = TWO_VIEWS.resident
    assert TWO_VIEWS.is_resident("auto", needed / 0.4)
    assert not TWO_VIEWS.is_resident("auto", needed / 0.4 - 1)
    joined = Training(view_images=((10, 8),), views=((10, 8),), parts=2, **SIZES)
    assert not joined.is_resident("auto", needed / 0.4)
    assert joined.is_resident("auto", 2 * needed / 0.4)
    assert joined.is_resident("resident", 0)
    assert not joined.is_resident("streaming", 1e12)


def test_features_by_hand():
    def taken(images, *, on_gpu=False):
        return formulas.extraction(NETWORK, side=10, stored=20, images=images, on_gpu=on_gpu)

    assert taken(100) == 100 * 3 * 400 + 100 * (1_000 + 2 * 1_200)
    # two blocks of 2,000 and a batch of 500
    assert taken(1_000_000) == 4_000 * 1_200 + 500 * 3_400
    assert taken(100, on_gpu=True) == 100 * 1_200 + 100 * 2_400


def test_a_linear_fit_is_what_its_plan_says():
    """With all the memory it wants: the parts that `plan_memory` decides on, added up."""
    count, width, classes, tested = 4_000, 128, 10, 1_000
    plan = memory_budget.plan_memory(count, width=width, classes=classes, memory=2**40)
    assert plan.resident
    assert plan.rotated
    vectors = 8 * classes * (width + 1) * (memory_budget.VECTORS + plan.history)
    curvature = 12 * classes * plan.curvature_axes**2 + 12 * width**2
    features, scores = 4 * count * (width + 1), 8 * tested * classes
    assert formulas.linear_fit(count, width=width, classes=classes, tested=tested) == pytest.approx(
        vectors + curvature + features + scores
    )


def test_a_search_of_neighbours_is_in_blocks():
    few = formulas.nearest_neighbours(100, width=8, tested=10)
    assert few == 4 * (2 * 10 * 100 + 8 * 110)
    most = formulas.nearest_neighbours(10**7, width=8, tested=10**6)
    assert most == 4 * (2 * 2_048 * 32_768 + 8 * (2_048 + 32_768))


def test_an_index_of_the_largest_dataset_takes_what_was_measured():
    # docs/reference/datasets.md: 2.8 million images peak at 2.5 GB
    assert formulas.index(2_800_000) == pytest.approx(2.5e9, rel=0.07)
    # docs/measured/benchmarks/scaling.md
    assert formulas.table(89_110) / MB == pytest.approx(325, rel=0.05)
    assert formulas.table(1_000) / MB == pytest.approx(144, rel=0.05)
