"""Names for readers in a config, and what of a dataset's entry is no part of its images.

Standard library only: the Snakefile imports it in every job.
"""

LABEL_KEYS = ("label", "level_labels")  # of an entry of `datasets`


def labels_of(config: dict) -> dict[str, str]:
    """Return all labels of a config as `study.labels` takes them.

    Those of `figures.labels` win. A level may be named as in `levels`: `taxon@3` is `taxon_depth3`.
    """
    labels: dict[str, str] = {}
    for name, entry in config["datasets"].items():
        labels |= {name: entry["label"]} if "label" in entry else {}
        for level, label in entry.get("level_labels", {}).items():
            labels[f"{name}/{level.replace('@', '_depth')}"] = label
    return labels | config["figures"]["labels"]


def definition_of(entry: dict) -> dict:
    """Return a dataset's entry without its labels: a change of those makes no images again."""
    return {key: value for key, value in entry.items() if key not in LABEL_KEYS}
