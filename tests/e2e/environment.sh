#!/bin/sh
# environment.sh PROGRAM MODEL WITH_FAULT SANITIZE - what surrounds a run: closed streams, full ones, limits, file systems that cannot lock, sync
# or map, files that go, the loader, a system without /proc. SANITIZE is b_sanitize of the build: sanitizers want address space of their own.
# Parts whose tools or rights are missing are passed over.
set -u
program=$(realpath "$1") model=$(realpath "$2") with_fault=$(realpath "$3") sanitize=$4
folder=$(mktemp -d)
finish() {
    cd /
    rm -rf "$folder"
}
trap finish EXIT
cd "$folder" || exit 1
prompt="a large red star moves left on a white background"

fail() {
    echo "$where: $1" >&2
    cat told >&2
    exit 1
}
# Runs, and expects an exit status; what is said stands in `told`.
expect() {
    status=$1
    shift
    "$@" >told 2>&1
    got=$?
    [ $got = "$status" ] || fail "exit status $got, expected was $status: $*"
}
says() {
    grep -q -- "$1" told || fail "does not say '$1'"
}
# Under a sanitizer three key frames must do, and one fault of a kind.
count=5
[ "$sanitize" = none ] || count=3
# faults FAULT...: those that are tried.
faults() { [ "$sanitize" = none ] && printf '%s\n' "$@" || echo "$1"; }
keyframes() {
    "$program" keyframes "$prompt" --model "$model" --seed 1 --count $count "$@"
}
same() {
    cmp "$1" straight.jsonl >&2 || fail "$1 is another"
}

where="straight"
expect 0 keyframes -q -o straight.jsonl

# --- standard streams --------------------------------------------------------------------------------------

# A run that cannot end leaves its journal, into which no message must have come.
for closed in "<&-" ">&-" "2>&-" "<&- >&-" "<&- 2>&-" ">&- 2>&-" "<&- >&- 2>&-"; do
    where="closed $closed"
    : >told
    (ulimit -f 4; eval "keyframes -o closed.jsonl $closed") >/dev/null 2>&1 && fail "was expected to fail"
    [ -s closed.journal ] || fail "has left no journal"
    expect 0 keyframes -q -o closed.jsonl --resume
    same closed.jsonl
    rm closed.jsonl
    eval "keyframes -q -o closed.jsonl $closed" || fail "fails"
    same closed.jsonl
    rm closed.jsonl
done
where="closed standard input"
expect 1 eval '"$program" tokens show - <&-'
says "standard input: cannot be read"
expect 1 eval 'keyframes -q --prompt - -o closed.jsonl <&-; "$program" tokenize --model "$model" - <&-'
where="closed standard output"
expect 1 eval '"$program" info "$model" >&-'
says "standard output: cannot be written"
expect 1 eval 'keyframes -q -o - >&-'

mkfifo unread
exec 3<>unread 4>unread 3>&- # whose reader has gone
for command in "--version" "help" "help --man" "help --json" "completion bash" "info $model" "info --json $model" "tokens show straight.jsonl" \
    "tokens convert straight.jsonl -o -" "tokens convert straight.jsonl --to npy -o -" "tokens report straight.jsonl --model $model -q -o -" \
    "tokens compare straight.jsonl straight.jsonl" "tokenize --model $model star" "score --model $model --stage 1 -q straight.jsonl" \
    "compare $model $model -q straight.jsonl" "decode --model $model -q straight.jsonl -o -" "decode --model $model -q straight.jsonl --json --force -o s.y4m" \
    "interpolate --model $model --rounds 1 --candidates 1 -q straight.jsonl -o -" "dataset shapes --clips 2 -q --json --force -o data" "dataset info data"; do
    where="full standard output: $command"
    expect 1 eval '"$program" $command >/dev/full'
    says "cannot be written"
    where="standard output that nobody reads: $command"
    expect 141 eval '"$program" $command >&4'
    [ ! -s told ] || fail "says something"
done

where="messages that nobody reads"
: >told
keyframes -o unread.jsonl >&4 2>&1
[ $? = 141 ] || fail "does not end"
expect 0 keyframes -q -o unread.jsonl --resume
same unread.jsonl
rm unread.jsonl
keyframes -o unread.jsonl 2>&4 || fail "ends, though only the messages have lost their reader"
same unread.jsonl
exec 4>&-

# --- limits ------------------------------------------------------------------------------------------------

where="files that may not grow"
expect 1 eval '(ulimit -f 2; keyframes -q -o limited.jsonl)'
says "limited.journal: cannot be written"
rm -f limited.*

where="no threads"
expect 0 "$with_fault" thread 11 "$program" keyframes "$prompt" --model "$model" --seed 1 --count $count --threads 3 -o one.jsonl
says "1 thread works instead of 3"
same one.jsonl

if [ "$sanitize" = none ]; then
    for limit in 260000 330000 400000 460000 2000000; do
        where="address space of $limit KiB"
        (
            ulimit -v $limit
            "$program" keyframes "$prompt" --model "$model" --seed 1 --threads 64 -q -o limited.jsonl
        ) >told 2>&1 && fail "has room"
        says "address space\|failed to map segment"
    done
    where="address space of 600 MB"
    expect 0 eval '(ulimit -v 600000; "$program" generate "$prompt" --model "$model" --seed 1 --rounds 1 --candidates 1 -q -o limited.y4m)'
    where="data of 400 MB"
    expect 0 eval '(ulimit -d 400000; keyframes -q --force -o limited.jsonl)'
fi

# --- file systems ------------------------------------------------------------------------------------------

