"""Every name of the vocabulary stands in all registries, and no registry has another name.

A failure names the file to touch: docs and CONTRIBUTING.md say what belongs there.
"""

from collections.abc import Iterable

import pytest

from fourlenses.config.read import ROOT
from fourlenses.config.yaml_files import read_yaml
from fourlenses.data.conversion import corruptions
from fourlenses.evaluation.finetuning import classifiers
from fourlenses.evaluation.probes import registry as probes
from fourlenses.lenses.captions import caption_of
from fourlenses.methods import METHODS
from fourlenses.models.backbones import BACKBONES
from fourlenses.study import vocabulary
from fourlenses.study.corruptions import CORRUPTION_FAMILIES

SCHEMA = read_yaml(ROOT / "schemas" / "config.schema.yaml")
DEFAULT = read_yaml(ROOT / "config.yaml")


def presets(folder: str) -> set[str]:
    return {file.stem for file in (ROOT / folder).glob("*.yaml")}


def check(names: Iterable[str], registries: dict[str, Iterable[str]]) -> None:
    """registries: the file of each, and the names in it."""
    wanted = set(names)
    problems = []
    for file, listed in registries.items():
        if missing := wanted - set(listed):
            problems.append(f"{file} lacks {', '.join(sorted(missing))}: add it there")
        if unknown := set(listed) - wanted:
            names_unknown = ", ".join(sorted(unknown))
            problems.append(f"{file} has {names_unknown}, which study/vocabulary.py lacks: add it")
    assert not problems, "; ".join(problems)


def test_protocols():
    trained = vocabulary.TRAINING_PROTOCOLS
    evaluation = SCHEMA["properties"]["evaluation"]
    check(
        vocabulary.FEATURE_PROTOCOLS,
        {"src/fourlenses/evaluation/probes/registry.py, PROTOCOLS": probes.PROTOCOLS},
    )
    check(
        trained,
        {
            "src/fourlenses/evaluation/finetuning/classifiers.py, PROTOCOLS": classifiers.PROTOCOLS,
            "presets/protocols/": presets("presets/protocols"),
            "schemas/config.schema.yaml, evaluation": {
                name for name in evaluation["properties"] if name in trained
            },
            "schemas/config.schema.yaml, evaluation.required": {
                name for name in evaluation["required"] if name in trained
            },
            "config.yaml, evaluation": {name for name in DEFAULT["evaluation"] if name in trained},
        },
    )


def test_lenses():
    lenses = vocabulary.LENSES
    package = ROOT / "src" / "fourlenses" / "lenses"
    check(
        lenses,
        {
            "src/fourlenses/lenses/<lens>/plan.py": {
                file.parent.name for file in package.glob("*/plan.py")
            },
            "src/fourlenses/lenses/<lens>/finding.py": {
                file.parent.name for file in package.glob("*/finding.py")
            },
            "schemas/lenses/<lens>.yaml": presets("schemas/lenses"),
            "config.yaml, a section": {name for name in DEFAULT if name in lenses},
            # without an external encoder the lens shows what others show already
            "config.yaml, lenses": [*DEFAULT["lenses"], "alternatives"],
        },
    )


def test_figures():
    figures = [figure.name for lens in vocabulary.LENSES.values() for figure in lens.figures]
    assert len(set(figures)) == len(figures), "two lenses of study/vocabulary.py share a figure"
    captions = {figure for figure in figures if caption_of(figure)}
    check(figures, {"src/fourlenses/lenses/<lens>/caption_<figure>.md": captions})


def test_methods():
    check(
        vocabulary.TRAINED_METHODS,
        {
            "src/fourlenses/methods/__init__.py, METHODS": METHODS,
            "presets/methods/": presets("presets/methods"),
        },
    )
    views = {name: vocabulary.METHODS[name].views for name in METHODS}
    assert views == {name: method.views_needed for name, method in METHODS.items()}
    required = SCHEMA["properties"]["methods"]["required"]
    assert vocabulary.RANDOM_INIT in required
    assert set(required) <= set(vocabulary.METHODS)


def test_backbones():
    check(vocabulary.BACKBONES, {"src/fourlenses/models/backbones.py, BACKBONES": BACKBONES})


def test_corruption_families():
    check(
        CORRUPTION_FAMILIES,
        {"src/fourlenses/data/conversion/corruptions.py, FAMILIES": corruptions.FAMILIES},
    )


@pytest.mark.parametrize(
    "records",
    [
        vocabulary.PROTOCOLS,
        vocabulary.LENSES,
        vocabulary.METHODS,
        vocabulary.BACKBONES,
        CORRUPTION_FAMILIES,
    ],
)
def test_names_and_labels_are_unique(records):
    assert [record.name for record in records.values()] == list(records)
    shown = "label" if hasattr(next(iter(records.values())), "label") else "name"
    assert len({getattr(record, shown) for record in records.values()}) == len(records)


def test_every_record_is_complete():
    """What a default leaves out is given where the plan or a figure needs it."""
    for protocol in vocabulary.PROTOCOLS.values():
        assert bool(protocol.passes) == protocol.trains, f"{protocol.name}: passes"
        assert bool(protocol.colour) == protocol.trains, f"{protocol.name}: colour"
        assert not (protocol.from_scratch and protocol.frozen), protocol.name
    for method in vocabulary.METHODS.values():
        assert bool(method.passes) == (method.name in vocabulary.TRAINED_METHODS), method.name
    for looks in ("colour", "marker"):
        used = [getattr(method, looks) for method in vocabulary.METHODS.values()]
        assert len(set(used)) == len(used), looks


def test_a_forgotten_place_is_named():
    with pytest.raises(AssertionError, match=r"b\.py lacks y: add it there; b\.py has z, which"):
        check(["x", "y"], {"a.py": ["x", "y"], "b.py": ["x", "z"]})
