"""What this machine can do at most.

Bytes a second through memory and to disk, multiplications a second, JPEGs decoded a second.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

COPIED = 1 << 28  # bytes, more than any cache holds
WRITTEN = 1 << 28
SIDE = 2048  # of the matrices


@lru_cache
def memory_bandwidth(threads: int, *, device: str = "cpu", tries: int = 5) -> float:
    """Bytes a second read and written by a copy of 256 MB; the fastest of a few."""
    source = torch.ones(COPIED, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return (
        2
        * COPIED
        / _fastest(lambda: target.copy_(source), threads=threads, device=device, tries=tries)
    )


@lru_cache
def matrix_rate(
    threads: int, *, device: str = "cpu", dtype: torch.dtype = torch.float32, tries: int = 5
) -> float:
    """Floating-point operations a second of a product of square matrices.

    A multiplication and an addition are two.
    """
    left, right = (torch.rand(SIDE, SIDE, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(left)
    return (
        2
        * SIDE**3
        / _fastest(
            lambda: torch.mm(left, right, out=out), threads=threads, device=device, tries=tries
        )
    )


def decode_rate(pictures: list[bytes], threads: int, seconds: float = 1.0) -> float:
    """Pictures a second that TurboJPEG decodes to pixels on these threads, and nothing else."""
    from fourlenses.data.images.jpeg_header import read_header
    from fourlenses.data.images.turbojpeg import JpegDecoder

    header = read_header(pictures[0])
    width, height = header.width, header.height

    def decode(_: int) -> int:
        decoder, pixels, done, until = (
            JpegDecoder(),
            np.empty((height, width, 4), np.uint8),
            0,
            time.perf_counter() + seconds,
        )
        while time.perf_counter() < until:
            for picture in pictures:
                decoder.decode(picture, pixels)
            done += len(pictures)
        return done

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        done = sum(pool.map(decode, range(threads)))
    return done / (time.perf_counter() - began)


def disk_rate(folder: Path, tries: int = 3) -> float:
    """Bytes a second written to a file in ``folder`` and synced; the fastest of a few."""
    data, path, fastest = bytes(os.urandom(1 << 20)) * (WRITTEN >> 20), folder / "written", 0.0
    for _ in range(tries):
        began = time.perf_counter()
        with open(path, "wb", buffering=0) as file:
            file.write(data)
            os.fsync(file.fileno())
        fastest = max(fastest, len(data) / (time.perf_counter() - began))
        path.unlink()
    return fastest


def training_flops(backbone: str, size: int, views: int = 2) -> float:
    """Floating-point operations of forward and backward of an image's views through an encoder.

    Counted, not run (without the head).
    """
    return views * _flops(backbone, size, train=True)


def feature_flops(backbone: str, size: int) -> float:
    """Of one image forward."""
    return _flops(backbone, size, train=False)


@lru_cache
def _flops(backbone: str, size: int, *, train: bool, count: int = 2) -> float:
    from torch.utils.flop_counter import FlopCounterMode

    from fourlenses.models.backbones import build_backbone

    encoder = build_backbone(backbone, 0)[0].to("meta").train(train)
    with FlopCounterMode(display=False) as counter, torch.set_grad_enabled(train):
        out = encoder(torch.empty(count, 3, size, size, device="meta"))
        if train:
            out.sum().backward()
    return counter.get_total_flops() / count


def _fastest(work, *, threads: int, device: str, tries: int) -> float:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    times = []
    for _ in range(tries + 1):  # the first is a warm-up: pages, threads, kernels
        began = time.perf_counter()
        work()
        if device != "cpu":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    torch.set_num_threads(before)
    return min(times[1:])
