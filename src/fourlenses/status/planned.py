"""What a study is to consist of: from its recorded plan, or from the config that Snakemake is run with."""

from dataclasses import dataclass
from pathlib import Path

from fourlenses.config.read import config_files, read_config, read_overlay
from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.lenses.plan import make_plan
from fourlenses.study import Cell, Plan, Run, parse_source
from fourlenses.study.layout import Layout


@dataclass(frozen=True)
class Planned:
    """A study's name, plan, and side of stored images (px); ``origin`` says what it was read from."""

    name: str
    plan: Plan
    stored_size: int
    origin: str

    def betons(self) -> list[str]:
        """The image files it trains and evaluates on."""
        parts = {
            (part.dataset, part.variant)
            for run in self.plan.runs
            for part in parse_source(run.source)
        }
        parts |= {(cell.target, "clean") for cell in self.plan.cells}
        return [self.layout.beton(dataset, variant) for dataset, variant in sorted(parts)]

    @property
    def layout(self) -> Layout:
        return Layout(self.name, self.stored_size)


def planned(workflow: Path, root: Path, study: str | None, overlays: list[Path]) -> Planned:
    """The study that Snakemake runs with these ``overlays`` of ``workflow``/config.yaml; without any, the one named
    ``study``: its record below ``root`` (study.json), or before there is one the file of studies/ that has that name.

    Raises:
        UserError: no such study is known, or the config is not valid.
    """
    base = workflow / "config.yaml"
    if not overlays and study:
        record = root / Layout(study, 0).study_record
        if record.exists():
            return _from_record(record)
        overlays = [
            file
            for file in [base, *sorted((workflow / "studies").glob("*.yaml"))]
            if _name(file) == study
        ]
        if not overlays:
            raise UserError(
                f"{record} is not there and no file of {workflow / 'studies'} says 'study: {study}'; name the study's config: "
                "make status CONFIG=…"
            )
    found = _from_config(workflow, overlays or [base])
    if study and found.name != study:
        raise UserError(
            f"{', '.join(map(str, overlays))}: key 'study' is '{found.name}', not '{study}'; leave out one of the two"
        )
    return found


def _from_record(file: Path) -> Planned:
    try:
        record = read_json(file)
        plan = Plan({_cell(cell): set(cell["lenses"]) for cell in record["cells"]})
        return Planned(record["study"], plan, record["config"]["stored_size"], str(file))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{file} is no plan of a study ({type(error).__name__}: {error}); delete it and run snakemake again"
        ) from error


def _cell(record: dict) -> Cell:
    method, source, seed = record["run"].split("/")
    return Cell(
        Run(method, source, int(seed.removeprefix("seed"))),
        record["target"],
        record["labelled"],
        record["protocol"],
    )


def _from_config(folder: Path, overlays: list[Path]) -> Planned:
    config = read_config(overlays, folder)
    return Planned(
        config["study"],
        make_plan(config),
        config["stored_size"],
        " + ".join(map(str, config_files(overlays, folder))),
    )


def _name(file: Path) -> object:
    try:
        return read_overlay(file).get("study")
    except UserError:
        return None
