/* cogvideo refine - iterative super-resolution of codes. */
#include "commands.h"
#include "run.h"

static int run(const cli_command *command, void *settings, const cli_arguments *arguments)
{
    return cli_run_clip(command, settings, "refine", 0, 0, arguments); /* its rounds are the model's */
}

const cli_command cmd_refine = {
    .name = "refine",
    .summary = "draw a part of an upscaled clip's codes anew, round by round",
    .usage = "[OPTIONS] CODES -o CODES",
    .details =
        "CODES are of 'cogvideo upscale'. In each round the model draws some of every picture's codes again, given all\n"
        "the others; what it draws last stays. Frames are independent of each other. Rows of codes are kept in a\n"
        "journal beside the output, from which --resume goes on, and the record says how it was made.\n"
        "Prompt and seed are those of the clip, where its header tells them and none are given.",
    .examples = "  cogvideo refine --model weights/cogview2 high.jsonl --seed 1 -o fine.jsonl\n"
                "  cogvideo refine --model weights/cogview2 high.jsonl --greedy -o best.jsonl",
    .min_arguments = 1,
    .max_arguments = 1,
    .missing = "a file of codes is missing",
    .groups = cli_clip_groups,
    .settings_size = sizeof(cli_clip_settings),
    .run = run,
};
