#!/bin/sh
# tidy.sh ROOT BUILD: clang-tidy, as .clang-tidy sets it up, has no warning for
# what BUILD compiles of ours. The tests' own sources are not asked.
set -eu
root=$1 build=$2
tidy=$(command -v clang-tidy-14 || command -v clang-tidy || true)
case $([ -n "$tidy" ] && "$tidy" --version) in
*"version 14."*) ;;
*)
    echo "skipped: clang-tidy 14 is not installed"
    exit 77
    ;;
esac
cd "$root"
for folder in liblogplex parsers drains viz logplexd; do
    find "$folder" -name '*.c' -print
done | while read -r file; do
    # What this build leaves out has no compile command.
    ! grep -q "\"file\": \".*/$file\"" "$build/compile_commands.json" ||
        printf '%s\0' "$file"
done | xargs -0 -r -n 1 -P 2 "$tidy" --quiet -p "$build"
