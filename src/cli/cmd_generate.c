/* cogvideo generate - a prompt to a video, every stage's codes kept beside it. */
#include "commands.h"
#include "generate_list.h"
#include "prompt.h"
#include "result.h"
#include "run.h"
#include "say.h"

#include <string.h>

#define FIELD(field) offsetof(generate_settings, field)
static const arg_option table[] = {
    { "samples", 0, "N", "clips to make, up to 64; then -o needs a number, as clip-%d.mp4", ARG_INT, FIELD(samples), 1,
      COGVIDEO_MAX_SAMPLES, 1, NULL },
    { "keep", 0, "N",
      "of the samples, keep the N that CLIP finds to fit the prompt best, and remove the others; default: all", ARG_INT,
      FIELD(keep), 1, COGVIDEO_MAX_SAMPLES, 0, NULL },
    { "metrics", 0, "DIR", "for --keep: the model directory of CLIP; default: weights/shapes-metrics", ARG_TEXT,
      FIELD(metrics), 0, 0, 0, NULL },
    { "seconds", 0, "X",
      "length of the clip, or of each scene without a length of its own, as the model is told; default: the model's",
      ARG_NUMBER, FIELD(seconds), 0.1, 1000, 0, NULL },
    { "rounds", 'n', "N", "rounds of interpolation; 0 (default): all of the model's", ARG_INT, FIELD(rounds), 0, 16, 0,
      NULL },
    { "batch", 'b', "N",
      "windows of interpolation, or samples of a scene, that are drawn side by side; 0 (default): all", ARG_INT,
      FIELD(batch), 0, 1000000, 0, NULL },
    { "prompts", 0, "FILE",
      "make a clip of each line, a prompt or a JSON object with \"prompt\" and optionally \"seed\" and \"output\"; finished "
      "clips are kept; - is standard input; -o needs a number, as clip-%d.mp4",
      ARG_TEXT, FIELD(prompts), 0, 0, 0, NULL },
    { "preview", 0, "FILE",
      "a picture (.jpg or .ppm) of the newest frame, kept current while the run goes on; of a scene that is filled in "
      "steps all its frames, as a contact sheet",
      ARG_TEXT, FIELD(preview), 0, 0, 0, NULL },
    { "refine", 0, NULL, "iterative super-resolution behind the first: finer, and six more passes for each picture",
      ARG_FLAG, FIELD(refine), 0, 0, 0, NULL },
    { "no-upscale", 0, NULL, "no super-resolution: coarser, and far quicker", ARG_FLAG, FIELD(no_upscale), 0, 0, 0,
      NULL },
    { 0 },
};

static const arg_option story_table[] = {
    { "then", 0, "TEXT", "a further scene, which goes on from the last frames; any number of times", ARG_TEXTS,
      FIELD(then), 0, 0, 0, NULL },
    { "story", 0, "FILE",
      "the scenes of a story in place of the prompt: a line each, a text or a JSON object with \"text\" and optionally "
      "\"seconds\"; - is standard input",
      ARG_TEXT, FIELD(story), 0, 0, 0, NULL },
    { "first", 0, "FILE", "a picture or a video whose last frames the first scene goes on from", ARG_TEXT, FIELD(first),
      0, 0, 0, NULL },
    { "context", 0, "N", "frames that each scene takes over from the one before; default: the model's", ARG_INT,
      FIELD(context), 1, 4096, -1, NULL },
    { 0 },
};

