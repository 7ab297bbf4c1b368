#!/bin/sh
# train-phenaki-shapes.sh WORK - trains a Phenaki model of the shapes world from nothing, into WORK/model: hours on two cores. Stopped, it
# goes on where it was. PART=video-tokenizer or masked in the environment ends it after that part.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cogvideo=$root/build/cogvideo
judge=$root/build/tests/judge
recipe=$root/configs/phenaki-shapes-train.json
mkdir -p "$1" && cd "$1"

# Clips: each of the combinations of training, at many places, and those that training never sees.
clips() {
    folder=$1
    shift
    [ -e "$folder/dataset.json" ] || "$cogvideo" dataset shapes "$@" --force -o "$folder"
}
clips held-out --held-out
clips many --clips 17110 --seed 21
# Motions that are learned late come more often; and scenes that go on from others, as in stories, wherever those end.
clips hard --motions orbit,bounce,rotate,grow,shrink --clips 8555 --seed 41
clips turning --motions orbit,bounce,rotate --clips 8555 --seed 61
clips after --context 5 --clips 8555 --seed 51

[ -e model ] || "$cogvideo" import --config "$root/configs/phenaki-shapes-model.json" --text-tokenizer "$root/tokenizer/shapes.model" -o model

# train PART RUN RECIPE DATA...: from the start, or from its checkpoint; a finished run at most writes its part into the model again.
train() {
    part=$1 run=$2 by=$3
    shift 3
    begin=
    [ "$by" = "$recipe" ] || begin=--finetune
    [ -e "$run/checkpoint.safetensors" ] && begin=--resume
    "$cogvideo" train "$part" "$@" --recipe "$by" --model model -o "$run" $begin
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

# Codes first; then those that look alike become one, and the decoder goes on. What a code stands for never changes after that.
[ -e run-decoder/done ] || {
    [ -e run-tokenizer/done ] || train video-tokenizer run-tokenizer "$recipe" many --held-out held-out
    train video-tokenizer run-decoder "$root/configs/phenaki-shapes-decoder.json" many --held-out held-out
}
[ -e tokenizer.check ] || {
    "$cogvideo" dataset tokens held-out --check --clips 0 --model model >tokenizer.check.new
    "$judge" --data held-out --through model | tail -n 7 >>tokenizer.check.new || true
    mv tokenizer.check.new tokenizer.check
}
cat tokenizer.check
ends video-tokenizer

rows many many
rows hard hard
rows turning turning
rows after after
rows held-out held-out
shown="many.rows many.rows hard.rows turning.rows turning.rows after.rows after.rows"
train masked run-masked "$recipe" $shown --held-out held-out.rows
ends masked
train critic run-critic "$recipe" $shown --held-out held-out.rows
