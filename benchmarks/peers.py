"""Two views by other libraries, with SimCLR's parameters: functions to float32 views.

Appendix A of https://arxiv.org/abs/2002.05709; at 32 and 64 px without blur, B.9. ``pil_views`` and
``lightlys_views`` take a Pillow image, ``tensor_views`` a uint8 (3, H, W), ``kornias_views`` a
uint8 batch (B, 3, H, W). Nothing is normalised, by ours neither.
"""

from collections.abc import Callable

import torch

JITTER = (0.8, 0.8, 0.8, 0.2)
CROP = (0.08, 1.0)


def pil_views(size: int, blur: bool = True) -> Callable:
    from torchvision import transforms as t

    return _twice(
        t.Compose(
            [
                t.RandomResizedCrop(size, scale=CROP),
                t.RandomHorizontalFlip(),
                t.RandomApply([t.ColorJitter(*JITTER)], p=0.8),
                t.RandomGrayscale(p=0.2),
                *(
                    [t.RandomApply([t.GaussianBlur(_kernel(size), sigma=(0.1, 2.0))], p=0.5)]
                    if blur
                    else []
                ),
                t.ToTensor(),
            ]
        )
    )


def tensor_views(size: int, blur: bool = True) -> Callable:
    from torchvision.transforms import v2 as t

    return _twice(
        t.Compose(
            [
                t.RandomResizedCrop(size, scale=CROP, antialias=True),
                t.RandomHorizontalFlip(),
                t.RandomApply([t.ColorJitter(*JITTER)], p=0.8),
                t.RandomGrayscale(p=0.2),
                *(
                    [t.RandomApply([t.GaussianBlur(_kernel(size), sigma=(0.1, 2.0))], p=0.5)]
                    if blur
                    else []
                ),
                t.ToDtype(torch.float32, scale=True),
            ]
        )
    )


def lightlys_views(size: int, blur: bool = True) -> Callable:
    from lightly.transforms import SimCLRTransform

    return SimCLRTransform(
        size, cj_strength=1.0, min_scale=CROP[0], gaussian_blur=0.5 if blur else 0.0, normalize=None
    )


def kornias_views(size: int, blur: bool = True) -> Callable:
    import kornia.augmentation as k

    pipeline = k.AugmentationSequential(
        k.RandomResizedCrop((size, size), scale=CROP, ratio=(3 / 4, 4 / 3)),
        k.RandomHorizontalFlip(),
        k.ColorJitter(*JITTER, p=0.8),
        k.RandomGrayscale(p=0.2),
        *(
            [k.RandomGaussianBlur((_kernel(size), _kernel(size)), (0.1, 2.0), p=0.5)]
            if blur
            else []
        ),
        same_on_batch=False,
    )

    def views(batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        batch = batch.float() / 255
        return pipeline(batch), pipeline(batch)

    return views


def _twice(transform: Callable) -> Callable:
    return lambda image: (transform(image), transform(image))


def _kernel(size: int) -> int:
    return max(3, (size // 10) | 1)
