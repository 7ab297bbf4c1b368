#!/bin/bash
# shapes.sh - makes the pictures of README.md: docs/shapes.gif, five clips of the included CogVideo model side by side, and
# docs/stories.gif, three stories of the included Phenaki model, each under its prompt. Needs a build in build/ with FFmpeg's libraries,
# the program ffmpeg and the DejaVu fonts (Debian packages ffmpeg and fonts-dejavu-core). Another processor may draw other codes from
# the same seeds (docs/reproducibility.md), so the judge looks at the clips first.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
font=$(fc-match -f '%{file}' 'DejaVu Sans')

# look CLIP PROMPT...: one prompt must be followed in all five ways; of a story, the object must stay the same and never jump.
look() {
    if [ $# = 2 ]; then
        "$root/build/tests/judge" "$1" --expect "$2"
    else
        local IFS=$'\t'
        echo "$*" >"$work/story.list"
        "$root/build/tests/judge" --stories "$work/story.list"
    fi
}

# picture MODEL GIF: of the lines that are read, each "seed|object|ground|motion of scene 1|motion of scene 2..".
picture() {
    local model=$root/weights/$1 gif=$root/docs/$2 number=0 inputs=() panels='' names=''
    while IFS='|' read -r -a line; do
        local seed=${line[0]} object=${line[1]} ground=${line[2]} motions=("${line[@]:3}") prompts=() more=() scene=0 clip=$work/$1-$number
        for motion in "${motions[@]}"; do
            prompts+=("$object $motion $ground")
            [ ${#prompts[@]} = 1 ] || more+=(--then "${prompts[-1]}")
        done
        "$root/build/cogvideo" generate "${prompts[0]}" "${more[@]}" --model "$model" --seed "$seed" --size 128 -q -o "$clip.y4m" </dev/null
        "$root/build/cogvideo" decode "$clip.jsonl" --model "$model" --size 0 --quality 100 -q -o "$clip.mjpeg"
        look "$clip.mjpeg" "${prompts[@]}"
        inputs+=(-i "$clip.y4m")
        # A margin for the prompt above the clip and a thin frame around it; the last frame stays for a second.
        panels+="[$number]tpad=stop_mode=clone:stop_duration=1,pad=140:182:6:50:white,drawbox=5:49:130:130:gray"
        for motion in "${motions[@]}"; do # the first scene has 33 frames, each later one 28 of its own
            printf '%s\n%s\n%s' "$object" "$motion" "$ground" >"$clip-$scene.txt"
            local from=$((scene == 0 ? 0 : 5 + 28 * scene)) to=$((scene + 1 == ${#motions[@]} ? 999 : 32 + 28 * scene))
            panels+=",drawtext=fontfile=$font:textfile=$clip-$scene.txt:fontsize=10:line_spacing=3:x=6:y=6:enable='between(n,$from,$to)'"
            scene=$((scene + 1))
        done
        panels+="[panel$number];"
        names+="[panel$number]"
        number=$((number + 1))
    done
    ffmpeg -v error -y "${inputs[@]}" -filter_complex "${panels}${names}hstack=inputs=$number,split[a][b];
[a]palettegen=max_colors=64:stats_mode=full[palette];[b][palette]paletteuse=dither=none" -loop 0 "$gif"
}

picture shapes shapes.gif <<'CLIPS'
19|a large cyan circle|on a gray background|moves left
281|a large red triangle|on a black background|bounces
3|a large orange star|on a white background|grows
23|a large orange star|on a gray background|rotates
51|a large pink circle|on a gray background|moves in a circle
CLIPS
picture phenaki-shapes stories.gif <<'STORIES'
1|a large red star|on a white background|moves left|moves up|grows
1|a small yellow square|on a black background|moves right|moves down|shrinks
1|a large blue triangle|on a gray background|moves up|moves right|stays still
STORIES
