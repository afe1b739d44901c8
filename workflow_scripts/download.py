"""Download a file of a dataset, or list the files that its authors publish.

An interrupted download is resumed; a file is kept only with the right checksum.
"""

import argparse
import logging
from pathlib import Path

from fourlenses.core.cli import run


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--dataset",
        metavar="SOURCE",
        help="a source with published files, such as inat21; without --file they are listed",
    )
    what.add_argument("--url", help="or any address (https); needs its checksum")
    parser.add_argument(
        "--file",
        help="which of the published files; with --url, the name to give it (default: the last "
        "part of the address)",
    )
    checksum = parser.add_mutually_exclusive_group()
    checksum.add_argument("--sha256", help="of the file at --url, hexadecimal")
    checksum.add_argument("--md5", help="the same, where its authors give no other")
    parser.add_argument("--to", type=Path, default=Path("."), help="folder to put it into")
    parser.add_argument(
        "--raw-data", type=Path, default=Path("."), help="folder that --to starts from"
    )
    parser.add_argument(
        "--tries", type=int, default=8, help="in a row that bring nothing, before giving up"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=60.0,
        help="seconds without a byte after which a try has failed",
    )
    parser.add_argument(
        "--record", type=Path, help="where to write what was downloaded from where (.json)"
    )
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    from fourlenses.core.errors import UserError
    from fourlenses.core.files import write_json
    from fourlenses.data.download.download import RetryPolicy, download
    from fourlenses.data.download.registry import Remote, describe, file_name, published, stand_in

    if arguments.dataset and not arguments.file:
        print(describe(arguments.dataset))
        return
    if arguments.dataset:
        remote, name = published(arguments.dataset, arguments.file), arguments.file
    else:
        algorithm = "sha256" if arguments.sha256 else "md5"
        remote = Remote.checked(arguments.url, algorithm, getattr(arguments, algorithm))
        name = arguments.file or file_name(arguments.url)
    if Path(name).name != name:
        raise UserError(f"--file is '{name}', a path; give the name alone and the folder with --to")
    target = arguments.raw_data / arguments.to / name
    instead = target if target.is_dir() else None
    if arguments.dataset and not target.exists():
        instead = stand_in(arguments.dataset, target)
    if instead:
        logging.info(
            "%s is there, which does as well as %s: nothing was downloaded, nothing was checked",
            instead,
            name,
        )
        record = {"file": str(instead)}
    else:
        fetched = download(
            remote, target, RetryPolicy(tries=arguments.tries, timeout=arguments.timeout)
        )
        logging.info(
            "%s: %s, %s %s",
            target,
            f"downloaded from {remote.url}" if fetched else "was there",
            remote.algorithm,
            remote.digest,
        )
        record = {
            "file": str(target),
            "url": remote.url,
            remote.algorithm: remote.digest,
            "bytes": target.stat().st_size,
        }
    if arguments.record:
        write_json(arguments.record, record)


if __name__ == "__main__":
    run(main)
