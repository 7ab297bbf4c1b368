# train.sh - the beginning of the trainings of the shapes world, which source it: training_begin WORK NAME enters the folder WORK, where all
# of a training lies, so that a stopped one goes on where it was. The model is WORK/model, the recipe configs/NAME-train.json.
root=$(cd "$(dirname "$0")/.." && pwd)
cogvideo=$root/build/cogvideo

training_begin() {
    recipe=$root/configs/$2-train.json
    mkdir -p "$1" && cd "$1"
}

# model CONFIG: begins the model, without parts.
model() {
    [ -e model ] || "$cogvideo" import --config "$root/configs/$1" --text-tokenizer "$root/tokenizer/shapes.model" -o model
}

# clips FOLDER [OPTION...]: of the shapes world.
clips() {
    folder=$1
    shift
    [ -e "$folder/dataset.json" ] || "$cogvideo" dataset shapes "$@" --force -o "$folder"
}

# rows NAME CLIPS STEP [OPTION...]: their codes.
rows() {
    name=$1 data=$2 step=$3
    shift 3
    [ -e "$name.rows.json" ] || "$cogvideo" dataset tokens "$data" --for "$step" --model model "$@" --force -o "$name.rows"
}

# train PART RUN RECIPE DATA...: from the start, or from its checkpoint; by another recipe than the training's own it goes on from the
# part that is there. A finished run at most writes its part into the model again.
train() {
    part=$1 run=$2 by=$3
    shift 3
    begin=
    [ "$by" = "$recipe" ] || begin=--finetune
    [ -e "$run/checkpoint.safetensors" ] && begin=--resume
    "$cogvideo" train "$part" "$@" --recipe "$by" --model model -o "$run" $begin
    touch "$run/done"
}

# check_codes: what the codes of the tokenizer keep, and whether the judge knows clips again that went through it.
check_codes() {
    [ -e tokenizer.check ] || {
        "$cogvideo" dataset tokens held-out --check --clips 0 --model model >tokenizer.check.new
        "$root/build/tests/judge" --data held-out --through model | tail -n 7 >>tokenizer.check.new || true
        mv tokenizer.check.new tokenizer.check
    }
    cat tokenizer.check
}

# ends PART: whether that was all that PART in the environment asks for.
ends() {
    [ "${PART:-}" != "$1" ] || exit 0
}
