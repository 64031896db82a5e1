#!/bin/sh
# shell.sh ROOT: shellcheck has nothing to say about our scripts.
set -eu
cd "$1"
if ! command -v shellcheck >/dev/null; then
    echo "skipped: shellcheck is not installed"
    exit 77
fi
for folder in .ci cmake liblogplex parsers drains viz logplexd tests; do
    [ ! -d "$folder" ] || find "$folder" -name node_modules -prune -o \
        -type f -size -200k -print
done | sort | xargs -r -d '\n' awk '
    FNR == 1 && /^#!.*[\/ ](ba)?sh( |$)/ { print FILENAME } { nextfile }' |
    xargs -r -d '\n' shellcheck
