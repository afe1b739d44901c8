#!/bin/sh
# Prints the folder for caches: the user's own, or .cache of this clone where that cannot be written
# (compute nodes and containers without a home, a read-only one, a spent quota).
unset CDPATH
clone=$(cd "$(dirname "$0")/.." && pwd)
writable() {
    mkdir -p "$1" 2>/dev/null && trial=$(mktemp "$1/.fourlenses-XXXXXX" 2>/dev/null) || return 1
    # permissions do not tell of quotas: a megabyte does
    head -c 1048576 /dev/zero 2>/dev/null >"$trial"
    code=$?
    rm -f "$trial"
    return $code
}
own=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
case "$own" in /*) ;; *) own= ;; esac # a relative one would be another folder for each program
if [ -n "$own" ] && writable "$own"; then
    printf '%s\n' "$own"
elif writable "$clone/.cache"; then
    printf '%s\n' "$clone/.cache"
else
    mktemp -d "${TMPDIR:-/tmp}/fourlenses-cache-XXXXXX"
fi
