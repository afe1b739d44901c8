"""The corruptions by name: each is a family and a value of its parameter.

``<family>_s1`` to ``<family>_s5`` are a family's severities; the names that the study's figures
use are some of these under another name. The paper's five (https://arxiv.org/abs/2105.05837,
section 4.3) are salt_and_pepper, jpeg10, resize256, downsample2 and downsample4; blur and noise go
beyond it.

Standard library only: the Snakefile reads the names in every job.
"""

from dataclasses import KW_ONLY, dataclass


@dataclass(frozen=True)
class CorruptionFamily:
    """A corruption of images with one parameter.

    Args:
        name: `<name>_s1` to `<name>_s5` are its corruptions.
        parameter: what the values are, with their unit; on the axis of a figure.
        label: of one severity in figures and findings, with the value as `{}`; empty: the name
            and the value.
        severities: the values of severities 1 to 5.
        stored_side: px, the shortest side that a corrupted image has at most, whatever the
            stored size; None: the parameter itself; 0: that of the clean image.
        stored_as_jpeg: the corruption is a compression, which is stored instead of pixels.
    """

    name: str
    parameter: str
    severities: tuple[float, float, float, float, float]
    _: KW_ONLY
    label: str = ""
    stored_side: int | None = 0
    stored_as_jpeg: bool = False


# jpeg, blur and noise have the values of ImageNet-C (https://arxiv.org/abs/1903.12261), and
# salt_and_pepper its first four after the paper's own (https://arxiv.org/abs/2105.05837, 4.3).
CORRUPTION_FAMILIES = {
    family.name: family
    for family in (
        # probability that a value of a channel becomes 0 or 255
        CorruptionFamily(
            "salt_and_pepper",
            "probability",
            (0.01, 0.03, 0.06, 0.09, 0.17),
            label="salt and pepper {}",
        ),
        CorruptionFamily(
            "jpeg",
            "JPEG quality",
            (25, 18, 15, 10, 7),
            label="JPEG quality {}",
            stored_as_jpeg=True,
        ),
        # never enlarged
        CorruptionFamily(
            "resize",
            "shortest side, px",
            (256, 192, 128, 96, 64),
            label="at most {} px",
            stored_side=None,
        ),
        # factor of shrinking and enlarging again, from a shortest side of at most 256 px
        CorruptionFamily(
            "downsample", "factor", (2, 3, 4, 6, 8), label="{}× coarser", stored_side=256
        ),
        # of the Gaussian, px of the stored image
        CorruptionFamily("blur", "sigma, px", (1.0, 2.0, 3.0, 4.0, 6.0), label="blur {} px"),
        # standard deviation of the Gaussian, share of 255
        CorruptionFamily("noise", "deviation", (0.08, 0.12, 0.18, 0.26, 0.38), label="noise {}"),
    )
}

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
    """Tell whether a corruption leaves images of the stored size (px) as they are.

    Resizing does, to a side that they are not larger than anyway.
    """
    family, parameter = CORRUPTIONS[name]
    return family == "resize" and stored_size <= parameter
