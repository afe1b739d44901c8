#!/usr/bin/env bash
# Known vulnerabilities of everything that is pinned, by pip-audit, which asks pypi.org about each
# package. It is installed for this call alone. A package that cannot be asked about is a failure.
set -uo pipefail
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .uv/bin/uv)
command -v "$uv" >/dev/null || { echo "audit: no uv on PATH or in .uv: run make setup first" >&2; exit 1; }
failed=0
for file in envs/*.txt benchmarks/*.txt; do
    echo "audit: $file" >&2
    "$uv" tool run --from pip-audit==2.10.1 pip-audit --strict --disable-pip --require-hashes \
        --progress-spinner off -r "$file" || failed=1
done
exit $failed
