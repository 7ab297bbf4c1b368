#!/bin/sh
# train-shapes.sh WORK - trains the model of the shapes world from nothing, into WORK/model: about five hours on two cores. Stopped, it goes on where it
# was. PART=image-tokenizer, trunk or stage1 in the environment ends it after that part.
set -eu
. "$(dirname "$0")/train.sh"
training_begin "$1" shapes

# Clips of the 1711 combinations of training, at many places (a model that sees the same few again and again learns them by heart and need
# not look at other frames), more of the motions that are learned late, and the combinations that training never sees. Poses: pictures of
# objects turned, larger and smaller under all captions of training, so that the trunk learns such looks of an object and not of the few
# captions that name them.
late=orbit,bounce,rotate,grow,shrink
clips held-out --held-out
clips some --clips 3000 --seed 61
clips more --clips 3000 --seed 777
clips many --clips 5133 --seed 21
clips late --motions $late --clips 1500 --seed 778
clips later --motions $late --clips 5000 --seed 41
clips curved --motions orbit,bounce,rotate --clips 3000 --seed 91
clips orbits --motions orbit --clips 2000 --seed 92
clips moves --motions left,right,up,down,orbit,bounce --clips 3000 --seed 93
clips poses --poses --clips 3000 --seed 401

model shapes-model.json

# The codebook first; it needs no training, and what a code stands for never changes after that. Then the decoder, on whole frames.
[ -e run-decoder/done ] || {
    [ -e run-tokenizer/done ] || train image-tokenizer run-tokenizer "$recipe" some --held-out held-out
    train image-tokenizer run-decoder "$root/configs/shapes-decoder.json" some more --held-out held-out
}
check_codes
ends image-tokenizer

rows image-some some image
rows image-more more image
rows stage1-some some stage1
rows stage1-more more stage1
rows stage1-many many stage1
rows stage1-late late stage1
rows stage1-later later stage1
rows stage1-curved curved stage1
rows stage1-orbits orbits stage1
rows stage1-moves moves stage1
rows poses poses image
# Of the windows of all rounds more than half are of the last, in which frames hardly differ; so some of the files are of the first two.
rows stage2-some some stage2 --rounds 2
rows stage2-many many stage2 --rounds 2
rows stage2-later later stage2 --rounds 2
rows stage2-all more stage2
rows stage2-late late stage2
rows stage2-curved curved stage2
rows stage2-orbits orbits stage2
rows stage2-moves moves stage2
rows held-out-stage1 held-out stage1
rows held-out-stage2 held-out stage2 --rounds 2
rows held-out-stage2-all held-out stage2

# The trunk, which all else rests on: first frames under the first frame's text and all others, key frames, poses and frames between, which
# show things at every pixel, under the video's; and holes in pictures, for completion. Every file gets an equal share of a training,
# whatever its size.
train coglm run-trunk "$recipe" image-some.rows image-more.rows stage1-some.rows stage1-more.rows poses.rows stage2-some.rows \
    stage2-all.rows stage2-late.rows --held-out held-out-stage2.rows
ends trunk
train stage1 run-stage1 "$recipe" stage1-some.rows stage1-more.rows stage1-many.rows stage1-late.rows stage1-later.rows \
    stage1-curved.rows stage1-orbits.rows stage1-moves.rows --held-out held-out-stage1.rows
ends stage1
train stage2 run-stage2 "$recipe" stage2-some.rows stage2-many.rows stage2-later.rows stage2-all.rows stage2-late.rows stage2-curved.rows \
    stage2-orbits.rows stage2-moves.rows --held-out held-out-stage2-all.rows
