"""Finding 3 (the paper's Figure 4): corrupted pretraining images cost contrastive methods more than supervised pretraining.

On two scales, since an encoder that stands low has little to lose: points, and the share of its gain over the random encoder.
"""

import pandas as pd

from fourlenses.analysis import scales
from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import selection, words
from fourlenses.findings.comparison import Comparison, Scale
from fourlenses.findings.finding import Finding, judged
from fourlenses.findings.thresholds import Thresholds
from fourlenses.findings.verdict import ABOVE
from fourlenses.study import names

NAME = "quality"
SHARE = "% of the gain over the random encoder"


def evaluate(evidence: Evidence, thresholds: Thresholds) -> list[Finding]:
    """Linear, at the most labels, per target, corruption and contrastive method: (clean - corrupted) minus the same of supervised
    pretraining on the same images."""
    claim = "Corrupting the pretraining images costs contrastive pretraining more than supervised pretraining"
    found = judged(
        NAME,
        f"{claim}{words.by_more_than(thresholds.quality_margin)}.",
        comparisons(evidence.metrics, thresholds),
        side=ABOVE,
        unit="points",
        note=f"Drop of contrastive minus drop of supervised, in points and in {SHARE}; both must agree.{_severities(evidence.metrics)}",
        missing="for a contrastive method and for supervised, a linear evaluation after clean and after corrupted pretraining on the same "
        "images. Add the lens quality with a contrastive method and supervised.",
        evidence=evidence,
        thresholds=thresholds,
    )
    return [found]


def drops(metrics: pd.DataFrame) -> dict[tuple, tuple[pd.DataFrame, pd.DataFrame]]:
    """(target, source without corruption, corruption, method) -> rows after clean and after corrupted pretraining, at the most labels for
    which there are both."""
    rows = selection.linear(selection.finest(metrics))
    rows = rows[rows["method"] != "random"]
    spoilt = rows[rows["corruption"] != "none"]
    spoilt = spoilt.assign(clean=spoilt["source"].map(names.clean_source))
    # by what was pretrained on, as `birds-all` and `birds-3000` may be the same images
    alike = ["target", "method", "pretrain_images"]
    clean = selection.clean(rows).assign(of=lambda rows: rows["source"].map(names.datasets))
    found = {}
    for key, after in selection.groups(spoilt, ["target", "clean", "corruption", "method"]):
        first = after.iloc[0]
        before = clean[
            (clean[alike] == first[alike]).all(axis=1)
            & (clean["of"] == names.datasets(first["clean"]))
        ]
        for same in selection.most_labels_first(after):
            mine = before[before["labelled_images"] == same["labelled_images"].iloc[0]]
            if len(mine) and selection.share_seeds(mine, same):
                found[key] = mine, same
                break
    return found


def comparisons(metrics: pd.DataFrame, thresholds: Thresholds) -> list[Comparison]:
    pairs = drops(metrics)
    found = []
    for (target, source, corruption, method), (clean, corrupted) in pairs.items():
        supervised = pairs.get((target, source, corruption, "supervised"))
        if not supervised or not clean["contrastive"].all():
            continue
        random = selection.random_encoder(metrics, clean)
        on_points = Scale(
            "points",
            scales.points([1, -1, 0, -1, 1] if len(random) else [1, -1, -1, 1]),
            thresholds.quality_margin,
        )
        cells = [clean, corrupted, *([random] if len(random) else []), *supervised]
        dropped = (
            f"drop of {words.with_steps(clean)} minus drop of {words.with_steps(supervised[0])}"
        )
        what = f"{names.corruption(corruption)} of {words.pretrained(clean)}: {dropped}"
        found.append(
            Comparison(
                target=target,
                what=f"{what}, {words.images(int(clean['labelled_images'].iloc[0]))} labels",
                cells=cells,
                scales=[on_points, *([Scale(SHARE, scales.share_lost)] if len(random) else [])],
                trained=[[clean], [supervised[0]]],
                random=random,
                method=method,
                about={"corruption": corruption},
            )
        )
    return found


def _severities(metrics: pd.DataFrame) -> str:
    """A corruption of small images is not the paper's of the same name."""
    sizes = (
        pd.to_numeric(metrics["image_size"], errors="coerce").dropna()
        if "image_size" in metrics
        else pd.Series(dtype=float)
    )
    if len(sizes) and sizes.max() < 224:
        return f" Images are of {words.pixels(metrics)}: the same corruption is another severity than at the paper's 224 px."
    return ""
