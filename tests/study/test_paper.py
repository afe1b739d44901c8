"""studies/paper.yaml asks for what the paper shows."""

from fourlenses.config.read import ROOT, read_config
from fourlenses.lenses.plan import make_plan


def test_the_study_of_the_paper():
    config = read_config([ROOT / "studies" / "paper.yaml"])
    plan = make_plan(config)
    names = {run.name.removesuffix("/seed0") for run in plan.runs}
    assert config["seeds"] == [0, 1, 2]
    names = {name for name in names if "/seed" not in name}
    quantities = {
        f"simclr/{dataset}-{n}"
        for dataset in ("imagenet", "inat21", "places365")
        for n in (50000, 125000, 250000, 500000, 1000000)
    }
    assert quantities <= names
    # figure 3, and figure 5 with the full sets
    full = {f"moco/{dataset}-all" for dataset in ("imagenet", "inat21", "places365")}
    assert {name for name in names if name.startswith(("moco", "byol"))} == {
        "moco/inat21-1000000",
        "byol/inat21-1000000",
    } | full
    byol = config["methods"]["byol"]
    assert (byol["epochs"], byol["learning_rate"], byol["weight_decay"], byol["ema_momentum"]) == (
        100,
        0.45,
        1e-6,
        0.99,
    )
    assert sum("@" in name for name in names) == 2 * 5
    assert sum("+" in name for name in names) == 4
    assert {
        cell.run.source for cell in plan.cells if "~" in cell.run.source and cell.run.seed == 2
    } == {
        "imagenet-1000000~inat21-1000000",
        "imagenet-1000000~inat21-1000000.supervised",
        "inat21-1000000~imagenet-1000000.supervised",
        "imagenet-1000000~imagenet-1000000.seed0",
        "inat21-1000000~inat21-1000000.seed0",
    }
    # equal steps on ImageNet, half the length everywhere, 50,000 images for 1000 epochs
    assert {name for name in names if "_steps" in name} == {
        f"simclr_steps/imagenet-{n}" for n in (50000, 125000, 250000, 500000)
    }
    assert {name for name in names if "_half" in name} == {
        f"simclr_half/{dataset}-1000000" for dataset in ("imagenet", "inat21", "places365")
    }
    assert "simclr_1000/imagenet-50000" in names
    # table 1's supervised row
    assert {
        cell.target for cell in plan.cells if (cell.protocol, cell.labelled) == ("scratch", "all")
    } == set(config["domain"]["datasets"])
