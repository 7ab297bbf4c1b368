#!/bin/sh
# report_page.sh FOLDER - Chromium opens the page of a clip of the model that ships: it draws itself without an error, keys choose
# frame and place, and no text becomes markup. FOLDER keeps the page and a picture of it.
set -eu
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || exit 77
folder=$1
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
model=$COGVIDEO_WEIGHTS/shapes

fail() { echo "$*"; exit 1; }
open_page() { timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$temp/profile" --hide-scrollbars \
    --window-size=1280,2900 --virtual-time-budget=10000 "$@" 2>"$temp/chatter" || { cat "$temp/chatter"; fail "$browser fails"; }; }
# has FILE TEXT: the page as it was drawn holds it.
has() { grep -qF -- "$2" "$1" || fail "the drawn page has no '$2': $(grep -o '<body[^>]*>' "$1" | head -n 1)"; }

"$COGVIDEO_PROGRAM" generate --model "$model" "a large red star moves left on a white background" --seed 2 -q -o "$temp/clip.y4m"
"$COGVIDEO_PROGRAM" tokens report --model "$model" "$temp/clip.jsonl" -q -f -o "$folder/report.html"
[ "$(wc -c <"$folder/report.html")" -lt 10000000 ] || fail "the page has 10 MB or more"

open_page --screenshot="$folder/report.png" "file://$folder/report.html"
# An empty page compresses to a few thousand bytes.
[ "$(wc -c <"$folder/report.png")" -gt 100000 ] || fail "the picture of the page is blank"

# The same page, with keys pressed: one frame on, one place down, layer 0.
press='<script>const press = (at, key) => document.querySelector(at).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
press("#strip", "ArrowRight"); press("[data-map=Codes]", "ArrowDown"); document.querySelector("#layers input[value=\"0\"]").click();</script>'
{ sed '/^<\/body>$/,$d' "$folder/report.html"; printf '%s\n</body>\n</html>\n' "$press"; } >"$temp/keys.html"
open_page --dump-dom "file://$temp/keys.html" >"$temp/drawn"
has "$temp/drawn" 'data-state="ready"'
has "$temp/drawn" 'data-frames="33"'
has "$temp/drawn" 'Frame 2 at 0.25 s: predicted by stage 2'
has "$temp/drawn" 'row 5, column 4'
has "$temp/drawn" 'Second channel: '
[ "$(grep -o '<div class="raster probability"[^>]*><div[^>]*>.*' "$temp/drawn" | grep -o 'data-place="63"' | wc -l)" -ge 1 ] ||
    fail "there is no map of probabilities"

# The same codes in frames that are wider than high.
sed 's/"height":8,"width":8/"height":4,"width":16/g' "$folder/report.html" >"$temp/wide.html"
! cmp -s "$folder/report.html" "$temp/wide.html" || fail "the page does not tell the shape of its frames"
open_page --dump-dom "file://$temp/wide.html" >"$temp/drawn"
has "$temp/drawn" 'data-state="ready"'
has "$temp/drawn" '16×4 codes'
has "$temp/drawn" 'row 2, column 8'

# A prompt of markup stays a text.
"$COGVIDEO_PROGRAM" tokens report --model "$model" "$temp/clip.keyframes.jsonl" --stage 1 --cut-text -q -o "$temp/hostile.html" \
    --prompt '</script><script>document.body.dataset.state = "broken"</script><i id=markup>star'
open_page --dump-dom "file://$temp/hostile.html" >"$temp/drawn"
has "$temp/drawn" 'data-state="ready"'
has "$temp/drawn" '&lt;i id=markup&gt;star'
! grep -q '<i id="*markup' "$temp/drawn" || fail "a prompt became markup"
