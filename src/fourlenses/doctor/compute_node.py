"""A trial job in each partition: a compute node needs the same environment and the same files."""

import contextlib
import json
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from fourlenses.doctor.check_result import FAIL, OK, CheckResult
from fourlenses.doctor.probe import SOURCES, run
from fourlenses.doctor.profile import Demand

TOKEN = "written by make doctor"  # content of a file that the job reads back
_ON_NODE = """
import json, os, socket, sys
sys.path.append({sources!r})
answer = {{"host": socket.gethostname(), "python": sys.version.split()[0]}}
answer |= {{"token": None, "errors": [], "gpu": None}}
try:
    answer["token"] = open({token!r}).read()
except OSError as error:
    answer["errors"].append(str(error))
for name in ("fourlenses.study", "snakemake_executor_plugin_slurm_jobstep", "torch", "ffcv"):
    try:
        __import__(name)
    except Exception as error:
        answer["errors"].append(f"{{name}}: {{type(error).__name__}}: {{error}}")
try:
    from pathlib import Path
    from fourlenses.core.machine.home_folder import own_cache_folder, why_not_writable
    own = own_cache_folder(os.environ)
    if why := why_not_writable(own):
        answer["errors"].append(f"home: {{own}} cannot be written ({{why}})")
except ImportError:
    pass  # an error already
if {gpu!r} and not answer["errors"]:
    import torch
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "not set")
    if torch.cuda.is_available():
        answer["gpu"] = torch.cuda.get_device_name()
    else:
        reason = f"though the job has one (CUDA_VISIBLE_DEVICES {{visible}})"
        answer["errors"].append("torch sees no GPU, " + reason)
print("fourlenses-node:" + json.dumps(answer), flush=True)
"""
_OTHER_FILES = "the folder of the study and .venv have to be on a file system that all nodes mount"
_NO_GPU = (
    "run nvidia-smi in a job there: without it the node lacks its driver, or the partition's GPUs "
    "are none of NVIDIA's; with it, compare its CUDA version with the line `torch` above (an older "
    "driver needs a torch built for it)"
)
_NO_HOME = "before snakemake: export XDG_CACHE_HOME=/a/folder/that/all/nodes/mount"
WAIT_SECONDS = 300.0  # for a place in the queue, and imports over the network


def check_compute_nodes(
    demands: list[Demand], account: str | None, directory: Path
) -> Iterator[CheckResult]:
    """Run a job in each partition of a profile, with a GPU where one of its rules asks for one.

    Args:
        demands: Of the profile; if there are none, one job runs where the cluster puts it.
        account: Of the profile.
        directory: With data/ and results/; a file is written there for the time of the job.
    """
    chosen = {demand.partition: demand for demand in demands if not demand.gpus}
    chosen |= {demand.partition: demand for demand in demands if demand.gpus}
    for demand in chosen.values() or [Demand("")]:
        yield _job(demand, account, directory)


def _job(demand: Demand, account: str | None, directory: Path) -> CheckResult:
    check = f"node of {demand.partition or 'the default partition'}"
    token = directory.absolute() / f".fourlenses-doctor-{secrets.token_hex(8)}"
    script = _ON_NODE.format(sources=str(SOURCES), token=str(token), gpu=demand.gpus)
    options = _options(demand, account)
    command = ["srun", "--ntasks=1", "--time=5", "--job-name=fourlenses-doctor", *options]
    try:
        token.write_text(TOKEN)
        ran = run([*command, sys.executable, "-c", script], WAIT_SECONDS)
    finally:
        with contextlib.suppress(OSError):
            token.unlink()
    for line in ran.output.splitlines():
        if line.startswith("fourlenses-node:"):
            return _judged(check, json.loads(line.removeprefix("fourlenses-node:")))
    lines = [line.strip() for line in ran.errors.splitlines() if line.strip()]
    why = ran.reason or (lines[-1] if lines else f"srun ended with exit code {ran.code}")
    shown = " ".join(["srun", *options, sys.executable, "-V"])
    remedy = f"see what  {shown}  says; a full queue needs patience"
    return CheckResult(check, FAIL, why, remedy=remedy)


def _options(demand: Demand, account: str | None) -> list[str]:
    options = [f"--partition={demand.partition}"] if demand.partition else []
    options += [f"--account={account}"] if account else []
    if demand.gpus:
        options.append(f"--gpus={f'{demand.gpu_model}:' if demand.gpu_model else ''}1")
    return options


def _judged(check: str, answer: dict) -> CheckResult:
    """Return the result of a job that answered.

    Args:
        check: Its name in the report.
        answer: As the script on the node prints it.
    """
    if answer["errors"] or answer["token"] != TOKEN:
        why = "; ".join(answer["errors"]) or "sees another file than was written here"
        remedy = _NO_GPU if "torch sees no GPU" in why else _OTHER_FILES
        remedy = _NO_HOME if why.startswith("home: ") else remedy
        return CheckResult(check, FAIL, f"{answer['host']}: {why}", remedy=remedy)
    gpu = f", torch sees a GPU: {answer['gpu']}" if answer["gpu"] else ""
    packages = f"Python {answer['python']}, torch and FFCV import{gpu}"
    return CheckResult(check, OK, f"{answer['host']}: the same files, {packages}")
