"""All checks, one family after the other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from fourlenses.doctor.check_result import FAIL, CheckResult
from fourlenses.doctor.cluster import check_cluster, has_slurm
from fourlenses.doctor.compute_node import check_compute_nodes
from fourlenses.doctor.image_libraries import check_image_libraries
from fourlenses.doctor.interpreter import check_interpreter
from fourlenses.doctor.limits import check_limits
from fourlenses.doctor.machine import check_machine
from fourlenses.doctor.profile import Profile, check_profile, demands, read_profile
from fourlenses.doctor.snakemake_versions import check_snakemake
from fourlenses.doctor.storage import check_storage
from fourlenses.doctor.torch_and_gpu import check_torch


def examine(
    workflow: Path, directory: Path, *, profile_folders: Sequence[Path], in_job: bool
) -> Iterator[CheckResult]:
    """Run all checks; one that breaks is reported and does not end the others.

    Args:
        workflow: The folder with the Snakefile.
        directory: The folder with data/ and results/.
        profile_folders: Of the Snakemake profile; of several, later keys win.
        in_job: Try a job on a compute node of each partition of the profile.
    """
    profile, why = read_profile(profile_folders)
    if why:
        yield CheckResult("profile", FAIL, why, remedy="name a folder such as profiles/slurm")
    name = " and ".join(map(str, profile_folders))
    submits = profile.get("executor") == "slurm"
    families: list[Callable[[], Iterable[CheckResult]]] = [
        lambda: check_interpreter(workflow),
        check_machine,
        check_torch,
        check_image_libraries,
        check_snakemake,
        lambda: check_cluster(submits, profile.get("slurm-status-command") if submits else None),
    ]
    if submits:
        families.append(lambda: check_profile(name, profile))
    families += [lambda: check_storage(directory), check_limits]
    if in_job:
        families.append(lambda: _compute_nodes(profile, directory))
    for family in families:
        try:
            yield from family()
        except Exception as error:  # a defect of one check must not hide the results of the others
            message = f"a check itself failed: {type(error).__name__}: {error}"
            remedy = "please report this line as a bug"
            yield CheckResult("doctor", FAIL, message, remedy=remedy)


def _compute_nodes(profile: Profile, directory: Path) -> Iterable[CheckResult]:
    if not has_slurm():
        message = "there is no SLURM here to try a job on"
        remedy = "leave out --in-job (IN_JOB)"
        return [CheckResult("compute nodes", FAIL, message, remedy=remedy)]
    account = (profile.get("default-resources") or {}).get("slurm_account")
    return check_compute_nodes(demands(profile) if profile else [], account, directory)
