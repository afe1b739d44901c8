"""Archives that the tests made themselves, unpacked."""

import tarfile
from pathlib import Path


def extract_all(archive: tarfile.TarFile, folder: Path) -> None:
    """Extract an archive, with the filter that Python has from 3.11.4 on.

    Debian's 3.11.2 has none; from 3.14 on Python wants one.
    """
    archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
