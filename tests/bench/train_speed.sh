#!/bin/sh
# train_speed.sh BUILD [THREADS] [STEPS] - tokens a second of training a trunk of configs/shapes-model.json, beside PyTorch (Debian package
# python3-torch) on a network and batches of the same shape. Three turns each, so that both see the same machine.
set -eu
build=$1
threads=${2:-$(nproc)}
steps=${3:-20}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

batch=48
text=16 # what captions of the shapes world have, on average
"$build/cogvideo" import --config "$root/configs/shapes-model.json" --text-tokenizer "$root/tokenizer/shapes.model" -q -o "$work/model"
"$build/cogvideo" dataset shapes --clips 96 -q -o "$work/data"
"$build/cogvideo" dataset tokens "$work/data" --for image --model "$root/weights/shapes" -q -o "$work/image.rows"
cat >"$work/recipe.json" <<EOF
{ "format": "cogvideo-recipe", "version": 1, "image": { "steps": $steps, "batch": $batch, "samples": 0, "evaluate_every": 1000000 } }
EOF

for turn in 1 2 3; do
    rm -rf "$work/run"
    "$build/cogvideo" train image "$work/image.rows" --recipe "$work/recipe.json" --model "$work/model" -o "$work/run" -t "$threads" -q
    # The first two steps warm up.
    sed -n '3,$s/.*"per_second":\([0-9.]*\).*/\1/p' "$work/run/log.jsonl" |
        awk -v t="$threads" '{ seconds += 1 / $1 } END { printf "cogvideo.c, %d threads: %.0f tokens a second\n", t, NR / seconds }'
    # Layers, width, heads, MLP, vocabulary and image codes of configs/shapes-model.json.
    OMP_NUM_THREADS=$threads /usr/bin/python3 "$root/tests/bench/torch_train.py" "$threads" "$steps" "$batch" "$text" 64 6 192 6 768 4192 4096
done
