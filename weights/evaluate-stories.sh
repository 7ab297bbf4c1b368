#!/bin/bash
# evaluate-stories.sh OUT [STORIES] [OPTION...] - makes stories of three scenes, in each of which an object of the shapes world moves in
# another way, with seeds from 1 on. The judge looks at them: OUT/verdicts, whose last lines count. OPTIONs go to 'cogvideo generate'.
# MODEL=DIR in the environment evaluates another model than weights/phenaki-shapes.
set -eu
. "$(dirname "$0")/evaluate.sh"
model=${MODEL:-$root/weights/phenaki-shapes}
stories=${2:-50} folder=$1
shift $(($# < 2 ? $# : 2))
evaluation_begin "$folder" "$*"

motions=('moves left' 'moves up' grows rotates 'moves right' 'moves in a circle' shrinks 'moves down' bounces 'stays still')
"$root/build/cogvideo" dataset shapes --clips "$stories" --seed 3 --language en --force -q -o "$out/objects"
rm -f "$out/stories.list"
seed=0
while read -r caption; do
    seed=$((seed + 1))
    scenes=() at=$seed
    while [ ${#scenes[@]} -lt 3 ]; do
        motion=${motions[at % 10]}
        at=$((at + 1 + seed % 3))
        scene=$(echo "$caption" | sed -E "s/(circle|square|triangle|star) .* on a/\\1 $motion on a/")
        case $scene in *'circle rotates'*) continue ;; esac # which nobody could see
        scenes+=("$scene")
    done
    [ -e "$out/$seed.mjpeg" ] || "$root/build/cogvideo" generate "${scenes[0]}" --then "${scenes[1]}" --then "${scenes[2]}" --model "$model" \
        --seed $seed --size 0 --quality 100 -q "$@" -o "$out/$seed.mjpeg" </dev/null
    printf '%s\t%s\t%s\t%s\n' "$out/$seed.mjpeg" "${scenes[@]}" >>"$out/stories.list"
done < <(sed 's/.*"caption":"\([^"]*\)".*/\1/' "$out/objects/clips.jsonl")
"$root/build/tests/judge" --stories "$out/stories.list" >"$out/verdicts" || [ $? = 1 ] # 1: not all are right
tail -n 2 "$out/verdicts"
