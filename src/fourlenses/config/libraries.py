"""A check that the libraries are installed whose networks a config names.

Nothing is imported: a library takes seconds to.
"""

from importlib.util import find_spec

from fourlenses.core.errors import UserError


def check_libraries(config: dict) -> None:
    """Raise an error for the first network of timm, where that is not installed.

    Where torch is not installed either, jobs run in another environment, and say so
    themselves.

    Args:
        config: its `encoders` completed.

    Raises:
        UserError: timm is needed and missing.
    """
    named = {"backbone": config["backbone"]}
    named |= {
        f"encoders.{name}.architecture": entry["architecture"]
        for name, entry in config["encoders"].items()
    }
    for key, architecture in named.items():
        if architecture.startswith("timm:") and find_spec("torch") and not find_spec("timm"):
            raise UserError(
                f"key '{key}' is '{architecture}', which needs the package timm; it is not "
                "installed here: make setup EXTRAS=timm, or pip install timm"
            )
