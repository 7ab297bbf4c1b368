# evaluate.sh - the beginning of both evaluations, which source it: evaluation_begin OUT WHAT makes the folder `out`, an absolute path, since
# paths in a list count from its own folder. Clips that are there already are kept, so they must be of the same kind and, by default, of
# the same weights of `model`.
root=$(cd "$(dirname "$0")/.." && pwd)

evaluation_begin() {
    mkdir -p "$1"
    out=$(cd "$1" && pwd)
    settings="$2 $(cat "$model"/*.safetensors | cksum)"
    if [ -e "$out/settings" ] && [ "$(cat "$out/settings")" != "$settings" ]; then
        echo "$out: holds clips of '$(cat "$out/settings")', not of '$settings': choose another folder" >&2
        exit 1
    fi
    echo "$settings" >"$out/settings"
}
