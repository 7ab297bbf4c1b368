/* cogvideo upscale - direct super-resolution of codes. */
#include "commands.h"
#include "run.h"

static int run(const cli_command *command, void *settings, const cli_arguments *arguments)
{
    return cli_run_clip(command, settings, "upscale", 0, 0, arguments); /* it has no rounds */
}

const cli_command cmd_upscale = {
    .name = "upscale",
    .summary = "make a clip's codes three times as fine (super-resolution)",
    .usage = "[OPTIONS] CODES -o CODES",
    .details = "Frames are independent of each other; they are written to the output's .partial as they are finished,\n"
               "and every row of codes that is drawn to a journal beside it, from which --resume goes on. The record\n"
               "high.json beside high.jsonl says how that was made.\n"
               "Prompt and seed are those of the clip, where its header tells them and none are given.",
    .examples = "  cogvideo upscale --model weights/cogvideo clip.jsonl --seed 1 -o high.jsonl\n"
                "  cogvideo upscale --model weights/cogvideo clip.jsonl --greedy -o best.jsonl",
    .min_arguments = 1,
    .max_arguments = 1,
    .missing = "a file of codes is missing",
    .groups = cli_clip_groups,
    .settings_size = sizeof(cli_clip_settings),
    .run = run,
};
