#!/bin/sh
# phenaki_speed.sh BUILD [THREADS [ROUNDS [CASE]...]] - networks of Phenaki at their full size beside PyTorch (Debian package
# python3-torch): first that both sides compute the same from the same weights, then seconds, by turns and in medians, so that both see
# the same machine. A CASE is "masked SIZE", a guided step of the masked transformer, or "decode SIZE", C-ViViT's decoder; "masked whole"
# takes 8 GB. Fails if results differ, or if PyTorch's time is less than twice that of this program.
set -eu
build=$1
threads=${2:-2}
rounds=${3:-5}
if [ $# -gt 3 ]; then
    shift 3
else
    set -- "masked shapes" "masked readme" "masked paper" "decode shapes" "decode obvious"
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
torch() { OMP_NUM_THREADS=$threads /usr/bin/python3 "$root/tests/bench/torch_phenaki.py" "$@"; }
# The line of the middle time of a file.
middle() { sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"; }

slow=0
for case in "$@"; do
    network=${case% *} size=${case#* } turns=3
    [ "$network" = masked ] && [ "$size" != shapes ] && turns=1
    rm -f "$work/ours" "$work/theirs"
    "$build/tests/phenaki_speed" "$network" "$size" "$threads" 1 "$work/numbers" >"$work/first"
    torch "$network" "$size" "$threads" 1 "$work/numbers" >"$work/first"
    for _ in $(seq "$rounds"); do
        "$build/tests/phenaki_speed" "$network" "$size" "$threads" "$turns" >>"$work/ours"
        torch "$network" "$size" "$threads" "$turns" >>"$work/theirs"
    done
    middle "$work/ours"
    middle "$work/theirs"
    sed -n 2p "$work/first"
    { middle "$work/ours" && middle "$work/theirs"; } | awk '{ t[NR] = $1 } END { printf "  %.2f of its time\n", t[1] / t[2]; exit t[1] > t[2] / 2 }' ||
        slow=1
done
exit $slow
