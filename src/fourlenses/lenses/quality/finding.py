"""Finding 3 (the paper's Figure 4): corruption costs contrastive methods more than supervised ones.

On two scales, since an encoder that stands low has little to lose: points, and the share of its
gain over the random encoder.
"""

import pandas as pd

from fourlenses.analysis import scales
from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import selection, words
from fourlenses.findings.comparison import Comparison, Scale, points
from fourlenses.findings.finding import Finding, judged
from fourlenses.findings.thresholds import Thresholds
from fourlenses.findings.verdict import ABOVE
from fourlenses.study import names

NAME = "quality"
SHARE = "% of the gain over the random encoder"
CLAIM = (
    "Corrupting the pretraining images costs contrastive pretraining more than supervised "
    "pretraining"
)
MISSING = (
    "for a contrastive method and for supervised, a linear evaluation after clean and after "
    "corrupted pretraining on the same images. Add the lens quality with a contrastive method and "
    "supervised."
)

Pair = tuple[pd.DataFrame, pd.DataFrame]  # rows after clean and after corrupted pretraining


def evaluate(evidence: Evidence, thresholds: Thresholds) -> list[Finding]:
    """Return the finding: (clean - corrupted) minus the same of supervised pretraining.

    Linear, at the most labels, per target, corruption and contrastive method, on the same images.
    """
    drop = f"Drop of contrastive minus drop of supervised, in points and in {SHARE}"
    found = judged(
        NAME,
        f"{CLAIM}{words.by_more_than(thresholds.quality_margin)}.",
        comparisons(evidence.metrics, thresholds),
        side=ABOVE,
        unit="points",
        note=f"{drop}; both must agree.{_severities(evidence.metrics)}",
        missing=MISSING,
        evidence=evidence,
        thresholds=thresholds,
    )
    return [found]


def drops(metrics: pd.DataFrame) -> dict[tuple[str, str, str, str], Pair]:
    """Return the rows after clean and after corrupted pretraining, at the most labels for which
    there are both, by target, source without corruption, corruption and method."""
    rows = selection.linear(selection.finest(metrics))
    rows = rows[rows["method"] != "random"]
    corrupted = rows[rows["corruption"] != "none"]
    corrupted = corrupted.assign(clean=corrupted["source"].map(names.clean_source))
    # by what was pretrained on, as `birds-all` and `birds-3000` may be the same images
    alike = ["target", "method", "pretrain_images"]
    clean = selection.clean(rows).assign(of=lambda rows: rows["source"].map(names.datasets))
    pairs = {}
    for key, after in selection.groups(corrupted, ["target", "clean", "corruption", "method"]):
        first = after.iloc[0]
        same_setting = (clean[alike] == first[alike]).all(axis=1)
        before = clean[same_setting & (clean["of"] == names.datasets(first["clean"]))]
        for same in selection.most_labels_first(after):
            mine = before[before["labelled_images"] == same["labelled_images"].iloc[0]]
            if len(mine) and selection.share_seeds(mine, same):
                pairs[key] = mine, same
                break
    return pairs


def comparisons(metrics: pd.DataFrame, thresholds: Thresholds) -> list[Comparison]:
    """Return a comparison per target, corruption and contrastive method."""
    pairs = drops(metrics)
    compared = []
    for (target, source, corruption, method), pair in pairs.items():
        supervised = pairs.get((target, source, corruption, "supervised"))
        if supervised and pair[0]["contrastive"].all():
            compared.append(
                _comparison(
                    corruption,
                    method,
                    pair,
                    supervised=supervised,
                    random=selection.random_encoder(metrics, pair[0]),
                    margin=thresholds.quality_margin,
                )
            )
    return compared


def _comparison(
    corruption: str,
    method: str,
    pair: Pair,
    *,
    supervised: Pair,
    random: pd.DataFrame,
    margin: float,
) -> Comparison:
    clean, corrupted = pair
    drop = f"drop of {words.with_steps(clean)} minus drop of {words.with_steps(supervised[0])}"
    what = f"{names.corruption(corruption)} of {words.pretrained(clean)}: {drop}"
    if len(random):
        cells = [clean, corrupted, random, *supervised]
        on_scales = [points([1, -1, 0, -1, 1], margin), Scale(SHARE, scales.share_lost)]
    else:
        cells = [clean, corrupted, *supervised]
        on_scales = [points([1, -1, -1, 1], margin)]
    return Comparison(
        target=clean["target"].iloc[0],
        what=f"{what}, {words.images(int(clean['labelled_images'].iloc[0]))} labels",
        cells=cells,
        scales=on_scales,
        trained=[[clean], [supervised[0]]],
        random=random,
        method=method,
        about={"corruption": corruption},
    )


def _severities(metrics: pd.DataFrame) -> str:
    """A corruption of small images is not the paper's of the same name."""
    sizes = metrics["image_size"].dropna() if "image_size" in metrics else pd.Series(dtype=float)
    if sizes.empty or sizes.max() >= 224:
        return ""
    of_size = f" Images are of {words.pixels(metrics)}: the same corruption is another severity"
    return f"{of_size} than at the paper's 224 px."
