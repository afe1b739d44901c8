"""Fine-tuning and training from scratch: that they learn, from what, and on which images."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.core.randomness import named_seed, permutation
from fourlenses.data.loading import inputs
from fourlenses.data.manifest.manifest import read_manifest, rows_of
from fourlenses.evaluation.finetuning.classifiers import PROTOCOLS
from fourlenses.evaluation.finetuning.record import write_record
from fourlenses.evaluation.finetuning.scorer import Scorer
from fourlenses.metrics.statistics import wilson_interval
from fourlenses.resume.result_cache import FOLDER
from tests.helpers.runs import left_behind
from tests.helpers.trained import (
    COLOURS,
    TEST,
    TRAIN,
    go,
    make_encoder,
    make_target,
    numbers,
    outcome,
    settings,
    task,
)

ENOUGH = {"epochs": 12, "max_steps": 60}


@pytest.fixture
def target(tmp_path):
    return make_target(tmp_path)


@pytest.mark.parametrize(
    ("protocol", "optimizer", "rates"),
    [("fine_tune", "nesterov", [1e-6, 0.05, 50.0]), ("scratch", "adamw", [1e-7, 0.01])],
)
def test_it_learns_and_chooses_a_sane_rate(tmp_path, target, protocol, optimizer, rates):
    chosen = settings(protocol, learning_rates=rates, optimizer=optimizer, **ENOUGH)
    record = go(make_encoder(tmp_path / "run"), target, chosen, tmp_path / "checkpoints")
    assert record["learning_rate"] == rates[1]
    assert record["top1"] > 80  # 33 is chance
    assert (record["learning_rates"], record["n_validation"]) == (rates, 18)
    accuracies = [
        -1 if accuracy is None else accuracy for accuracy in record["validation_accuracy"]
    ]
    assert max(accuracies) == accuracies[1]
    assert (record["label_size"], record["n_test"], record["steps"], record["batch_size"]) == (
        72,
        36,
        54,
        16,
    )
    assert record["epochs"] == 12
    right = record["predictions"] == record["truth"]
    assert record["top1"] == 100 * right.mean()
    assert (record["top1_low"], record["top1_high"]) == wilson_interval(int(right.sum()), 36)
    assert record["levels"][-1].top1 == record["top1"]
    assert record["confidences"].dtype == np.float16
    assert record["train_top1"] > 50
    assert sum(record["training_losses"]["steps"]) == 54
    assert set(record["timing"]) == {"select", "train", "test"}


def test_a_rate_at_which_the_loss_is_not_finite_is_skipped(tmp_path, target):
    chosen = settings("fine_tune", learning_rates=[0.05, 1e18], **ENOUGH)
    record = go(make_encoder(tmp_path / "run"), target, chosen, tmp_path / "checkpoints")
    assert record["learning_rate"] == 0.05
    assert record["validation_accuracy"][1] is None
    assert "training diverged with learning rate 1e+18, weight decay 0.0001" in record["notes"]
    assert left_behind(tmp_path / "checkpoints") == {FOLDER}
    with pytest.raises(UserError, match=r"the loss of step .* is not finite"):
        go(
            make_encoder(tmp_path / "again"),
            target,
            settings("fine_tune", learning_rates=[1e18], **ENOUGH),
            tmp_path / "checkpoints",
        )


def test_fine_tuning_the_random_encoder_is_training_from_scratch(tmp_path, target):
    random, other = make_encoder(tmp_path / "random", "random"), make_encoder(tmp_path / "simclr")
    record = go(
        random, target, settings("fine_tune", learning_rates=[0.01, 0.05]), tmp_path / "checkpoints"
    )
    # whichever run the backbone, the seed and the sizes are taken from
    for encoder, baseline in (
        (random, "scratch"),
        (other, "scratch"),
        (other, "scratch_published"),
    ):
        scratch = go(
            encoder,
            target,
            settings(baseline, learning_rates=[0.01, 0.05]),
            tmp_path / "checkpoints",
        )
        np.testing.assert_equal(
            numbers(scratch) | {"fingerprints": None}, numbers(record) | {"fingerprints": None}
        )
    tuned = go(
        other, target, settings("fine_tune", learning_rates=[0.01, 0.05]), tmp_path / "checkpoints"
    )
    assert tuned["log_loss"] != record["log_loss"]


def test_the_seed_decides_the_start_the_order_and_what_is_held_out(tmp_path, target):
    losses = set()
    for seed in (0, 1):
        encoder = make_encoder(tmp_path / f"run{seed}", "random", seed)
        losses.add(go(encoder, target, settings("scratch"), tmp_path / "checkpoints")["log_loss"])
    assert len(losses) == 2


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_test_images_are_scored_once_and_never_chosen_by(tmp_path, target, protocol, monkeypatch):
    """Which rows are trained on, in which training, and which are scored, in order."""
    events = []
    batches, features = inputs.ResidentInput.batches, Scorer.features
    ids = {}

    def watched_batches(self, chosen):
        ids.update(
            dict(zip(self.ids.tolist(), np.sort(np.load(target.subset)).tolist(), strict=True))
        )
        drawn = set()
        events.append(("train", drawn))
        for positions, epochs in chosen:
            drawn |= {ids[number] for number in self.ids[positions].tolist()}
            yield next(iter(batches(self, [(positions, epochs)])))

    def watched_features(self, encoder, rows, **others):
        events.append(("score", set(rows.tolist())))
        return features(self, encoder, rows, **others)

    monkeypatch.setattr(inputs.ResidentInput, "batches", watched_batches)
    monkeypatch.setattr(Scorer, "features", watched_features)
    go(
        make_encoder(tmp_path / "run"),
        target,
        settings(protocol, learning_rates=[0.1, 0.5], epochs=8),
        tmp_path / "checkpoints",
    )
    labelled, test = np.load(target.subset), rows_of(read_manifest(target.manifest), "test")
    order = permutation(72, named_seed(0, "validation"))
    held, rest = set(labelled[order[:18]].tolist()), set(labelled[order[18:]].tolist())
    choosing = [("train", rest), ("score", held)] * 2
    assert events == [*choosing, ("train", set(labelled.tolist())), ("score", set(test.tolist()))]
    assert not held & set(test.tolist())


def test_encoders_see_images_normalised_as_in_their_own_training(tmp_path, target):
    plain = go(
        make_encoder(tmp_path / "one"), target, settings("fine_tune"), tmp_path / "checkpoints"
    )
    shifted = make_encoder(tmp_path / "two", mean=[0.4, 0.5, 0.6], std=[0.2, 0.25, 0.3])
    assert (
        go(shifted, target, settings("fine_tune"), tmp_path / "checkpoints")["log_loss"]
        != plain["log_loss"]
    )


def test_the_test_crop_is_the_middle_of_a_larger_square(tmp_path, target):
    rows = rows_of(read_manifest(target.manifest), "test")
    encoder = torch.nn.Flatten()

    def scored(size: int, crop: float) -> torch.Tensor:
        scorer = Scorer(
            target.beton, "colours", image_size=size, crop=crop, normalisation={}, workers=1
        )
        features, _ = scorer.features(encoder, rows, device=torch.device("cpu"), what="")
        return features.view(-1, 3, size, size)

    whole, cut, wide = scored(16, 1.0), scored(16, 0.8), scored(20, 1.0)
    assert torch.equal(cut, wide[:, :, 2:18, 2:18])
    assert not torch.equal(cut, whole)


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_few_labels_of_few_classes(tmp_path, target, protocol):
    """Two labels for three classes.

    Batches hold the images several times, the third class is no answer, and there is no validation
    split to choose on.
    """
    rows = rows_of(read_manifest(target.manifest), "train")
    np.save(tmp_path / "two.npy", rows[[0, TRAIN]])
    chosen = settings(protocol, learning_rates=[0.01, 0.05, 0.2], validation_fraction=0.2)
    record = go(
        make_encoder(tmp_path / "run"), task(tmp_path, "two"), chosen, tmp_path / "checkpoints"
    )
    assert record["learning_rate"] == 0.05
    assert (record["batch_size"], record["steps"], record["epochs"]) == (16, 12, 96)
    assert record["n_test"] == TEST * len(COLOURS)
    assert np.isfinite(record["log_loss"])
    for part in (
        "1 of 3 classes have no label",
        "the middle was taken, learning rate 0.05, weight decay 0.0001",
        "holds the 2 images several times",
        "min_steps",
    ):
        assert any(part in note for note in record["notes"]), part


def test_workers_and_the_kind_of_input_change_nothing_that_they_should_not(tmp_path, target):
    encoder, chosen = (
        make_encoder(tmp_path / "run"),
        settings("fine_tune", learning_rates=[0.01, 0.05]),
    )
    for kind in ("resident", "streaming"):
        alone, many = (
            go(encoder, target, chosen, tmp_path / "checkpoints", input=kind, workers=workers)
            for workers in (1, 3)
        )
        np.testing.assert_equal(numbers(alone), numbers(many))
        assert alone["input"] == kind


def test_unknown_protocols_name_the_known(tmp_path, target):
    with pytest.raises(
        UserError, match=r"unknown protocol 'fine_tuned' .*did you mean 'fine_tune'.*scratch"
    ):
        go(make_encoder(tmp_path / "run"), target, settings("fine_tuned"), tmp_path / "checkpoints")


def test_nothing_is_chosen_on_labels_that_the_encoder_was_trained_with(tmp_path, target):
    """A supervised encoder of the target; from scratch, no encoder is trained from."""
    chosen = {"learning_rates": [0.01, 0.05, 0.2], "weight_decays": [0.0, 0.1]}
    encoder = make_encoder(tmp_path / "run", "supervised")
    record = go(encoder, target, settings("fine_tune", **chosen), tmp_path / "checkpoints")
    assert (record["learning_rate"], record["weight_decay"], record["validation_accuracy"]) == (
        0.05,
        0.0,
        None,
    )
    assert any(
        "trained with labels of colours" in note and "the middle was taken" in note
        for note in record["notes"]
    )
    for other, protocol in ((encoder, "scratch"), (make_encoder(tmp_path / "other"), "fine_tune")):
        record = go(other, target, settings(protocol, **chosen), tmp_path / "checkpoints")
        assert len(record["validation_accuracy"]) == 6
        assert not any("trained with labels" in note for note in record["notes"])


def test_a_record_says_which_training_was_not_converged(tmp_path, target):
    """The encoder's, the protocol's own, or both; from scratch there is no encoder."""
    long, short = (
        {"epochs": 60, "min_steps": 400, "max_steps": 400, "learning_rates": [0.05]},
        {"epochs": 1, "min_steps": 40, "max_steps": 40},
    )
    encoder = make_encoder(tmp_path / "run")
    unfinished = replace(encoder, not_converged="the loss still fell")
    cases = [
        (encoder, "fine_tune", long, ""),
        (unfinished, "fine_tune", long, "pretraining"),
        (encoder, "linear_augmented", short, "training"),
        (unfinished, "linear_augmented", short, "pretraining;training"),
        (unfinished, "scratch", long, ""),
    ]
    for run, protocol, changes, expected in cases:
        chosen = settings(protocol, **changes)
        record, images = outcome(run, target, chosen, tmp_path / "checkpoints")
        write_record(
            record,
            images,
            encoder=run,
            protocol=protocol,
            task=target,
            labelled="all",
            record_file=tmp_path / "cell.json",
            predictions_file=tmp_path / "cell.npz",
        )
        (cell,) = read_json(tmp_path / "cell.json")["cells"]
        assert cell["not_converged"] == expected, (protocol, cell["training_not_converged"])
        assert (cell["training_not_converged"] is not None) == ("training" in expected.split(";"))
        assert cell["image_size"] == 16
        assert [
            (level["level"], level["level_depth"], level["n_classes"]) for level in cell["levels"]
        ] == [("class", 0, 3)]
        assert cell["levels"][0]["chance"] == pytest.approx(100 / 3)
