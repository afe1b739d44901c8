"""Studies with downloaded encoders whose true accuracies are known."""

from tests.helpers.planted_study import Planted

SIZES = (500, 1_000, 2_000, 4_000)


def downloads(advantage: float, *, second: float = -6.0, tuned: bool = True) -> Planted:
    """Two targets at two label sizes: own SimCLR and BYOL, and two external encoders; the better
    of them is ahead of the better own by `advantage`, frozen and fine-tuned, the other by
    `advantage + second`."""
    study = Planted()
    protocols = [("linear", 0.0)] + [("fine_tune", 4.0)] * tuned
    for target, base in (("a", 50.0), ("b", 60.0)):
        for labelled, fewer in ((400, -12.0), (4_000, 0.0)):
            study.random(target, 20.0, labelled=labelled)
            for protocol, more in protocols:
                best = base + fewer + more
                for method, source, top1 in (
                    ("simclr", f"{target}-4000", best),
                    ("byol", f"{target}-4000", best - 3.0),
                    ("external", "big", best + advantage),
                    ("external", "small", best + advantage + second),
                ):
                    study.add(method, source, target, top1, protocol, labelled=labelled)
    return study


def curve(encoder: float) -> Planted:
    """One target: top1 = 70 - 400 n^-0.5 at four sizes, and an external encoder.

    60 % are reached at 1,600 images.
    """
    study = Planted()
    study.random("a", 10.0)
    for images in SIZES:
        study.add("simclr", f"a-{images}", "a", 70 - 400 * images**-0.5)
    study.add("external", "big", "a", encoder)
    return study


def going_on(linear: float, knn: float, tuned: float) -> Planted:
    """One target and an external encoder of 70 % under every protocol, and how much higher it is
    after it was continued."""
    study = Planted()
    study.random("a", 20.0)
    study.add("random", "none", "a", 15.0, "knn", steps=0)
    for protocol, change in (("linear", linear), ("knn", knn), ("fine_tune", tuned)):
        study.add("external", "big", "a", 70.0, protocol)
        study.add("simclr_continued", "a-4000.from_big", "a", 70.0 + change, protocol)
    return study
