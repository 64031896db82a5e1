#!/bin/sh
# subproject.sh SOURCE WORK: a program can take us in by add_subdirectory; it
# gets the libraries, and keeps its own flags, tests and install target.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$1 work=$2

rm -rf "$work"
cmake -S "$here/subproject" -B "$work" -DLOGPLEX_SOURCE="$source" >"$work.log"
cmake --build "$work" >>"$work.log"
sh "$here/embed.sh" "$work/embed"
