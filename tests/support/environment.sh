#!/usr/bin/env bash
# Make .venv and install obskit into it: environment.sh EXTRAS STAMP
#   EXTRAS  "" or a list as in "[dev]";  STAMP  the file that says it is done
# PYTHON=... says which Python to take. Called by the Makefile, from the top of the tree.
set -euo pipefail
extras=$1 stamp=$2
new_enough='import sys; sys.exit(sys.version_info < (3, 11))'

say() { printf '%s\n' "$*" >&2; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        # A name on the PATH may be a shim of a version that is not installed: run it.
        if "$candidate" -c "$new_enough" 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    say "obskit needs Python 3.11 or newer; none of these is: ${PYTHON:-python3.13 python3.12 python3.11 python3}"
    say "  try: install one, or say where it is: make demo PYTHON=/path/to/python3"
    return 1
}

# Debian ships venv without ensurepip unless python3-venv is installed, hence the other ways.
make_venv() {
    local python=$1
    rm -rf .venv
    "$python" -c 'import ensurepip, venv' 2>/dev/null && "$python" -m venv .venv && return
    rm -rf .venv
    "$python" -m virtualenv --version >/dev/null 2>&1 && "$python" -m virtualenv --quiet .venv && return
    command -v virtualenv >/dev/null && virtualenv --quiet --python "$python" .venv && return
    rm -rf .venv
    "$python" -m pip --version >/dev/null 2>&1 && "$python" -m venv --without-pip .venv \
        && "$python" -m pip --python .venv/bin/python install --quiet pip && return
    rm -rf .venv
    say "$python can make no virtual environment: it has no ensurepip, no virtualenv and no pip"
    say "  try: apt-get install python3-venv  (or the like of your system), then again"
    return 1
}

# One dot a package, so that a slow line does not look like a hang; the whole story is in the log.
install() {
    local log=.venv/install.log line compile=--compile
    # Half of what pip does is to compile modules of which the tests import a part: that is compiled when it is imported.
    [ "$extras" = '[dev]' ] && compile=--no-compile
    say "installing obskit$extras with the versions of constraints.txt (once; a minute or two)"
    if .venv/bin/python -m pip install --disable-pip-version-check --no-input --prefer-binary \
        "$compile" --constraint constraints.txt --editable ".$extras" </dev/null 2>&1 | tee "$log" \
        | while read -r line; do case $line in Collecting*) printf . >&2 ;; esac; done; then
        say " done"
    else
        say " failed:"
        grep -v -e '^Collecting' -e '^Requirement already' -e '^  ' "$log" | tail -n 15 >&2
        say "  the whole output is in $log"
        return 1
    fi
}

if ! .venv/bin/python -m pip --version >/dev/null 2>&1 \
    || { [ -n "${PYTHON:-}" ] && [ "$(.venv/bin/python -V)" != "$("$PYTHON" -V)" ]; }; then
    python=$(find_python)
    say "making .venv with $("$python" -V)"
    make_venv "$python"
fi
install
rm -f "$(dirname "$stamp")"/.ready-*
touch "$stamp"
