"""The images that trainings process, as the trainings themselves count them."""

from fourlenses.evaluation.finetuning.schedule import make_schedule
from fourlenses.planning.durations import (
    evaluation_training_images,
    labelled_training_images,
    pretraining_images,
)
from fourlenses.training.schedule import pretraining_schedule
from tests.helpers import trained
from tests.helpers.runs import hyperparameters


def test_durations_are_those_of_the_trainings():
    for changes in ({"epochs": 7}, {"steps": 70, "warmup_steps": 9}):
        hyper = hyperparameters("simclr", batch_size=64, batch_norm_groups=2, **changes)
        for images in (33, 64, 1000, 12345):
            schedule, _ = pretraining_schedule(hyper, images)
            made = schedule.batch_size * schedule.total_steps
            assert pretraining_images(hyper.as_json(), images) == made
    entry = trained.HYPER | {"batch_size": 64, "epochs": 3, "min_steps": 20, "max_steps": 300}
    for labels in (5, 60, 1000, 12345):
        schedule, _ = make_schedule(trained.hyperparameters(**entry), labels, 0.1)
        assert labelled_training_images(entry, labels) == schedule.batch_size * schedule.total_steps
    # two rates with three decays each tried on 80 % of 1000 labels, then one training on all
    grid = entry | {"learning_rates": [1, 2], "weight_decays": [0, 1, 2]}
    tried = evaluation_training_images(grid, 1000, validation_fraction=0.2)
    assert tried == (
        labelled_training_images(entry, 1000) + 6 * labelled_training_images(entry, 800),
        1200,
    )
    single = entry | {"learning_rates": [1], "weight_decays": [0]}
    images = evaluation_training_images(single, 1000, validation_fraction=0.2)
    assert images == (labelled_training_images(entry, 1000), 0)