static int check_settings(const cli_command *command, const generate_settings *s, const cli_arguments *arguments)
{
    int status = cli_need_output(command, &s->output);

    if (status != CLI_OK)
        return status;
    if (strcmp(s->output.output, "-") == 0)
        return cli_usage_error(command, "generate keeps its codes beside its output, so -o must be a file name");
    if (!s->prompts && (status = cli_need_number(command, s->output.output, s->samples)) != CLI_OK)
        return status;
    if (s->keep > s->samples)
        return cli_usage_error(command, "--keep %d is more than --samples %d", s->keep, s->samples);
    if (s->keep && (s->prompts || s->output.resume || arguments->count == 0))
        return cli_usage_error(command, "--keep removes clips, which %s",
                               arguments->count == 0 && !s->prompts ? "needs a prompt to choose by"
                                                                    : "--resume and --prompts would make again");
    if (s->story && (arguments->count > 0 || s->then.count > 0 || s->prompts))
        return cli_usage_error(command, "--story has all scenes: a prompt, --then and --prompts do not go with it");
    if (s->prompts && (s->first || s->context > 0))
        return cli_usage_error(command, "--prompts makes clips of their own: --first and --context do not go with it");
    if (s->then.count > 0 && arguments->count == 0)
        return cli_usage_error(command, "--then goes on from a prompt, which is missing");
    if (arguments->count == 0 && !s->text.text_ids.values && !s->prompts && !s->story)
        return cli_usage_error(command, "a prompt is missing (or --prompts, --story or --text-ids)");
    if (s->prompts && (arguments->count > 0 || s->text.text_ids.values))
        return cli_usage_error(command, "a prompt of its own, --text-ids and --prompts: only one of them was expected");
    return CLI_OK;
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    generate_settings *s = given;
    cli_session session = { 0 };
    int status = check_settings(command, s, arguments);

    if (status == CLI_OK && (status = cli_open_prompt(command, &session, &s->model, &s->text, arguments)) == CLI_OK)
        status = s->prompts ? generate_list_run(command, &session, s, arguments)
                            : generate_run(command, &session, s, arguments);
    cli_close(&session);
    return status;
}

static const arg_group groups[] = {
    { "Options", table, 0 },
    { "Stories, of models that tell them", story_table, 0 },
    { "Output", cli_clip_output_table, offsetof(generate_settings, output) },
    { "Picture", cli_picture_table, offsetof(generate_settings, picture) },
    { "Text", cli_text_table, offsetof(generate_settings, text) },
    { "Guidance", cli_guide_table, offsetof(generate_settings, text) },
    { "Sampling", cli_sampling_table, offsetof(generate_settings, sampling) },
    { "Candidates", cli_candidates_table, offsetof(generate_settings, sampling) },
    { "Speed", cli_lookahead_table, offsetof(generate_settings, sampling) },
    { "Sampling of models that fill a scene in steps", cli_steps_table, offsetof(generate_settings, sampling) },
    { "Model", cli_model_table, offsetof(generate_settings, model) },
    { 0 },
};

const cli_command cmd_generate = {
    .name = "generate",
    .summary = "make a video from a prompt: all stages in a row",
    .usage = "[OPTIONS] PROMPT -o VIDEO",
    .details =
        "The prompt is Chinese for the original's weights; - reads it from standard input. Beside clip.mp4 stand\n"
        "  clip.keyframes.jsonl     the codes of stage 1\n"
        "  clip.interpolated.jsonl  the codes of stage 2, where super-resolution follows\n"
        "  clip.jsonl               the codes that clip.mp4 shows\n"
        "  clip.json                all that is needed to make it again, from which --resume sees that it is what is asked for\n"
        "and, until all is done, clip.journal with every row of codes that is drawn: --resume goes on from it.\n"
        "A video that is missing, or asked for in another form or size, --resume makes of the codes that are there.\n\n" CLI_FORMS_HELP,
    .examples =
        "  cogvideo generate \"a large red star moves left on a white background\" --seed 2 -o clip.mp4\n"
        "  cogvideo generate \"白色背景上一个大的红色圆形向左移动\" --samples 2 --seed 1 -o circle-%d.gif\n"
        "  cogvideo generate \"白色背景上一个大的红色圆形向左移动\" --samples 2 --seed 1 -o circle-%d.gif --resume\n"
        "  cogvideo generate --model weights/cogvideo \"海浪拍打着沙滩\" --no-upscale --seed 1 -o waves.mp4\n"
        "  cogvideo generate --model weights/phenaki \"a teddy bear swims\" --then \"the teddy bear walks on the beach\" -o bear.mp4",
    .min_arguments = 0,
    .max_arguments = 1,
    .groups = groups,
    .settings_size = sizeof(generate_settings),
    .run = run,
};
