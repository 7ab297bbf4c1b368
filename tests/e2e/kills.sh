#!/bin/sh
# kills.sh PROGRAM MODEL [N [SEED]] - kills N runs of `generate` (5) with SIGKILL, each at a moment drawn evenly over the time
# that an undisturbed run takes, and resumes them: each time the same codes and the same clip, and no row that was drawn is lost.
# Nothing happens (exit status 77) where neither N nor COGVIDEO_BIG is given.
set -eu
[ $# -ge 3 ] || [ "${COGVIDEO_BIG:-}" ] || exit 77
program=$(realpath "$1") model=$(realpath "$2") want=${3:-5} seed=${4:-1}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The run that is killed; "$@" is its command line, since a function in the background would be killed in its stead.
set -- generate --model "$model" "a large red star moves left on a white background" --seed 2 -o clip.mp4
now() { date +%s.%N; }
fail() {
    echo "kill $kills after $moment s: $1" >&2
    cat told >&2
    exit 1
}

kills=0 early=0 late=0
mkdir "$folder/straight" "$folder/run"
cd "$folder/straight"
"$program" "$@" -q # the files are read from the disk
begin=$(now)
"$program" "$@" -q --force
seconds=$(echo "$(now) $begin" | awk '{ print $1 - $2 }')

cd "$folder/run"
# More moments than kills: a run may come to its end before its own.
moments=$(awk -v seed="$seed" -v n="$want" -v most="$seconds" \
    'BEGIN { srand(seed); while (i++ < 3 * n + 9) print rand() * most }')
for moment in $moments; do
    [ $kills -lt "$want" ] || break
    rm -f clip.*
    "$program" "$@" -q >told 2>&1 &
    run=$!
    sleep "$moment"
    kill -KILL $run 2>/dev/null || true
    if wait $run 2>/dev/null; then
        late=$((late + 1)) # it had come to its end
        continue
    fi
    kills=$((kills + 1)) rows=0
    if [ -s clip.journal ]; then
        rows=$(($(wc -l <clip.journal) - 1))
    else
        early=$((early + 1))
    fi
    "$program" "$@" --resume >told 2>&1 || fail "the resumed run fails"
    [ $rows = 0 ] || grep -q "^going on: $rows parts" told || grep -q 'is finished$' told || fail "$rows rows were drawn"
    [ ! -e clip.journal ] || fail "a journal is left"
    for file in clip.keyframes.jsonl clip.jsonl clip.mp4; do
        cmp $file ../straight/$file >&2 || fail "$file is another"
    done
    ! ls clip.*partial* 2>/dev/null || fail "a partial file is left"
done
[ $kills = "$want" ] || fail "no run lives as long as the first"
echo "$kills kills over $seconds s ($early before anything was drawn; $late runs ended before theirs):
all resumed, to the same codes and the same clip"
