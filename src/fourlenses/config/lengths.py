"""How long the encoders of a study are trained: at equal steps, at equal epochs, or both.

At equal epochs more images are also more training, so what a larger set gains is not the images'
alone. `quantity.equal` says which of the two is equal over the sizes of the lens, and
`quantity.convergence` asks what half or twice the length would do at the largest size. Both are
entries of `config["methods"]` that this module converts or derives.

Standard library only, apart from what names the file to blame.
"""

from pathlib import Path

from fourlenses.config.blame import blame
from fourlenses.core.errors import UserError
from fourlenses.study.durations import steps_of_epochs
from fourlenses.study.encoders import ENDINGS, LENGTHS, derived
from fourlenses.study.sizes import derived_endings, parts_of, reference_images

DURATIONS = ("epochs", "steps", "warmup_epochs", "warmup_steps")


def complete_lengths(config: dict, config_files: list[Path]) -> None:
    """Convert and derive entries of `config["methods"]` (completed), in place.

    Nothing is done where the study has no quantity lens: its sizes are what is made equal.

    Raises:
        UserError: an entry of `more` asks for another length than the study can have, or see
            `reference_images`.
    """
    lens, methods = config["quantity"], config["methods"]
    if "quantity" not in config["lenses"]:
        return
    _check_more(lens, config_files)
    parts = parts_of(lens)
    if not all(name in config["datasets"] for part in parts for name in part["datasets"]):
        return  # an unknown dataset, which `lenses.checks` reports
    # an entry that no preset completed trains nothing, or is unknown, which `lenses.checks` reports
    trained = [
        name
        for name in dict.fromkeys(method for part in parts for method in part["methods"])
        if "batch_size" in methods.get(name, {})
    ]
    # one size alone is compared with no other: there is nothing to make equal
    several = len({size for part in parts for size in part["pretrain_images"]}) > 1
    if lens["equal"] == "steps" and several:
        for name in trained:
            methods[name] = _at_equal_steps(config, methods[name])
    for part in parts:
        for name in (method for method in part["methods"] if method in trained):
            for ending in derived_endings(part):
                if ending in LENGTHS:
                    methods[derived(name, ending)] = _scaled(methods[name], LENGTHS[ending])
                elif "steps" not in methods[name]:
                    methods[derived(name, ending)] = _at_equal_steps(config, methods[name])


def reserved_ending(name: str) -> str | None:
    """Return the ending of `name` that only derived entries may have, None where it has none."""
    return next((ending for ending in ENDINGS if name.endswith(f"_{ending}")), None)


def _check_more(lens: dict, config_files: list[Path]) -> None:
    if lens["equal"] != "steps":
        return
    for number, entry in enumerate(lens["more"]):
        if "equal" in entry:
            where = blame(["quantity", "more", str(number), "equal"], config_files)
            raise UserError(
                f"{where}: key 'quantity.more[{number}].equal' is '{entry['equal']}', but with "
                "'quantity.equal: steps' every method of the study is at equal steps; leave it "
                "out, or choose 'quantity.equal: epochs' or 'both'"
            )


def _at_equal_steps(config: dict, entry: dict) -> dict:
    """Return an entry with the steps and warm-up of the largest size, whatever the images."""
    durations = {}
    for passes, updates in (("epochs", "steps"), ("warmup_epochs", "warmup_steps")):
        if updates in entry:
            durations[updates] = entry[updates]
        elif not entry[passes]:
            durations[updates] = 0
        else:
            images = reference_images(config)
            durations[updates] = steps_of_epochs(images, entry[passes], entry["batch_size"])
    durations["steps"] = max(1, durations["steps"])
    return {key: value for key, value in entry.items() if key not in DURATIONS} | durations


def _scaled(entry: dict, factor: float) -> dict:
    """Return an entry that is `factor` times as long, its warm-up as well."""
    scaled = dict(entry)
    for key in DURATIONS:
        if key in entry:
            length = entry[key] * factor
            scaled[key] = round(length) if key.endswith("steps") else length
    if "steps" in scaled:
        scaled["steps"] = max(1, scaled["steps"])
    return scaled
