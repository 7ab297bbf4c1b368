#!/bin/sh
# train-phenaki-shapes.sh WORK - trains a Phenaki model of the shapes world from nothing, into WORK/model: hours on two cores. Stopped, it
# goes on where it was. PART=video-tokenizer or masked in the environment ends it after that part; MOTIONS=left,right,up,down,still begins with
# the straight ones.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cogvideo=$root/build/cogvideo
judge=$root/build/tests/judge
recipe=$root/configs/phenaki-shapes-train.json
motions=${MOTIONS:+--motions $MOTIONS}
mkdir -p "$1" && cd "$1"

# Clips: each of the combinations of training, at many places, and those that training never sees.
clips() {
    folder=$1
    shift
    # shellcheck disable=SC2086 # a word or none
    [ -e "$folder/dataset.json" ] || "$cogvideo" dataset shapes "$@" $motions --force -o "$folder"
}
clips held-out --held-out
clips many --clips "${CLIPS:-17110}" --seed 21

[ -e model ] || "$cogvideo" import --config "$root/configs/phenaki-shapes-model.json" --text-tokenizer "$root/tokenizer/shapes.model" -o model

# train PART RUN DATA...: from the start, or from its checkpoint; a finished run at most writes its part into the model again.
train() {
    part=$1 run=$2
    shift 2
    begin=
    [ -e "$run/checkpoint.safetensors" ] && begin=--resume
    "$cogvideo" train "$part" "$@" --recipe "$recipe" --model model -o "$run" $begin
    touch "$run/done"
}

# ends PART: whether that was all that was asked for.
ends() {
    [ "${PART:-critic}" != "$1" ] || exit 0
}

# rows NAME CLIPS
rows() {
    [ -e "$1.rows.json" ] || "$cogvideo" dataset tokens "$2" --for masked --model model --force -o "$1.rows"
}

# What a code stands for never changes once the masked transformer has begun to learn.
[ -e run-tokenizer/done ] || train video-tokenizer run-tokenizer many --held-out held-out
[ -e tokenizer.check ] || {
    "$cogvideo" dataset tokens held-out --check --clips 0 --model model >tokenizer.check.new
    "$judge" --data held-out --through model | tail -n 7 >>tokenizer.check.new || true
    mv tokenizer.check.new tokenizer.check
}
cat tokenizer.check
ends video-tokenizer

rows many many
rows held-out held-out
train masked run-masked many.rows --held-out held-out.rows
ends masked
train critic run-critic many.rows --held-out held-out.rows
