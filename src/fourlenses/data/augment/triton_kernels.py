"""Views on a GPU in few passes over the batch, with Triton.

The passes: crop and mirror, mean luma, everything else, and blur where it is asked for.

The same definitions as in `augment.apply_parameters`, which works operation by operation (the tests
of both compare them with torchvision's functions). A pass reads and writes each value of the batch
once; nothing waits for the device.
"""

# mypy: allow-untyped-defs, allow-incomplete-defs
# Triton reads the annotations of kernels: only its own (constexpr) may stand there.

import numpy as np
import torch
import triton
import triton.language as tl
from torch import Tensor

from fourlenses.data.augment.blur import gaussian_weights, kernel_size
from fourlenses.data.augment.colour import BLUE, GREEN, RED
from fourlenses.data.augment.parameters import BRIGHTNESS, CONTRAST, HUE, SATURATION, Parameters
from fourlenses.parallel.devices import to_device

BLOCK = 1024  # pixels a program works on
NOTHING = 4  # where Parameters.order has an operation, this says there is none

# Columns of what the kernels read of a sample. The four operations of the jitter and their factors
# are in the order of application.
TOP, LEFT, HEIGHT, WIDTH, FLIP, OPERATION, FACTOR, GREY, BLURRED, SOLARISE, COLUMNS = (
    *(tl.constexpr(column) for column in (0, 1, 2, 3, 4, 5, 9, 13, 14, 15)),
    tl.constexpr(16),
)
_BRIGHTNESS, _CONTRAST, _SATURATION, _HUE = (
    tl.constexpr(int(code)) for code in (BRIGHTNESS, CONTRAST, SATURATION, HUE)
)
_RED, _GREEN, _BLUE = (tl.constexpr(share) for share in (RED, GREEN, BLUE))


def fused_views(
    images: Tensor,
    parameters: Parameters,
    size: int,
    *,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
) -> Tensor:
    """Return the views that ``parameters`` make of images, with mean and std applied.

    Args:
        images: uint8 (B, 3 or more, H, W), of any strides.
        parameters: Of B samples.
        size: Of the views, px.
        mean: Of each channel; None with ``std``.
        std: Of each channel.

    Returns:
        float32 (B, 3, size, size).
    """
    batch, _, rows, columns = images.shape
    settings = to_device(_table(parameters), images.device)
    views = torch.empty(batch, 3, size, size, device=images.device)
    pixels, blocks = size * size, triton.cdiv(size * size, BLOCK)
    # at most so many pixels lie within the triangle of an output pixel
    taps = [int(np.ceil(2 * max(1, side / size))) for side in (rows, columns)]
    _crop[batch, blocks](images, views, settings, size, *images.stride(), *taps, BLOCK)
    contrasted = bool(parameters.jitter.any())
    sums = torch.empty(batch, blocks, device=images.device)
    if contrasted:
        _sum_luma[batch, blocks](views, sums, settings, pixels, BLOCK)
    shift, scale = _normalisation(mean, std)
    lanes = triton.next_power_of_2(blocks)
    _colour[batch, blocks](
        views, sums, settings, pixels, blocks, *shift, *scale, lanes, contrasted, BLOCK
    )
    chosen = np.flatnonzero(parameters.blur)
    if len(chosen):
        kernel = kernel_size(size)
        which = to_device(chosen.astype(np.int32), images.device)
        weights = to_device(gaussian_weights(parameters.sigma[chosen], kernel), images.device)
        half = torch.empty(len(chosen), 3, size, size, device=images.device)
        _blur_rows[len(chosen), 3 * blocks](views, half, which, weights, size, kernel, BLOCK)
        _blur_columns[len(chosen), blocks](
            half, views, which, weights, settings, size, *shift, *scale, kernel, BLOCK
        )
    return views


