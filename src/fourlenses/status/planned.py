"""What a study is to consist of: from its recorded plan, or from the config that Snakemake is run with."""

from dataclasses import dataclass
from pathlib import Path

from fourlenses.errors import UserError
from fourlenses.files import read_json
from fourlenses.study import Cell, Plan, Run, make_plan, parse_source


@dataclass(frozen=True)
class Planned:
    """A study's name, plan, and side of stored images (px); ``origin`` says what it was read from."""

    name: str
    plan: Plan
    stored_size: int
    origin: str

    def betons(self) -> list[Path]:
        """The image files it trains and evaluates on, below data/."""
        parts = {(part.dataset, part.variant) for run in self.plan.runs for part in parse_source(run.source)}
        parts |= {(cell.target, "clean") for cell in self.plan.cells}
        return [Path(dataset) / f"{self.stored_size}px" / f"{variant}.beton" for dataset, variant in sorted(parts)]


def planned(workflow: Path, results: Path, study: str | None, config_files: list[Path]) -> Planned:
    """The study that Snakemake runs with these ``config_files`` (overlays of ``workflow``/config.yaml); without any, the one named
    ``study``: its ``results``/<study>/study.json, or before there is one the file of studies/ that has that name.

    Raises:
        UserError: no such study is known, or the config is not valid.
    """
    base = workflow / "config.yaml"
    if not config_files and study:
        record = results / study / "study.json"
        if record.exists():
            return _from_record(record)
        config_files = [file for file in [base, *sorted((workflow / "studies").glob("*.yaml"))] if _name(file) == study]
        if not config_files:
            raise UserError(
                f"{record} is not there and no file of {workflow / 'studies'} says 'study: {study}'; name the study's config: "
                "make status CONFIG=…"
            )
    found = _from_config(workflow, config_files or [base])
    if study and found.name != study:
        raise UserError(f"{', '.join(map(str, config_files))}: key 'study' is '{found.name}', not '{study}'; leave out one of the two")
    return found


def _from_record(file: Path) -> Planned:
    try:
        record = read_json(file)
        plan = Plan({_cell(cell): set(cell["lenses"]) for cell in record["cells"]})
        return Planned(record["study"], plan, record["config"]["stored_size"], str(file))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file} is no plan of a study ({type(error).__name__}: {error}); delete it and run snakemake again") from error


def _cell(record: dict) -> Cell:
    method, source, seed = record["run"].split("/")
    return Cell(Run(method, source, int(seed.removeprefix("seed"))), record["target"], record["labelled"], record["protocol"])


def _from_config(folder: Path, overlays: list[Path]) -> Planned:
    """The plan as rules/common.smk makes it."""
    from fourlenses.config import check_config
    from fourlenses.data.downloadable import take_downloads
    from fourlenses.evaluation.protocol_presets import complete_protocols
    from fourlenses.presets import complete_methods

    base = folder / "config.yaml"
    files = [base, *(file for file in overlays if file.resolve() != base.resolve())]
    config: dict = {}
    for file in files:
        _merge(config, _read(file))
    check_config(config, folder / "schemas" / "config.schema.yaml", files)
    complete_methods(config, folder / "presets", files)
    complete_protocols(config, folder / "presets")
    take_downloads(config)
    return Planned(config["study"], make_plan(config), config["stored_size"], " + ".join(map(str, files)))


def _merge(config: dict, overlay: dict) -> None:
    """As Snakemake merges config files: dictionaries key by key, all else replaced."""
    for key, value in overlay.items():
        if isinstance(value, dict) and isinstance(config.get(key), dict):
            _merge(config[key], value)
        else:
            config[key] = value


def _read(file: Path) -> dict:
    import yaml

    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}; CONFIG names a file like studies/real_quick.yaml") from error
    except yaml.YAMLError as error:
        raise UserError(f"{file} is no YAML: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{file} holds no keys, but {type(content).__name__}; a study is an overlay of config.yaml")
    return content


def _name(file: Path) -> object:
    try:
        return _read(file).get("study")
    except UserError:
        return None
