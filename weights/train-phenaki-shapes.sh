#!/bin/sh
# train-phenaki-shapes.sh WORK - trains a Phenaki model of the shapes world from nothing, into WORK/model: hours on two cores. Stopped, it
# goes on where it was. PART=video-tokenizer or masked in the environment ends it after that part.
set -eu
. "$(dirname "$0")/train.sh"
training_begin "$1" phenaki-shapes

# Clips: each of the combinations of training, at many places, and those that training never sees.
clips held-out --held-out
clips many --clips 17110 --seed 21
# Motions that are learned late come more often; and scenes that go on from others, as in stories, wherever those end.
clips hard --motions orbit,bounce,rotate,grow,shrink --clips 8555 --seed 41
clips turning --motions orbit,bounce,rotate --clips 8555 --seed 61
clips after --context 5 --clips 8555 --seed 51

model phenaki-shapes-model.json

# Codes first; then those that look alike become one, and the decoder goes on. What a code stands for never changes after that.
[ -e run-decoder/done ] || {
    [ -e run-tokenizer/done ] || train video-tokenizer run-tokenizer "$recipe" many --held-out held-out
    train video-tokenizer run-decoder "$root/configs/phenaki-shapes-decoder.json" many --held-out held-out
}
check_codes
ends video-tokenizer

for name in many hard turning after held-out; do
    rows $name $name masked
done
shown="many.rows many.rows hard.rows turning.rows turning.rows after.rows after.rows"
train masked run-masked "$recipe" $shown --held-out held-out.rows
ends masked
train critic run-critic "$recipe" $shown --held-out held-out.rows
