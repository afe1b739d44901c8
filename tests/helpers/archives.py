"""Archives that the tests made themselves, unpacked."""

import tarfile
from pathlib import Path


def extract_all(archive: tarfile.TarFile, folder: Path) -> None:
    """Python has filters from 3.11.4 on (and Debian's 3.11.2 has not); from 3.14 on it wants one."""
    archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
