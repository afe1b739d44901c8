"""Names of sources, for people and for files."""

import pytest

from fourlenses.study import Run, names


@pytest.mark.parametrize(
    "encoders",
    [
        [Run("simclr", "a-10", 0), Run("simclr", "b-10", 0)],
        [
            Run("simclr", "a-10", 0),
            Run("supervised", "b-10+c-10@jpeg10", 0),
            Run("moco", "a-all", 3),
        ],
        [Run("supervised", "a-10", 2), Run("simclr_half", "a-10", 0)],
        [Run("simclr", "a-10", 0), Run.external("rn50", 0)],
        [Run("simclr", "a-10.from_rn50", 0), Run("moco", "b-10@jpeg10.from_rn50", 1)],
        [Run.external("rn50", 1), Run("simclr", "a-10+b-10@jpeg10", 1), Run.external("vit", 1)],
    ],
)
def test_concatenated_and_split_again(encoders):
    assert Run.concatenated(encoders).encoders == encoders


def test_the_source_of_a_derived_run_without_marks_is_as_before():
    run = Run.concatenated([Run("simclr", "a-100", 0), Run("simclr", "b-50@jpeg10", 0)])
    assert (run.source, run.corruption) == ("a-100~b-50@jpeg10", "jpeg10+none")
    assert Run("simclr", "a-100+b-50", 1).encoders == [Run("simclr", "a-100+b-50", 1)]


@pytest.mark.parametrize(
    ("source", "label"),
    [
        ("imagenet-1000000~inat21-1000000", "ImageNet 1M & iNat21 1M"),
        ("imagenet-1000000~inat21-1000000.supervised", "ImageNet 1M & iNat21 1M (supervised)"),
        ("imagenet-1000000~imagenet-1000000.seed1", "ImageNet 1M & ImageNet 1M (another seed)"),
        ("a-10~b-20.simclr_half.seed2", "a 10 & b 20 (SimCLR, half as long, another seed)"),
        ("imagenet-250000+places365-250000", "ImageNet 250k + Places365 250k"),
        ("objects-all", "objects"),
        ("rn50", "rn50"),
        ("a-10~rn50.external", "a 10 & rn50 (downloaded encoder)"),
        ("a-10.from_rn50", "a 10 (from rn50)"),
        ("a-10~b-20.from_rn50.moco", "a 10 & b 20 (from rn50, MoCo v2)"),
    ],
)
def test_sources_are_called(source, label):
    assert names.source(source) == label


def test_the_parts_of_a_source_are_without_marks():
    assert names.source_parts("a-100~b-50.supervised") == [("a", 100), ("b", 50)]
    assert names.source_parts("a-100~a-100.seed1") == [("a", 100), ("a", 100)]
    assert names.datasets("a-100~b-all.moco.seed1") == {"a", "b"}
    assert names.source_parts("a-100@jpeg10.from_rn50") == [("a", 100)]
    assert names.is_in_domain("a-100.from_rn50", "a")
    assert names.encoders("b-1~a-100.from_rn50.moco") == [
        ("b-1", "", ""),
        ("a-100.from_rn50", "moco", ""),
    ]
    # two encoders of one domain are no in-domain encoder
    assert not names.is_in_domain("a-100~a-100.seed1", "a")


def test_a_continued_run_says_where_it_started():
    run = Run.concatenated([Run("simclr", "a-10", 0), Run("simclr_more", "b-20@jpeg10", 1)])
    started = run.started({"simclr_more": "rn50"})
    assert started.source == "a-10~b-20@jpeg10.from_rn50.simclr_more.seed1"
    assert started.encoders == [
        Run("simclr", "a-10", 0),
        Run("simclr_more", "b-20@jpeg10.from_rn50", 1),
    ]
    assert started.corruption == "jpeg10+none"
    assert run.started({}) == run
    assert Run("simclr", "a-10", 0).started({"simclr": "x"}).name == "simclr/a-10.from_x/seed0"
