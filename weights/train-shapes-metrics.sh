#!/bin/sh
# train-shapes-metrics.sh WORK - trains the metrics of the shapes world from nothing, into WORK/model: about half an hour on two cores. Stopped, it
# goes on where it was.
set -eu
. "$(dirname "$0")/train.sh"
training_begin "$1" shapes-metrics

# Each of the 1711 combinations of training at five places; more than each once; and those that training never sees.
clips many --clips 8555 --seed 31
clips some --clips 3000 --seed 32 --language both
clips held-out --held-out --clips 322 --seed 33 --language both

model shapes-metrics.json

train metric-i3d run-metric-i3d "$recipe" many --held-out held-out
train metric-clip run-metric-clip "$recipe" some --held-out held-out
