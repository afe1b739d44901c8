"""What set-up refuses before it downloads, and where it puts what it downloads."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STUBS = {
    # an interpreter with this one's version, whose headers lie where the test says
    "python3": f'case "$*" in *get_path*) echo "$HEADERS";; *) exec {sys.executable} "$@";; esac',
    "g++": "true",
    "pkg-config": "true",
    "df": 'echo "Filesystem 1M used free"; case "$2 $3" in *home*) f=$HOME_MB;; *) f=$CLONE_MB;; '
    'esac; echo "x 1 1 $f 1% /"',
    "uv": 'echo "uv: cache ${UV_CACHE_DIR:-} or $XDG_CACHE_HOME"; '
    'echo "uv sees $(env | grep -c elsewhere)"; exit 1',
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "my clone"
    shutil.copytree(ROOT / "envs", folder / "envs")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, script in STUBS.items():
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "headers").mkdir()
    (tmp_path / "headers" / "Python.h").touch()
    (tmp_path / "home").mkdir()
    return folder


def set_up(clone: Path, **variables: object) -> subprocess.CompletedProcess:
    base = clone.parent
    environment = {
        "PATH": f"{base}/bin:{os.environ['PATH']}",
        "HOME": f"{base}/home",
        "HEADERS": f"{base}/headers",
        "HOME_MB": "90000",
        "CLONE_MB": "90000",
    }
    environment |= {name: str(value) for name, value in variables.items()}
    return subprocess.run(
        [clone / "envs/setup.sh", "run"], env=environment, capture_output=True, text=True
    )


def test_no_python_headers(clone: Path, tmp_path: Path) -> None:
    end = set_up(clone, HEADERS=tmp_path / "empty")
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}-dev"
    assert end.returncode == 1
    assert f"no Python.h in {tmp_path}/empty" in end.stderr
    assert f"apt-get install {version}, or python3-dev" in end.stderr
    assert "uv:" not in end.stdout


@pytest.mark.parametrize("given", ["environment", "argument"])
def test_make_hands_on_the_python_of_the_user(clone: Path, given: str) -> None:
    shutil.copy(ROOT / "Makefile", clone)
    end = subprocess.run(
        ["make", "setup", *(["PYTHON=/no/python"] if given == "argument" else [])],
        cwd=clone,
        env=os.environ | ({"PYTHON": "/no/python"} if given == "environment" else {}),
        capture_output=True,
        text=True,
    )
    assert "setup: no '/no/python' on PATH: install Python 3.11 or newer" in end.stderr


def test_an_unknown_extra_is_refused_with_the_known_ones(clone: Path) -> None:
    end = set_up(clone, EXTRAS="timm cats")
    assert end.returncode == 1
    assert "EXTRAS has 'cats'; allowed: mlflow notebook onnx tensorboard timm wandb" in end.stderr
    several = set_up(clone, EXTRAS="timm onnx")
    assert "uv: cache" in several.stdout


def test_no_room_for_the_environment(clone: Path) -> None:
    end = set_up(clone, CLONE_MB=500)
    assert end.returncode == 1
    assert f"only 500 MB are free at {clone}, 7000 are needed" in end.stderr
    assert "uv:" not in end.stdout


def test_downloads_stay_out_of_a_small_home(clone: Path) -> None:
    end = set_up(clone, HOME_MB=200)
    assert f"uv: cache {clone}/.uv/cache" in end.stdout
    assert f"only 200 MB are free at {clone.parent}/home/.cache/uv" in end.stderr
    scratch = clone.parent / "scratch" / "uv"
    chosen = set_up(clone, HOME_MB=200, UV_CACHE_DIR=scratch)
    assert f"uv: cache {scratch}" in chosen.stdout
    refused = set_up(clone, UV_CACHE_DIR="/proc/uv")
    assert refused.returncode == 1
    assert "UV_CACHE_DIR is /proc/uv, which cannot be written" in refused.stderr
    assert "uv:" not in refused.stdout


def test_a_set_up_that_ran_out_of_room_needs_it_all_again(clone: Path) -> None:
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
    assert "only 3000 MB are free" in set_up(clone, CLONE_MB=3000).stderr
    (clone / ".venv" / ".setup-run").write_text("of an earlier version")
    assert "uv: cache" in set_up(clone, CLONE_MB=3000).stdout


@pytest.mark.parametrize("home", ["/proc/nohome", "", "home/of/nobody", "/dev/null", "~"])
def test_without_a_home_caches_are_in_the_clone(clone: Path, home: str) -> None:
    assert f"or {clone}/.cache\n" in set_up(clone, HOME=home).stdout


def test_a_home_without_room_for_a_file(clone: Path) -> None:
    """A spent quota: folders and empty files can be made, nothing can be written."""
    full = clone.parent / "full"
    full.mkdir()
    limited = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    mount = f'mount -t tmpfs -o size=64k tmpfs {full} && HOME={full} "$0"'
    if subprocess.run([*limited, "true"], capture_output=True).returncode:
        pytest.skip("this user cannot mount a small file system")
    script = clone / "envs/cache_folder.sh"
    environment = {"PATH": os.environ["PATH"]}
    end = subprocess.run([*limited, mount, script], env=environment, capture_output=True, text=True)
    assert end.stdout == f"{clone}/.cache\n", end.stderr


@pytest.mark.parametrize(
    "name",
    ["PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "UV_PYTHON", "UV_SYSTEM_PYTHON"],
)
def test_what_a_profile_sets_does_not_lead_packages_elsewhere(clone: Path, name: str) -> None:
    assert "uv sees 0" in set_up(clone, **{name: "/elsewhere"}).stdout


def test_a_search_path_of_cd_leads_to_no_other_clone(clone: Path) -> None:
    other = clone.parent / "other"
    shutil.copytree(clone, other)
    end = subprocess.run(
        ["envs/cache_folder.sh"],
        cwd=clone,
        env={"PATH": os.environ["PATH"], "CDPATH": str(other)},
        capture_output=True,
        text=True,
    )
    assert end.stdout == f"{clone}/.cache\n", end.stderr


def test_a_compiler_that_is_named_and_not_there(clone: Path) -> None:
    end = set_up(clone, CXX="x86_64-conda-linux-gnu-c++ -O2")
    assert end.returncode == 1
    assert "CXX is 'x86_64-conda-linux-gnu-c++ -O2', and there is no such compiler" in end.stderr
    assert "uv:" not in end.stdout
    assert "uv: cache" in set_up(clone, CXX="g++ -O2").stdout


@pytest.mark.skipif(not Path("/usr/bin/pkg-config").exists(), reason="the system has no pkg-config")
def test_conda_s_pkg_config_finds_the_system_s_libraries(clone: Path) -> None:
    conda = clone.parent / "bin" / "pkg-config"
    conda.write_text('#!/bin/sh\nPKG_CONFIG_LIBDIR=/nowhere exec /usr/bin/pkg-config "$@"\n')
    end = set_up(clone)
    assert "uv: cache" in end.stdout, end.stderr
    assert "installing" not in end.stderr.partition("setup: installing Python")[0]


@pytest.mark.parametrize("python", ["python9", "/a folder/python", "/dev/null"])
def test_a_python_that_is_not_there(clone: Path, python: str) -> None:
    end = set_up(clone, PYTHON=python)
    assert end.returncode == 1
    assert f"no '{python}' on PATH" in end.stderr


def test_a_clone_with_line_ends_of_windows_gets_ours() -> None:
    """core.autocrlf=true, as Git for Windows sets it: with \\r a script does not start."""
    if subprocess.run(["git", "rev-parse"], cwd=ROOT, capture_output=True).returncode:
        pytest.skip("no clone")
    files = ["envs/setup.sh", "Makefile", "Snakefile", "rules/common.smk", "config.yaml", ".ci/run"]
    asked = subprocess.run(
        ["git", "-c", "core.autocrlf=true", "check-attr", "eol", "text", "--", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    said = {tuple(line.split(": ")) for line in asked.stdout.splitlines()}
    wanted = {(file, *pair) for file in files for pair in (("eol", "lf"), ("text", "auto"))}
    assert said == wanted
