#!/bin/sh
# train-shapes.sh OUTPUT - makes the text model of the shapes world, tokenizer/shapes.model, from configs/shapes.json.
#
# Needs spm_train (Debian package sentencepiece) and the program built in ./build. Every word of the world is one piece,
# "▁word" in English, and nothing but these words, the texts that the program adds and their digits.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

words() { sed -n "s/.*\"name\".*\"$1\": \"\([^\"]*\)\".*/\1/p" "$root/configs/shapes.json"; }
symbols=$({
    { words en | tr ' ' '\n'; printf '%s\n' a on background; } | sed 's/^/▁/'
    words zh
    printf '%s\n' 背景上 一个 视频 高清摄影
} | awk '!seen[$0]++' | paste -sd, -)

"$root/build/cogvideo" dataset shapes --seed 1 -q -o "$work/world"
sed 's/.*"caption":"\([^"]*\)".*/\1/' "$work/world/clips.jsonl" >"$work/captions"
"$root/tokenizer/train-text.sh" -n 160 -s "$symbols" -o "$1" "$work/captions"
