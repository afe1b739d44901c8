import copy
import math

import pytest
import torch
from lightly.loss import NTXentLoss
from lightly.models.utils import update_momentum
from torch import nn
from torch.nn import functional as F

from fourlenses.methods.method import DataInfo
from fourlenses.methods.moco import info_nce, queue_size
from tests.helpers import two_processes
from tests.helpers.processes import run_processes
from tests.helpers.tiny import SplitNorm, tiny, train, trainable, views


def unit(rows, width, seed):
    return F.normalize(
        torch.randn(rows, width, generator=torch.Generator().manual_seed(seed)), dim=1
    )


def equation_1(queries, keys, queue, temperature):
    """-log exp(q.k+ / T) / sum over k+ and the queue, in plain Python, mean over queries."""
    total = 0.0
    for query, key in zip(queries.tolist(), keys.tolist(), strict=True):
        length = math.sqrt(sum(value * value for value in query))
        dots = [
            sum(a * b for a, b in zip(query, other, strict=True)) / length
            for other in [key, *queue.tolist()]
        ]
        total -= math.log(
            math.exp(dots[0] / temperature) / sum(math.exp(dot / temperature) for dot in dots)
        )
    return total / len(queries)


GRID = [
    (batch, width, temperature)
    for batch in (1, 2, 9)
    for width in (2, 32)
    for temperature in (0.07, 0.2, 1.0)
]


@pytest.mark.parametrize(("batch", "width", "temperature"), GRID)
def test_loss_equals_equation_1_and_lightly(batch, width, temperature):
    queries, keys, queue = 3 * unit(batch, width, 0), unit(batch, width, 1), unit(20, width, 2)
    loss, _ = info_nce(queries, keys, queue, temperature=temperature)
    assert loss.item() == pytest.approx(equation_1(queries, keys, queue, temperature), abs=1e-5)
    theirs = NTXentLoss(temperature=temperature, memory_bank_size=(20, width))
    theirs.memory_bank.bank.copy_(queue)
    assert loss.item() == pytest.approx(theirs(queries, keys).item(), abs=1e-5)


def test_gradient_equals_lightlys():
    keys, queue = unit(6, 8, 1), unit(20, 8, 2)
    ours, theirs = ((3 * unit(6, 8, 0)).requires_grad_() for _ in range(2))
    info_nce(ours, keys, queue, temperature=0.1)[0].backward()
    lightly = NTXentLoss(temperature=0.1, memory_bank_size=(20, 8))
    lightly.memory_bank.bank.copy_(queue)
    lightly(theirs, keys).backward()
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-6, rtol=1e-4)


def test_accuracy_counts_queries_nearest_to_their_key():
    keys, queue = torch.eye(3), torch.tensor([[0.0, 1.0, 0.0]])
    queries = torch.tensor([[1.0, 0.1, 0.0], [0.2, 1.0, 0.5], [0.0, 2.0, 1.0]])
    # The second query is as near to the queue's row as to its own key, which comes first; the third
    # is nearer to the queue's.
    assert info_nce(queries, keys, queue, temperature=0.2)[1].item() == pytest.approx(2 / 3)