def _table(p: Parameters) -> np.ndarray:
    """Return float32 (B, COLUMNS), in which whole numbers below 2^24 are exact."""
    table = np.empty((len(p.top), COLUMNS.value), np.float32)
    for column, values in enumerate((p.top, p.left, p.height, p.width, p.flip)):
        table[:, column] = values
    table[:, 5:9] = np.where(p.jitter[:, None], p.order, NOTHING)
    table[:, 9:13] = np.take_along_axis(p.factors, p.order, 1)
    for column, values in enumerate((p.grey, p.blur, p.solarise), 13):
        table[:, column] = values
    return table


def _normalisation(
    mean: tuple[float, ...] | None, std: tuple[float, ...] | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return shift and scale, of each channel: a value v becomes (v - shift) * scale."""
    if mean is None or std is None:
        return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    return tuple(map(float, mean)), tuple(1 / value for value in std)


@triton.jit
def _crop(
    images,
    views,
    settings,
    size,
    stride_b,
    stride_c,
    stride_y,
    stride_x,
    taps_y: tl.constexpr,
    taps_x: tl.constexpr,
    block: tl.constexpr,
):
    """Antialiased linear interpolation as in `resample.interpolation_matrices`."""
    sample = tl.program_id(0)
    own = settings + sample * COLUMNS
    pixel = tl.program_id(1) * block + tl.arange(0, block)
    there = pixel < size * size
    y, x = pixel // size, pixel % size
    x = tl.where(tl.load(own + FLIP) > 0, size - 1 - x, x)
    top, left = tl.load(own + TOP), tl.load(own + LEFT)
    height, width = tl.load(own + HEIGHT), tl.load(own + WIDTH)
    reach_y, reach_x = tl.maximum(height / size, 1.0), tl.maximum(width / size, 1.0)
    # relative to the box, where numbers are small and float32 is exact enough
    centre_y = (y + 0.5) * (height / size) - 0.5
    centre_x = (x + 0.5) * (width / size) - 0.5
    first_y, first_x = tl.floor(centre_y - reach_y) + 1, tl.floor(centre_x - reach_x) + 1
    red = tl.zeros([block], tl.float32)
    green = tl.zeros([block], tl.float32)
    blue = tl.zeros([block], tl.float32)
    total_y = tl.zeros([block], tl.float32)
    total_x = tl.zeros([block], tl.float32)
    source = images + sample.to(tl.int64) * stride_b
    for tap_y in tl.static_range(taps_y):
        at_y = first_y + tap_y
        weight_y = _triangle(at_y, centre_y, reach_y, height)
        total_y += weight_y
        row = (at_y + top).to(tl.int32) * stride_y
        for tap_x in tl.static_range(taps_x):
            at_x = first_x + tap_x
            weight_x = _triangle(at_x, centre_x, reach_x, width)
            if tap_y == 0:
                total_x += weight_x
            weight = weight_y * weight_x
            seen = there & (weight > 0)
            place = source + row + (at_x + left).to(tl.int32) * stride_x
            red += weight * tl.load(place, mask=seen, other=0).to(tl.float32)
            green += weight * tl.load(place + stride_c, mask=seen, other=0).to(tl.float32)
            blue += weight * tl.load(place + 2 * stride_c, mask=seen, other=0).to(tl.float32)
    scale = 1 / (255 * total_y * total_x)
    out = views + sample.to(tl.int64) * 3 * size * size + pixel
    # rounding leaves sums of weights a few 1e-7 above 1
    tl.store(out, tl.minimum(red * scale, 1.0), mask=there)
    tl.store(out + size * size, tl.minimum(green * scale, 1.0), mask=there)
    tl.store(out + 2 * size * size, tl.minimum(blue * scale, 1.0), mask=there)


@triton.jit
def _triangle(at, centre, reach, side):
    """The weight of input pixels of one axis for outputs at ``centre``; 0 outside the box."""
    weight = tl.maximum(1 - tl.abs(at - centre) / reach, 0.0)
    return tl.where((at >= 0) & (at < side), weight, 0.0)


@triton.jit
def _luma(red, green, blue):
    """ITU-R BT.601, as torchvision rounds it."""
    return _RED * red + _GREEN * green + _BLUE * blue


@triton.jit
def _unit(value):
    return tl.minimum(tl.maximum(value, 0.0), 1.0)


@triton.jit
def _channel_of_hue(hue, least, spread, offset):
    """One channel of a colour whose hue is turned; see `colour.shift_hue`."""
    turn = hue + offset
    distance = tl.abs(turn - tl.floor(turn) - 0.5)
    return least + spread * _unit(2 - 6 * distance)


@triton.jit
def _operation(red, green, blue, operation, factor, mean):
    """One step of the jitter, as torchvision's ``adjust_*``; ``mean`` is the image's mean luma."""
    if operation == _BRIGHTNESS:
        red, green, blue = _unit(factor * red), _unit(factor * green), _unit(factor * blue)
    elif operation == _CONTRAST:
        rest = (1 - factor) * mean
        red, green, blue = (
            _unit(factor * red + rest),
            _unit(factor * green + rest),
            _unit(factor * blue + rest),
        )
    elif operation == _SATURATION:
        rest = (1 - factor) * _luma(red, green, blue)
        red, green, blue = (
            _unit(factor * red + rest),
            _unit(factor * green + rest),
            _unit(factor * blue + rest),
        )
    elif operation == _HUE:
        least = tl.minimum(tl.minimum(red, green), blue)
        spread = tl.maximum(tl.maximum(red, green), blue) - least
        hue = (1 + (green + blue - red - least) / tl.maximum(spread, 1e-12)) / 6
        hue = tl.where(green >= blue, hue, -hue)
        red = _channel_of_hue(hue, least, spread, factor + 2.5)
        green = _channel_of_hue(hue, least, spread, factor + 2.5 - 1 / 3)
        blue = _channel_of_hue(hue, least, spread, factor + 2.5 - 2 / 3)
    return red, green, blue


@triton.jit
def _load(views, sample, pixel, pixels, there):
    place = views + sample.to(tl.int64) * 3 * pixels + pixel
    red = tl.load(place, mask=there, other=0.0)
    return (
        red,
        tl.load(place + pixels, mask=there, other=0.0),
        tl.load(place + 2 * pixels, mask=there, other=0.0),
    )


@triton.jit
def _sum_luma(views, sums, settings, pixels, block: tl.constexpr):
    """Sum luma as contrast meets it to (B, blocks).

    Each block writes its sum separately, so that the order of additions is always the same.
    """
    sample, part = tl.program_id(0), tl.program_id(1)
    own = settings + sample * COLUMNS
    pixel = part * block + tl.arange(0, block)
    there = pixel < pixels
    red, green, blue = _load(views, sample, pixel, pixels, there)
    waiting = 1.0
    for step in tl.static_range(4):
        operation = tl.load(own + OPERATION + step).to(tl.int32)
        if operation == _CONTRAST:
            waiting = 0.0
        # what comes before contrast, which is all that the mean depends on
        before = tl.where(waiting > 0, operation, 4)
        red, green, blue = _operation(red, green, blue, before, tl.load(own + FACTOR + step), 0.0)
    luma = tl.where(there, _luma(red, green, blue), 0.0)
    tl.store(sums + sample * tl.num_programs(1) + part, tl.sum(luma, 0))


@triton.jit
def _finish(value, solarise, shift, scale):
    """Solarise (the lesser of a value and its inverse), and normalise."""
    value = tl.where(solarise > 0, tl.minimum(value, 1 - value), value)
    return (value - shift) * scale


@triton.jit
def _colour(
    views,
    sums,
    settings,
    pixels,
    parts,
    shift_r,
    shift_g,
    shift_b,
    scale_r,
    scale_g,
    scale_b,
    lanes: tl.constexpr,
    contrasted: tl.constexpr,
    block: tl.constexpr,
):
    """Jitter and grey, in place; solarise and normalise too, where no blur comes in between."""
    sample = tl.program_id(0)
    own = settings + sample * COLUMNS
    pixel = tl.program_id(1) * block + tl.arange(0, block)
    there = pixel < pixels
    red, green, blue = _load(views, sample, pixel, pixels, there)
    if contrasted:
        lane = tl.arange(0, lanes)
        mean = (
            tl.sum(tl.load(sums + sample * parts + lane, mask=lane < parts, other=0.0), 0) / pixels
        )
        for step in tl.static_range(4):
            operation = tl.load(own + OPERATION + step).to(tl.int32)
            red, green, blue = _operation(
                red, green, blue, operation, tl.load(own + FACTOR + step), mean
            )
    if tl.load(own + GREY) > 0:
        grey = _luma(red, green, blue)
        red, green, blue = grey, grey, grey
    if tl.load(own + BLURRED) == 0:
        solarise = tl.load(own + SOLARISE)
        red = _finish(red, solarise, shift_r, scale_r)
        green = _finish(green, solarise, shift_g, scale_g)
        blue = _finish(blue, solarise, shift_b, scale_b)
    place = views + sample.to(tl.int64) * 3 * pixels + pixel
    tl.store(place, red, mask=there)
    tl.store(place + pixels, green, mask=there)
    tl.store(place + 2 * pixels, blue, mask=there)


@triton.jit
def _reflected(place, size):
    """Borders are reflected without repeating the edge."""
    return (size - 1) - tl.abs((size - 1) - tl.abs(place))


@triton.jit
def _blur_rows(views, half, which, weights, size, taps: tl.constexpr, block: tl.constexpr):
    """Blur the samples ``which`` along x: from views (B, 3, size, size) to half (n, 3, size, size).

    A program has part of one channel.
    """
    number, blocks = tl.program_id(0), tl.num_programs(1) // 3
    channel, part = tl.program_id(1) // blocks, tl.program_id(1) % blocks
    pixel = part * block + tl.arange(0, block)
    there = pixel < size * size
    x = pixel % size
    plane = views + (tl.load(which + number).to(tl.int64) * 3 + channel) * size * size + pixel - x
    total = tl.zeros([block], tl.float32)
    for tap in range(taps):
        weight = tl.load(weights + number * taps + tap)
        total += weight * tl.load(
            plane + _reflected(x + tap - taps // 2, size), mask=there, other=0.0
        )
    tl.store(half + (number.to(tl.int64) * 3 + channel) * size * size + pixel, total, mask=there)


@triton.jit
def _blur_columns(
    half,
    views,
    which,
    weights,
    settings,
    size,
    shift_r,
    shift_g,
    shift_b,
    scale_r,
    scale_g,
    scale_b,
    taps: tl.constexpr,
    block: tl.constexpr,
):
    """Blur along y, back from half to views; then solarise and normalise."""
    number = tl.program_id(0)
    sample = tl.load(which + number)
    pixel = tl.program_id(1) * block + tl.arange(0, block)
    there = pixel < size * size
    y, x = pixel // size, pixel % size
    plane = half + number.to(tl.int64) * 3 * size * size + x
    red = tl.zeros([block], tl.float32)
    green = tl.zeros([block], tl.float32)
    blue = tl.zeros([block], tl.float32)
    for tap in range(taps):
        weight = tl.load(weights + number * taps + tap)
        place = plane + _reflected(y + tap - taps // 2, size) * size
        red += weight * tl.load(place, mask=there, other=0.0)
        green += weight * tl.load(place + size * size, mask=there, other=0.0)
        blue += weight * tl.load(place + 2 * size * size, mask=there, other=0.0)
    solarise = tl.load(settings + sample * COLUMNS + SOLARISE)
    out = views + sample.to(tl.int64) * 3 * size * size + pixel
    tl.store(out, _finish(red, solarise, shift_r, scale_r), mask=there)
    tl.store(out + size * size, _finish(green, solarise, shift_g, scale_g), mask=there)
    tl.store(out + 2 * size * size, _finish(blue, solarise, shift_b, scale_b), mask=there)
