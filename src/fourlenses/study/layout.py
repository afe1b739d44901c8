"""Every path below data/ and results/<study>/, once.

Paths are text, relative to the folder that a study is run in: the Snakefile takes them as they
are, wildcards in braces included (`Layout("{study}", "{size}").beton("{dataset}")`), and programs
put a root in front (`Path(root) / layout.beton("birds")`).

Standard library only: the Snakefile imports it, and is parsed again in every job.
"""

from collections.abc import Iterable
from dataclasses import dataclass

DATA = "data"
RESULTS = "results"
CALIBRATION = f"{DATA}/calibration"  # <device>.csv: images per second measured here

# In the directory of a pretraining, and of an imported encoder.
ENCODER = "encoder.safetensors"
HEAD = "head.safetensors"
HISTORY = "history.csv"
RUN = "run.json"
CARD = "README.md"  # the model card
# In the directory of an encoder's evaluations on features.
CELLS = "cells.json"
PREDICTIONS = "predictions.npz"
# In results/<study>/: its config and its cells.
STUDY = "study.json"
METRICS = "metrics.csv"
PICTURES = "pictures"  # a folder
CLASSES = "classes.csv"
CONFUSIONS = "confusions.csv"
CONFUSION_MATRICES = "confusion_matrices.csv"
IMAGES = "images.json"  # what the report knows of the images, for a clone without data


def run_name(method: str, source: str, seed: int | str) -> str:
    """The name of an encoder, which is also its directory below pretrain/, evaluate/ and logs/."""
    return f"{method}/{source}/seed{seed}"


def manifest(dataset: str) -> str:
    return f"{DATA}/{dataset}/manifest.parquet"


def downloads(dataset: str) -> str:
    """The directory of the records of a dataset's downloads, one for each file."""
    return f"{DATA}/{dataset}/downloads"


def download_record(dataset: str, file: str) -> str:
    return f"{downloads(dataset)}/{file}.json"


def encoder_downloads(encoder: str) -> str:
    """What stands for the dataset in `download_record` where an external encoder's is meant."""
    return f"encoders/{encoder}"


def check(dataset: str, file: str) -> str:
    """One of the outputs of `snakemake check_dataset`."""
    return f"{DATA}/{dataset}/check/{file}"


def dataset_log(dataset: str, job: str) -> str:
    """The log of a job that needs no stored size."""
    return f"{DATA}/{dataset}/logs/{job}.log"


def feature_record(run: str) -> str:
    """Record of all evaluations on the features of an encoder, below evaluate/."""
    return f"{run}/{CELLS}"


def training_record(run: str, protocol: str, *, target: str, labels: str) -> str:
    """Record of one evaluation that trains, below evaluate/."""
    return f"{run}/{protocol}/{target}/{labels}.json"


def predictions_of(record: str) -> str:
    """The predictions that belong to a record, below evaluate/ as well."""
    folder, _, name = record.rpartition("/")
    return f"{folder}/{PREDICTIONS if name == CELLS else name.removesuffix('.json') + '.npz'}"


def job_of(record: str) -> str:
    """The name of the job that writes a record, as its log and checkpoints are called."""
    return record.removesuffix(f"/{CELLS}").removesuffix(".json")


