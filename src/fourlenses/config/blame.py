"""Which of the files that a config was merged from says something."""

from pathlib import Path

from fourlenses.config.yaml_files import read_yaml


def blame(path: list[str], config_files: list[Path], found: object = None) -> str:
    """The last file that says anything about the key, or where it says nothing of the kind that was ``found``, the command line."""
    for file in reversed(config_files):
        value = read_yaml(file)
        for part in path:
            if isinstance(value, list) and part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            elif isinstance(value, dict) and part in value:
                value = value[part]
            else:
                break
        else:
            return str(file) if found is None or value == found else "the command line (--config)"
    return "the command line (--config)"
