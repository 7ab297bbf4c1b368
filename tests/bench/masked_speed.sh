#!/bin/sh
# masked_speed.sh BUILD [THREADS] [TURNS] - seconds of a guided step of Phenaki's masked transformer, beside PyTorch (Debian package
# python3-torch): by turns, so that both see the same machine, and of each the best.
set -eu
build=$1
threads=${2:-2}
turns=${3:-3}
root=$(cd "$(dirname "$0")/../.." && pwd)
times=$(mktemp -d)
trap 'rm -rf "$times"' EXIT

for size in shapes paper; do
    for _ in $(seq "$turns"); do
        "$build/tests/masked_speed" "$size" "$threads" 3 >>"$times/$size.ours"
        OMP_NUM_THREADS=$threads /usr/bin/python3 "$root/tests/bench/torch_masked.py" "$size" "$threads" 2 >>"$times/$size.theirs"
    done
    for side in ours theirs; do
        sort -k 2 -n "$times/$size.$side" | head -1
    done
done
