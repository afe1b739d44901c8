"""A measurement next to other programs says so, where the user looks and in the table."""

import logging
import time

import torch

from fourlenses.config.read import read_config
from fourlenses.planning.calibrate import _Measurement


def idle() -> float:
    """As long as another program has the core, none of it is ours."""
    time.sleep(0.02)
    return 1.0


def busy() -> float:
    end = time.process_time() + 0.005
    while time.process_time() < end:
        pass
    return 1.0


def test_the_share_of_a_core_is_in_the_row_and_on_the_terminal(caplog):
    measure = _Measurement(read_config([]), torch.device("cpu"), 0.1)
    with caplog.at_level(logging.INFO):
        row = measure.row("features", idle)
    assert "% of a core's time; scaled to all of it" in row.source
    assert "features: had only " in caplog.text
    plain = measure.row("features", busy)
    assert plain.source.startswith("measured by snakemake calibrate")
    assert plain.images_per_second < 250  # of CPU time, whoever else has the core
