#!/bin/sh
# train-shapes-metrics.sh WORK - trains the metrics of the shapes world from nothing, into WORK/model: about half an hour on two cores. Stopped, it
# goes on where it was.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cogvideo=$root/build/cogvideo
recipe=$root/configs/shapes-metrics-train.json
mkdir -p "$1" && cd "$1"

clips() {
    folder=$1
    shift
    [ -e "$folder/dataset.json" ] || "$cogvideo" dataset shapes "$@" --force -o "$folder"
}
# Each of the 1711 combinations of training at five places; more than each once; and those that training never sees.
clips many --clips 8555 --seed 31
clips some --clips 3000 --seed 32 --language both
clips held-out --held-out --clips 322 --seed 33 --language both

[ -e model ] || "$cogvideo" import --config "$root/configs/shapes-metrics.json" --text-tokenizer "$root/tokenizer/shapes.model" -o model

# train PART DATA: from the start, or from its checkpoint.
train() {
    begin=
    [ -e "run-$1/checkpoint.safetensors" ] && begin=--resume
    "$cogvideo" train "$1" "$2" --held-out held-out --recipe "$recipe" --model model -o "run-$1" $begin
}
train metric-i3d many
train metric-clip some
