"""Whether a job on a compute node finds the same environment and the same files: one trial job a partition."""

import contextlib
import json
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from fourlenses.doctor.check_result import FAIL, OK, CheckResult
from fourlenses.doctor.probe import SOURCES, run
from fourlenses.doctor.profile import Demand

_ON_NODE = """
import json, os, socket, sys
sys.path.append({sources!r})
said = {{"host": socket.gethostname(), "python": sys.version.split()[0], "token": None, "errors": [], "gpu": None}}
try:
    said["token"] = open({token!r}).read()
except OSError as error:
    said["errors"].append(str(error))
for name in ("fourlenses.study", "snakemake_executor_plugin_slurm_jobstep", "torch", "ffcv"):
    try:
        __import__(name)
    except Exception as error:
        said["errors"].append(f"{{name}}: {{type(error).__name__}}: {{error}}")
if {gpu!r} and not said["errors"]:
    import torch
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "not set")
    if torch.cuda.is_available():
        said["gpu"] = torch.cuda.get_device_name()
    else:
        said["errors"].append(f"torch sees no GPU, though the job has one (CUDA_VISIBLE_DEVICES {{visible}})")
print("fourlenses-node:" + json.dumps(said), flush=True)
"""
_OTHER_FILES = "the folder of the study and .venv have to be on a file system that all nodes mount"
_NO_GPU = (
    "run nvidia-smi in a job there: without it the node lacks its driver, or the partition's GPUs are none of NVIDIA's; with it, compare "
    "its CUDA version with the line `torch` above (an older driver needs a torch built for it)"
)
WAIT_SECONDS = 300.0  # for a place in the queue, and imports over the network


def check_compute_nodes(
    demands: list[Demand], account: str | None, directory: Path
) -> Iterator[CheckResult]:
    """``demands`` and ``account``: of the profile; none: one job as the cluster places it."""
    chosen = {demand.partition: demand for demand in demands if not demand.gpus}
    chosen |= {demand.partition: demand for demand in demands if demand.gpus}
    for demand in chosen.values() or [Demand("", None, 0, "", None, None)]:
        yield _job(demand, account, directory)


def _job(demand: Demand, account: str | None, directory: Path) -> CheckResult:
    check = f"node of {demand.partition or 'the default partition'}"
    token = directory.absolute() / f".fourlenses-doctor-{secrets.token_hex(8)}"
    script = _ON_NODE.format(sources=str(SOURCES), token=str(token), gpu=demand.gpus)
    options = [f"--partition={demand.partition}"] if demand.partition else []
    options += [f"--account={account}"] if account else []
    if demand.gpus:
        options.append(f"--gpus={f'{demand.gpu_model}:' if demand.gpu_model else ''}1")
    try:
        token.write_text("seen")
        ran = run(
            [
                "srun",
                "--ntasks=1",
                "--time=5",
                "--job-name=fourlenses-doctor",
                *options,
                sys.executable,
                "-c",
                script,
            ],
            WAIT_SECONDS,
        )
    finally:
        with contextlib.suppress(OSError):
            token.unlink()
    for line in ran.output.splitlines():
        if line.startswith("fourlenses-node:"):
            said = json.loads(line.removeprefix("fourlenses-node:"))
            if said["errors"] or said["token"] != "seen":
                why = f"{said['host']}: {'; '.join(said['errors']) or 'sees another file than was written here'}"
                return CheckResult(
                    check, FAIL, why, _NO_GPU if "torch sees no GPU" in why else _OTHER_FILES
                )
            gpu = f", torch sees a GPU: {said['gpu']}" if said["gpu"] else ""
            return CheckResult(
                check,
                OK,
                f"{said['host']}: the same files, Python {said['python']}, torch and FFCV import{gpu}",
            )
    lines = [line.strip() for line in ran.errors.splitlines() if line.strip()]
    why = ran.reason or (lines[-1] if lines else f"srun ended with exit code {ran.code}")
    return CheckResult(
        check,
        FAIL,
        why,
        f"see what  srun {' '.join(options)} {sys.executable} -V  says; a full queue needs patience",
    )
