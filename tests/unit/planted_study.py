"""Studies whose truth is known: a true accuracy per cell, seen through a finite test set and, with several seeds, noise of training."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from fourlenses.evaluation.statistics import wilson_interval

N_TEST = 50_000  # as ImageNet has
SEED_SD = 0.3  # points


class Planted:
    """Cells with a true accuracy; `seen` draws a table of them."""

    def __init__(self):
        self.cells: list[dict] = []

    def add(self, method: str, source: str, target: str, top1: float, protocol="linear", level="fine", lens="domain", labelled=4000):
        sizes = [int(part.partition("@")[0].rpartition("-")[2]) for part in source.split("+")]
        named = {"lens": lens, "method": method, "backbone": "resnet18", "source": source, "pretrain_images": sum(sizes)}
        named |= {"corruption": source.partition("@")[2] or "none", "target": target, "level": level, "labelled_images": labelled}
        self.cells.append(named | {"protocol": protocol, "study": "planted", "label_draw": 0, "top5": "", "truth": top1})

    def seen(self, generator: np.random.Generator, seeds: int) -> pd.DataFrame:
        """One row per cell and seed. With several seeds every encoder (not every level of it) is a random step from its truth."""
        return next(self.draws(generator, seeds))

    def draws(self, generator: np.random.Generator, seeds: int) -> Iterator[pd.DataFrame]:
        """`seen` again and again: what all draws have in common is made once."""
        table = pd.DataFrame(self.cells * seeds).assign(seed=np.repeat(np.arange(seeds), len(self.cells)), n_test=N_TEST)
        table["run"] = table["method"] + "/" + table["source"] + "/seed" + table["seed"].astype(str)
        encoder, names = pd.factorize(table["run"])
        truth = table.pop("truth")
        # text as Python's own and all columns of a kind in one block (copy): rows are then taken from it many times as fast
        table = table.astype(dict.fromkeys(table.columns[table.dtypes == "str"], object))
        while True:
            step = SEED_SD * generator.standard_normal(len(names))[encoder] * (seeds > 1)
            correct = generator.binomial(N_TEST, ((truth + step) / 100).clip(0, 1))
            bounds = np.array([wilson_interval(int(count), N_TEST) for count in correct])
            yield table.assign(top1=100 * correct / N_TEST, top1_low=bounds[:, 0], top1_high=bounds[:, 1]).copy()


def curve(last_gain: float) -> Planted:
    """Two targets; `last_gain` points from 500,000 to 1,000,000 images, 6 points for each doubling before."""
    study = Planted()
    for target, base in (("a", 50.0), ("b", 35.0)):
        for images, top1 in ((125_000, base - 12), (250_000, base - 6), (500_000, base), (1_000_000, base + last_gain)):
            study.add("simclr", f"{target}-{images}", target, top1, lens="quantity")
    return study


def others(advantage: float) -> Planted:
    """Three targets, each with two other encoders and a pool that differ from its own by `advantage` on average."""
    study = Planted()
    for target, second, third in ("abc", "bca", "cab"):
        study.add("simclr", f"{target}-4000", target, 55.0)
        for source, by in ((f"{second}-4000", -1.0), (f"{third}-4000", 0.5), (f"{target}-2000+{second}-2000", 0.5)):
            study.add("simclr", source, target, 55.0 + advantage + by)
    return study


def corrupted(extra: float) -> Planted:
    """Three corruptions, each costing contrastive `extra` points more than supervised."""
    study = Planted()
    for method, clean, more in (("simclr", 60.0, extra), ("supervised", 70.0, 0.0)):
        study.add(method, "a-4000", "a", clean, lens="quality")
        for place, name in enumerate(("jpeg10", "blur", "downsample4")):
            study.add(method, f"a-4000@{name}", "a", clean - 2 * (place + 1) - more, lens="quality")
    return study


def levels(growth: float) -> Planted:
    """Two targets of three levels; the gap to supervised is 3 points at the coarsest and grows by `growth`."""
    study = Planted()
    for target, base in (("a", 88.0), ("b", 80.0)):
        for place, level in enumerate(("coarse", "middle", "fine")):
            lens = "granularity;quantity" if level == "fine" else "granularity"
            top1 = base - 12 * place
            study.add("supervised", f"{target}-4000", target, top1, "scratch", level, lens)
            study.add("simclr", f"{target}-4000", target, top1 - 3 - growth * place / 2, "linear", level, lens)
    return study
