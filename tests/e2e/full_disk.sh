#!/bin/sh
# full_disk.sh PROGRAM MODEL CLIP - generates CLIP (clip.mp4) on a disk that is too small for it, on disks that fill up on the way, and on one
# that turns read-only: each run ends with a sentence and leaves nothing half-written under a file's name, and is resumed to
# the same codes and the same clip when there is room. Exit status 77 where nothing can be mounted.
set -eu
program=$(realpath "$1") model=$(realpath "$2") clip=$3
folder=$(mktemp -d)
disk=$folder/disk
finish() {
    cd /
    umount "$disk" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT
mkdir "$disk" "$folder/straight"
mount -t tmpfs -o size=8k tmpfs "$disk" 2>/dev/null || exit 77
umount "$disk"

set -- generate -q --model "$model" "a large red star moves left on a white background" --seed 2 --rounds 1 --candidates 1 -o "$clip"
told=$folder/told
fail() {
    echo "$where: $1" >&2
    cat "$told" >&2
    exit 1
}
# What bears a name is whole.
whole() {
    for file in clip.keyframes.jsonl clip.jsonl "$clip"; do
        [ ! -e $file ] || cmp $file ../straight/$file >&2 || fail "$file is half-written"
    done
}
# Goes on where there is room, and compares.
resume() {
    "$program" "$@" --resume >"$told" 2>&1 || fail "cannot be resumed"
    [ ! -e clip.journal ] || fail "a journal is left"
    for file in clip.keyframes.jsonl clip.jsonl "$clip"; do
        cmp $file ../straight/$file >&2 || fail "$file is another"
    done
    [ -s clip.json ] || fail "no record"
    ! ls *partial* 2>/dev/null || fail "a partial file is left"
}
cd "$folder/straight"
"$program" "$@"

where="a disk of 4 kB"
mount -t tmpfs -o size=4k tmpfs "$disk"
cd "$disk"
status=0
"$program" "$@" >"$told" 2>&1 || status=$?
[ $status = 1 ] || fail "exit status $status"
grep -q '^cogvideo: error: .*: about .* of disk are needed and .* are free there' "$told" || fail "says something else"
[ -z "$(ls)" ] || fail "something was written"
cd /
umount "$disk"

# What the run foresaw another takes from it, after so many rows of codes.
for rows in 1 30 60; do
    where="a disk that is full after $rows rows"
    mount -t tmpfs -o size=4m tmpfs "$disk"
    cd "$disk"
    "$program" "$@" >"$told" 2>&1 &
    run=$!
    while ! [ -e clip.journal ] || [ "$(wc -l <clip.journal)" -le $rows ]; do kill -0 $run 2>/dev/null || break; done
    cat /dev/zero >other 2>/dev/null || true
    status=0
    wait $run || status=$?
    [ $status = 1 ] || fail "exit status $status"
    grep -q '^cogvideo: error: .*: cannot be written: No space left on device' "$told" || fail "says something else"
    ! grep -q 'cancelled' "$told" || fail "says two things"
    whole
    rm other
    resume "$@"
    cd /
    umount "$disk"
done
echo "disks that fill up: all runs resumed, to the same codes and the same clip"

# A file system that finds itself broken goes read-only under the run's open files.
truncate -s 8M "$folder/image"
mkfs.ext4 -q "$folder/image" && mount -o loop,errors=remount-ro "$folder/image" "$disk" 2>"$told" || {
    echo "no disk for the rest: it is left out"
    exit 0
}
device=$(basename "$(df "$disk" | tail -n 1 | cut -d ' ' -f 1)")
where="a disk that turns read-only"
cd "$disk"
"$program" "$@" >"$told" 2>&1 &
run=$!
while ! [ -e clip.journal ] || [ "$(wc -l <clip.journal)" -lt 12 ]; do kill -0 $run 2>/dev/null || break; done
echo 1 >"/sys/fs/ext4/$device/trigger_fs_error"
status=0
wait $run || status=$?
[ $status = 1 ] || fail "exit status $status"
# What had not reached the disk by then may be lost with an error of its own.
grep -Eq '^cogvideo: error: .*: cannot be written: (Read-only file system|Input/output error)' "$told" || fail "says something else"
cd /
umount "$disk"
e2fsck -fp "$folder/image" >/dev/null || [ $? -lt 4 ]
mount -o loop "$folder/image" "$disk"
cd "$disk"
whole
resume "$@"
echo "$where: resumed"
