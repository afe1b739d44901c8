"""Every key of a config is in docs/reference/config.md, and every key there is one of a config."""

import json
import re
import runpy
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROGRAM = runpy.run_path(str(ROOT / "docs" / "reference" / "config.py"))
PAGE = (ROOT / "docs" / "reference" / "config.md").read_text(encoding="utf-8")
SCHEMA = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text(encoding="utf-8"))
LENSES = {
    file.stem: yaml.safe_load(file.read_text(encoding="utf-8"))
    for file in sorted((ROOT / "schemas" / "lenses").glob("*.yaml"))
}
WITH_KEYS = {
    name: section
    for name, section in {**SCHEMA["properties"], **LENSES}.items()
    if section.get("additionalProperties") is False
}


def keys_of(heading: str) -> set[str]:
    """Return the names in the first column of the table below a heading."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.M)
    assert section, f"docs/reference/config.md has no section {heading}"
    rows = re.findall(r"^\| (`[^|]*)\|", section[1], re.M)
    return {key for row in rows for key in re.findall(r"`([\w.]+)`", row)}


def dotted(properties: dict) -> set[str]:
    """Return the keys of a section; those of a section inside it as `knn.k`."""
    return {
        f"{name}.{inner}" if inner else name
        for name, entry in properties.items()
        for inner in entry.get("properties", [""])
    }


def test_the_tables_are_those_of_the_schema_and_of_config_yaml():
    """After a change of either: python docs/reference/config.py."""
    assert PROGRAM["written"](PAGE) == PAGE
    assert "| `knn.k` | integer from 1 | `200` |" in PAGE  # one row as a reader has it


def test_a_row_that_is_not_of_the_schema_is_written_again():
    tables = PROGRAM["TABLE"].findall(PAGE)
    assert len(tables) == len(WITH_KEYS) + 4  # the study, roles, methods, augmentations
    stale = PAGE.replace("| integer from 1 | `200` |", "| integer from 1 | `100` |")
    assert stale != PAGE == PROGRAM["written"](stale)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"type": "integer", "minimum": 2}, "integer from 2"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "number above 0 to 1"),
        ({"type": "number", "minimum": 0, "exclusiveMaximum": 1}, "number from 0 below 1"),
        ({"enum": ["a", "b"]}, "`a`, `b`"),
        ({"enum": list("abcdefghi")}, "name"),
        ({"oneOf": [{"const": "auto"}, {"type": "number"}]}, "`auto` or number"),
        ({"type": ["string", "object"]}, "text or mapping"),
        ({"$ref": "#/$defs/range"}, "list of 2 numbers above 0"),
        (
            {"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
            "list of lists of texts",
        ),
    ],
)
def test_what_a_value_may_be_in_words(entry, words):
    assert PROGRAM["type_of"](entry) == words


def test_every_key_has_a_meaning():
    """That of a lens may be the one that the same key of quantity has."""
    assert re.findall(r"^\| `([\w.]+)` \|.*\| *\|$", PAGE, re.M) == []


@pytest.mark.parametrize("study", sorted((ROOT / "studies").glob("*.yaml")), ids=lambda f: f.stem)
def test_the_schema_for_editors_takes_the_studies_as_they_are(study):
    validator = jsonschema.Draft202012Validator(json.loads(PROGRAM["for_editors"]()))
    config = yaml.safe_load(study.read_text(encoding="utf-8"))
    assert list(validator.iter_errors(config)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": [0]},
        {"training": {"precison": "auto"}},
        {"quantity": {"protocols": ["liner"]}},
        {"datasets": {"mine": {"path": "x"}}},
    ],
)
def test_the_schema_for_editors_refuses_mistakes(wrong):
    validator = jsonschema.Draft202012Validator(json.loads(PROGRAM["for_editors"]()))
    assert list(validator.iter_errors(wrong))


def test_keys_of_the_study():
    plain = set(SCHEMA["properties"]) - set(WITH_KEYS) - set(LENSES)
    assert keys_of("The study") == plain


@pytest.mark.parametrize("section", list(WITH_KEYS))
def test_keys_of_a_section(section):
    assert keys_of(section) == dotted(WITH_KEYS[section]["properties"])


def test_keys_of_methods_and_augmentations():
    assert keys_of("Methods (`methods`)") == set(SCHEMA["$defs"]["method"]["properties"])
    shape = SCHEMA["$defs"]["augmentation"]["properties"]
    assert keys_of("Augmentations (`augmentations`)") == set(shape)


def test_what_a_change_makes_again():
    roles = {}
    for name, section in SCHEMA["properties"].items():
        if "x-role" in section:
            roles[name] = section["x-role"]
        else:
            keys = section["properties"].items()
            roles |= {f"{name}.{key}": entry["x-role"] for key, entry in keys}
    for role in ("placement", "judgement"):
        row = re.search(rf"^\| {role} \|.*\|(.*)\|$", PAGE, re.M)
        listed = set(re.findall(r"`([\w.]+)`", row[1]))
        assert listed == {key for key, value in roles.items() if value == role}
