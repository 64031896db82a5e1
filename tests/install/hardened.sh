#!/bin/sh
# hardened.sh ELF...: position-independent, all relocations done at start and
# read-only after it, no executable stack.
set -eu

for elf in "$@"; do
    readelf -hW "$elf" | grep -q 'Type: *DYN' ||
        { echo "$elf is not position-independent" && exit 1; }
    readelf -dW "$elf" | grep -qE 'BIND_NOW|FLAGS.* NOW' ||
        { echo "$elf binds lazily" && exit 1; }
    readelf -lW "$elf" | grep -q GNU_RELRO ||
        { echo "$elf leaves its relocations writable" && exit 1; }
    readelf -lW "$elf" | grep GNU_STACK | grep -qv RWE ||
        { echo "$elf has an executable stack" && exit 1; }
done
