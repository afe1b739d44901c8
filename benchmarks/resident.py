"""Two SimCLR views of images in memory, colour operations included, at 32 px on the CPU: ours, torchvision on PIL images, kornia."""

import numpy as np
import torch
from timing import race, rows
from torch.utils.data import DataLoader, Dataset

from fourlenses.data import synthetic
from fourlenses.data.recipe import Recipe
from fourlenses.data.views import Views

SIZE, BATCH, IMAGES = 32, 256, 2048
# SimCLR's CIFAR recipe (appendix B.9): no blur.
RECIPE = Recipe(crop_scale=(0.08, 1.0), blur=0.0)


def pictures(count: int = IMAGES, size: int = SIZE) -> np.ndarray:
    """uint8 (count, size, size, 3): drawings of the synthetic objects, so that colours and edges are not noise."""
    return np.stack([synthetic.draw("objects", 0, number, size) for number in range(count)])


class TwoViews(Dataset):
    """What a SimCLR repository does: PIL images, torchvision's transforms, twice."""

    def __init__(self, images: np.ndarray, size: int = SIZE) -> None:
        from PIL import Image
        from torchvision import transforms as t

        self.images = [Image.fromarray(image) for image in images]
        self.transform = t.Compose(
            [
                t.RandomResizedCrop(size, scale=(0.08, 1.0)),
                t.RandomHorizontalFlip(),
                t.RandomApply([t.ColorJitter(0.8, 0.8, 0.8, 0.2)], p=0.8),
                t.RandomGrayscale(0.2),
                t.ToTensor(),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.transform(self.images[place]), self.transform(self.images[place])


def measure(rounds: int, seconds: float, cores: int) -> list[dict]:
    images = pictures()
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    ids = np.arange(len(images), dtype=np.uint64)
    views = Views(RECIPE, SIZE, seed=0)
    torch.set_num_threads(cores)
    chosen = np.random.default_rng(0)

    def ours() -> int:
        rows = chosen.integers(0, len(images), BATCH)
        batch = tensor[torch.from_numpy(rows)]
        for number in range(2):
            views(batch, ids[rows], 0, number)
        return BATCH

    loader = DataLoader(TwoViews(images), BATCH, shuffle=True, num_workers=cores, drop_last=True, persistent_workers=True)

    def torchvision_pil() -> int:
        return sum(len(first) for first, _ in loader)

    import kornia.augmentation as k

    pipeline = k.AugmentationSequential(
        k.RandomResizedCrop((SIZE, SIZE), scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3)),
        k.RandomHorizontalFlip(),
        k.ColorJitter(0.8, 0.8, 0.8, 0.2, p=0.8),
        k.RandomGrayscale(p=0.2),
        same_on_batch=False,
    )

    def kornia_batch() -> int:
        batch = tensor[torch.from_numpy(chosen.integers(0, len(images), BATCH))].float() / 255
        for _ in range(2):
            pipeline(batch)
        return BATCH

    names = {"ours": ours, f"torchvision on PIL, {cores} workers": torchvision_pil, "kornia on the batch": kornia_batch}
    return rows("two views, 32 px, resident, with colour", "images/s", race(names, rounds, seconds), {list(names)[1]: 10})
