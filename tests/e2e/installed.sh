#!/bin/sh
# installed.sh SOURCE BUILD MAKE_SMALL CC FLAGS - the library as another program finds it: installed into a folder of
# its own, found by pkg-config, shared and static. The programs are those that include/cogvideo/cogvideo.h and
# docs/library.md show.
set -eu
source=$1 build=$2 make_small=$3 cc=$4 flags=$5
export LC_ALL=C
temp=$(mktemp -d /tmp/cogvideo-installed-XXXXXX)
trap 'rm -rf "$temp"' EXIT
fail() {
    echo "$*" >&2
    exit 1
}

meson install -C "$build" --no-rebuild --quiet --destdir "$temp/root"
pc=$(find "$temp/root" -name cogvideo.pc)
[ -n "$pc" ] || fail "no cogvideo.pc was installed"
lib=$(dirname "$(dirname "$pc")")
prefix=$(sed -n 's/^prefix=//p' "$pc")
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
# The prefix is where the files will be; they are under $temp/root now.
pkg() {
    pkg-config --define-variable=prefix="$temp/root$prefix" "$@" cogvideo
}
[ -x "$temp/root$prefix/bin/cogvideo" ] || fail "no program was installed"
[ -f "$temp/root$prefix/share/cogvideo/configs/cogvideo.json" ] || fail "no model descriptions were installed"
# Every command has its man page, and each shell its completion.
"$temp/root$prefix/bin/cogvideo" help --man -o "$temp"
for page in "$temp"/*.1; do
    cmp "$page" "$(find "$temp/root" -name "${page##*/}")" || fail "${page##*/} was not installed, or another one"
done
for place in bash-completion/completions/cogvideo zsh/site-functions/_cogvideo fish/vendor_completions.d/cogvideo.fish; do
    [ -s "$temp/root$prefix/share/$place" ] || fail "no $place was installed"
done

# The model that comes with it is found where it was installed.
"$temp/root$prefix/bin/cogvideo" keyframes -q "a small red circle moves left on a black background" --count 1 --seed 1 \
    -o "$temp/first.jsonl" || fail "the installed program finds no model"

# Every symbol that the shared library gives away has the library's name.
nm -D --defined-only "$lib/libcogvideo.so" | awk '{ print $NF }' >"$temp/symbols"
grep -qx cogvideo_run_step "$temp/symbols" || fail "libcogvideo.so does not export cogvideo_run_step"
! grep -v '^cogvideo_' "$temp/symbols" || fail "libcogvideo.so exports names (above) that are not cogvideo_*"
readelf -d "$lib/libcogvideo.so" | grep -q 'SONAME.*\[libcogvideo\.so\.[0-9.]*\]' || fail "libcogvideo.so has no soname"

# The comment's program, its indentation taken away.
sed -n '/^ \* A complete program/,/^ \*     } \*\/$/p' "$source/include/cogvideo/cogvideo.h" |
    sed -e 1,2d -e 's/ \*\/$//' -e 's/^ \*     //' -e 's/^ \*$//' >"$temp/clip.c"
grep -q 'int main(void)' "$temp/clip.c" || fail "cogvideo.h shows no program"

cd "$temp"
mkdir checkpoints weights
"$make_small" checkpoints
"$temp/root$prefix/bin/cogvideo" import -q --config "$temp/root$prefix/share/cogvideo/configs/small.json" \
    --stage1 checkpoints/stage1.pt --stage2 checkpoints/stage2.pt --image-tokenizer checkpoints/image.pt \
    --text-tokenizer "$COGVIDEO_TEST_DATA/text/ice_text.model" \
    --clusters checkpoints/clusters.npy -o weights/cogvideo 2>import.log || fail "$(cat import.log)"

# The sanitizer's flags are the build's, split into words as they are; the compiler may be several words too.
run() {
    rm -f clip.y4m
    LD_LIBRARY_PATH=$lib ./clip
    [ "$(head -c 9 clip.y4m)" = YUV4MPEG2 ] || fail "$1: no clip.y4m came of the program"
    [ "$(grep -ac '^FRAME' clip.y4m)" -ge 1 ] || fail "$1: clip.y4m has no frames"
    mv clip.y4m "$1.y4m"
}
# shellcheck disable=SC2046,SC2086
$cc -Wall -Wextra -Werror $flags clip.c $(pkg --cflags --libs) -o clip
ldd clip | grep -q libcogvideo || fail "the program does not use the shared library"
run shared
# The static library by its name, over shared packages: what it needs itself, not what --static adds for linking every
# package statically, whose own packages need not be here.
needs=$(pkg --print-requires-private | sed 's/ .*//')
# shellcheck disable=SC2046,SC2086
$cc -Wall -Wextra -Werror $flags clip.c $(pkg --cflags) -L"$lib" -l:libcogvideo.a $(pkg-config --libs $needs) \
    $(sed -n 's/^Libs.private: //p' "$pc") -o clip
! ldd clip | grep -q libcogvideo || fail "the program uses the shared library"
run static
cmp shared.y4m static.y4m

# The program of docs/library.md, with the model that was installed.
awk '/^```c$/ { shown++; next } /^```/ { shown += shown == 1 } shown == 1' "$source/docs/library.md" >documented.c
grep -q 'int main(int argc' documented.c || fail "docs/library.md shows no program"
# shellcheck disable=SC2046,SC2086
$cc -Wall -Wextra -Werror $flags documented.c $(pkg --cflags --libs) -o documented
rm -f clip.y4m
OMP_WAIT_POLICY=passive LD_LIBRARY_PATH=$lib ./documented "$temp/root$prefix/share/cogvideo/weights/shapes" \
    "a large yellow square moves right on a black background" 2>said || fail "the program of docs/library.md: $(cat said)"
grep -q 'interpolation: .* codes' said || fail "the program of docs/library.md shows no progress"
[ "$(grep -ao FRAME clip.y4m | wc -l)" = 33 ] || fail "the program of docs/library.md: clip.y4m was to have 33 frames"
# Killed as soon as its journal has some rows, it goes on to the same clip; and once more finds it finished.
mkdir again
cd again
documented() {
    OMP_WAIT_POLICY=passive LD_LIBRARY_PATH=$lib exec "$temp/documented" "$temp/root$prefix/share/cogvideo/weights/shapes" \
        "a large yellow square moves right on a black background" 2>said
}
documented &
while ! [ -e clip.journal ] || [ "$(wc -l <clip.journal)" -lt 5 ]; do kill -0 $! 2>/dev/null || break; done
kill -KILL $! 2>/dev/null || fail "the program of docs/library.md ended before it was killed"
wait $! || true
[ -e clip.journal ] || fail "a program that was killed has left no journal"
(documented) || fail "the program of docs/library.md does not go on: $(cat said)"
cmp clip.y4m ../clip.y4m || fail "a clip that was gone on with is another"
(documented) || fail "the program of docs/library.md: $(cat said)"
grep -q 'clip.y4m was there' said || fail "a finished clip is made again"
cd ..
