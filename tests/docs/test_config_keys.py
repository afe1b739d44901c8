"""Every key of a config is in docs/reference/config.md, and every key there is one of a config."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
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
