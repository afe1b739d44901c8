"""How many bytes a job takes at its peak, from its sizes.

The constants say where they come from. Those called calibrated were fitted to `real_cost` and to
five cells of `real_alternatives`; docs/measured/planning.md compares all with other studies.
Standard library only.
"""

from dataclasses import dataclass

from fourlenses.planning.memory.networks import ImageBytes

MB = 2**20  # bytes; as Snakemake and SLURM count
FLOAT = 4

# --- measured once: torch 2.15 and Python 3.11 on x86_64, resource.getrusage's ru_maxrss ---------
INTERPRETER = 120 * MB  # an indexing job of 6,000 images
TORCH = 540 * MB  # a job whose program imports torch and has built a small network
# per image of an index or a beton: 60,000 images took 45 MB more than 6,000 as an index (750), and
# 2.8 million 2.5 GB (890)
INDEXED_IMAGE = 900
# benchmarks/table_rows.py, 1,000 to 60,000 rows
TABLE, TABLE_ROW = 142 * MB, 2200
FIGURE, FIGURE_ROW = 320 * MB, 4200  # seven figures in one process, so at most
CUDA = 2000 * MB  # CUDA's libraries and context on the host: a guess, never measured here

# --- calibrated ----------------------------------------------------------------------------------
TRAINING = 45 * MB  # autograd, kernels' code, the checkpoint's copy
SCORING = 45 * MB  # what a training of an evaluation has besides: the encoder's start, its scores
SHRINKING = 115 * MB  # torch's resizing, in the threads of a job that writes a beton
EVALUATING = 150 * MB  # kernels' code, records, the pools that decode
# Of the bytes that an image takes in a network, on a CPU: memory that is free between two tensors,
# and what kernels take to work in.
ON_CPU = 1.4
VIEW_COPIES = 13  # float32 copies of a view on a CPU, while a batch is made
VIEW_COPIES_GPU = 6  # the same on a GPU
RESIDENT_IMAGE = 1500  # bytes of an image besides its pixels: its labels, its place, its future

# --- of the code that computes, which would import torch; a test compares them -------------------
RESIDENT_SHARE = 0.4  # data.loading.inputs.SHARE
BATCH, BLOCK = 500, 2000  # evaluation.features.store: BATCH_SIZE, BLOCK
KNN_ROWS = (2048, 32_768)  # evaluation.probes.knn: BLOCK_ROWS of a CPU
VECTORS, HISTORY = 12, 20  # evaluation.logistic.memory_budget: VECTORS, HISTORY[0]
# data.loading.streaming: batches of crops in work, being read and in use; bytes of a pixel
STREAMED_BATCHES, CROP_PIXEL = 3 + 2, 4
CLASSIFIER_SHARE = 0.25  # evaluation.logistic.memory_budget.default_budget, of a job's limit
MOMENTS = {"adamw": 2}  # copies of the parameters that an optimiser keeps; of the others 1


@dataclass(frozen=True, kw_only=True)
class Training:
    """The sizes of a training, in each of its processes.

    Args:
        trained: parameters that get gradients, the head's among them.
        copied: parameters of a momentum encoder.
        optimizer: its name.
        view_images: side of each view's images, px, and how many of a batch are in the network at
            once.
        views: side of each view's images, px, and how many are made for a batch.
        network: what an image takes.
        loss: bytes of the loss's matrices and queue.
        images: of the training set.
        stored: their side, px.
        parts: datasets that are joined.
    """

    trained: int
    copied: int = 0
    optimizer: str
    view_images: tuple[tuple[int, int], ...]
    views: tuple[tuple[int, int], ...]
    network: ImageBytes
    loss: float = 0.0
    images: int
    stored: int
    parts: int = 1

    @property
    def weights(self) -> float:
        """Bytes of parameters, gradients, the optimiser's moments and the momentum encoder."""
        return FLOAT * (self.trained * (2 + MOMENTS.get(self.optimizer, 1)) + self.copied)

    @property
    def activations(self) -> float:
        """Bytes that backward needs, float32."""
        return sum(count * self.network.at(side).training for side, count in self.view_images)

    @property
    def batch_views(self) -> float:
        """Bytes of a batch's views, float32."""
        return sum(count * pixels(side, FLOAT) for side, count in self.views)

    @property
    def resident(self) -> float:
        """Bytes of the images where they are resident."""
        return self.images * pixels(self.stored)

    def is_resident(self, setting: str, room: float) -> bool:
        """Decide as `data.loading.inputs.choose_input`. room: free bytes."""
        if setting != "auto":
            return setting == "resident"
        return self.resident <= RESIDENT_SHARE * room / (2 if self.parts > 1 else 1)


