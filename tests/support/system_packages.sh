#!/usr/bin/env bash
# Install what some tests drive for real: system_packages.sh COMMAND=PACKAGE...
# A package that cannot be had is no failure: its tests are left out, and this says so.
set -uo pipefail
export DEBIAN_FRONTEND=noninteractive

missing() { ! command -v "${1%%=*}" >/dev/null 2>&1; }

wanted=()
for pair in "$@"; do missing "$pair" && wanted+=("${pair#*=}"); done
[ ${#wanted[@]} -eq 0 ] && exit 0

why=
if ! command -v apt-get >/dev/null; then
    why="there is no apt-get here"
elif [ "$(id -u)" -eq 0 ]; then
    as_root=(env)
elif sudo -n true 2>/dev/null; then
    as_root=(sudo -n env)
else
    why="that needs root"
fi
if [ -z "$why" ]; then
    printf 'installing %s\n' "${wanted[*]}" >&2
    apt=("${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120)
    "${apt[@]}" update </dev/null >/dev/null 2>&1
    # One by one: a package that this release does not have must not cost the others.
    for package in "${wanted[@]}"; do
        "${apt[@]}" install --no-install-recommends "$package" </dev/null >/dev/null 2>&1
    done
    why="apt-get could not install it"
fi
for pair in "$@"; do
    missing "$pair" && printf 'left out: tests that need %s (%s)\n' "${pair#*=}" "$why" >&2
done
exit 0
