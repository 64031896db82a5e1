#!/bin/sh
# without_node.sh SOURCE WORK: a build without Node.js has a page that says so
# and how to get the other one, and one that insists on it fails.
set -eu
web=$1/viz/web work=$2

bundle() # MODE
{
    cmake -DSOURCE="$web" -DOUT="$work" -DMODE="$1" -DNODE= -DNPM= \
        -DGZIP=gzip -P "$web/bundle/bundle.cmake" >"$work.log" 2>&1
}

rm -rf "$work"
mkdir -p "$work"
for mode in AUTO OFF; do
    bundle $mode
    cc -c -I "$web/include" -I "$1/liblogplex/include" \
        -o "$work/files.o" "$work/dashboard_files.c"
    grep -q "LP_WEB=ON" "$work/dist/index.html"
    style=$(sed -n 's/.*href="\/\(assets[^"]*\)".*/\1/p' \
        "$work/dist/index.html" | head -1)
    [ -s "$work/dist/$style" ] || { echo "there is no $style" && exit 1; }
    grep -q "\"$style\"" "$work/dashboard_files.c"
done
if bundle ON; then
    echo "LP_WEB=ON does without the page"
    exit 1
fi
grep -q "no Node.js" "$work.log"
