"""The overlay files of a study, from its name or from paths that a user gives."""

from collections.abc import Sequence
from pathlib import Path

from fourlenses.config.read import read_overlay
from fourlenses.core.errors import UserError, did_you_mean, one_of


def study_files(
    root: Path, folders: Sequence[Path], *, study: str | None, named: Sequence[str]
) -> list[Path]:
    """Return the overlays of config.yaml that a study is run with; none for config.yaml alone.

    Args:
        root: the project's folder.
        folders: that a relative path may start from, the first one that has it.
        study: the name of a study; not with ``named``.
        named: paths of overlays.

    Raises:
        UserError: there is no such study or file, or both are given.
    """
    if study and named:
        raise UserError("both STUDY and CONFIG are given; leave one of them out")
    if not study:
        return [_file(name, folders) for name in named]
    if study == read_overlay(root / "config.yaml").get("study"):
        return []
    shipped = sorted((root / "studies").glob("*.yaml"))
    by_name = {str(read_overlay(file).get("study")): file for file in shipped}
    if study not in by_name:
        raise one_of("study", study, by_name)
    return [by_name[study]]


def _file(name: str, folders: Sequence[Path]) -> Path:
    for folder in folders:
        if (folder / name).is_file():
            return (folder / name).resolve()
    there = {file.stem: file.name for folder in folders for file in folder.glob("*.yaml")}
    hint = did_you_mean(Path(name).stem, there)
    places = ", ".join(str(folder) for folder in dict.fromkeys(folders))
    raise UserError(f"there is no file {name}{hint}; looked for in {places}")
