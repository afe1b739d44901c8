"""What a schema allows at a key, in words. jsonschema's own messages are about JSON."""

from collections.abc import Callable
from typing import Any

TYPES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "keys and values",
    "null": "nothing",
}
# Patterns that users meet, in words.
PATTERNS = {
    "^[a-z][a-z0-9_]*$": "a lower-case letter, then lower-case letters, digits or underscores",
    "^(auto|cpu|cuda(:[0-9]+)?)$": "auto, cpu, cuda or a device such as cuda:1",
    "^[0-9a-fA-F]{64}$": "the 64 hexadecimal digits of a SHA-256 sum",
    "^[0-9a-fA-F]{32}$": "the 32 hexadecimal digits of an MD5 sum",
}
# Validator -> what it allows, of its value in the schema.
WORDS: dict[str, Callable[[Any], str]] = {
    "minItems": lambda least: f"a list of {_items(least)} or more",
    "maxItems": lambda most: f"a list of {_items(most)} at most",
    "uniqueItems": lambda _: "a list in which nothing is twice",
    "minimum": lambda least: f"{least} or more",
    "exclusiveMinimum": lambda least: f"more than {least}",
    "maximum": lambda most: f"{most} or less",
    "exclusiveMaximum": lambda most: f"less than {most}",
    "minLength": lambda _: "text that is not empty",
    "minProperties": lambda least: f"{least} or more keys",
    "pattern": lambda pattern: PATTERNS.get(pattern, f"text that matches {pattern}"),
    "anyOf": lambda _: "a whole number of at least 2, or 'all'",
}


def allowed(validator: str, value: Any, otherwise: str) -> str:
    """Return what is allowed.

    Args:
        validator: that refused a value.
        value: of the validator in the schema.
        otherwise: jsonschema's message, for a validator that has no words.
    """
    if validator == "type":
        types = [value] if isinstance(value, str) else list(value)
        return " or ".join(TYPES[name] for name in types)
    return WORDS[validator](value) if validator in WORDS else otherwise


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"
