"""Studies whose truth is known: true accuracies, a finite test set, the noise of training.

Encoders are right on the same images more often than by chance. Cell c of seed s is right on image
i if

    sqrt(COMMON) easy_i + sqrt(CELL) easy_ci + sqrt(1 - COMMON - CELL) noise_csi

is below the quantile of its accuracy, with standard normal terms: the latent scores of two encoders
correlate by COMMON, of two seeds of one by COMMON + CELL; the levels of one encoder and seed share
their score, so that who is right at the fine level is right at the coarse one. The covariances of
the accuracies follow in closed form (a bivariate normal probability by Owen's T, 1956,
https://doi.org/10.1214/aoms/1177728074) and are what the study's joint counts hold; test sets are
drawn from them as normal. `one_by_one` also draws images one by one.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri, owens_t

from fourlenses.analysis import joint_counts
from fourlenses.analysis.contrasts import PRIOR_SD, Evidence
from fourlenses.analysis.joint_counts import CELL as COLUMN
from fourlenses.analysis.joint_counts import Group
from fourlenses.analysis.seed_variance import pooled
from fourlenses.metrics.statistics import wilson_share

COMMON, OF_CELL = 0.5, 0.2
STEPS = 1000


class Planted:
    """Cells with a true accuracy, percent; `draws` of evidence on them."""

    def __init__(self):
        self.cells: list[dict] = []

    def add(
        self,
        method: str,
        source: str,
        target: str,
        top1: float,
        protocol="linear",
        level="fine",
        labelled=4000,
        depth=0,
        steps=STEPS,
    ):
        sizes = [
            int(part.partition("@")[0].rpartition("-")[2])
            for part in source.partition(".from_")[0].split("+")
            if "-" in part
        ]
        named = {
            "lens": "quantity;domain;quality;granularity;alternatives",
            "method": method,
            "backbone": "resnet18",
            "source": source,
        }
        named |= {
            "pretrain_images": sum(sizes),
            "corruption": source.partition("@")[2] or "none",
            "target": target,
            "level": level,
        }
        named |= {
            "labelled_images": labelled,
            "steps": steps,
            "epochs": 1.0,
            "image_size": 64,
            "n_classes": 10 * 3**depth,
        }
        named |= {
            "chance": 10 / 3**depth,
            "level_depth": depth,
            "is_finest": level == "fine",
            "training_steps": "",
            "not_converged": "",
        }
        self.cells.append(
            named
            | {"protocol": protocol, "study": "planted", "label_draw": 0, "top5": "", "truth": top1}
        )

    def random(self, target: str, top1: float, level="fine", labelled=4000, depth=0):
        self.add(
            "random", "none", target, top1, level=level, labelled=labelled, depth=depth, steps=0
        )

    def draws(
        self,
        generator: np.random.Generator,
        seeds: int,
        *,
        n_test: int,
        seed_sd: float | dict,
        prior_sd=PRIOR_SD,
    ) -> Iterator[Evidence]:
        """Evidence of one study after another. seed_sd: points, of every encoder but the random
        one, alike at all its levels; or of the encoders under each protocol."""
        cells = pd.DataFrame(self.cells)
        encoder = pd.factorize(
            cells["method"]
            + "/"
            + cells["source"]
            + "/"
            + cells["target"]
            + "/"
            + cells["protocol"]
        )[0]
        table = pd.concat(
            [
                cells.assign(encoder=encoder, cell=np.arange(len(cells)), seed=seed)
                for seed in range(seeds)
            ],
            ignore_index=True,
        )
        table["n_test"] = n_test
        table["run"] = table["method"] + "/" + table["source"] + "/seed" + table["seed"].astype(str)
        truth, group = (
            table.pop("truth").to_numpy() / 100,
            pd.factorize(table["encoder"].astype(str) + " " + table["seed"].astype(str))[0],
        )
        deviation = table["protocol"].map(seed_sd) if isinstance(seed_sd, dict) else seed_sd
        deviation = np.asarray(deviation * (table["method"] != "random"), float)
        covariance = covariances(truth, table)
        values, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(values.clip(min=0))
        joint = _groups(table, covariance)
        # text as Python's own and all columns of a kind in one block (copy): rows are then taken
        # from it many times as fast
        table = table.drop(columns=["encoder", "cell"]).astype(
            dict.fromkeys(table.columns[table.dtypes == "str"], object)
        )
        while True:
            step = deviation / 100 * generator.standard_normal(group.max() + 1)[group]
            top1 = truth + step + root @ generator.standard_normal(len(truth)) / np.sqrt(n_test)
            top1 = top1.clip(0, 1)
            bounds = np.array([wilson_share(share, n_test) for share in top1])
            measured = table.assign(
                top1=100 * top1, top1_low=100 * bounds[:, 0], top1_high=100 * bounds[:, 1]
            ).copy()
            yield Evidence(measured, joint, pooled(measured, prior_sd))


def covariances(truth: np.ndarray, table: pd.DataFrame) -> np.ndarray:
    """Per image, (C, C): 0 between targets."""
    encoder, target, seed = (pd.factorize(table[name])[0] for name in ("encoder", "target", "seed"))
    alike = encoder[:, None] == encoder
    rho = np.where(alike, np.where(seed[:, None] == seed, 1.0, COMMON + OF_CELL), COMMON)
    both = np.where(
        rho == 1.0,
        np.minimum(truth[:, None], truth),
        _both_below(ndtri(truth), np.where(rho == 1.0, 0.5, rho)),
    )
    return np.where(target[:, None] == target, both - np.outer(truth, truth), 0.0)


def _both_below(z: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """P(X < z_a, Y < z_b) of standard normals that correlate by rho, (C, C)."""
    a, b = z[:, None] + 1e-12, z[None, :] + 1e-12
    root = np.sqrt(1 - rho**2)
    opposite = np.where(a * b < 0, 0.5, 0.0)
    return (
        (ndtr(a) + ndtr(b)) / 2
        - owens_t(a, (b / a - rho) / root)
        - owens_t(b, (a / b - rho) / root)
        - opposite
    )


def _groups(table: pd.DataFrame, covariance: np.ndarray) -> dict:
    groups = {}
    for key, rows in table.groupby(["target", "labelled_images"], sort=False):
        places = {
            cell: position
            for position, cell in enumerate(zip(*(rows[name] for name in COLUMN), strict=True))
        }
        groups[key] = Group(places, covariance[np.ix_(rows.index, rows.index)])
    return groups


def curve(last_gain: float, longer: float = 1.0) -> Planted:
    """Two targets at equal steps; `last_gain` points from 500,000 to 1,000,000 images, 6 points for
    each doubling before; twice the steps gain `longer`."""
    study = Planted()
    for target, base in (("a", 60.0), ("b", 45.0)):
        for images, top1 in (
            (125_000, base - 12),
            (250_000, base - 6),
            (500_000, base),
            (1_000_000, base + last_gain),
        ):
            study.add("simclr", f"{target}-{images}", target, top1)
        study.add(
            "simclr_half", f"{target}-1000000", target, base + last_gain - longer, steps=STEPS // 2
        )
        study.random(target, 20.0)
    return study


def like_random_but(fewer: float, more: float) -> Planted:
    """Two sizes at equal steps and a random encoder of 5 %."""
    study = Planted()
    for images, top1 in ((500_000, fewer), (1_000_000, more)):
        study.add("simclr", f"a-{images}", "a", top1)
    study.random("a", 5.0)
    return study


def others(advantage: float, spread: float = 0.5) -> Planted:
    """Three targets, each with two other encoders and a pool that differ from its own by
    `advantage` minus to plus `spread`."""
    study = Planted()
    for target, second, third in ("abc", "bca", "cab"):
        study.random(target, 20.0)
        study.add("simclr", f"{target}-4000", target, 55.0)
        study.add("simclr", f"{target}-2000", target, 53.0)
        for source, by in (
            (f"{second}-4000", -spread),
            (f"{third}-4000", spread),
            (f"{target}-2000+{second}-2000", 0.0),
        ):
            study.add("simclr", source, target, 55.0 + advantage + by)
    return study


def kinds() -> Planted:
    """Four targets, each with frozen, fine-tuned and scratch encoders, and one of another
    domain."""
    study = Planted()
    for target, second in ("ab", "bc", "cd", "da"):
        study.random(target, 20.0)
        for source, protocol, top1 in (
            (f"{target}-4000", "linear", 50.0),
            (f"{target}-2000", "linear", 48.0),
            (f"{second}-4000", "linear", 45.0),
            (f"{target}-4000", "fine_tune", 60.0),
            (f"{target}-2000", "fine_tune", 58.0),
        ):
            study.add("simclr", source, target, top1, protocol)
        study.add("supervised", f"{target}-4000", target, 57.0, "scratch")
    return study


def eight_others(better: int) -> Planted:
    """One target and eight other encoders, `better` of them truly better by 4 to 6 points, the rest
    worse by 30."""
    study = Planted()
    study.random("a", 10.0)
    study.add("simclr", "a-4000", "a", 50.0)
    for index, name in enumerate("bcdefghi"):
        study.add("simclr", f"{name}-4000", "a", 54.0 + 2 * index / 8 if index < better else 20.0)
    return study


def corrupted(extra: float, floor: bool = False) -> Planted:
    """Three corruptions, each costing contrastive `extra` points more than supervised; at the
    floor, contrastive has nothing to lose."""
    study = Planted()
    study.random("a", 52.0 if floor else 20.0)
    for method, clean, more in (
        ("simclr", 52.0 if floor else 60.0, extra),
        ("supervised", 70.0, 0.0),
    ):
        study.add(method, "a-4000", "a", clean)
        for index, name in enumerate(("jpeg10", "blur", "downsample4")):
            cost = 0.0 if floor and method == "simclr" else 2 * (index + 1) + more
            study.add(method, f"a-4000@{name}", "a", clean - cost)
    return study


def levels(growth: float) -> Planted:
    """Two targets of three levels; the gap to supervised is 3 points at the coarsest and grows by
    `growth`."""
    study = Planted()
    for target, base in (("a", 88.0), ("b", 80.0)):
        for depth, level in enumerate(("coarse", "middle", "fine")):
            top1 = base - 12 * depth
            study.add("supervised", f"{target}-4000", target, top1, "scratch", level, depth=depth)
            study.add(
                "simclr",
                f"{target}-4000",
                target,
                top1 - 3 - growth * depth / 2,
                "linear",
                level,
                depth=depth,
            )
            study.random(target, 30.0 - 10 * depth, level, depth=depth)
    return study


def constant_odds(supervised: tuple[float, float, float], odds: float = 0.8) -> Planted:
    """Two targets of three levels; the log-odds of contrastive are lower by `odds` at every one."""
    study = Planted()
    for target in "ab":
        for depth, (level, top1) in enumerate(
            zip(("coarse", "middle", "fine"), supervised, strict=True)
        ):
            logit = np.log(top1 / (100 - top1)) - odds
            study.add("supervised", f"{target}-4000", target, top1, "scratch", level, depth=depth)
            study.add(
                "simclr",
                f"{target}-4000",
                target,
                100 / (1 + np.exp(-logit)),
                "linear",
                level,
                depth=depth,
            )
            study.random(target, 1.0, level, depth=depth)
    return study


def one_by_one(
    generator: np.random.Generator, folder: Path, *, seeds: int, n_test: int, seed_sd: float
) -> pd.DataFrame:
    """The table of two encoders on target a, 60 and 55 % right, and two more; and paired.csv of the
    images drawn, in ``folder``."""
    sources = {"a-4000": 60.0, "b-4000": 55.0, "c-4000": 50.0, "d-4000": 58.0}
    easy = generator.standard_normal(n_test)
    rows, right = [], []
    for source, truth in sources.items():
        of_cell = generator.standard_normal(n_test)
        for seed in range(seeds):
            share = (truth + seed_sd * generator.standard_normal()) / 100
            latent = (
                COMMON**0.5 * easy
                + OF_CELL**0.5 * of_cell
                + (1 - COMMON - OF_CELL) ** 0.5 * generator.standard_normal(n_test)
            )
            right.append(latent < ndtri(share))
            rows.append(
                {
                    "source": source,
                    "seed": seed,
                    "run": f"simclr/{source}/seed{seed}",
                    "top1": 100 * right[-1].mean(),
                }
            )
    table = pd.DataFrame(rows).assign(
        method="simclr",
        corruption="none",
        pretrain_images=4000,
        target="a",
        level="fine",
        is_finest=True,
        labelled_images=4000,
        protocol="linear",
        label_draw=0,
        n_test=n_test,
        lens="domain",
    )
    stacked = np.array(right, float)
    cells = list(zip(*(table[name] for name in COLUMN), strict=True))
    counts = np.rint(stacked @ stacked.T).astype(int)
    joint_counts.write(
        {("a", 4000): (cells, counts, np.full(len(cells), n_test))}, folder / joint_counts.NAME
    )
    return table


def located(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """As if read from the folder."""
    table = table.copy()
    table.attrs["path"] = str(folder / "metrics.csv")
    return table
