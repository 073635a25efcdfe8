#!/bin/sh
# Write uv.lock and requirements.lock from all pyproject.toml files.
# Always against the public index, whatever this machine is set to use: no mirror's name gets into a lock file.
# Usage: tools/lock.sh UV [--upgrade | --upgrade-package NAME]
set -eu

uv=$1
shift
for variable in $(env | sed -n 's/^\(UV_[A-Z_]*\)=.*/\1/p'); do
    unset "$variable"
done
cd "$(dirname "$0")/.."
"$uv" lock --quiet --default-index https://pypi.org/simple "$@"
"$uv" export --quiet --frozen --all-packages --all-groups --no-emit-workspace --no-annotate --no-header \
    --format requirements-txt --output-file requirements.lock
