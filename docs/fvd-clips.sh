#!/bin/bash
# fvd-clips.sh WORK - makes docs/fvd-clips.svg: fvd-shapes of real and of blurred clips by their number. Needs a build in build/ and the program ffmpeg.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1" && cd "$1"
cogvideo=$root/build/cogvideo
[ -e real/dataset.json ] || "$cogvideo" dataset shapes --clips 2048 --seed 103 --language en -f -q -o real
mkdir -p blurred
cp real/dataset.json real/clips.jsonl blurred
[ -e blurred/frames.rgb ] || ffmpeg -v error -y -f rawvideo -pix_fmt rgb24 -s 64x64 -i real/frames.rgb -vf gblur=sigma=1.5 \
    -fps_mode passthrough -f rawvideo -pix_fmt rgb24 blurred/frames.rgb
for clips in 32 64 128 256 512 1024 2048; do
    for set in real blurred; do
        [ -s $set-$clips.text ] || "$cogvideo" evaluate $set --metric fvd --samples $clips --features features -q >$set-$clips.text
    done
done

# A line for each number: clips, then of each set value and extrapolation, and the value of a first frame that stands still.
values() {
    for clips in 32 64 128 256 512 1024 2048; do
        echo $clips $(for set in real blurred; do
            sed -n 's/^fvd-shapes *\([0-9.]*\),.*extrapolated \([0-9.-]*\);.*/\1 \2/p' $set-$clips.text
        done) $(sed -n 's/^ *frozen *\([0-9.]*\):.*/\1/p' real-$clips.text)
    done
}
values | awk '
    function x(clips) { return 60 + 90 * (log(clips) / log(2) - 5) }
    function y(value) { return 300 - 0.36 * value } # 0 to 700
    function curve(column, colour, dash,    i, points) {
        for (i = 1; i <= NR; i++) points = points x(v[i, 1]) "," y(v[i, column]) " "
        print "<polyline points=\"" points "\" fill=\"none\" stroke=\"" colour "\" stroke-width=\"2\"" (dash ? " stroke-dasharray=\"5 4\"" : "") "/>"
    }
    function word(at_x, at_y, colour, text) { print "<text x=\"" at_x "\" y=\"" at_y "\" fill=\"" colour "\">" text "</text>" }
    { for (i = 1; i <= NF; i++) v[NR, i] = $i }
    END {
        print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 780 370\" font-family=\"sans-serif\" font-size=\"13\">"
        print "<rect width=\"780\" height=\"370\" fill=\"white\"/>"
        for (value = 0; value <= 600; value += 200) {
            print "<line x1=\"60\" x2=\"600\" y1=\"" y(value) "\" y2=\"" y(value) "\" stroke=\"#dddddd\"/>"
            print "<text x=\"52\" y=\"" y(value) + 4 "\" text-anchor=\"end\" fill=\"#444444\">" value "</text>"
        }
        for (i = 1; i <= NR; i++) print "<text x=\"" x(v[i, 1]) "\" y=\"348\" text-anchor=\"middle\" fill=\"#444444\">" v[i, 1] "</text>"
        word(60, 24, "#444444", "fvd-shapes by the number of clips in each set")
        curve(6, "#9467bd", 0); curve(4, "#d62728", 0); curve(2, "#1f77b4", 0); curve(5, "#d62728", 1); curve(3, "#1f77b4", 1)
        word(608, y(v[NR, 6]) + 4, "#9467bd", "stands still")
        word(608, y(v[NR, 4]) - 4, "#d62728", "blurred")
        word(608, y(v[NR, 2]) + 10, "#1f77b4", "real")
        word(608, 24, "#444444", "dashed: extrapolated")
        print "</svg>"
    }' >"$root/docs/fvd-clips.svg"
