"""FFCV with the shared libraries it links to, TurboJPEG, and numba's compiler."""

from collections.abc import Iterator

from fourlenses.doctor.check_result import FAIL, OK, CheckResult
from fourlenses.doctor.interpreter import SETUP
from fourlenses.doctor.probe import ask, run

_LOCATED = """
def answer():
    from importlib import metadata
    files = metadata.files("ffcv") or []
    libraries = [str(file.locate()) for file in files if file.name.startswith("_libffcv")]
    return [metadata.version("ffcv"), libraries]
"""
_FFCV = """
def answer():
    import ffcv.loader, ffcv.writer, ffcv.fields
    return True
"""
_JPEG = """
def answer():
    import io
    import numpy as np
    from PIL import Image
    from fourlenses.data.images.turbojpeg import JpegDecoder
    picture = np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "jpeg", quality=95)
    pixels = np.zeros((64, 64, 4), np.uint8)
    decoded = JpegDecoder().decode(data.getvalue(), pixels)
    return decoded and bool((pixels[..., :3] == np.asarray(Image.open(data).convert("RGB"))).all())
"""
_NUMBA = """
def answer():
    import numba
    @numba.njit(parallel=True)
    def total(n):
        count = 0
        for k in numba.prange(n):
            count += k
        return count
    return [numba.__version__, int(total(1000)), numba.threading_layer()]
"""
SYSTEM = (
    "install OpenCV and TurboJPEG (Debian: libopencv-dev libturbojpeg0-dev; on a cluster perhaps: "
    "module load opencv), then remove .venv "
)


def check_image_libraries() -> Iterator[CheckResult]:
    yield _ffcv()
    yield _turbojpeg()
    yield _numba()


def _ffcv() -> CheckResult:
    located = ask(_LOCATED)
    if located.error:
        return CheckResult("FFCV", FAIL, located.error, remedy=SETUP)
    version, libraries = located.value
    missing = [name for library in libraries for name in _not_found(library)]
    imported = ask(_FFCV)
    if missing or not libraries:
        lacks = f"{version}, but its compiled library lacks {', '.join(missing)}"
        message = lacks if missing else f"{version} has no compiled library"
        remedy = f"{SYSTEM}and {SETUP}. What the login node has the compute nodes need too"
        return CheckResult("FFCV", FAIL, message, remedy=remedy)
    if imported.error:
        message = f"{version}: {imported.error}"
        return CheckResult("FFCV", FAIL, message, remedy=f"remove .venv and {SETUP}")
    return CheckResult("FFCV", OK, f"{version} imports, with all its shared libraries")


def _turbojpeg() -> CheckResult:
    decoded = ask(_JPEG)
    if decoded.error or not decoded.value:
        message = decoded.error or "a JPEG is not decoded to Pillow's pixels"
        return CheckResult("TurboJPEG", FAIL, message, remedy=f"{SYSTEM}and {SETUP}")
    return CheckResult("TurboJPEG", OK, "decodes a JPEG to Pillow's pixels")


def _numba() -> CheckResult:
    compiled = ask(_NUMBA)
    if compiled.error or compiled.value[1] != 499500:
        message = compiled.error or f"compiled a sum to {compiled.value[1]}, not 499500"
        remedy = f"{SETUP}; NUMBA_CACHE_DIR (or the home directory) has to be writable"
        return CheckResult("numba", FAIL, message, remedy=remedy)
    version, _, threading_layer = compiled.value
    return CheckResult("numba", OK, f"{version} compiles, threads by {threading_layer}")


def _not_found(library: str) -> list[str]:
    """Return the shared libraries that the loader does not find; none where there is no ldd."""
    listed = run(["ldd", library])
    return sorted(
        {line.split("=>")[0].strip() for line in listed.output.splitlines() if "not found" in line}
    )
