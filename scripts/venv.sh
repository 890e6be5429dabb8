#!/bin/sh
# Makes the virtual environment, or says in one line what is missing: venv.sh PYTHON FOLDER
set -u
python=$1
folder=$2

new_enough() {
    command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# The python3 of macOS is often older than one that stands beside it.
for other in python3.11 python3.12 python3.13 python3.14; do
    new_enough "$python" && break
    new_enough "$other" && python=$other
done
if ! new_enough "$python"; then
    echo "Pamoja: Python 3.11 or later is missing. On Debian: apt-get install python3 python3-venv" >&2
    exit 1
fi
if ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Pamoja: installing python3-venv"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
    fi
    if ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
        echo "Pamoja: Python cannot make virtual environments. On Debian: apt-get install python3-venv" >&2
        exit 1
    fi
fi
# A virtual environment that was copied, or whose Python was removed or replaced, does not start any more.
if [ -e "$folder" ] && ! "$folder/bin/python" -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
    rm -rf "$folder"
fi
[ -e "$folder/bin/python" ] || exec "$python" -m venv "$folder"
