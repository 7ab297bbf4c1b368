#!/bin/bash
# shapes.sh - makes docs/shapes.gif, the picture at the head of README.md: five clips of the shipped model side by side, each
# under its prompt. Needs a build in build/ with FFmpeg's libraries, the program ffmpeg and the DejaVu fonts (Debian packages
# ffmpeg and fonts-dejavu-core). Another processor may draw other codes from the same seeds (docs/reproducibility.md), so the
# judge looks at the clips first.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
font=$(fc-match -f '%{file}' 'DejaVu Sans')

number=0 inputs=() panels='' names=''
while IFS='|' read -r seed object motion ground; do
    "$root/build/cogvideo" generate "$object $motion $ground" --seed "$seed" --size 128 -q -o "$work/$number.y4m" </dev/null
    "$root/build/cogvideo" decode "$work/$number.jsonl" --size 0 --quality 100 -q -o "$work/$number.mjpeg"
    "$root/build/tests/judge" "$work/$number.mjpeg" --expect "$object $motion $ground"
    printf '%s\n%s\n%s' "$object" "$motion" "$ground" >"$work/$number.txt"
    inputs+=(-i "$work/$number.y4m")
    # A margin for the prompt above the clip and a thin frame around it; the last frame stays for a second.
    panels+="[$number]tpad=stop_mode=clone:stop_duration=1,pad=140:182:6:50:white,drawbox=5:49:130:130:gray,"
    panels+="drawtext=fontfile=$font:textfile=$work/$number.txt:fontsize=10:line_spacing=3:x=6:y=6[panel$number];"
    names+="[panel$number]"
    number=$((number + 1))
done <<'PROMPTS'
1|a large red circle|moves left|on a white background
1|a large yellow square|bounces|on a black background
1|a large blue star|moves up|on a white background
4|a large cyan triangle|shrinks|on a black background
1|a small green square|moves in a circle|on a gray background
PROMPTS
ffmpeg -v error -y "${inputs[@]}" -filter_complex "${panels}${names}hstack=inputs=$number,split[a][b];
[a]palettegen=max_colors=64:stats_mode=full[palette];[b][palette]paletteuse=dither=none" -loop 0 "$root/docs/shapes.gif"
