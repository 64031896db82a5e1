#!/bin/sh
# embed.sh PROGRAM: the embedding example prints what it should, whether its
# input comes whole or in drips.
set -eu
here=$(dirname "$0")

"$1" <"$here/frames.txt" | diff "$here/lines.txt" -
dd if="$here/frames.txt" bs=7 status=none | "$1" | diff "$here/lines.txt" -
