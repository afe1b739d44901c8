"""Datasets drawn small, in the layouts in which the real ones are published or kept."""

import io
import tarfile
from pathlib import Path


def tar(file: Path | io.BytesIO, members: dict[str, bytes], mode: str = "w") -> None:
    """An archive of these members."""
    if isinstance(file, Path):
        file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(
        **({"name": file} if isinstance(file, Path) else {"fileobj": file}), mode=mode
    ) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def tree(folder: Path, members: dict[str, bytes]) -> None:
    """A folder of these files."""
    for name, data in members.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