def test_loss_under_autocast_is_computed_in_single():
    queries, keys, queue = unit(8, 32, 0), unit(8, 32, 1), unit(20, 32, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss, _ = info_nce(queries, keys, queue, temperature=0.1)
    assert (loss.dtype, loss.item()) == (
        torch.float32,
        pytest.approx(info_nce(queries, keys, queue, temperature=0.1)[0].item(), abs=1e-6),
    )
    method = tiny("moco")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        (keys,) = method.targets(views())
    assert keys.dtype == torch.float32
    torch.testing.assert_close(keys.norm(dim=1), torch.ones(8))


# --- queue
@pytest.mark.parametrize(
    ("size", "batch"), [(16, 8), (20, 8), (5, 4), (7, 3), (4, 10), (4, 4), (1, 3)]
)
def test_queue_is_a_ring(size, batch):
    method = tiny("moco", queue_size=size, images=1000, batch_size=10)
    ring, pointer = method.queue.tolist(), 0
    for step in range(7):
        keys = unit(batch, 6, step)
        method.after_step((keys,), step, 7)
        for key in keys.tolist():
            ring[pointer] = key
            pointer = (pointer + 1) % size
    assert method.queue.tolist() == ring
    assert method.pointer.item() == pointer


def test_queue_is_a_function_of_the_seed_and_of_unit_length():
    queues = [tiny("moco", seed=seed).queue for seed in (1, 1, 2)]
    assert torch.equal(queues[0], queues[1])
    assert not torch.equal(queues[0], queues[2])
    torch.testing.assert_close(queues[0].norm(dim=1), torch.ones(16))
    assert queues[0].dtype == torch.float32


@pytest.mark.parametrize(
    ("wanted", "images", "batch", "size"),
    [
        (65536, 1_281_167, 256, 65536),
        (48, 100, 8, 48),
        (97, 200, 8, 96),
        (64, 100, 8, 48),
        (64, 30, 8, 8),
        (64, 5, 5, 5),
    ],
)
def test_queue_is_clamped_to_the_whole_batches_of_the_images(wanted, images, batch, size, caplog):
    info = DataInfo(images=images, num_classes=5, batch_size=batch, seed=0)
    clamped, notes = queue_size(wanted, info)
    assert clamped == size
    expected = [
        f"queue_size {wanted} clamped to {size}: the whole batches of {batch} that half of the "
        f"{images} images fill"
    ]
    assert notes == ([] if wanted == size else expected)
    assert [record.getMessage() for record in caplog.records] == notes


def test_the_clamp_is_noted():
    method = tiny("moco", images=40, queue_size=100)
    assert len(method.queue) == 16
    assert method.notes == [
        "queue_size 100 clamped to 16: the whole batches of 8 that half of the 40 images fill"
    ]
    assert tiny("moco").notes == []
    with pytest.raises(ValueError, match="queue_size is at least 1, not 0"):
        tiny("moco", queue_size=0)


# --- keys
def test_keys_come_back_in_the_order_of_the_images():
    method = tiny("moco").eval()
    images = views()
    (keys,) = method.targets(images)
    torch.testing.assert_close(
        keys,
        F.normalize(method.key_head(method.key_encoder(images[1])), dim=1),
        atol=1e-6,
        rtol=1e-5,
    )
    assert not keys.requires_grad


def test_a_keys_batch_norm_group_differs_from_its_queries_and_from_step_to_step():
    """With a batch norm over pairs of rows, unshuffled keys of equal networks are the queries."""
    method = tiny("moco")
    method.encoder = nn.Sequential(nn.Flatten(), nn.Linear(108, 8), SplitNorm(groups=4))
    method.key_encoder = copy.deepcopy(method.encoder)
    image = views(1)[0]
    queries = F.normalize(method.embed([image, image])[0], dim=1)
    plain = F.normalize(method.key_head(method.key_encoder(image)), dim=1)
    torch.testing.assert_close(queries, plain)
    (first,), (again,) = method.targets([image, image]), method.targets([image, image])
    assert torch.equal(first, again)
    assert (
        (first - queries).abs().amax(dim=1) > 1e-3
    ).sum() >= 6  # two rows of a pair stay together with a chance of 1/7
    method.after_step((first,), 0, 10)
    method.key_encoder.load_state_dict(method.encoder.state_dict())
    assert not torch.allclose(method.targets([image, image])[0], first, atol=1e-3)


def test_symmetric_adds_both_directions_and_enqueues_both_views():
    method = tiny("moco", symmetric=True).eval()
    one_way = tiny("moco").eval()
    first, second = views()
    targets = method.targets([first, second])
    loss, diagnostics = method.loss(method.embed([first, second]), targets, torch.zeros(8))
    there, back = (one_way(pair, torch.zeros(8)) for pair in ([first, second], [second, first]))
    assert loss.item() == pytest.approx((there[0] + back[0]).item(), abs=1e-5)
    assert diagnostics["contrastive_accuracy"].item() == pytest.approx(
        (there[1]["contrastive_accuracy"] + back[1]["contrastive_accuracy"]).item() / 2
    )
    method.after_step(targets, 0, 10)
    assert torch.equal(method.queue, torch.cat(targets))


# --- key network
def test_key_network_follows_and_is_not_trained():
    method = tiny("moco", ema_momentum=0.5, ema_momentum_final=0.9)
    networks = [(method.encoder, method.key_encoder), (method.head, method.key_head)]
    for ours, keys in networks:
        assert all(
            torch.equal(a, b) for a, b in zip(ours.parameters(), keys.parameters(), strict=True)
        )
    assert {id(parameter) for parameter in trainable(method)} == {
        id(p) for ours, _ in networks for p in ours.parameters()
    }
    loss, _ = method(views(), torch.zeros(8))
    loss.backward()
    assert all(parameter.grad is None for _, keys in networks for parameter in keys.parameters())
    before = [parameter.clone() for parameter in method.key_encoder.parameters()]
    with torch.no_grad():
        for parameter in method.encoder.parameters():
            parameter += 1
    method.after_step(method.targets(views()), 5, 10)  # the momentum is then (0.5 + 0.9)/2
    for old, parameter in zip(before, method.key_encoder.parameters(), strict=True):
        torch.testing.assert_close(parameter.detach(), old + 0.3, atol=1e-6, rtol=1e-5)


def test_steps_are_those_of_the_official_order():
    """lightly's loss with memory bank and its momentum update, in the official code's order.

    Key network, keys, loss, queue, optimiser.
    """
    method = tiny("moco", queue_size=24, ema_momentum=0.8, ema_momentum_final=0.8)
    encoder, head = copy.deepcopy(method.encoder), copy.deepcopy(method.head)
    key_encoder, key_head = copy.deepcopy(encoder), copy.deepcopy(head)
    criterion = NTXentLoss(temperature=0.2, memory_bank_size=(24, 6))
    criterion.memory_bank.bank.copy_(method.queue)
    parameters, expected = [*encoder.parameters(), *head.parameters()], []
    for step in range(8):
        first, second = views(seed=step)
        update_momentum(encoder, key_encoder, 0.8)
        update_momentum(head, key_head, 0.8)
        with torch.no_grad():
            keys = key_head(key_encoder(second))
        loss = criterion(head(encoder(first)), keys)
        expected.append(loss.item())
        with torch.no_grad():
            for parameter, gradient in zip(
                parameters, torch.autograd.grad(loss, parameters), strict=True
            ):
                parameter -= 0.1 * gradient
    assert train(method, range(8), 8) == pytest.approx(expected, abs=1e-5)
    torch.testing.assert_close(method.queue, criterion.memory_bank.bank, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        method.head.layers[0].weight, head.layers[0].weight, atol=1e-5, rtol=1e-4
    )


def test_a_resumed_run_continues_to_the_last_bit():
    settings = {"queue_size": 24, "ema_momentum_final": 1.0}
    straight = tiny("moco", **settings)
    losses = train(straight, range(7), 10)
    state = copy.deepcopy(straight.state_dict())
    losses = train(straight, range(7, 10), 10)
    resumed = tiny("moco", seed=5, **settings)
    resumed.seed = straight.seed
    resumed.load_state_dict(state)
    assert resumed.updates == 7
    assert train(resumed, range(7, 10), 10) == losses
    for (name, value), other in zip(
        straight.state_dict().items(), resumed.state_dict().values(), strict=True
    ):
        assert torch.equal(value, other), name


# --- two processes
def test_two_processes_have_the_keys_and_the_queue_of_one():
    """With batch statistics, two processes are one with those of each half of shuffled keys."""
    shares = run_processes(2, two_processes.own_share)
    for kind, groups in (("running", 0), ("batch", 2)):
        alone = two_processes.three_steps(slice(None), groups)
        for together in shares:
            for name, value in alone.items():
                torch.testing.assert_close(together[kind][name], value, atol=1e-6, rtol=0)
