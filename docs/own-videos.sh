#!/bin/bash
# own-videos.sh WORK - follows docs/training.md on eleven short videos, about an hour on one core, and draws
# docs/own-videos.png: of six of them the real frames, a second apart, and below them those of a clip under their caption.
# The videos are test sources of FFmpeg and a picture that every Debian has. Needs a build in build/, the program ffmpeg and
# spm_train (Debian packages ffmpeg and sentencepiece). Stopped, it goes on where it was; other videos want another WORK.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cogvideo=$root/build/cogvideo
recipe=$root/configs/hour-train.json
mkdir -p "$1/videos" && cd "$1"

# video NAME CAPTION FFMPEG-INPUT...: 12.5 seconds, which are three clips.
video() {
    name=$1 caption=$2
    shift 2
    [ -e "videos/$name.txt" ] && return
    ffmpeg -v error -y "$@" -t 12.5 -pix_fmt yuv420p -crf 12 "videos/$name.mp4"
    echo "$caption" >"videos/$name.txt"
}
video zoom "a zoom into a black fractal" -f lavfi -i mandelbrot=size=96x96:rate=8:end_pts=120
video carpet "a zoom into a carpet of squares" -f lavfi -i sierpinski=size=96x96:rate=8:type=carpet
video counter "a test card counts the seconds" -f lavfi -i testsrc=size=96x96:rate=8
video card "a test card with moving squares" -f lavfi -i testsrc2=size=96x96:rate=8
video bars "colour bars stand still" -f lavfi -i smptehdbars=size=96x96:rate=8
video stripes "stripes change their colours" -f lavfi -i "rgbtestsrc=size=96x96:rate=8,hue=h=24*t"
video gradient "colours flow through each other" -f lavfi -i gradients=size=96x96:rate=8:speed=0.02:seed=1
video rings "white rings on black grow" -f lavfi -i "nullsrc=size=96x96:rate=8,geq=lum='128+127*sin(hypot(X-48\,Y-48)/4-2*T)':cb=128:cr=128"
video waves "gray waves roll to the right" -f lavfi -i "nullsrc=size=96x96:rate=8,geq=lum='128+100*sin((X-16*T)/8)':cb=128:cr=128"
video box "a yellow box moves over blue" -f lavfi -i "color=blue:size=96x96:rate=8[b];color=yellow:size=24x24:rate=8[y];[b][y]overlay=x='36+36*sin(t)':y=36"
video logo "the swirl of Debian rises" -loop 1 -framerate 8 -i /usr/share/pixmaps/debian-logo.png \
    -filter_complex "[0]scale=64:64,format=rgba[l];color=white:size=96x96:rate=8[w];[w][l]overlay=x=16:y='96-mod(16*t\,160)'"

[ -e text.model ] || "$root/tokenizer/train-text.sh" -o text.model videos/*.txt
[ -e my ] || "$cogvideo" import --config "$root/configs/own-model.json" --text-tokenizer text.model -o my
[ -e data/dataset.json ] || "$cogvideo" dataset build videos --size 64 --force -o data

# train PART RUN [OPTION...] DATA...: to its end, or from where it was stopped.
train() {
    part=$1 run=$2
    shift 2
    [ -e "$run/done" ] && return
    [ -e "$run/checkpoint.safetensors" ] && set -- "$@" --resume
    "$cogvideo" train "$part" "$@" --model my -o "$run"
    touch "$run/done"
}
train image-tokenizer run-tokenizer data --recipe "$recipe"
train image-tokenizer run-decoder data --finetune --recipe "$root/configs/shapes-decoder.json" --steps 700
"$cogvideo" dataset tokens data --check --model my
for part in image stage1 stage2; do
    [ -e $part.rows.json ] || "$cogvideo" dataset tokens data --model my --for $part --force -o $part.rows
done
train image run-image image.rows stage1.rows stage2.rows --recipe "$recipe"
train stage1 run-stage1 stage1.rows --recipe "$recipe"
train stage2 run-stage2 stage2.rows --recipe "$recipe"

rows='' inputs=() number=0
for name in box logo rings zoom stripes card; do
    "$cogvideo" generate --model my "$(cat videos/$name.txt)" --seed 1 --size 0 --force -q -o made-$name.y4m
    for from in videos/$name.mp4 made-$name.y4m; do
        inputs+=(-i "$from")
        rows+="[$number]fps=8,select='not(mod(n\,8))*lt(n\,33)',scale=64:64,tile=5x1:padding=2:color=white[row$number];"
        number=$((number + 1))
    done
done
columns=''
for ((i = 0; i < number; i += 4)); do
    rows+="[row$i][row$((i + 1))][row$((i + 2))][row$((i + 3))]vstack=inputs=4,pad=iw+12:ih:6:0:white[column$i];"
    columns+="[column$i]"
done
ffmpeg -v error -y "${inputs[@]}" -filter_complex "$rows${columns}hstack=inputs=3" -frames:v 1 "$root/docs/own-videos.png"
