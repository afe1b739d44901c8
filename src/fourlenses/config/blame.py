"""The file that a value of a merged config comes from."""

from pathlib import Path
from typing import Any

from fourlenses.config.yaml_files import read_yaml

COMMAND_LINE = "the command line (--config)"


def blame(path: list[str], config_files: list[Path], value: object = None) -> str:
    """Return the last file that has a key, or the command line.

    Args:
        path: of the key; an item of a list by its number.
        config_files: the files of the config, the last one winning.
        value: of the key in the config; where the file has another, the command line is to blame.
    """
    for file in reversed(config_files):
        try:
            written = _value_at(read_yaml(file), path)
        except KeyError:
            continue
        return str(file) if value is None or written == value else COMMAND_LINE
    return COMMAND_LINE


def _value_at(content: Any, path: list[str]) -> Any:
    for part in path:
        if isinstance(content, list) and part.isdigit() and int(part) < len(content):
            content = content[int(part)]
        elif isinstance(content, dict) and part in content:
            content = content[part]
        else:
            raise KeyError(part)
    return content
