#!/bin/sh
# Find a Python that really runs and is new enough, and hand over to tools/set_up.py.
# PYTHON=/path/to/python chooses one; a name that is only a shim without a version behind it is passed over.
set -eu

here=$(dirname "$0")
usable='import sys, venv; sys.exit(sys.version_info < (3, 11))'

for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python3.14 python}; do
    if "$candidate" -I -c "$usable" </dev/null >/dev/null 2>&1; then
        exec "$candidate" -E -s -B "$here/set_up.py" "$@"
    fi
done

if [ -n "${PYTHON:-}" ]; then
    echo "set-up: PYTHON=$PYTHON doesn't run, is older than Python 3.11, or lacks the venv module" >&2
else
    echo "set-up: found no Python 3.11 or newer (looked for python3.13, 3.12, 3.11, python3, python3.14, python)" >&2
fi
echo "set-up: install one, or name it: make setup PYTHON=/path/to/python3.11" >&2
exit 3
