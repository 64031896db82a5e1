#!/bin/sh
# installed.sh BUILD SOURCE WORK: what `cmake --install` leaves serves a program
# that knows of it only through find_package or pkg-config, shared and static,
# and after the whole prefix has been moved.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$1 source=$2 work=$3
embed_c=$source/liblogplex/examples/embed.c
CC=${CC:-cc}

rm -rf "$work"
mkdir -p "$work"
cmake --install "$build" --prefix "$work/first" >"$work/install.log"
mv "$work/first" "$work/prefix"
libdir=$(dirname "$(find "$work/prefix" -name liblogplex.so)")
export LD_LIBRARY_PATH="$libdir"
export PKG_CONFIG_PATH="$libdir/pkgconfig"

echo "find_package"
cmake -S "$here/consumer" -B "$work/consumer" -DEMBED_C="$embed_c" \
    -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_C_COMPILER="$CC" \
    >"$work/consumer.log"
cmake --build "$work/consumer" >>"$work/consumer.log"
sh "$here/embed.sh" "$work/consumer/embed_shared"
sh "$here/embed.sh" "$work/consumer/embed_static"

echo "pkg-config"
# shellcheck disable=SC2046 # the flags are words
"$CC" -std=gnu11 -o "$work/embed_shared" "$embed_c" \
    $(pkg-config --cflags --libs logplex-parsers)
sh "$here/embed.sh" "$work/embed_shared"

echo "pkg-config --static"
# shellcheck disable=SC2046
"$CC" -std=gnu11 -static -o "$work/embed_static" "$embed_c" \
    $(pkg-config --static --cflags --libs logplex-parsers)
unset LD_LIBRARY_PATH
sh "$here/embed.sh" "$work/embed_static"
