"""The external encoders of a study: entries of `encoders`, checked and filled in.

What only the architecture itself can say (its own image size, crop, mean and std) is filled in when
its weights are imported (`fourlenses.models.external`), as that needs torch.

Standard library only, apart from what names the file to blame: the Snakefile imports it in every
job.
"""

from pathlib import Path

from fourlenses.config.blame import blame
from fourlenses.core.errors import UserError, one_of
from fourlenses.study import Run
from fourlenses.study.layout import Layout
from fourlenses.study.preprocessing import resized
from fourlenses.study.vocabulary import BACKBONES, EXTERNAL, LIBRARIES

STORED_SIZE = 256  # px: what most architectures are resized to before their centre is cut out
DEFAULTS = {"match": "names", "labels_of": [], "licence": ""}


def complete_encoders(config: dict, config_files: list[Path]) -> None:
    """Check and fill in `config["encoders"]`, in place.

    Raises:
        UserError: an entry has the name of a dataset, an unknown library or backbone, or
            contradicts itself or the rest of the config.
    """
    for name, entry in config["encoders"].items():
        where = blame(["encoders", name], config_files)
        try:
            _check_name(name, config)
            _check_architecture(name, entry)
            for dataset in entry.get("labels_of", []):
                if dataset not in config["datasets"]:
                    known = config["datasets"]
                    raise UserError(f"key '{name}.labels_of': {one_of('dataset', dataset, known)}")
            if ("mean" in entry) != ("std" in entry):
                raise UserError(f"key '{name}' has one of 'mean' and 'std'; give both or neither")
            config["encoders"][name] = {**DEFAULTS, **entry, "stored_size": _stored(name, entry)}
        except UserError as error:
            raise UserError(f"{where}: in 'encoders', {error}") from error


def stored_size(config: dict, run: Run) -> int:
    """Return the side in px of the stored images that a single encoder takes.

    Args:
        config: completed; of a study made before there were external encoders as well.
        run: one encoder.
    """
    if run.method == EXTERNAL:
        return config["encoders"][run.source]["stored_size"]
    start = config.get("methods", {}).get(run.method, {}).get("start")
    if start:
        return config["encoders"][start]["stored_size"]
    return config["stored_size"]


def layout_of(config: dict, run: Run) -> Layout:
    """Return the files of the study, with images as a single encoder takes them."""
    return Layout(config["study"], stored_size(config, run))


def check_encoder(config: dict, key: str, name: str) -> None:
    """Raise a `UserError` where `key` names an external encoder that is not defined."""
    if name not in config["encoders"]:
        raise UserError(f"key '{key}': {one_of('external encoder', name, config['encoders'])}")


def _check_name(name: str, config: dict) -> None:
    if name in config["datasets"] or name == "none":
        what = "of a dataset" if name in config["datasets"] else "for no source"
        raise UserError(f"'{name}' is the name {what} too; name the encoder otherwise")


def _check_architecture(name: str, entry: dict) -> None:
    library, colon, inner = entry["architecture"].partition(":")
    key = f"key '{name}.architecture'"
    if colon and library not in LIBRARIES:
        raise UserError(f"{key}: {one_of('library', library, LIBRARIES)}")
    if colon and not inner:
        raise UserError(f"{key} names no network; say '{library}:resnet50', for example")
    if not colon and library not in BACKBONES:
        known = ", ".join(f"{library}:<name>" for library in LIBRARIES)
        raise UserError(f"{key}: {one_of('backbone', library, BACKBONES)}; or {known}")
    if not colon and "image_size" not in entry:
        raise UserError(
            f"key '{name}' lacks 'image_size': the architecture '{library}' has no size; "
            "say what the weights were trained with"
        )


def _stored(name: str, entry: dict) -> int:
    """Return the stored size of an entry, or a default."""
    defaults = {} if ":" in entry["architecture"] else {"crop": 1.0}
    given = defaults | entry
    known = "image_size" in given and "crop" in given
    needed = resized(given["image_size"], given["crop"]) if known else None
    stored = entry.get("stored_size", needed or STORED_SIZE)
    if needed and stored < needed:
        raise UserError(
            f"key '{name}.stored_size' is {stored}, but image_size {given['image_size']} at crop "
            f"{given['crop']:g} is cut from {needed} px; raise it, or leave it out"
        )
    return stored
