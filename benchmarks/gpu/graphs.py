"""Steps replayed as a CUDA graph (`training.step: graph`) against plain ones.

Their speed, and how far their weights are from each other after some steps, next to how far those
of two plain runs are. On a CPU the steps are rehearsed, with nothing recorded.
"""

from collections.abc import Callable, Sequence

import torch
from steps import Run, Setting, cases, counted, free, peak, show
from timing import race, rows

from fourlenses.training.step.plain import Step
from fourlenses.training.step.replayed import FIRST_STEPS, GraphRecorder, ReplayedStep, Result, Work

# where a step is too short for the host (docs/measured/gpu.md)
SETTINGS: tuple[Setting, ...] = (
    ("resnet18", 64, 64, (256, 1024)),
    ("resnet18_cifar", 32, 32, (256,)),
)
STEPS = 20  # of which the weights are compared; with a rate that moves them


class Rehearsal:
    """Stands for `GraphRecorder` where there is no GPU: a replay does the work again."""

    def run(self, work: Work) -> Result:
        self.result = work()
        return self.result

    def record(self, work: Work) -> tuple[Callable[[], None], Result]:
        loss, diagnostics = self.result
        held = (loss.clone(), {name: value.clone() for name, value in diagnostics.items()})

        def replay() -> None:
            loss, diagnostics = work()
            held[0].copy_(loss)
            for name, value in diagnostics.items():
                held[1][name].copy_(value)

        return replay, held


class Stepping:
    """A run whose steps are plain or replayed."""

    def __init__(self, config: dict, name: str, *, replayed: bool, **sizes: object) -> None:
        self.run = Run(config, name, **sizes)
        device = self.run.device
        common = (self.run.method, self.run.optimizer, self.run.engine)
        self.step = (
            ReplayedStep(
                *common,
                total_steps=1000,
                recorder=GraphRecorder() if device.type == "cuda" else Rehearsal(),
            )
            if replayed
            else Step(*common, total_steps=1000)
        )
        self.number = 0

    def go(self, views: list[torch.Tensor], rate: float = 1e-4) -> int:
        for group in self.run.optimizer.param_groups:
            group["lr"] = rate
        self.step(self.number, views, self.run.labels)
        self.number = (self.number + 1) % 1000
        return self.run.batch

    def fed(self) -> int:
        return self.go(next(self.run.batches))

    def constant(self) -> int:
        return self.go(self.run.constant)

    def trained(self) -> torch.Tensor:
        """All weights after some steps on the constant batch, at a rate that changes."""
        for number in range(STEPS):
            self.go(self.run.constant, rate=0.02 * (number + 1) / STEPS)
        return self.weights()

    def weights(self) -> torch.Tensor:
        return torch.cat([weight.detach().flatten() for weight in self.run.method.parameters()])


def measure(
    config_of: Callable[..., dict],
    *,
    rounds: int,
    seconds: float,
    device: torch.device,
    settings: Sequence[Setting] = SETTINGS,
) -> list[dict]:
    table = []
    for name, config, sizes, title in cases(config_of, settings, device):
        table += speeds(config, name, sizes, title=title, timed=(rounds, seconds))
        table += distances(config, name, sizes, title=title)
    return table


def speeds(
    config: dict, name: str, sizes: dict, *, title: str, timed: tuple[int, float]
) -> list[dict]:
    """Images/s of replayed and plain steps; timed: rounds, and seconds of a turn."""
    rounds, seconds = timed
    plain, graph = (Stepping(config, name, replayed=each, **sizes) for each in (False, True))
    for _ in range(FIRST_STEPS + 1):
        graph.fed()
    check_recorded(graph)
    device = graph.run.device
    works = {
        "replayed step": graph.fed,
        "replayed step on a constant batch": graph.constant,
        "plain step": plain.fed,
    }
    rates = race({what: counted(work, seconds, device) for what, work in works.items()}, rounds, 0)
    check_recorded(graph)
    # the bars of the shared list of checks: 256 images are launch-bound
    bars = {"replayed step on a constant batch": 0.95}
    bars |= {"plain step": 2.5} if graph.run.batch == 256 else {}
    compared = rows(f"replayed, {title}", "images/s", rates, bars=bars)
    compared[0]["peak_memory_gib"] = peak(device)
    show(compared)
    return compared


def distances(config: dict, name: str, sizes: dict, *, title: str) -> list[dict]:
    """How far two runs are apart after `STEPS` steps, of the way that the weights went."""
    ends = []
    for replayed in (False, False, True):
        stepping = Stepping(config, name, replayed=replayed, **sizes)
        # one start, and one batch, for all
        torch.manual_seed(0)
        with torch.no_grad():
            stepping.run.constant = [torch.rand_like(view) for view in stepping.run.constant]
        start = stepping.weights()
        ends.append(stepping.trained() - start)
        if replayed:
            check_recorded(stepping)
        del stepping
        free(sizes["device"])
    first, second, graph = ends
    table = []
    for who, other in (("two plain runs", second), ("a replayed and a plain run", graph)):
        apart = float((other - first).norm() / first.norm())
        print(f"{title:58s} {who:46s} {apart:10.2g} apart after {STEPS} steps", flush=True)
        table.append(
            {
                "what": f"apart after {STEPS} steps, {title}",
                "who": who,
                "unit": "of the weights' way",
                "rate": apart,
                "rates": [apart],
            }
        )
    return table


def check_recorded(stepping: Stepping) -> None:
    """Raise an error where steps that should be replayed are plain ones: the log says why."""
    if stepping.step.recording is None:
        raise RuntimeError("the steps were not recorded; see the log above")
