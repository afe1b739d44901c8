"""A tiny study with round speeds."""

import pytest
import yaml

from fourlenses.config.read import read_config

# images a second: one hour is 3600 of them, with speed 1
TABLE = """device,backbone,image_size,kind,precision,images_per_second,source
mine,resnet_small,32,simclr,float32,2,by hand
mine,resnet_small,32,supervised,float32,4,by hand
mine,resnet_small,32,scratch,float32,4,by hand
mine,resnet_small,32,features,float32,10,by hand
mine,resnet_small,32,linear,float32,1000000,by hand
mine,resnet_small,32,beton,float32,100,by hand
"""


@pytest.fixture
def config(tmp_path):
    """Quantity at 100 and 200 of 400 images, domain at 200: one encoder is shared. 100 labels."""
    (tmp_path / "speeds.csv").write_text(TABLE)
    overlay = {
        "study": "small",
        "stored_size": 32,
        "seeds": [0],
        "lenses": ["quantity", "domain"],
        "datasets": {
            "objects": {
                "source": "synthetic",
                "domain": "objects",
                "train_images": 400,
                "test_images": 50,
                "seed": 1,
            }
        },
        "methods": {"simclr": {"epochs": 3, "batch_size": 50}},
        "evaluation": {
            "scratch": {
                "epochs": 2,
                "min_steps": 1,
                "max_steps": 1000,
                "batch_size": 50,
                "learning_rates": [0.1],
                "weight_decays": [0.0],
            }
        },
        "plan": {"throughput": "speeds.csv", "device": "mine", "gpus": 2},
        "quantity": {
            "datasets": ["objects"],
            "pretrain_images": [100, 200],
            "labelled_images": [100],
            "equal": "epochs",
            "convergence": [],
            "more": [],
        },
        "domain": {
            "datasets": ["objects"],
            "pretrain_images": 200,
            "labelled_images": 100,
            "pools": [],
        },
    }
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(overlay))
    return read_config([tmp_path / "small.yaml"])


def linear_seconds(labels):
    """The table's speed is at 100 classes; objects has 24."""
    return labels * 24 / 100 / 1_000_000
