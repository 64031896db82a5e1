#!/bin/sh
# installed.sh BUILD SOURCE WORK: what `cmake --install` leaves serves a program
# that knows of it only through find_package or pkg-config, shared and static,
# and after the whole prefix has been moved.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$1 source=$2 work=$3
embed_c=$source/liblogplex/examples/embed.c
address_c=$here/consumer/address.c
median_c=$here/consumer/median.c
CC=${CC:-cc}

rm -rf "$work"
mkdir -p "$work"
cmake --install "$build" --prefix "$work/first" >"$work/install.log"
mv "$work/first" "$work/prefix"
libdir=$(dirname "$(find "$work/prefix" -name liblogplex.so)")
export LD_LIBRARY_PATH="$libdir"
export PKG_CONFIG_PATH="$libdir/pkgconfig"

check_address() # PROGRAM
{
    [ "$("$1" SYSLOG://u:secret@h)" = "syslog://u:***@h:601" ] ||
        { echo "$1 printed something else" && exit 1; }
}

check_median() # PROGRAM
{
    [ "$("$1" 40 10 9 31 20)" = 20 ] ||
        { echo "$1 printed something else" && exit 1; }
}

echo "find_package"
cmake -S "$here/consumer" -B "$work/consumer" -DEMBED_C="$embed_c" \
    -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_C_COMPILER="$CC" \
    >"$work/consumer.log"
cmake --build "$work/consumer" >>"$work/consumer.log"
sh "$here/embed.sh" "$work/consumer/embed_shared"
sh "$here/embed.sh" "$work/consumer/embed_static"
check_address "$work/consumer/address_shared"
check_address "$work/consumer/address_static"
check_median "$work/consumer/median_shared"
check_median "$work/consumer/median_static"

# What pkg-config says is quoted for a shell.
compile() # SOURCE OUTPUT MODULE PKG_CONFIG_FLAGS COMPILER_FLAGS
{
    c=$1 out=$2
    eval "set -- $5 $(pkg-config ${4:+"$4"} --cflags --libs "$3")"
    "$CC" -std=c11 -o "$out" "$c" "$@"
}

echo "pkg-config"
compile "$embed_c" "$work/embed_shared" logplex-parsers "" ""
compile "$address_c" "$work/address_shared" logplex-drains "" ""
compile "$median_c" "$work/median_shared" logplex-viz "" ""
sh "$here/embed.sh" "$work/embed_shared"
check_address "$work/address_shared"
check_median "$work/median_shared"

echo "pkg-config, and an rpath"
compile "$address_c" "$work/address_rpath" logplex-drains "" \
    "-Wl,-rpath,$libdir"
(unset LD_LIBRARY_PATH && check_address "$work/address_rpath")

echo "pkg-config --static"
compile "$embed_c" "$work/embed_static" logplex-parsers --static -static
compile "$median_c" "$work/median_static" logplex-viz --static -static
# Debian's libcurl cannot be linked into a program that has no shared library at
# all, so of the drains it is only what is ours: archives that are found first.
mkdir "$work/archives"
cp "$libdir"/liblogplex*.a "$work/archives"
compile "$address_c" "$work/address_static" logplex-drains --static \
    "-L$work/archives"
unset LD_LIBRARY_PATH
sh "$here/embed.sh" "$work/embed_static"
check_address "$work/address_static"
check_median "$work/median_static"
