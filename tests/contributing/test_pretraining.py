"""A toy method, backbone, corruption or source added to a copy of the project.

It is added by exactly the files that CONTRIBUTING.md lists.

The copy's own vocabulary test then finds nothing forgotten, and a proof runs the toy: a plan with
it, its label in the figures, and one small call.
"""

from tests.helpers.copied_house import PLAN, ROOT


def test_a_method(house):
    house.add(
        "src/fourlenses/methods/toy.py",
        '"""A toy: SimCLR by another name."""\n\n'
        "from fourlenses.methods.simclr import SimCLR\n\n\n"
        'class Toy(SimCLR):\n    """SimCLR."""\n',
    )
    registry = "src/fourlenses/methods/__init__.py"
    house.insert(registry, "import VICReg", "from fourlenses.methods.toy import Toy")
    house.insert(registry, '"simclr": SimCLR', '"toy": Toy,')
    house.insert(
        "src/fourlenses/study/vocabulary.py",
        'Method("simclr"',
        'Method("toy", "Toy", colour="#123456", marker="H", passes=6),',
    )
    preset = (ROOT / "presets" / "methods" / "simclr.yaml").read_text(encoding="utf-8")
    house.add("presets/methods/toy.yaml", preset)
    proof = """
import torch

from fourlenses.config.job_settings import with_views
from fourlenses.methods import build_method
from fourlenses.methods.method import DataInfo
from fourlenses.study import methods
from fourlenses.training.settings import Hyperparameters


def test_plan_figure_and_step():
    config, plan = plan_of({
        "methods": {"toy": {"preset": "minutes"}}, "lenses": ["quantity"],
        "quantity": {"methods": ["toy"]},
    })
    assert {run.method for run in plan.runs} >= {"toy"}
    assert (methods.label("toy"), methods.label("toy_long")) == ("Toy", "toy long")
    encoder = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 8))
    info = DataInfo(images=100, num_classes=5, batch_size=8, seed=0)
    settings = Hyperparameters.from_json("toy", with_views(config["methods"]["toy"])).method_keys
    method = build_method("toy", encoder, 8, settings=settings, info=info)
    views = [torch.rand(8, 3, 4, 4) for _ in range(2)]
    loss, _ = method.loss(method.embed(views), method.targets(views), torch.arange(8) % 5)
    assert loss.isfinite()
"""
    house.check("A method", "toy", PLAN + proof)


def test_a_backbone(house):
    house.insert(
        "src/fourlenses/models/backbones.py",
        '"resnet_small": lambda',
        '"toy": lambda: (SmallResNet((8, 8, 8, 8)), 8),',
    )
    house.insert(
        "src/fourlenses/study/vocabulary.py",
        "Backbone(",
        'Backbone("toy", "toy ResNet", parameters=5_208, width=8, multiply_adds=3e5, side=32),',
    )
    proof = """
import torch

from fourlenses.models.backbones import build_backbone
from fourlenses.study.vocabulary import BACKBONES


def test_plan_label_and_features():
    config, plan = plan_of({"backbone": "toy"})
    assert config["backbone"] == "toy" and plan.runs
    network, width = build_backbone("toy", 0)
    assert BACKBONES["toy"].parameters == sum(weight.numel() for weight in network.parameters())
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, BACKBONES["toy"].width) == (2, width)
"""
    house.check("A backbone", "toy", PLAN + proof)


def test_a_corruption(house):
    corruptions = "src/fourlenses/data/conversion/corruptions.py"
    house.insert(
        corruptions,
        "def _round(",
        "def fade(pixels: np.ndarray, image_id: int, share: float) -> np.ndarray:\n"
        '    """Every value moved a share of the way to grey."""\n'
        "    return _round(pixels + share * (128.0 - pixels))\n\n",
    )
    house.insert(corruptions, '"noise": noise', '"fade": fade,')
    house.insert(
        "src/fourlenses/study/corruptions.py",
        'CorruptionFamily("noise"',
        'CorruptionFamily("fade", "share of grey", (0.1, 0.3, 0.5, 0.7, 0.9)),',
    )
    proof = """
import numpy as np

from fourlenses.data.conversion.corruptions import corrupt
from fourlenses.study.corruptions import CORRUPTION_FAMILIES


def test_plan_axis_and_pixels():
    _, plan = plan_of({"lenses": ["quality"], "quality": {"corruptions": ["fade_s1", "fade_s5"]}})
    assert any("fade_s5" in run.source for run in plan.runs)
    assert CORRUPTION_FAMILIES["fade"].parameter == "share of grey"
    white = np.full((4, 4, 3), 255, np.uint8)
    assert corrupt("fade_s5", white, 0).max() == 141
"""
    house.check("A corruption", "fade", PLAN + proof)


SQUARES = '''"""Images of one colour, two classes."""

import numpy as np
import pandas as pd

COLOURS = {"black": 0, "white": 255}


def index(name, definition, raw_data):
    """Return the manifest."""
    rows = [
        {"id": f"{label}{k}", "path": f"{label}{k}", "split": split, "level:class": label}
        for label in COLOURS for split in ("train", "test") for k in range(definition["each"])
    ]
    return pd.DataFrame(rows).assign(width=8, height=8)


def images(name, definition, raw_data, *, manifest, size):
    """Yield the pixels of each row."""
    for label in manifest["level:class"]:
        yield np.full((8, 8, 3), COLOURS[label], np.uint8)
'''


def test_a_source_format(house):
    house.add("src/fourlenses/data/sources/squares.py", SQUARES)
    registry = "src/fourlenses/data/sources/__init__.py"
    house.insert(registry, "places365,", "squares,")
    house.insert(registry, '"synthetic": synthetic', '"squares": squares,')
    house.add(
        "schemas/sources/squares.yaml",
        "type: object\nadditionalProperties: false\nrequired: [source, each]\n"
        "properties:\n  each: {type: integer, minimum: 1}\n",
    )
    page = "docs/reference/sources.md"
    house.insert(page, "| `synthetic` |", "| `squares` | nothing | the colour |")
    house.insert(page, "food: {source", "squares: {source: squares, each: 10}")
    proof = """
from fourlenses.data.sources import source_of


def test_plan_and_images(tmp_path):
    entry = {"source": "squares", "each": 10}
    section = {"datasets": ["toy"], "pretrain_images": ["all"], "more": [], "convergence": []}
    steps = {"simclr": {"steps": 4}}
    config, plan = plan_of({
        "datasets": {"toy": entry}, "lenses": ["quantity"], "quantity": section, "methods": steps,
    })
    assert {cell.target for cell in plan.cells} == {"toy"}
    source = source_of(config["datasets"]["toy"])
    manifest = source.index("toy", entry, tmp_path)
    images = list(source.images("toy", entry, tmp_path, manifest=manifest, size=8))
    assert len(images) == len(manifest) == 40
"""
    house.check("A source format", "squares", PLAN + proof)
