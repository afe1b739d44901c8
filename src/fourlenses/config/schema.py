"""The schema of a config, put together: schemas/config.schema.yaml, sources, lenses, vocabulary."""

from copy import deepcopy
from functools import cache
from pathlib import Path

from fourlenses.config.yaml_files import read_yaml
from fourlenses.study.corruptions import CORRUPTIONS
from fourlenses.study.labels import LABEL_KEYS
from fourlenses.study.vocabulary import BACKBONES, FROM_SCRATCH, LENSES, LIBRARIES, PROTOCOLS

# Sources that give image files as they are, whose values a rule of the config may scale.
_OF_IMAGE_FILES = (
    *("coco", "csv_list", "image_folder", "manifest", "parquet", "unlabelled", "webdataset"),
)


@cache
def declared(schema_file: Path) -> dict:
    """Return what the schema's own file says; not to be changed."""
    return read_yaml(schema_file)


def read_schema(schema_file: Path) -> dict:
    """Return the JSON schema of a whole config."""
    schema = deepcopy(declared(schema_file))
    _add_sources(schema, schema_file.parent / "sources")
    _add_lenses(schema, schema_file.parent / "lenses")
    _add_vocabulary(schema)
    return schema


def _add_sources(schema: dict, folder: Path) -> None:
    """Add what each source allows in an entry of `datasets`: a source is a file of `folder`."""
    entry = schema["properties"]["datasets"]["additionalProperties"]
    sources = {file.stem: read_yaml(file) for file in sorted(folder.glob("*.yaml"))}
    for name, allowed in sources.items():
        allowed["properties"] = {"source": {"const": name}, **allowed.get("properties", {})}
        if name in _OF_IMAGE_FILES:
            for key in ("bands", "range", "percentiles"):
                allowed["properties"][key] = {"$ref": f"#/$defs/{key}"}
            allowed["not"] = {"required": ["range", "percentiles"]}
        if "path" in allowed["properties"]:
            for key in ("download", "exclude", "exclude_leaks_from", "exclude_copies"):
                allowed["properties"][key] = {"$ref": f"#/$defs/{key}"}
        allowed["properties"] |= {key: {"$ref": f"#/$defs/{key}"} for key in LABEL_KEYS}
    entry["properties"] = {"source": {"enum": list(sources)}}
    entry["oneOf"] = list(sources.values())


def _add_lenses(schema: dict, folder: Path) -> None:
    """Add the section of each lens, from `<lens>.yaml` in `folder`."""
    schema["properties"] |= {lens: read_yaml(folder / f"{lens}.yaml") for lens in LENSES}
    schema["required"] += LENSES


def _add_vocabulary(schema: dict) -> None:
    """Allow the names of the vocabulary, and no others, where the schema says `vocabulary`."""
    properties, shared = schema["properties"], schema["$defs"]
    properties["lenses"]["items"] = {"enum": list(LENSES)}
    # an architecture of a library, which only the library knows, or one of ours
    of_library = {"pattern": f"^({'|'.join(LIBRARIES)}):."}
    properties["backbone"] |= {"if": of_library, "else": {"enum": list(BACKBONES)}}
    shared["corruption"] = {"enum": list(CORRUPTIONS)}
    encoders = [name for name in PROTOCOLS if name not in FROM_SCRATCH]
    shared["protocols"]["items"] = {"enum": encoders}
    shared["baselines"]["items"] = {"enum": list(FROM_SCRATCH)}
