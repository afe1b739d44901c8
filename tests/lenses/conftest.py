"""The planted study as evidence."""

import pytest

from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from tests.helpers import synthetic_metrics as synthetic


@pytest.fixture
def planted(tmp_path):
    return Evidence.of(read_metrics(synthetic.write(tmp_path / "metrics.csv", synthetic.planted())))
