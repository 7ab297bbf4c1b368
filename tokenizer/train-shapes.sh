#!/bin/sh
# train-shapes.sh OUTPUT - makes the text model of the shapes world, tokenizer/shapes.model, from configs/shapes.json.
#
# Needs spm_train (Debian package sentencepiece) and the program built in ./build. Every word of the world is one piece,
# "▁word" in English; letters, digits and the rest of the texts are pieces of their own.
set -eu
output=$1
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

words() { sed -n "s/.*\"name\".*\"$1\": \"\([^\"]*\)\".*/\1/p" "$root/configs/shapes.json"; }
symbols=$({
    echo '<n>'
    { words en | tr ' ' '\n'; printf '%s\n' a on background; } | sed 's/^/▁/'
    words zh
    printf '%s\n' 背景上 一个 视频 高清摄影
} | awk '!seen[$0]++' | paste -sd, -)

"$root/build/cogvideo" dataset shapes --seed 1 -q -o "$work/world"
sed 's/.*"caption":"\([^"]*\)".*/\1/' "$work/world/clips.jsonl" >"$work/captions"
{
    cat "$work/captions"
    sed 's/$/ 视频/' "$work/captions"
    sed 's/$/ 高清摄影/' "$work/captions"
    for text in 4.0秒 2.0秒 1.0秒 0.5秒 视频; do yes $text | head -n 200; done
} >"$work/texts"
spm_train --input="$work/texts" --model_prefix="$work/shapes" --model_type=unigram --vocab_size=160 --hard_vocab_limit=false \
    --character_coverage=1.0 --pad_id=3 --user_defined_symbols="$symbols" --normalization_rule_name=nmt_nfkc \
    --shuffle_input_sentence=false --num_threads=1 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
mv "$work/shapes.model" "$output"
