"""Updates recorded once and replayed: the host launches one graph, not each operation.

A step of a small network on a GPU takes as long as the host needs to launch its operations, a
thousand or two (docs/measured/gpu.md). Recorded as a CUDA graph
(https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs) they are launched at once.

The first steps of every shape are plain ones, which make what is kept between steps: an optimiser's
averages, gradients' memory, libraries' handles. Two of them are compared operation by operation.
Only where they agree the next is recorded. Views and labels are copied into tensors that keep their
place, and so are the numbers that change from step to step (`HeldValues`).
"""

import logging
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from fourlenses.methods.method import Diagnostics, Method
from fourlenses.parallel.host_values import HeldValues, HostValues
from fourlenses.training.optimizers.sgd_adamw import Optimizer
from fourlenses.training.step.operations import OperationLog, why_not_replayed
from fourlenses.training.step.plain import Step, log_plain_steps
from fourlenses.training.step_config import StepConfig

log = logging.getLogger(__name__)

FIRST_STEPS = 3  # of a shape, that are not recorded; the last two are compared
MOST_SHAPES = 16  # recordings of a run: views may grow, an encoder may be frozen at first
Result = tuple[Tensor, Diagnostics]
Work = Callable[[], Result]


class Recorder(Protocol):
    """What records the device's work."""

    def run(self, work: Work) -> Result:
        """Run it as it will be recorded, without recording it."""

    def record(self, work: Work) -> tuple[Callable[[], None], Result]:
        """Record it, without running it.

        Returns:
            What replays it, and the result, whose tensors every replay fills.

        Raises:
            RuntimeError: it cannot be recorded; nothing was computed.
        """


class GraphRecorder:
    """CUDA graphs, recorded on a stream apart, as torch asks for."""

    def __init__(self) -> None:
        self.stream = torch.cuda.Stream()

    def run(self, work: Work) -> Result:
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            result = work()
        torch.cuda.current_stream().wait_stream(self.stream)
        return result

    def record(self, work: Work) -> tuple[Callable[[], None], Result]:
        graph = torch.cuda.CUDAGraph()
        # thread_local: the threads that load images may use the device meanwhile
        with torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local"):
            result = work()
        return graph.replay, result


class ReplayedStep(Step):
    """Updates that are replayed where they can be; where not, the log has a sentence on why.

    A recording holds for one shape of the views and one set of trainable parameters; another has
    its own, and the former is dropped.
    """

    def __init__(
        self,
        method: Method,
        optimizer: Optimizer,
        config: StepConfig,
        *,
        total_steps: int,
        recorder: Recorder,
    ) -> None:
        super().__init__(method, optimizer, config, total_steps=total_steps)
        self.recorder: Recorder | None = recorder
        self.values = HeldValues(config.device)
        self.held: list[Tensor] = []  # views, then labels
        self.shape: object = None
        self.shapes = self.steps = 0  # met so far; of this shape
        self.logs: list[OperationLog] = []
        self.recording: tuple[Callable[[], None], Result] | None = None
        method.host = optimizer.host = self.values

    def __call__(
        self, step: int, views: list[Tensor], labels: Tensor
    ) -> tuple[Tensor, Diagnostics]:
        if self.recorder is not None:
            self._hold([*self.config.arrange(views), labels])
        if self.recorder is None:
            return super().__call__(step, views, labels)
        updates = self.method.updates
        self.values.renew(step)
        result = self._update(step, self.recorder)
        self.method.updates = updates + 1  # a replay does not count, and a recording does
        self.optimizer.count()
        return result

    def _hold(self, given: list[Tensor]) -> None:
        """Copy a batch to where the operations read it; begin again where its shape is another."""
        shape = (
            [value.shape for value in given],
            [parameter.requires_grad for parameter in self.method.parameters()],
        )
        if shape != self.shape:
            self.recording, self.logs = None, []
            self.shape, self.steps, self.shapes = shape, 0, self.shapes + 1
            self.held = [torch.empty_like(value) for value in given]
            if self.shapes > MOST_SHAPES:
                self._give_up(f"it had more than {MOST_SHAPES} shapes of views")
        for held, value in zip(self.held, given, strict=True):
            held.copy_(value)

    def _update(self, step: int, recorder: Recorder) -> Result:
        *views, labels = self.held

        def work() -> Result:
            return self.compute(step, views, labels)

        self.steps += 1
        if self.recording is None and self.steps > FIRST_STEPS:
            self._record(recorder, work)
        if self.recording is not None:
            replay, result = self.recording
            replay()
            return result
        if self.recorder is None:  # just given up
            return work()
        if self.steps <= FIRST_STEPS - 2:
            return recorder.run(work)
        self.logs.append(OperationLog(self.config.device))
        with self.logs[-1]:
            return recorder.run(work)

    def _record(self, recorder: Recorder, work: Work) -> None:
        reason, updates = why_not_replayed(*self.logs), self.method.updates
        self.logs = []
        if reason is None:
            try:
                self.recording = recorder.record(work)
            except RuntimeError as error:
                self.method.updates = updates  # counted, though nothing was computed
                reason = str(error).strip().partition("\n")[0] or type(error).__name__
            else:
                log.info("steps are replayed from here on (training.step: graph)")
        if reason is not None:
            self._give_up(reason)

    def _give_up(self, reason: str) -> None:
        self.recorder = self.recording = None
        self.optimizer.zero_grad()  # gradients may lie in the memory of a recording
        self.method.host = self.optimizer.host = HostValues()
        log_plain_steps(reason)
