"""Write the tables of config.md: every key with its type, default and meaning.

    python docs/reference/config.py
    python docs/reference/config.py --schema FILE   # the JSON schema of a study's file, for editors

Types and meanings are those of schemas/, defaults those of config.yaml. What stands between the
tables is written by hand. tests/docs/test_config_keys.py compares the page with both.
"""

import argparse
import json
import re
from copy import deepcopy
from pathlib import Path

from fourlenses.config.checkout import schema_file
from fourlenses.config.placement import role
from fourlenses.config.schema import declared, read_schema
from fourlenses.config.yaml_files import read_yaml
from fourlenses.study.vocabulary import LENSES

ROOT = Path(__file__).parents[2]
PAGE = Path(__file__).with_name("config.md")
TABLE = re.compile(r"^<!-- (keys|roles)(?: of (\w+))? -->\n.*?^<!-- end -->", re.DOTALL | re.M)
LONGEST_DEFAULT, MOST_NAMES = 100, 8
SCHEMA, DEFAULTS = read_schema(schema_file()), read_yaml(ROOT / "config.yaml")
# whose keys other lenses have too, where they mean the same
FIRST_LENS = "quantity"


def resolved(entry: dict) -> dict:
    """Return an entry of the schema with what it refers to."""
    if "$ref" not in entry:
        return entry
    shared = SCHEMA["$defs"][entry["$ref"].rsplit("/", 1)[1]]
    return resolved(shared) | {key: value for key, value in entry.items() if key != "$ref"}


def type_of(entry: dict) -> str:
    """Return in words what a value may be."""
    entry = resolved(entry)
    if several := entry.get("anyOf") or entry.get("oneOf"):
        return " or ".join(map(type_of, several))
    if "const" in entry:
        return f"`{entry['const']}`"
    if "enum" in entry:
        names = [f"`{name}`" for name in entry["enum"]]
        return ", ".join(names) if len(names) <= MOST_NAMES else "name"
    kind = entry["type"]
    if isinstance(kind, list):
        return " or ".join(type_of({"type": each}) for each in kind)
    if kind in ("integer", "number"):
        return f"{kind}{limits(entry)}"
    if kind == "array":
        return list_of(entry)
    return {"boolean": "true, false", "object": "mapping", "string": "text"}[kind]


def limits(entry: dict) -> str:
    """Return the limits of a number, with a space before them."""
    low, above, high = (entry.get(key) for key in ("minimum", "exclusiveMinimum", "maximum"))
    below = entry.get("exclusiveMaximum")
    words = [f"from {low}"] if low is not None else [f"above {above}"] if above is not None else []
    words += [f"to {high}"] if high is not None else [f"below {below}"] if below else []
    return "".join(f" {word}" for word in words)


def list_of(entry: dict) -> str:
    """Return in words what a list holds and how many."""
    item = re.sub(r"\b(integer|list|mapping|name|number|text)\b", r"\1s", type_of(entry["items"]))
    count = entry.get("minItems")
    number = f"{count} " if count and count == entry.get("maxItems") else ""
    return f"list of {number}{item}"


def default_of(keys: list[str]) -> str:
    """Return the default of a key as config.yaml would say it; empty where it has none."""
    value: object = DEFAULTS
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return ""
        value = value[key]
    text = flow(value)
    if isinstance(value, dict) and len(text) > LONGEST_DEFAULT:
        return ", ".join(f"`{name}`" for name in value)
    return f"`{text}`"


def flow(value: object) -> str:
    """Return a value as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str) and value:
        return value
    if isinstance(value, float):
        return f"{value:f}".rstrip("0") if 0 < value < 0.001 else str(value)
    return json.dumps(value)


def meaning(entry: dict, lens: str | None) -> str:
    """Return what a key means, with a link to its page."""
    text = entry.get("description", "")
    if not text and lens not in (None, FIRST_LENS):
        return f"as in [{FIRST_LENS}](#{FIRST_LENS})"
    page = entry.get("x-page")
    return f"{text} ([more]({page}))" if page else text


def inner_keys(properties: dict) -> dict[str, dict]:
    """Return the entries of a section by their keys; those of a section in it as `knn.k`."""
    found = {}
    for name, entry in properties.items():
        inner = entry.get("properties") if entry.get("additionalProperties") is False else None
        found |= {f"{name}.{key}": each for key, each in inner.items()} if inner else {name: entry}
    return found


def in_order(entries: dict[str, dict], defaults: dict) -> dict[str, dict]:
    """Return entries in the order of config.yaml; those that it has not come last."""
    places = {name: place for place, name in enumerate(defaults)}

    def place(item: tuple[str, dict]) -> int:
        return places.get(item[0].partition(".")[0], len(places))

    return dict(sorted(entries.items(), key=place))


def section(name: str | None) -> tuple[dict, list[str] | None]:
    """Return the entries of a section, and where its defaults stand; the whole study without name.

    What a dictionary of the config holds (method, augmentation) has no default.
    """
    properties = SCHEMA["properties"]
    if name is None:
        plain = {
            key: entry
            for key, entry in properties.items()
            if entry.get("additionalProperties") is not False
        }
        return in_order(plain, DEFAULTS), []
    if name in properties:
        return in_order(inner_keys(properties[name]["properties"]), DEFAULTS[name]), [name]
    return SCHEMA["$defs"][name]["properties"], None


def keys_table(name: str | None) -> list[str]:
    """Return the rows of a section's keys."""
    entries, place = section(name)
    lens = name if name in LENSES else None
    titles = ["key", "type", *(["default"] if place is not None else []), "meaning"]
    rows = []
    for key, entry in entries.items():
        default = [] if place is None else [default_of([*place, *key.split(".")])]
        rows.append([f"`{key}`", type_of(entry), *default, meaning(entry, lens)])
    head = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    return [*head, *(f"| {' | '.join(row)} |" for row in rows)]


def roles_table() -> list[str]:
    """Return the rows of what a change of a key makes again, without those of `science`."""
    keys: dict[str, list[str]] = {"placement": [], "judgement": []}
    for name, entry in declared(schema_file())["properties"].items():
        parts = [""] if "x-role" in entry else [f".{key}" for key in entry["properties"]]
        for key in (f"{name}{part}" for part in parts):
            keys.get(role(key), []).append(f"`{key}`")
    makes = {"placement": "nothing", "judgement": "findings and figures, no number"}
    return [
        "| role | a change makes again | keys |",
        "|---|---|---|",
        *(f"| {name} | {makes[name]} | {', '.join(keys[name])} |" for name in makes),
        "| science | what depends on it | all others |",
    ]


def written(page: str) -> str:
    """Return the page with its tables as they are now."""

    def table(match: re.Match) -> str:
        rows = roles_table() if match[1] == "roles" else keys_table(match[2])
        return "\n".join([match[0].partition("\n")[0], *rows, "<!-- end -->"])

    return TABLE.sub(table, page)


def for_editors() -> str:
    """Return the JSON schema of a study's file, an overlay, of which no key is needed."""
    schema = deepcopy(SCHEMA)

    def without_required(section: dict) -> None:
        section.pop("required", None)
        for entry in section.get("properties", {}).values():
            without_required(entry)

    without_required(schema)
    return json.dumps(schema, indent=1) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schema", type=Path, metavar="FILE", help="write the schema here alone")
    file = parser.parse_args().schema
    if file:
        file.write_text(for_editors(), encoding="utf-8")
        return
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
