"""A small study from nothing to its figure, through the executor, as a user on a cluster goes it."""

import pandas as pd
import pytest
import yaml

from tests.slurm.cluster import Study
from tests.slurm.conftest import CONFIG

pytestmark = pytest.mark.slurm


def test_images_become_a_figure_on_slurm(cluster, tmp_path):
    config = {**CONFIG, "methods": {"simclr": {**CONFIG["methods"]["simclr"], "epochs": 2}}}
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    before = cluster.jobs()
    study = Study(cluster, tmp_path, file)
    try:
        head = study.start("all")
        assert head.end() == 0, head.said()
    finally:
        study.close()
    table = pd.read_csv(tmp_path / "results/faults/metrics.csv", keep_default_na=False)
    assert set(table["method"]) == {"random", "simclr", "supervised"}
    assert (tmp_path / "results/faults/figures/quantity.svg").stat().st_size > 100
    # what is light ran beside the head, and what trains or evaluates on the GPU partition
    submitted = {job: cluster.job(job) for job in cluster.jobs() if job not in before}
    rules = {
        rule: [submitted[job] for job in cluster.jobs(rule) if job in submitted] for rule in ("pretrain", "evaluate", "train_evaluate")
    }
    assert {rule: len(jobs) for rule, jobs in rules.items()} == {"pretrain": 2, "evaluate": 2, "train_evaluate": 1}
    assert {job["Partition"] for jobs in rules.values() for job in jobs} == {"gpu"}
    assert len(submitted) == 2 + 2 + 1 + 2  # and index_dataset and write_beton
    assert not cluster.jobs("draw_figure") + cluster.jobs("collect_metrics") + cluster.jobs("draw_subset")
