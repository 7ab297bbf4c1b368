#!/bin/bash
# evaluate-shapes.sh OUT [held-out|training] [CLIPS] [OPTION...] - makes clips from captions of the shapes world, half of them Chinese, with seeds from 1
# on. The judge looks at them: OUT/verdicts, whose last lines count. Then the metrics of the shapes world: OUT/metrics and, with all they were
# measured by, OUT/metrics.json. OPTIONs go to 'cogvideo generate'. MODEL=DIR in the environment evaluates another model than weights/shapes.
set -eu
. "$(dirname "$0")/evaluate.sh"
model=${MODEL:-$root/weights/shapes}
which=${2:-held-out}
clips=${3:-300} folder=$1
shift $(($# < 3 ? $# : 3))
case $which in held-out | training) ;; *)
    echo "$which: held-out or training was expected" >&2
    exit 2 ;;
esac
evaluation_begin "$folder" "$which $*"

# captions LANGUAGE SEED: of combinations drawn by that seed.
captions() {
    "$root/build/cogvideo" dataset shapes $([ "$which" = held-out ] && echo --held-out) --clips $(((clips + 1) / 2)) --seed "$2" \
        --language "$1" --force -q -o "$out/$1"
    sed 's/.*"caption":"\([^"]*\)".*/\1/' "$out/$1/clips.jsonl"
}

captions en 1 >"$out/prompts-en"
captions zh 2 >"$out/prompts-zh"
paste -d '\n' "$out/prompts-en" "$out/prompts-zh" | sed -n "1,${clips}p" >"$out/prompts"
rm -f "$out/clips.list"
seed=0
while read -r prompt; do
    seed=$((seed + 1))
    [ -e "$out/$seed.mjpeg" ] || "$root/build/cogvideo" generate "$prompt" --model "$model" --seed $seed --size 0 --quality 100 -q "$@" -o "$out/$seed.mjpeg" </dev/null
    printf '%s\t%s\n' "$out/$seed.mjpeg" "$prompt" >>"$out/clips.list"
done <"$out/prompts"
"$root/build/tests/judge" --list "$out/clips.list" >"$out/verdicts" || [ $? = 1 ] # 1: not all are right
tail -n 8 "$out/verdicts"
for format in "" --json; do
    "$root/build/cogvideo" evaluate "$out/clips.list" --metric fvd,is,clip --features "$out/features" $format -q >"$out/metrics${format:+.json}"
done
cat "$out/metrics"
