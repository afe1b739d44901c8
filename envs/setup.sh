#!/usr/bin/env bash
# Everything a fresh clone needs, into ./.venv: `envs/setup.sh run` for studies, `envs/setup.sh
# dev` for tests and lint too. `envs/setup.sh bench`: what studies need and the benchmark's peers,
# into ./.bench, so that both run in one process and neither's packages bind the other.
# `envs/setup.sh docs`: what makes the documentation's site, and nothing else, into ./.docs.
# EXTRAS="timm onnx", with any of them: packages of envs/requirements-<extra>.txt as well
# (docs/reference/machines.md lists them).
# Idempotent: does nothing (in well under a second) while the pinned requirements are unchanged.
set -euo pipefail
# what a shell's profile may set to lead packages, or `cd`, elsewhere
unset CDPATH PYTHONHOME PYTHONPATH PIP_USER PIP_TARGET PIP_PREFIX UV_PYTHON UV_SYSTEM_PYTHON
cd "$(dirname "$0")/.."
kind=${1:-run}
venv=.venv
case $kind in bench | docs) venv=.$kind ;; esac
extras=${EXTRAS:-}
say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }
known=$(cd envs && for file in requirements-*.in; do file=${file#requirements-}; echo "${file%.in}"; done | grep -vx dev)
for extra in $extras; do
    grep -qx -- "$extra" <<<"$known" || die "EXTRAS has '$extra'; allowed: $(tr '\n' ' ' <<<"$known")"
done

# --- nothing changed? ----------------------------------------------------------------------------
files=(envs/requirements.txt pyproject.toml envs/setup.sh)
[ "$kind" = dev ] && files+=(envs/requirements-dev.txt)
for extra in $extras; do files+=("envs/requirements-$extra.txt"); done
[ "$kind" = bench ] && files+=(benchmarks/peers.txt)
[ "$kind" = docs ] && files=(envs/docs.txt envs/setup.sh)
stamp="$venv/.setup-$kind${extras:+-${extras// /-}}"
wanted=$(cat "${files[@]}" | sha256sum | cut -d' ' -f1)
[ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && exit 0
started=$SECONDS

# --- Python --------------------------------------------------------------------------------------
python=${PYTHON:-python3}
command -v "$python" >/dev/null || die "no '$python' on PATH: install Python 3.11 or newer, or set PYTHON=/path/to/python"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "$("$python" --version) at $(command -v "$python") is too old: Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"

# --- what ffcv is compiled with ------------------------------------------------------------------
can_compile() {
    headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    [ -f "$headers/Python.h" ] ||
        die "no Python.h in $headers (ffcv is compiled against it): install the headers of this Python (Debian and Ubuntu: apt-get install $("$python" -c 'import sys; print("python%d.%d-dev" % sys.version_info[:2])'), or python3-dev), or set PYTHON to one that has them"
    [ -z "${CXX:-}" ] || command -v ${CXX%% *} >/dev/null || die "CXX is '$CXX', and there is no such compiler (ffcv is compiled with it): unset CXX, or install it"
    command -v c++ >/dev/null || command -v g++ >/dev/null || die "no C++ compiler on PATH (ffcv is compiled here): install g++"

    # system libraries of FFCV
    has_libraries() {
        command -v pkg-config >/dev/null && { pkg-config --exists opencv4 || pkg-config --exists opencv; } && pkg-config --exists libturbojpeg
    }
    # conda's pkg-config, where an environment is active, looks in conda's folders alone
    if ! has_libraries && [ -x /usr/bin/pkg-config ]; then
        PKG_CONFIG_PATH=${PKG_CONFIG_PATH:+$PKG_CONFIG_PATH:}$(/usr/bin/pkg-config --variable pc_path pkg-config)
        export PKG_CONFIG_PATH
    fi
    if ! has_libraries; then
        packages="libopencv-dev libturbojpeg0-dev pkg-config"
        by_hand="apt-get install --no-install-recommends $packages
       or, without root:  conda env create -f envs/fourlenses.yaml && conda activate fourlenses && pip install --no-deps -e ."
        sudo=""
        [ "$(id -u)" = 0 ] || sudo="sudo -n"
        command -v apt-get >/dev/null || die "FFCV needs the OpenCV and TurboJPEG headers and pkg-config, and there is no apt-get here. With your package manager, install what corresponds to
       $by_hand"
        [ -z "$sudo" ] || sudo -n true 2>/dev/null || die "FFCV needs the OpenCV and TurboJPEG headers and pkg-config; installing them needs root. Run
       sudo $by_hand"
        say "installing $packages (apt)"
        log=$(mktemp)
        { $sudo apt-get update && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y --no-install-recommends $packages; } >"$log" 2>&1 ||
            { tail -n 5 "$log" >&2; die "apt could not install them (log: $log). By hand:  $by_hand"; }
        rm -f "$log"
        has_libraries || die "pkg-config still does not find opencv4 and libturbojpeg after installing $packages; see  pkg-config --print-errors --exists opencv4 libturbojpeg"
    fi
}
if [ "$kind" != docs ]; then can_compile; fi

# --- room ----------------------------------------------------------------------------------------
# XDG_CACHE_HOME leads elsewhere where the home cannot be written
XDG_CACHE_HOME=$(envs/cache_folder.sh)
export XDG_CACHE_HOME
downloads=${UV_CACHE_DIR:-$XDG_CACHE_HOME/uv}
free_mb() { # of the file system of a folder, or of its nearest parent that exists
    local folder=$1
    while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
    df -Pm "$folder" | awk 'NR == 2 { print $4 }'
}
# MB; an environment without a stamp is one whose installation did not come to its end
needed=$(ls "$venv"/.setup-* >/dev/null 2>&1 && echo 1000 || echo 7000)
[ -z "${UV_CACHE_DIR:-}" ] || { mkdir -p "$UV_CACHE_DIR" && [ -w "$UV_CACHE_DIR" ]; } 2>/dev/null || die "UV_CACHE_DIR is $UV_CACHE_DIR, which cannot be written; set it to a folder of yours with 7 GB of room, or unset it"
[ "$kind" = docs ] && needed=300
[ "$(free_mb "$PWD")" -ge "$needed" ] || die "only $(free_mb "$PWD") MB are free at $PWD, $needed are needed; make room, or clone to another disk"
if [ "$(free_mb "$downloads")" -lt "$needed" ] && [ -z "${UV_CACHE_DIR:-}" ]; then
    say "only $(free_mb "$downloads") MB are free at $downloads: downloads go to $PWD/.uv/cache (delete it afterwards), or set UV_CACHE_DIR"
    export UV_CACHE_DIR=$PWD/.uv/cache
fi
out_of_room() { die "the packages could not be installed (above). If a quota is spent: they are downloaded to ${UV_CACHE_DIR:-$downloads} and installed to $PWD/$venv; set UV_CACHE_DIR to a folder with 7 GB of room, best on the file system of this clone, then run it again"; }

# --- uv: the one on PATH, or a pinned and hashed one of our own ----------------------------------
uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    uv=.uv/bin/uv
    if [ ! -x "$uv" ]; then
        "$python" -m venv .uv || die "'$python -m venv' failed (Debian and Ubuntu: apt-get install python3-venv)"
        .uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r envs/bootstrap.txt
    fi
fi

# --- the environment -----------------------------------------------------------------------------
[ -x "$venv/bin/python" ] || "$uv" venv --quiet --python "$python" "$venv"
requirements=(-r envs/requirements.txt)
[ "$kind" = dev ] && requirements+=(-r envs/requirements-dev.txt)
for extra in $extras; do requirements+=(-r "envs/requirements-$extra.txt"); done
[ "$kind" = bench ] && requirements+=(-r benchmarks/peers.txt)
export VIRTUAL_ENV=$PWD/$venv
if [ "$kind" = docs ]; then
    "$uv" pip install --quiet --require-hashes -r envs/docs.txt || out_of_room
    printf '%s' "$wanted" >"$stamp"
    exit 0
fi
say "installing Python packages into $venv (about 6 GB, mostly torch)"
"$uv" pip install --quiet --require-hashes --build-constraints envs/requirements.txt "${requirements[@]}" || out_of_room
"$uv" pip install --quiet --no-deps --no-build-isolation -e .
"$venv/bin/python" -c 'import torch, torchvision, ffcv' || die "the packages are installed but do not import (above); remove $venv and try again"
# views on a CPU and crops; nodes that lack a compiler find them there
"$venv/bin/python" -m fourlenses.data.augment.compiled_views
"$venv/bin/python" -m fourlenses.data.loading.compiled_crops
printf '%s' "$wanted" >"$stamp"
say "ready in $((SECONDS - started)) s"
