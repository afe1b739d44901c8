"""A replayed step makes the update of a plain one; on a CPU, by a recorder of operations."""

import copy
import logging

import numpy as np
import pytest
import torch

from fourlenses.core.errors import Interrupted
from fourlenses.methods import METHODS
from fourlenses.training.optimizers.build import build_optimizer
from fourlenses.training.schedule import learning_rate
from fourlenses.training.step import replayed
from fourlenses.training.step.build import build_step
from fourlenses.training.step.operations import OperationLog, why_not_replayed
from fourlenses.training.step.plain import Step
from fourlenses.training.step.replayed import FIRST_STEPS, ReplayedStep
from fourlenses.training.step_config import StepConfig
from tests.helpers.recorded_operations import OperationRecorder
from tests.helpers.runs import go, same, settings
from tests.helpers.tiny import SETTINGS, tiny, views

TOTAL = 12
LEARNERS = [name for name in METHODS if name in SETTINGS]
CHANGES = {"moco": {"ema_momentum_final": 0.99, "queue_size": 20}}
CONFIG = StepConfig(torch.device("cpu"))


class Run:
    """A method and its optimiser, step by step; of which kind, by ``recorder``."""

    def __init__(self, name, optimizer="sgd", recorder=None, late=False):
        self.method = tiny(name, **CHANGES.get(name, {})).to(memory_format=torch.channels_last)
        self.method.train()
        self.late = self.method.encoder if late else None
        self.optimizer = build_optimizer(
            optimizer,
            self.method,
            learning_rate=0.0,
            momentum=0.9,
            weight_decay=0.01,
            late=self.late,
        )
        common = (self.method, self.optimizer, CONFIG)
        self.recorder = recorder
        self.step = (
            ReplayedStep(*common, total_steps=TOTAL, recorder=recorder)
            if recorder
            else Step(*common, total_steps=TOTAL)
        )
        self.losses = []
        self.start = self.state[0]

    def go(self, steps, peak=0.05, size=lambda step: 6, frozen=0):
        """Steps as `Trainer` makes them: rates by a schedule, another batch for each."""
        for step in steps:
            rate = learning_rate(step, total_steps=TOTAL, warmup_steps=3, peak=peak)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            if self.late is not None:
                self.late.requires_grad_(step >= frozen)
            images = [
                view[..., : size(step), : size(step)]
                for view in views(self.method.views_needed, seed=step)
            ]
            labels = torch.from_numpy(np.random.default_rng(step).integers(0, 5, 8))
            loss, diagnostics = self.step(step, images, labels)
            self.losses.append([float(loss), *map(float, diagnostics.values())])
        return self

    @property
    def state(self):
        return copy.deepcopy((self.method.state_dict(), self.optimizer.state_dict()))

    def load(self, state):
        self.method.load_state_dict(state[0])
        self.optimizer.load_state_dict(state[1])
        return self


def assert_same(run, other):
    """To the bit: weights, queue, the optimiser's averages, losses."""
    torch.testing.assert_close(run.state, other.state, atol=0, rtol=0)
    assert run.losses == other.losses


def assert_close(run, other):
    """Within rounding, which a rate on the device has once more than a number: 1e-5 of the way.

    Seen: 4e-7.
    """
    (weights, averages), (others, other_averages) = run.state, other.state
    assert averages["groups"] == other_averages["groups"]
    names = [name for name, value in others.items() if value.is_floating_point()]
    for name in others.keys() - set(names):  # counts, the queue's pointer
        assert torch.equal(weights[name], others[name])
    here, there, start = (
        torch.cat([state[name].flatten() for name in names])
        for state in (weights, others, other.start)
    )
    assert (here - there).norm() < 1e-5 * (there - start).norm()
    np.testing.assert_allclose(run.losses, other.losses, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LEARNERS)
def test_replayed_updates_are_those_of_plain_steps(name, monkeypatch):
    plain, again = Run(name).go(range(TOTAL)), Run(name, recorder=OperationRecorder())
    again.go(range(TOTAL))
    recorder = again.recorder
    assert (recorder.ran, recorder.recorded) == (FIRST_STEPS, 1)
    assert recorder.replayed == TOTAL - FIRST_STEPS
    assert_close(again, plain)
    monkeypatch.setattr(replayed, "FIRST_STEPS", TOTAL)  # the same tensors, nothing recorded
    unrecorded = Run(name, recorder=OperationRecorder()).go(range(TOTAL))
    assert unrecorded.recorder.recorded == 0
    assert_same(again, unrecorded)


@pytest.mark.parametrize("name", LEARNERS)
def test_numbers_that_stood_still_would_be_seen(name):
    plain = Run(name).go(range(TOTAL))
    still = Run(name, recorder=OperationRecorder()).go(range(FIRST_STEPS + 1))
    for method_or_optimizer in (still.method, still.optimizer):
        assert method_or_optimizer.host is still.step.values
    still.step.values.renew = lambda step: None
    still.go(range(FIRST_STEPS + 1, TOTAL))
    with pytest.raises(AssertionError):
        assert_close(still, plain)


