#!/bin/sh
# train-shapes.sh WORK - trains weights/shapes again, into WORK/model: hours on two cores. Stopped, it goes on where it was.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cogvideo=$root/build/cogvideo
recipe=$root/configs/shapes-train.json
mkdir -p "$1" && cd "$1"

# Clips: each of the 1711 combinations of training, at many places (a model that sees the same few again and again learns them by
# heart and need not look at other frames), and those that training never sees.
[ -e held-out/dataset.json ] || "$cogvideo" dataset shapes --held-out --force -o held-out
[ -e once/dataset.json ] || "$cogvideo" dataset shapes --force -o once
[ -e some/dataset.json ] || "$cogvideo" dataset shapes --clips 2600 --seed 23 --force -o some
for motions in left still left,right,up,down orbit bounce grow,shrink rotate; do
    [ -e "$motions/dataset.json" ] || "$cogvideo" dataset shapes --motions "$motions" --clips 3500 --seed 25 --force -o "$motions"
done
[ -e clips/dataset.json ] || "$cogvideo" dataset shapes --clips 17110 --seed 21 --force -o clips

[ -e model ] || "$cogvideo" import --config "$root/configs/shapes-model.json" --text-tokenizer "$root/tokenizer/shapes.model" -o model

# train PART DATA...: from the start, or from its checkpoint; a finished run at most writes its part into the model again.
train() {
    part=$1
    shift
    resume=
    [ -e "run-$part/checkpoint.safetensors" ] && resume=--resume
    "$cogvideo" train "$part" "$@" --recipe "$recipe" --model model -o "run-$part" $resume
}

# rows NAME CLIPS STEP
rows() {
    [ -e "$1.rows.json" ] || "$cogvideo" dataset tokens "$2" --for "$3" --model model --force -o "$1.rows"
}

train image-tokenizer once --held-out held-out
# The plainest ground gets a dozen codes, which look alike and change with what stands beside them: noise to whoever predicts codes, and
# most of what a frame's codes differ in from the frame before. So they are merged, and the decoder learns to do without them.
decode=--finetune
[ -e run-decoder/checkpoint.safetensors ] && decode=--resume
"$cogvideo" train image-tokenizer once --held-out held-out --recipe "$root/configs/shapes-decoder.json" --model model -o run-decoder $decode
rows image clips image
rows stage1 clips stage1
for motions in left still left,right,up,down orbit bounce grow,shrink rotate; do
    rows "$motions" "$motions" stage1
done
rows stage2 some stage2
rows held-out-image held-out image
rows held-out-stage1 held-out stage1
rows held-out-stage2 held-out stage2
# Half of the trunk's rows are first frames under the first frame's text, the others any frame under the video's text.
train image image.rows image.rows stage1.rows stage2.rows --held-out held-out-image.rows

# What a text moves decides two or three codes of a frame; all else of the loss drowns them. So stage 1 learns in turns: how
# things move at all, from one direction; then that it is the text which tells, from the first two frames alone; then the rest.
# turn STEP RECIPE DATA...: on to that step.
turn() {
    step=$1 turn_recipe=$2
    shift 2
    resume=
    [ -e run-stage1/checkpoint.safetensors ] && resume=--resume
    "$cogvideo" train stage1 "$@" --held-out held-out-stage1.rows --recipe "$turn_recipe" --model model -o run-stage1 --steps "$step" $resume
}
turns=$root/configs/shapes-turns.json
lines=left,right,up,down.rows
turn 520 "$recipe" left.rows
turn 865 "$turns" left.rows still.rows
turn 1380 "$turns" "$lines" "$lines" "$lines" "$lines" still.rows
turn 1680 "$turns" "$lines" "$lines" "$lines" still.rows orbit.rows bounce.rows
turn 1880 "$turns" "$lines" "$lines" "$lines" still.rows orbit.rows bounce.rows grow,shrink.rows rotate.rows
turn 4350 "$recipe" "$lines" "$lines" "$lines" still.rows orbit.rows bounce.rows grow,shrink.rows rotate.rows
# What is rare in that goes under: a second run begins with those weights and teaches the other motions one by one, from two frames,
# each beside those that came before it; then all of them, from all frames.
more() {
    step=$1 more_recipe=$2
    shift 2
    begin=--finetune
    [ -e run-stage1-more/checkpoint.safetensors ] && begin=--resume
    "$cogvideo" train stage1 "$@" --held-out held-out-stage1.rows --recipe "$more_recipe" --model model -o run-stage1-more --steps "$step" $begin
}
more 220 "$turns" orbit.rows orbit.rows still.rows left.rows
more 420 "$turns" bounce.rows bounce.rows orbit.rows still.rows
more 640 "$turns" grow,shrink.rows grow,shrink.rows bounce.rows orbit.rows still.rows "$lines"
more 820 "$turns" rotate.rows rotate.rows grow,shrink.rows bounce.rows still.rows "$lines"
more 1200 "$turns" rotate.rows grow,shrink.rows bounce.rows orbit.rows still.rows "$lines" "$lines" "$lines"
more 3200 "$root/configs/shapes-more.json" rotate.rows grow,shrink.rows bounce.rows orbit.rows still.rows "$lines" "$lines" "$lines"

train stage2 stage2.rows --held-out held-out-stage2.rows
# Stage 2 copies a neighbour too, where those are alike. So straight moves between key frames, which stand furthest apart, are learned by
# themselves; then the straight moves of all rounds beside the rest.
[ -e lines-first.rows.json ] || "$cogvideo" dataset tokens left,right,up,down --for stage2 --rounds 1 --model model --force -o lines-first.rows
[ -e lines/dataset.json ] || "$cogvideo" dataset shapes --motions left,right,up,down --clips 1000 --seed 91 --force -o lines
rows lines-all lines stage2
between() {
    step=$1
    shift
    begin=--finetune
    [ -e run-stage2-more/checkpoint.safetensors ] && begin=--resume
    "$cogvideo" train stage2 "$@" --held-out held-out-stage2.rows --recipe "$root/configs/shapes-more.json" --model model -o run-stage2-more --steps "$step" $begin
}
between 600 lines-first.rows
between 1150 lines-first.rows lines-all.rows stage2.rows
