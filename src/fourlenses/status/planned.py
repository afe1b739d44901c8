"""The jobs that a study consists of: from its recorded plan, or from its config."""

from dataclasses import dataclass
from pathlib import Path

from fourlenses.config.placement import with_placement
from fourlenses.config.read import config_files, read_config, read_overlay
from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.lenses.known_sizes import possible_plan
from fourlenses.study import Cell, Plan, Run
from fourlenses.study.layout import Layout
from fourlenses.workflow.changed_settings import changed_keys, in_words
from fourlenses.workflow.needs import betons


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A study and its plan.

    Args:
        name: of the study.
        config: completed; of the study made before, as it was recorded.
        origin: the files that the plan was read from.
        overlays: of config.yaml, with which Snakemake runs it; None: not known.
    """

    name: str
    plan: Plan
    config: dict
    origin: str
    overlays: list[Path] | None = None

    @property
    def layout(self) -> Layout:
        """The paths of its files."""
        return Layout(self.name, self.config["stored_size"])

    def betons(self) -> list[str]:
        """Return the image files that it trains and evaluates on."""
        return betons(self.plan, self.config)


def planned(workflow: Path, root: Path, *, study: str | None, overlays: list[Path]) -> Planned:
    """Return the study that Snakemake runs with some overlays, or the one of that name.

    Args:
        workflow: the project's folder, with config.yaml and studies/.
        root: the folder with results/.
        study: the name; without overlays the plan is that of its study.json, or where there is none
            that of the file of studies/ that has this name.
        overlays: of config.yaml.

    Raises:
        UserError: no such study is known, or the config is not valid.
    """
    base = workflow / "config.yaml"
    if not overlays and study:
        record = root / Layout(study, 0).study_record
        shipped = [base, *sorted((workflow / "studies").glob("*.yaml"))]
        overlays = [file for file in shipped if _name(file) == study]
        if record.exists():
            return _from_record(record, overlays or None)
        if not overlays:
            raise UserError(
                f"{record} is not there and no file of {workflow / 'studies'} says "
                f"'study: {study}'; name the study's config: make status CONFIG=…"
            )
    from_config = _from_config(workflow, overlays or [base], root)
    if study and from_config.name != study:
        raise UserError(
            f"{', '.join(map(str, overlays))}: key 'study' is '{from_config.name}', not "
            f"'{study}'; leave out one of the two"
        )
    return from_config


def _from_record(file: Path, overlays: list[Path] | None) -> Planned:
    try:
        record = read_json(file)
        plan = Plan({_cell(cell): set(cell["lenses"]) for cell in record["cells"]})
        return Planned(
            name=record["study"],
            plan=plan,
            config=with_placement(record["config"]) | {"study": record["study"]},
            origin=str(file),
            overlays=overlays,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{file} is no plan of a study ({type(error).__name__}: {error}); "
            "delete it and run snakemake again"
        ) from error


def _cell(record: dict) -> Cell:
    method, source, seed = record["run"].split("/")
    run = Run(method, source, int(seed.removeprefix("seed")))
    return Cell(
        run=run, target=record["target"], labelled=record["labelled"], protocol=record["protocol"]
    )


def _from_config(folder: Path, overlays: list[Path], root: Path) -> Planned:
    config = read_config(overlays, folder)
    origin = " + ".join(map(str, config_files(overlays, folder)))
    record = root / Layout(config["study"], config["stored_size"]).study_record
    if changed := in_words(changed_keys(config, record)):
        origin = f"{origin} ({changed})"
    return Planned(
        name=config["study"],
        plan=possible_plan(config, root).plan,
        config=config,
        origin=origin,
        overlays=overlays,
    )


def _name(file: Path) -> object:
    try:
        return read_overlay(file).get("study")
    except UserError:
        return None