@pytest.mark.parametrize("optimizer", ["nesterov", "adamw", "lars"])
def test_every_optimizer_takes_its_rates_from_the_device(optimizer):
    peak = 0.5 if optimizer == "lars" else 0.01
    plain = Run("simclr", optimizer).go(range(TOTAL), peak)
    again = Run("simclr", optimizer, OperationRecorder()).go(range(TOTAL), peak)
    assert again.recorder.replayed == TOTAL - FIRST_STEPS
    assert_close(again, plain)
    if optimizer == "adamw":
        assert [group["steps"] for group in again.optimizer.param_groups] == [TOTAL, TOTAL]


@pytest.mark.parametrize("name", ["simclr", "moco", "byol", "lejepa", "supervised"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_resumed_run_has_the_same_bits(name, optimizer):
    whole = Run(name, optimizer, OperationRecorder()).go(range(TOTAL))
    begun = Run(name, optimizer, OperationRecorder()).go(range(6))
    resumed = Run(name, optimizer, OperationRecorder()).load(begun.state).go(range(6, TOTAL))
    assert resumed.recorder.recorded == 1
    resumed.losses = begun.losses + resumed.losses
    assert_same(resumed, whole)
    if optimizer == "adamw":  # makes whole steps of gradients that are rounding alone
        return
    # and either kind continues the other's checkpoint
    plainly = Run(name, optimizer).load(begun.state).go(range(6, TOTAL))
    plainly.losses = begun.losses + plainly.losses
    assert_close(plainly, whole)


def test_loading_into_a_recorded_run_reaches_the_recording():
    whole = Run("moco", "adamw", OperationRecorder()).go(range(TOTAL))
    middle = Run("moco", "adamw", OperationRecorder()).go(range(6)).state
    again = Run("moco", "adamw", OperationRecorder()).go(range(TOTAL)).load(middle)
    again.losses = again.losses[:6]
    again.go(range(6, TOTAL))
    assert again.recorder.recorded == 1
    assert_same(again, whole)


def test_views_that_grow_are_recorded_for_each_size():
    def size(step):
        return 5 if step < 6 else 6

    plain = Run("byol").go(range(TOTAL), size=size)
    again = Run("byol", recorder=OperationRecorder()).go(range(TOTAL), size=size)
    assert again.recorder.recorded == 2
    assert_close(again, plain)


def test_an_encoder_that_is_frozen_at_first_is_recorded_again_when_it_learns():
    plain = Run("simclr", "adamw", late=True).go(range(TOTAL), frozen=6)
    again = Run("simclr", "adamw", OperationRecorder(), late=True).go(range(TOTAL), frozen=6)
    assert again.recorder.recorded == 2
    assert {group["steps"] for group in again.optimizer.param_groups} == {6, TOTAL}
    assert_close(again, plain)


# --- what cannot be recorded
def refused(run, caplog, plain, reason):
    caplog.set_level(logging.INFO)
    run.go(range(TOTAL))
    assert run.recorder.replayed == 0
    assert [record.message for record in caplog.records] == [
        f"steps are not recorded (training.step: graph) but launched one by one: {reason}"
    ]
    assert_close(run, plain)


def test_a_number_of_python_that_changes_is_noticed(caplog):
    run, plain = Run("simclr", recorder=OperationRecorder()), Run("simclr")
    for each in (run, plain):
        each.method.after_step = lambda targets, step, total, m=each.method: [
            parameter.data.mul_(1 - 0.001 * step) for parameter in m.head.parameters()
        ]
    plain.go(range(TOTAL))
    with pytest.raises(AssertionError, match="takes other numbers or tensors in the next step"):
        refused(run, caplog, plain, "")
    assert_close(run, plain)


def test_a_number_that_the_host_reads_is_noticed(caplog):
    run, plain = Run("byol", recorder=OperationRecorder()), Run("byol").go(range(TOTAL))
    loss = run.method.loss

    def reading(*given):
        value, diagnostics = loss(*given)
        return value * (1 if float(value.detach()) > 0 else 2), diagnostics

    run.method.loss = reading
    refused(run, caplog, plain, "aten::_local_scalar_dense needs the host")


@pytest.mark.parametrize("name", ["moco", "lejepa"])
def test_a_recording_that_fails_leaves_a_plain_run(name, caplog):
    run = Run(name, recorder=OperationRecorder("CUDA out of memory.\nMore"))
    refused(run, caplog, Run(name).go(range(TOTAL)), "CUDA out of memory.")
    assert run.recorder.ran == FIRST_STEPS


def test_many_shapes_are_not_recorded(caplog, monkeypatch):
    monkeypatch.setattr(replayed, "MOST_SHAPES", 1)

    def size(step):
        return 5 if step < 2 else 6

    run = Run("simclr", recorder=OperationRecorder()).go(range(TOTAL), size=size)
    assert_close(run, Run("simclr").go(range(TOTAL), size=size))
    assert "more than 1 shapes of views" in caplog.text


@pytest.mark.parametrize(
    ("device", "micro_batch", "compiled", "reason"),
    [
        ("cpu", 0, False, "it computes on no GPU"),
        ("cuda", 4, False, "its batches pass through the encoder in pieces (micro_batch)"),
        ("cuda", 0, True, "its encoder is compiled (training.compile)"),
    ],
)
def test_what_is_not_recorded_at_all(caplog, device, micro_batch, compiled, reason):
    caplog.set_level(logging.INFO)
    run = Run("simclr")
    if compiled:
        run.method.encoder.compile()
    config = StepConfig(torch.device(device), micro_batch=micro_batch, graph=True)
    step = build_step(run.method, run.optimizer, config, total_steps=TOTAL)
    assert type(step) is Step
    assert caplog.messages == [
        f"steps are not recorded (training.step: graph) but launched one by one: {reason}"
    ]


def test_several_processes_are_not_recorded(caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("fourlenses.training.step.build.world_size", lambda: 2)
    run, config = Run("simclr"), StepConfig(torch.device("cuda"), graph=True)
    assert type(build_step(run.method, run.optimizer, config, total_steps=TOTAL)) is Step
    assert "it has 2 processes" in caplog.text


# --- pretrainings
def test_on_a_cpu_a_pretraining_is_the_same_whichever_is_asked_for(dataset, caplog):
    caplog.set_level(logging.INFO)
    chosen = settings("moco", epochs=2)
    plain, _ = go(dataset, "plain", chosen)
    asked, _ = go(dataset, "asked", chosen, step="graph")
    assert same(plain, asked)
    assert caplog.text.count("launched one by one: it computes on no GPU") == 1


@pytest.mark.parametrize("method", ["moco", "supervised"])
def test_a_pretraining_of_replayed_steps_ends_where_a_plain_one_does(dataset, method, monkeypatch):
    """With its input, schedule, collapse monitor; interrupted, it has the same bits."""
    recorders = []

    def recorder():
        recorders.append(OperationRecorder())
        return recorders[-1]

    chosen = settings(method, epochs=6, optimizer="sgd", learning_rate=0.01, health_images=8)
    plain, _ = go(dataset, "plain", chosen)
    monkeypatch.setattr("fourlenses.training.step.build._unfit", lambda method, config: None)
    monkeypatch.setattr("fourlenses.training.step.build.GraphRecorder", recorder)
    whole, record = go(dataset, "whole", chosen, step="graph")
    steps = record["effective"]["total_steps"]
    assert [each.replayed for each in recorders] == [steps - FIRST_STEPS]
    # a rate of 1e-7 more leads as far away: 1e-7, and 1e-3 with the queue
    limit = {"supervised": 1e-5, "moco": 5e-3}[method]
    for name, value in plain.items():
        if value.is_floating_point():
            assert (whole[name] - value).norm() < limit * value.norm().clamp(min=1), name
    with monkeypatch.context() as without:
        without.setattr(replayed, "FIRST_STEPS", steps)
        unrecorded, _ = go(dataset, "unrecorded", chosen, step="graph")
    assert recorders[-1].recorded == 0
    assert same(whole, unrecorded)
    with pytest.raises(Interrupted):
        go(dataset, "run", chosen, step="graph", max_minutes=0)
    resumed, _ = go(dataset, "run", chosen, step="graph")
    assert recorders[-1].replayed
    assert same(whole, resumed)


# --- what is compared
def log_of(work):
    log = OperationLog(torch.device("cpu"))
    with log:
        work()
    return log


def test_another_number_address_or_operation_is_a_difference():
    ones, others, again = torch.ones(3), torch.ones(3), torch.ones(3)
    logs = {
        "one": log_of(lambda: ones.mul(2.0).add_(1)),
        "the same": log_of(lambda: ones.mul(2.0).add_(1)),
        "number": log_of(lambda: ones.mul(3.0).add_(1)),
        "address": log_of(lambda: others.mul(2.0).add_(1)),
        "shape": log_of(lambda: again[:2].mul(2.0).add_(1)),
        "less": log_of(lambda: ones.mul(2.0)),
    }
    reasons = {name: why_not_replayed(logs["one"], log) for name, log in logs.items()}
    assert reasons["one"] is None
    assert reasons["the same"] is None
    changed = "operation 1 (aten::mul.Tensor) takes other numbers or tensors in the next step"
    assert reasons["number"] == reasons["address"] == changed
    assert "differs between two steps" in reasons["shape"]
    assert (
        reasons["less"] == "operation 2 differs between two steps: aten::add_.Tensor, then nothing"
    )


@pytest.mark.parametrize(
    "work",
    [
        lambda rows: rows.sum().item(),
        lambda rows: bool(rows.sum() > 0),
        lambda rows: rows[rows > 0],
        lambda rows: rows.nonzero(),
        lambda rows: rows.index_put_((rows > 0,), torch.zeros(())),
        lambda rows: torch.equal(rows, rows + 1),
        lambda rows: rows.unique(),
    ],
)
def test_what_needs_the_host_is_noticed(work):
    rows = torch.arange(4.0)
    assert log_of(lambda: work(rows)).waiting
    assert not log_of(lambda: rows.index_select(0, torch.arange(2)).sum().add_(1)).waiting
