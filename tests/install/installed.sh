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

# What pkg-config says is quoted for a shell.
compile() # OUTPUT PKG_CONFIG_FLAGS COMPILER_FLAGS
{
    out=$1
    eval "set -- $3 $(pkg-config ${2:+"$2"} --cflags --libs logplex-parsers)"
    "$CC" -std=c11 -o "$out" "$embed_c" "$@"
}

echo "pkg-config"
compile "$work/embed_shared" "" ""
sh "$here/embed.sh" "$work/embed_shared"

echo "pkg-config --static"
compile "$work/embed_static" --static -static
unset LD_LIBRARY_PATH
sh "$here/embed.sh" "$work/embed_static"
