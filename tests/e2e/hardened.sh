#!/bin/sh
# hardened.sh FILE... - each program or library was built with what makes a mistake harder to use.
set -eu
command -v readelf >/dev/null || exit 77
failed=0
# want FILE WHAT TEXT: the file's description holds it.
want() {
    printf '%s\n' "$description" | grep -qE "$3" || { echo "$1: $2 is missing"; failed=1; }
}
for file in "$@"; do
    description=$(readelf -hldW --dyn-syms "$file")
    want "$file" "a place chosen at start" 'Type: +DYN'
    want "$file" "relocations that are read-only" 'GNU_RELRO'
    want "$file" "symbols bound at start" 'BIND_NOW|Flags: .*NOW'
    want "$file" "a stack that cannot be run" 'GNU_STACK .* RW +0x'
    want "$file" "the stack's guard" '__stack_chk_fail'
    want "$file" "checked string functions" '_chk@'
    # No file can have the library run a program: there is nothing to do it with. (The program starts itself anew.) Code
    # is loaded by src/media/ffmpeg_load.c alone, by names that stand in it.
    if [ "${file%.so*}" != "$file" ] && printf '%s\n' "$description" | grep -E ' UND (system|popen|dlmopen|v?fork|exec[lv]p?e?|posix_spawnp?)(@|$)'; then
        echo "$file: can start programs"
        failed=1
    fi
done
loaders=$(grep -rl 'dlopen(' "$(dirname "$0")/../../src" | grep -v '/media/ffmpeg_load\.c$' || true)
[ -z "$loaders" ] || { echo "loads code: $loaders"; failed=1; }
exit $failed
