#!/bin/bash
# probe-shapes-metrics.sh OUT [CLIPS] - what the metrics of the shapes world say of clips that were spoilt in known ways: OUT/table. Needs the
# program ffmpeg.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
clips=${2:-300}
cd "$out"
cogvideo() { "$root/build/cogvideo" "$@"; }
[ -e real/dataset.json ] || cogvideo dataset shapes --clips "$clips" --seed 101 --language en -f -q -o real

# like NAME: a dataset with the same clips and captions, without its frames.
like() {
    mkdir -p "$1"
    cp real/dataset.json real/clips.jsonl "$1"
}
# filtered NAME FILTERGRAPH: the frames of all clips through FFmpeg.
filtered() {
    [ -e "$1/frames.rgb" ] && return
    like "$1"
    ffmpeg -v error -y -f rawvideo -pix_fmt rgb24 -s 64x64 -i real/frames.rgb -vf "$2" -fps_mode passthrough -f rawvideo -pix_fmt rgb24 "$1/frames.rgb"
}
# captioned NAME SED: other captions under the same frames.
captioned() {
    like "$1"
    ln -f real/frames.rgb "$1/frames.rgb"
    sed "$2" real/clips.jsonl >"$1/clips.jsonl"
}
filtered noise 'noise=alls=10:allf=t'
filtered blurred 'gblur=sigma=1.5'
filtered shuffled "shuffleframes=$(seq 0 32 | shuf --random-source=<(yes) | tr '\n' ' ')"
filtered backwards "shuffleframes=$(seq 32 -1 0 | tr '\n' ' ')"
filtered gray 'hue=s=0'
captioned other-colours 's/ red / RED /; s/ green / red /; s/ RED / green /; s/ blue / BLUE /; s/ yellow / blue /; s/ BLUE / yellow /
    s/ purple / PURPLE /; s/ orange / purple /; s/ PURPLE / orange /; s/ cyan / CYAN /; s/ pink / cyan /; s/ CYAN / pink /'
captioned other-shapes 's/ circle \(moves\|bounces\|grows\|shrinks\|rotates\|stays\)/ CIRCLE \1/; s/ square / circle /; s/ CIRCLE / square /
    s/ triangle / TRIANGLE /; s/ star / triangle /; s/ TRIANGLE / star /'

value() { sed -n "s/^$1 *\([0-9.-]*\).*/\1/p" "$2" | head -n 1; }
{
    echo '| clips | fvd-shapes | interval | is-shapes | clip-shapes |'
    echo '|---|---|---|---|---|'
    for set in real backwards noise blurred shuffled gray other-colours other-shapes; do
        cogvideo evaluate $set --metric fvd,is,clip --features features -q >$set.text
        echo "| $set | $(value fvd-shapes $set.text) | $(sed -n 's/^fvd-shapes .*interval \([^(]*\) (.*/\1/p' $set.text) | $(value is-shapes $set.text) | $(value clip-shapes $set.text) |"
    done
    echo "| other real clips | $(value '  real' real.text | head -1) | | | |"
    echo "| the first frame stands still | $(value '  frozen' real.text) | | | |"
} >table
cat table
