"""What input costs a training step: SimCLR at 32 px fed with views as they come, beside the same step on one constant batch."""

import numpy as np
import torch
from resident import RECIPE, pictures
from timing import race, rows

from fourlenses.data.inputs import ResidentInput
from fourlenses.data.resident import Images
from fourlenses.data.views import Views
from fourlenses.methods import build_method
from fourlenses.methods.method import Facts
from fourlenses.models.backbones import build_backbone
from fourlenses.training.engine import Engine
from fourlenses.training.gradients import add_gradients
from fourlenses.training.optimizers import build_optimizer
from fourlenses.training.sampling import Stream

BATCH = 128


def measure(rounds: int, seconds: float, cores: int, backbone: str = "resnet18_cifar") -> list[dict]:
    torch.set_num_threads(cores)
    images = torch.from_numpy(pictures()).permute(0, 3, 1, 2).contiguous()
    device = torch.device("cpu")
    data = Images(images, np.zeros(len(images), np.int64), np.arange(len(images), dtype=np.uint64), 1)
    source = ResidentInput(data, [Views(RECIPE, 32, 0), Views(RECIPE, 32, 0)], device)
    settings = {"temperature": 0.2, "projection_hidden": 256, "projection_out": 128, "projection_layers": 2}
    encoder, width = build_backbone(backbone, 0)
    method = build_method("simclr", encoder, width, settings, Facts(len(images), 1, BATCH, 0)).to(memory_format=torch.channels_last)
    optimizer = build_optimizer("sgd", method, 0.01, 0.9, 1e-4)
    engine = Engine(device)
    labels = torch.zeros(BATCH, dtype=torch.int64)
    stream = Stream(len(images), BATCH, 0)
    batches = source.batches(stream.batch(step) for step in range(10**9))
    constant = next(batches)

    def step(views: list[torch.Tensor]) -> int:
        optimizer.zero_grad()
        add_gradients(method, engine.arrange(views), labels, 0, engine.autocast())
        optimizer.step()
        return BATCH

    names = {"step with its input": lambda: step(next(batches)), "step on a constant batch": lambda: step(constant)}
    return rows(
        f"SimCLR step, {backbone}, 32 px, batch {BATCH}", "images/s", race(names, rounds, seconds), {"step on a constant batch": 0.95}
    )
