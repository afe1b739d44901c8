"""The corruptions by name: each is a family of the vocabulary and a value of its parameter.

``<family>_s1`` to ``<family>_s5`` are a family's severities; the names that the study's figures
use are some of these under another name. The paper's five (https://arxiv.org/abs/2105.05837,
section 4.3) are salt_and_pepper, jpeg10, resize256, downsample2 and downsample4; blur and noise go
beyond it.

Standard library only: the Snakefile reads the names in every job.
"""

from fourlenses.study.vocabulary import CORRUPTION_FAMILIES

ALIASES = {
    "salt_and_pepper": "salt_and_pepper_s1",
    "jpeg10": "jpeg_s4",
    "resize256": "resize_s1",
    "downsample2": "downsample_s1",
    "downsample4": "downsample_s3",
    "blur": "blur_s3",
    "noise": "noise_s3",
}

_BY_SEVERITY = {
    f"{family.name}_s{severity}": (family.name, value)
    for family in CORRUPTION_FAMILIES.values()
    for severity, value in enumerate(family.severities, 1)
}
# name -> (family, parameter)
CORRUPTIONS = {
    **{name: _BY_SEVERITY[severity] for name, severity in ALIASES.items()},
    **_BY_SEVERITY,
}


def changes_nothing(name: str, stored_size: int) -> bool:
    """Whether a corruption leaves every image of a beton as it is: resizing to what the shortest side is at most anyway."""
    family, parameter = CORRUPTIONS[name]
    return family == "resize" and stored_size <= parameter
