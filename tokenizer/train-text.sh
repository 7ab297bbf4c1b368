#!/bin/sh
# train-text.sh [-n PIECES] [-s PIECE,PIECE,...] -o OUTPUT CAPTIONS... - makes a text model for captions of your own: files with a
# caption a line, or one each. At most PIECES pieces (default 4000), those of -s among them whole.
#
# Needs spm_train (Debian package sentencepiece). What the program adds to a caption (configs/README.md, "texts" and "durations") is
# learnt with it: edit the lines below where your model.json says something else.
set -eu
pieces=4000
symbols='<n>'
output=
while getopts n:s:o: option; do
    case $option in
    n) pieces=$OPTARG ;;
    s) symbols="$symbols,$OPTARG" ;;
    o) output=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
if [ -z "$output" ] || [ $# = 0 ]; then
    sed -n '2,3s/^# //p' "$0" >&2
    exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk 1 "$@" >"$work/captions" # a line break behind each file
{
    cat "$work/captions"
    sed 's/$/ 视频/' "$work/captions"
    sed 's/$/ 高清摄影/' "$work/captions"
    for text in 4.0秒 2.0秒 1.0秒 0.5秒 视频; do yes $text | head -n 200; done
} >"$work/texts"
(
    cd "$work" # the model keeps these names
    spm_train --input=texts --model_prefix=text --model_type=unigram --vocab_size="$pieces" --hard_vocab_limit=false \
        --character_coverage=1.0 --pad_id=3 --user_defined_symbols="$symbols" --normalization_rule_name=nmt_nfkc \
        --shuffle_input_sentence=false --num_threads=1 2>log
) || { cat "$work/log" >&2; exit 1; }
mv "$work/text.model" "$output"
count=$(wc -l <"$work/text.vocab")
echo "$output: $count pieces" >&2