@dataclass(frozen=True)
class Layout:
    """The files of one study and of the datasets that it uses.

    Args:
        study: key `study` of the config.
        stored_size: px, key `stored_size` of the config, or a wildcard.
    """

    study: str
    stored_size: int | str

    # --- data/<dataset>/<stored_size>px/ ---------------------------------------------------------

    def stored(self, dataset: str) -> str:
        """The directory of a dataset's images at the stored size."""
        return f"{DATA}/{dataset}/{self.stored_size}px"

    def beton(self, dataset: str, variant: str = "clean") -> str:
        return f"{self.stored(dataset)}/{variant}.beton"

    def sidecar(self, dataset: str, variant: str = "clean") -> str:
        """Counts, fingerprint and undecodable images of a beton."""
        return f"{self.stored(dataset)}/{variant}.json"

    def subset(self, dataset: str, name: str, seed: int | str) -> str:
        """Row numbers of the images of a subset (`1000`, `all`, `1000_balanced_draw2`)."""
        return f"{self.stored(dataset)}/subsets/seed{seed}/{name}.npy"

    def stored_log(self, dataset: str, job: str) -> str:
        return f"{self.stored(dataset)}/logs/{job}.log"

    # --- results/<study>/ ------------------------------------------------------------------------

    @property
    def results(self) -> str:
        return f"{RESULTS}/{self.study}"

    def pretraining(self, run: str) -> str:
        """The directory of an encoder. run: see `run_name`."""
        return f"{self.results}/pretrain/{run}"

    def encoder(self, run: str) -> str:
        return f"{self.pretraining(run)}/{ENCODER}"

    def head(self, run: str) -> str:
        return f"{self.pretraining(run)}/{HEAD}"

    def history(self, run: str) -> str:
        return f"{self.pretraining(run)}/{HISTORY}"

    def run_record(self, run: str) -> str:
        return f"{self.pretraining(run)}/{RUN}"

    def card(self, run: str) -> str:
        return f"{self.pretraining(run)}/{CARD}"

    def exported(self, run: str) -> str:
        """The folder of an encoder that other programs read."""
        return f"{self.results}/export/{run}"

    def imported(self, name: str) -> str:
        """The directory of an external encoder, which the runs of all seeds share."""
        return f"{self.results}/encoders/{name}"

    @property
    def evaluations(self) -> str:
        """The directory that records are below."""
        return f"{self.results}/evaluate"

    def evaluation(self, record: str) -> str:
        """record: see `feature_record` and `training_record`; or predictions."""
        return f"{self.evaluations}/{record}"

    def features(self, run: str) -> str:
        """The directory of an encoder's features, where they are kept."""
        return f"{self.results}/features/{run}"

    def checkpoints(self, job: str) -> str:
        """job: `run_name` of a pretraining; `evaluate/<job_of(record)>` of an evaluation."""
        return f"{self.results}/checkpoints/{job}"

    def log(self, job: str) -> str:
        """job: `pretrain/<run>`, `evaluate/<job_of(record)>`, or the name of a rule."""
        return f"{self.results}/logs/{job}.log"

    def benchmark(self, job: str) -> str:
        """Snakemake's measurements of a job; job: as of `log`."""
        return f"{self.results}/logs/{job}.benchmark.tsv"

    @property
    def trackers(self) -> str:
        """The folder of what TensorBoard, MLflow and Weights & Biases write."""
        return f"{self.results}/trackers"

    @property
    def study_record(self) -> str:
        return f"{self.results}/{STUDY}"

    @property
    def metrics(self) -> str:
        return f"{self.results}/{METRICS}"

    @property
    def paired(self) -> str:
        return f"{self.results}/paired.csv"

    @property
    def published(self) -> str:
        return f"{self.results}/published.csv"

    @property
    def similarity(self) -> str:
        return f"{self.results}/similarity.csv"

    @property
    def declared(self) -> str:
        """What the config declares of external encoders; a study without them has no such file."""
        return f"{self.results}/encoders.json"

    def findings(self, suffix: str) -> str:
        """suffix: json or md."""
        return f"{self.results}/findings.{suffix}"

    def decision(self, suffix: str) -> str:
        """suffix: json or md."""
        return f"{self.results}/decision.{suffix}"

    @property
    def figures(self) -> str:
        return f"{self.results}/figures"

    def figure(self, name: str) -> str:
        """The numbers drawn in a figure; its pictures are next to them."""
        return f"{self.figures}/{name}.csv"

    def drawn(self, name: str, formats: Iterable[str]) -> list[str]:
        """Return the pictures of a figure, next to its table."""
        return [f"{self.figures}/{name}.{ending}" for ending in formats]

    def picture(self, name: str) -> str:
        """A picture of images: images_<dataset>, neighbours_<target> or map_<target>."""
        return f"{self.results}/{PICTURES}/{name}.webp"

    @property
    def classes(self) -> str:
        """Accuracy of each class."""
        return f"{self.results}/{CLASSES}"

    @property
    def confusions(self) -> str:
        """Which classes are taken for which."""
        return f"{self.results}/{CONFUSIONS}"

    @property
    def confusion_matrices(self) -> str:
        """What each label is taken for, at every level of few labels."""
        return f"{self.results}/{CONFUSION_MATRICES}"

    @property
    def linked_pictures(self) -> str:
        """The pictures that were drawn, for Snakemake's own report, which takes outputs alone."""
        return f"{self.results}/pictures_drawn"

    @property
    def report(self) -> str:
        return f"{self.results}/report.html"

    @property
    def plan(self) -> str:
        """The outputs of `snakemake plan`, without the suffix (csv, md, svg, png)."""
        return f"{self.results}/plan"

    @property
    def power(self) -> str:
        """What the study can settle, written by `snakemake plan`, without the suffix (csv, md)."""
        return f"{self.results}/power"
