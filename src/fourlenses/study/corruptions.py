"""The corruptions by name, with the parameter of every severity. Standard library only: the Snakefile reads the names in every job.

A corruption is a family and a parameter. ``<family>_s1`` to ``<family>_s5`` are its severities; the names of the study's figures are
some of these by another name. The paper's five (Cole et al. 2022, section 4.3) are salt_and_pepper, jpeg10, resize256, downsample2 and
downsample4; blur and noise go beyond it. jpeg, blur and noise have the values of ImageNet-C (Hendrycks and Dietterich 2019), and
salt_and_pepper its first four after the paper's own.
"""

#                   severity  1     2     3     4     5
SEVERITIES = {
    "salt_and_pepper": (
        0.01,
        0.03,
        0.06,
        0.09,
        0.17,
    ),  # probability that a value of a channel becomes 0 or 255
    "jpeg": (25, 18, 15, 10, 7),  # quality
    "resize": (256, 192, 128, 96, 64),  # shortest side, px; never enlarged
    "downsample": (
        2,
        3,
        4,
        6,
        8,
    ),  # factor of shrinking and enlarging again, from a shortest side of at most 256 px
    "blur": (1.0, 2.0, 3.0, 4.0, 6.0),  # sigma of the Gaussian, px of the stored image
    "noise": (0.08, 0.12, 0.18, 0.26, 0.38),  # standard deviation of the Gaussian, share of 255
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
    f"{family}_s{severity}": (family, value)
    for family, values in SEVERITIES.items()
    for severity, value in enumerate(values, 1)
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