def pixels(side: int, item: int = 1) -> float:
    """Return the bytes of an RGB image. side: px; item: bytes of a value."""
    return 3.0 * side**2 * item


def training_on_cpu(sizes: Training, *, resident: bool, watched: float) -> float:
    """Return the bytes of one process that trains on the CPU.

    Args:
        resident: the images are in memory.
        watched: bytes of what else the encoder is used for, between steps.
    """
    step = ON_CPU * sizes.activations + VIEW_COPIES * sizes.batch_views + sizes.loss
    base = TORCH + TRAINING + sizes.weights
    return base + max(step, watched) + _images(sizes, resident=resident)


def host_of_gpu_training(sizes: Training, *, resident: bool) -> float:
    """Return the bytes that one process takes of the host while it trains on a GPU.

    Images that are resident on the GPU pass through the host.
    """
    return TORCH + CUDA + sizes.weights + _images(sizes, resident=resident)


def training_on_gpu(sizes: Training, *, resident: bool, half: bool) -> float:
    """Return the bytes of a GPU that a training takes of it, without CUDA's context.

    Args:
        half: activations are float16 or bfloat16, and so is a copy of the weights.
    """
    activations = sizes.activations / (2 if half else 1)
    cast = 2 * sizes.trained if half else 0
    views = VIEW_COPIES_GPU * sizes.batch_views
    images = sizes.resident if resident else 0.0
    return sizes.weights + cast + activations + views + sizes.loss + images


def _images(sizes: Training, *, resident: bool) -> float:
    if not resident:
        crops = sum(count * CROP_PIXEL * side**2 for side, count in sizes.views)
        return STREAMED_BATCHES * crops + sizes.images * INDEXED_IMAGE
    copies = 2 if sizes.parts > 1 else 1
    return copies * sizes.resident + sizes.images * RESIDENT_IMAGE


def extraction(network: ImageBytes, *, side: int, stored: int, images: int, on_gpu: bool) -> float:
    """Return the bytes that extracting features takes besides the libraries.

    Two blocks of images are there, as the next is decoded meanwhile; of a batch the images as
    float32 in two layouts, and what the network takes where it runs on the CPU.

    Args:
        network: what an image takes.
        side: of the images in the network, px.
        stored: their side as stored, px.
        images: how many.
    """
    blocks = min(images, 2 * BLOCK) * pixels(stored)
    taken = 0.0 if on_gpu else network.at(side).forward
    return blocks + min(images, BATCH) * (taken + 2 * pixels(side, FLOAT))


def linear_fit(labels: int, *, width: int, classes: int, tested: int) -> float:
    """Return the bytes of a linear classifier, as `plan_memory` splits them where they fit.

    The rotated features, the solver's vectors, the rotation, a block of curvature for each class,
    and the scores of the test images.

    Args:
        labels: rows.
        width: of the features.
        classes: of the labels.
        tested: test images.
    """
    rank = min(labels, width)
    axes = min(rank + 1, int((1.6 * labels * rank) ** (1 / 3)))
    vectors = 8 * classes * (rank + 1) * (VECTORS + HISTORY)
    blocks = 12 * (width**2 + classes * axes**2)
    return FLOAT * labels * (rank + 1) + vectors + blocks + 2 * FLOAT * tested * classes


def nearest_neighbours(labels: int, *, width: int, tested: int) -> float:
    """Return the bytes of a search: a block of similarities, a subset's copy, and the features."""
    rows, columns = min(tested, KNN_ROWS[0]), min(labels, KNN_ROWS[1])
    return FLOAT * (2 * rows * columns + width * (rows + columns))


def index(images: int) -> float:
    """Return the bytes of indexing a dataset of that many images."""
    return INTERPRETER + INDEXED_IMAGE * images


def table(rows: int) -> float:
    """Return the bytes of findings and cards of a table of that many rows."""
    return TABLE + TABLE_ROW * rows


def figure(rows: int) -> float:
    """Return the bytes of a figure of such a table."""
    return FIGURE + FIGURE_ROW * rows
