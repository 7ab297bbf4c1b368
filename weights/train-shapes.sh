#!/bin/sh
# train-shapes.sh WORK - trains the model of the shapes world from nothing, into WORK/model: hours on two cores. Stopped, it goes on where it
# was. PART=image-tokenizer, trunk or stage1 in the environment ends it after that part.
set -eu
. "$(dirname "$0")/train.sh"
training_begin "$1" shapes

# Clips: each of the 1711 combinations of training, at many places (a model that sees the same few again and again learns them by
# heart and need not look at other frames), and those that training never sees.
clips held-out --held-out
clips once
clips many --clips 17110 --seed 21

model shapes-model.json

# Codes first, then, with the codes as they are, a decoder for whole frames. What a code stands for never changes after that.
[ -e run-decoder/done ] || {
    [ -e run-tokenizer/done ] || train image-tokenizer run-tokenizer "$recipe" once --held-out held-out
    train image-tokenizer run-decoder "$root/configs/shapes-decoder.json" once --held-out held-out
}
check_codes
ends image-tokenizer

rows image many image
rows stage1 many stage1
rows held-out-stage1 held-out stage1
rows held-out-stage2 held-out stage2
# Of the windows of all rounds more than half are of the last, in which frames hardly differ; so more come of the first two.
rows stage2-first many stage2 --rounds 1
clips some --clips 5000 --seed 61
rows stage2-early some stage2 --rounds 2
rows stage2 some stage2
# Motions that are learned late come more often.
clips hard --motions orbit,bounce,rotate,grow,shrink --clips 8555 --seed 41
rows hard-stage1 hard stage1
clips between --motions orbit,bounce,rotate,grow,shrink --clips 3000 --seed 171
rows hard-stage2 between stage2
clips circles --motions orbit --clips 3000 --seed 181
rows circles circles stage1
clips sizes --motions grow,shrink,rotate --clips 4000 --seed 191
rows sizes-image sizes image
rows sizes sizes stage1
# Pictures of objects turned, larger and smaller under all captions of training, so that the trunk learns such looks of an object and not
# of the few captions that name them.
clips poses --poses --clips 4500 --seed 401
rows poses poses image

# The trunk, which all else rests on: first frames under the first frame's text and all others, key frames, poses and frames between, which
# show things at every pixel, under the video's; and holes in pictures, for completion. Every file gets an equal share of a training,
# whatever its size, so three in eight windows are of frames between: stage 2 leaves the trunk as it is, and learns from it only as much
# as that knows of them.
train coglm run-trunk "$recipe" image.rows sizes-image.rows hard-stage1.rows sizes.rows poses.rows stage2-first.rows stage2.rows hard-stage2.rows \
    --held-out held-out-stage2.rows
ends trunk
train stage1 run-stage1 "$recipe" stage1.rows stage1.rows hard-stage1.rows circles.rows sizes.rows sizes.rows --held-out held-out-stage1.rows
ends stage1
train stage2 run-stage2 "$recipe" stage2-first.rows stage2-early.rows stage2-early.rows stage2-early.rows stage2-early.rows \
    stage2-early.rows stage2.rows hard-stage2.rows \
    --held-out held-out-stage2.rows
