/* cogvideo interpolate - stage 2: frames between frames. */
#include "commands.h"
#include "run.h"

typedef struct settings {
    cli_clip_settings clip; /* first */
    int rounds, batch;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "rounds", 'n', "N", "each round turns n frames into 2 n - 1; 0 (default): all of the model's that are left",
      ARG_INT, FIELD(rounds), 0, 16, 0, NULL },
    { "batch", 'b', "N",
      "windows run side by side; fewer take less memory and more time; 0 (default): all. The result does not "
      "depend on it",
      ARG_INT, FIELD(batch), 0, 1000000, 0, NULL },
    { 0 },
};

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    settings *s = given;

    return cli_run_clip(command, &s->clip, "interpolate", s->rounds, s->batch, arguments);
}

static const arg_group groups[] = {
    { "Options", table, 0 },
    { "Output", cli_codes_output_table, offsetof(settings, clip.output) },
    { "Text", cli_prompt_table, offsetof(settings, clip.text) },
    { "More about the text", cli_text_table, offsetof(settings, clip.text) },
    { "Guidance", cli_window_guide_table, offsetof(settings, clip.text) },
    { "Sampling", cli_sampling_table, offsetof(settings, clip.sampling) },
    { "Candidates", cli_candidates_table, offsetof(settings, clip.sampling) },
    { "Speed", cli_lookahead_table, offsetof(settings, clip.sampling) },
    { "Model", cli_model_table, offsetof(settings, clip.model) },
    { 0 },
};

const cli_command cmd_interpolate = {
    .name = "interpolate",
    .summary = "make the frames between a clip's frames (stage 2)",
    .usage = "[OPTIONS] CODES -o CODES",
    .details =
        "Prompt and seed are those of the clip, where its header tells them and none are given, so that a clip's\n"
        "frames follow from its key frames. Every row of codes that is drawn is written to a journal beside the output,\n"
        "from which --resume goes on. The record clip.json beside clip.jsonl says how that was made.",
    .examples = "  cogvideo interpolate key.jsonl -o mid.jsonl --resume\n"
                "  cogvideo interpolate key.jsonl --rounds 1 --seed 7 -o nine.jsonl",
    .min_arguments = 1,
    .max_arguments = 1,
    .missing = "a file of codes is missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
