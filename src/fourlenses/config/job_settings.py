"""The settings that decide what one job computes, as the Snakefile passes them to it.

A job whose settings changed is run again, and checkpoints belong to the settings they were made
with. So the keys here stay as they are when a key of the config gets another name: there `views`
holds the augmentation of each view by name, `recipes` what each of them does, and `health_images`
is `training.monitor_images`. run.json has the same keys.

Standard library only: the Snakefile imports it in every job.
"""

from fourlenses.config.placement import science_of
from fourlenses.study import Run
from fourlenses.study.smaller import smaller_run
from fourlenses.study.vocabulary import TRAINING_PROTOCOLS

NO_HYPERPARAMETERS = ("start", "smaller_first")  # keys of an entry that say what it begins with
JOB_KEYS = {"monitor_images": "health_images"}  # key of `training` -> its name in a job


def pretraining_settings(config: dict, *, method: str, source: str, seed: int) -> dict:
    """Return everything that decides an encoder's weights. method: an entry of `methods`."""
    entry, training = config["methods"][method], science_of(config)["training"]
    smaller = smaller_run(config["methods"], Run(method, source, seed))
    return {
        "method": method,
        "source": source,
        "seed": seed,
        **_network(config, entry),
        **({"smaller": {"source": smaller.source}} if smaller else {}),
        "torch_threads": config["torch_threads"],
        "hyperparameters": with_views(entry),
        "recipes": {name: config["augmentations"][name] for name in entry.get("augmentations", [])},
        **{JOB_KEYS.get(key, key): value for key, value in training.items()},
    }


def _network(config: dict, entry: dict) -> dict:
    """Return backbone and sizes; those of the start where the entry continues an encoder.

    What an external encoder's entry leaves open is filled in by the job, from the imported weights.
    """
    if "start" not in entry:
        return {key: config[key] for key in ("backbone", "stored_size", "image_size")}
    start = config["encoders"][entry["start"]]
    return {
        "backbone": start["architecture"],
        "stored_size": start["stored_size"],
        "start": {"encoder": entry["start"], "sha256": start["sha256"].lower()},
    }


def feature_protocol_settings(config: dict) -> dict:
    """Return the settings of the protocols on features: what they share, and a section for each."""
    science = science_of(config)["evaluation"]
    sections = {
        name: section
        for name, section in science.items()
        if isinstance(section, dict) and name not in TRAINING_PROTOCOLS
    }
    return {
        **sections,
        "validation_fraction": science["validation_fraction"],
        "torch_threads": config["torch_threads"],
    }


def protocol_settings(config: dict, protocol: str) -> dict:
    """Return the hyperparameters of a protocol that trains."""
    entry = config["evaluation"][protocol]
    return with_views(
        {key: value for key, value in entry.items() if key not in ("preset", "augmentation")}
    )


def protocol_augmentation(config: dict, protocol: str) -> dict:
    """Return what is done to the training images of a protocol that trains."""
    return config["evaluation"][protocol]["augmentation"]


def with_views(entry: dict) -> dict:
    """Return the hyperparameters of a completed entry under the names that a job has for them."""
    return {
        "views" if key == "augmentations" else key: value
        for key, value in entry.items()
        if key not in NO_HYPERPARAMETERS
    }


def without_views(hyperparameters: dict) -> dict:
    """Return the hyperparameters of a job under the names that a config has for them."""
    return {
        "augmentations" if key == "views" else key: value for key, value in hyperparameters.items()
    }
