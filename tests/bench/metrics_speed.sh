#!/bin/sh
# metrics_speed.sh BUILD WORK [THREADS] [ROUNDS] - the networks of metrics at their full published size, with random weights, beside
# PyTorch (Debian package python3-torch): what an import takes, whether both compute the same features of the same clips, and seconds
# that a network takes alone, by turns and in medians, so that both see the same machine. Needs ffmpeg and GNU time. WORK (2 GB) is kept:
# what is in it is used again. Fails if features differ, or if I3D takes 1 GB of memory or more.
set -eu
build=$1
work=$2
threads=${3:-2}
rounds=${4:-5}
root=$(cd "$(dirname "$0")/../.." && pwd)
torch() { OMP_NUM_THREADS=$threads /usr/bin/python3 "$root/tests/bench/torch_metrics.py" "$@"; }
used() { /usr/bin/time -f "$2: %e s, peak memory %M kB" "$@"; }
mkdir -p "$work"

# make_clip NAME FRAMES FILTER - a folder of pictures: both sides see the same pixels, whatever decodes videos.
make_clip() {
    mkdir -p "$work/clips/$1"
    ffmpeg -loglevel error -y -f lavfi -i "$3" -frames:v "$2" -pix_fmt rgb24 "$work/clips/$1/%02d.ppm"
}
if [ ! -d "$work/clips" ]; then
    make_clip bars 33 'testsrc=size=256x192:rate=8'
    make_clip boxes 16 'testsrc2=size=256x192:rate=8'
    make_clip cells 24 'cellauto=size=256x192:rate=8'
    make_clip fractal 20 'mandelbrot=size=256x192:rate=8'
    make_clip gradient 17 'gradients=size=256x192:rate=8:seed=1:speed=0.1'
    make_clip noise 28 'color=gray:size=256x192:rate=8,noise=alls=60:allf=t:all_seed=1'
fi
[ -f "$work/weights/open_clip_pytorch_model.bin" ] || torch weights "$work/clips" "$work/weights"

echo "Import, and features of six clips by all networks:"
weights=$work/weights
used "$build/cogvideo" import --i3d "$weights/i3d_pretrained_400.pt" --c3d "$weights/conv3d_deepnetA_ucf.npz" \
    --c3d-mean "$weights/mean2.npz" --inception "$weights/pt_inception-2015-12-05-6726825d.pth" \
    --clip "$weights/open_clip_pytorch_model.bin" -q -f -o "$work/model"
rm -rf "$work/features"
used "$build/cogvideo" evaluate "$work/clips" --metric fvd,is,fid,clip --metrics "$work/model" --features "$work/features" --features-only \
    -t "$threads" -q >"$work/files.txt"

echo "Features, beside those of PyTorch in float64:"
torch compare "$work/clips" "$work/weights" "$work/features"

echo "Networks alone, $rounds rounds:"
rm -rf "$work/times"
mkdir "$work/times"
for _ in $(seq "$rounds"); do
    for network in i3d c3d inception clip; do
        "$build/tests/features_speed" "$work/model" "$network" "$threads" 3 >>"$work/times/$network.ours"
        torch time "$work/weights" "$network" "$threads" 3 >>"$work/times/$network.theirs"
    done
done
# The line of the middle time of a file.
middle() { sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"; }
for network in i3d c3d inception clip; do
    middle "$work/times/$network.ours"
    middle "$work/times/$network.theirs"
done
memory=$(sed -n 's/.* \([0-9]*\) MB of memory.*/\1/p' "$work/times/i3d.ours" | sort -n | tail -1)
[ "$memory" -lt 1000 ] || { echo "I3D takes $memory MB of memory; 1000 are allowed" >&2 && exit 1; }
