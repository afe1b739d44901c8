"""Joint counts as written and read, damaged files, and the file as it was before."""

import numpy as np
import pandas as pd
import pytest

from fourlenses.analysis import joint_counts
from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.errors import UserError
from fourlenses.metrics.statistics import paired_difference
from tests.helpers.synthetic_metrics import row

CELLS = [
    ("fine", "linear", f"simclr/{source}/seed0", 0) for source in ("a-1000", "b-1000", "c-1000")
]


@pytest.fixture
def right():
    generator = np.random.default_rng(0)
    easy = generator.standard_normal(500)
    return np.stack([easy + generator.standard_normal(500) < limit for limit in (0.5, 0.0, -0.5)])


def table(folder, right):
    rows = [
        row(
            "domain",
            "simclr",
            source,
            "a",
            100 * float(answers.mean()),
            label_draw=0,
            n_test=len(answers),
            is_finest=True,
        )
        for source, answers in zip(("a-1000", "b-1000", "c-1000"), right, strict=True)
    ]
    frame = pd.DataFrame(rows).assign(run=[run for _, _, run, _ in CELLS])
    frame.attrs["path"] = str(folder / "metrics.csv")
    return frame


def test_written_and_read(tmp_path, right):
    both = (right.astype(int) @ right.T.astype(int)).astype(int)
    both[2, 0] = both[0, 2] = -1  # tested on different images
    assert (
        joint_counts.write(
            {("a", 1000): (CELLS, both, np.full(3, 500))}, tmp_path / joint_counts.NAME
        )
        == 3
    )
    group = joint_counts.read(table(tmp_path, right))["a", 1000]
    np.testing.assert_allclose(group.of(CELLS[:2]), np.cov(right[:2], bias=True), atol=1e-12)
    assert group.of(CELLS) is None
    assert group.of([("fine", "linear", "another", 0)]) is None


def test_no_file_no_counts(tmp_path, right):
    assert joint_counts.read(table(tmp_path, right)) == {}


def test_a_damaged_file_is_named(tmp_path, right):
    (tmp_path / joint_counts.NAME).write_text(
        "target,labelled_images,level,protocol,run,label_draw,n_test,both_right\n"
        "a,1000,fine,linear,r,0,5,1 2\n"
    )
    with pytest.raises(
        UserError, match=r"paired\.csv is damaged \(row 2 has 2 counts, not 1\).*snakemake paired"
    ):
        joint_counts.read(table(tmp_path, right))
    (tmp_path / joint_counts.NAME).write_text("target,run\na,r\n")
    with pytest.raises(UserError, match="lacks the column labelled_images"):
        joint_counts.read(table(tmp_path, right))


def test_intervals_of_the_former_file_become_covariances(tmp_path, right):
    drop, low, high = paired_difference(right[0], right[1])
    former = {
        "target": "a",
        "level": "fine",
        "labelled_images": 1000,
        "label_draw": 0,
        "seed": 0,
        "protocol_a": "linear",
    }
    former |= {
        "run_a": CELLS[0][2],
        "protocol_b": "linear",
        "run_b": CELLS[1][2],
        "difference": drop,
        "low": low,
        "high": high,
        "n_test": 500,
    }
    pd.DataFrame([former]).to_csv(tmp_path / joint_counts.NAME, index=False)
    metrics = table(tmp_path, right)
    difference = Evidence.of(metrics, prior_sd=1e-6).difference(metrics.iloc[:1], metrics.iloc[1:2])
    assert difference.paired
    assert difference.estimate == pytest.approx(drop)
    assert (difference.high - difference.low) == pytest.approx(high - low, rel=0.02)