for code in $(faults 37 38 95 22); do # ENOLCK, ENOSYS, EOPNOTSUPP, EINVAL
    where="no locks ($code)"
    expect 0 "$with_fault" lock $code "$program" keyframes "$prompt" --model "$model" --seed 1 --count $count -q --force -o odd.jsonl
    same odd.jsonl
done
where="locked by another"
expect 1 "$with_fault" lock 11 "$program" keyframes "$prompt" --model "$model" --seed 1 --count $count -q --force -o odd.jsonl
says "another run writes to it"
where="a lock that fails"
expect 1 "$with_fault" lock 5 "$program" keyframes "$prompt" --model "$model" --seed 1 --count $count -q --force -o odd.jsonl
says "odd.journal: cannot be locked"

for code in $(faults 22 38 95); do
    where="no sync ($code)"
    expect 0 "$with_fault" sync $code "$program" keyframes "$prompt" --model "$model" --seed 1 --count $count -q --force -o odd.jsonl
    same odd.jsonl
    expect 0 "$with_fault" sync $code "$program" tokens report straight.jsonl --model "$model" -q --force -o odd.html
done
for code in $(faults 5 28 122 30); do # EIO, ENOSPC, EDQUOT, EROFS
    where="a sync that fails ($code)"
    expect 1 "$with_fault" sync $code "$program" keyframes "$prompt" --model "$model" --seed 1 --count $count -q -o failed.jsonl
    says "failed.jsonl: cannot be written"
    rm -f failed.*
    expect 1 "$with_fault" sync $code "$program" tokens report straight.jsonl --model "$model" -q -o failed.html
    says "failed.html: cannot be written"
    [ ! -e failed.html ] || fail "is there"
done

for fault in share:19 $(faults map:19 map:22 map:38 map:13); do
    where="no mapping ($fault)"
    expect 0 "$with_fault" ${fault%:*} ${fault#*:} "$program" keyframes "$prompt" --model "$model" --seed 1 --count $count -q --force -o odd.jsonl
    same odd.jsonl
    expect 0 "$with_fault" ${fault%:*} ${fault#*:} "$program" keyframes "$prompt" --model "$model" --mlock --seed 1 --count $count -q --force -o odd.jsonl
done

where="weights that are shortened"
cp -rp "$model" model
nice -n 19 "$program" generate "$prompt" --model model --seed 3 --rounds 1 --candidates 1 -q -o gone.y4m 2>told &
while kill -0 $! 2>/dev/null && ! [ -s gone.journal ]; do :; done
: >model/stage2.safetensors
wait $!
status=$?
[ $status = 135 ] || fail "exit status $status"
says "^cogvideo: error: model/stage2.safetensors: cannot be read any more"
cp -p "$model/stage2.safetensors" model/
expect 0 "$program" generate "$prompt" --model model --seed 3 --rounds 1 --candidates 1 -q -o gone.y4m --resume

# --- how it is started -------------------------------------------------------------------------------------

case $(uname -m) in
x86_64) loader=/lib64/ld-linux-x86-64.so.2 ;;
aarch64) loader=/lib/ld-linux-aarch64.so.1 ;;
*) loader= ;;
esac
if [ -e "$loader" ] && [ "$sanitize" = none ]; then
    where="started by the loader"
    expect 0 env -u OMP_WAIT_POLICY "$loader" "$program" --version
    says "^cogvideo [0-9]"
    expect 0 env -u OMP_WAIT_POLICY "$loader" "$program" keyframes "$prompt" --seed 1 --count $count -q --force -o odd.jsonl
    same odd.jsonl
fi
where="started through a link, by its name alone"
mkdir bin && ln -s "$program" bin/clips
expect 0 env -u OMP_WAIT_POLICY PATH="$folder/bin:$PATH" clips info
says "model: .*weights/shapes"
where="no /proc"
if [ "$sanitize" = none ] && unshare -m true 2>/dev/null; then
    expect 0 unshare -m sh -c 'mount -t tmpfs none /proc && exec env -u OMP_WAIT_POLICY "$@"' sh "$program" keyframes "$prompt" --seed 1 --count $count -q --force -o odd.jsonl
    same odd.jsonl
fi

library=$(ldconfig -p | sed -n 's/.*=> \(.*libavformat\.so\.[0-9]*\)$/\1/p' | head -n 1)
if [ -n "$library" ] && unshare -m true 2>/dev/null && grep -q 'libavformat\.so' "$program"; then
    where="no FFmpeg, though it was built with it"
    expect 1 unshare -m sh -c 'mount --bind /dev/null "$1" && shift && exec "$@"' sh "$library" "$program" generate "$prompt" --model "$model" --seed 1 --rounds 1 --candidates 1 -q --force -o gone.mp4
    says "^cogvideo: error: FFmpeg's libraries, .* cannot be loaded"
    expect 0 unshare -m sh -c 'mount --bind /dev/null "$1" && shift && exec "$@"' sh "$library" "$program" keyframes "$prompt" --seed 1 --count $count -q --force -o odd.jsonl
    same odd.jsonl
fi

if script -qec true /dev/null >/dev/null 2>&1; then
    where="a dumb terminal"
    for kind in dumb ""; do
        expect 0 env TERM="$kind" script -qec "'$program' generate '$prompt' --model '$model' --seed 1 --rounds 1 --candidates 1 --force -o shown.y4m" /dev/null
        ! grep -q "$(printf '\033')" told || fail "has escape codes"
    done
    where="a terminal"
    expect 0 env TERM=xterm script -qec "'$program' generate '$prompt' --model '$model' --seed 1 --rounds 1 --candidates 1 --force -o shown.y4m" /dev/null
    grep -q "$(printf '\033')" told || fail "has no bar"
fi
