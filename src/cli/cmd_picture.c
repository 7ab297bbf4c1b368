/* cogvideo picture - a prompt to a picture, or what a mask marks of a given one drawn anew. */
#include "commands.h"
#include "generate_options.h"
#include "mask.h"
#include "names.h"
#include "pixels.h"
#include "prompt.h"
#include "result.h"
#include "run.h"
#include "say.h"

#include "base/path.h"

#include <string.h>

typedef struct settings {
    cli_model_options model;
    cli_output_options output;
    cli_text_options text;
    cli_sampling_options sampling;
    cli_picture_options picture;
    const char *image, *mask;
    int samples, keep, english, no_upscale, no_refine, keep_outside;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "style", 0, "NAME", "of the model's styles, such as photo or oil, which 'cogvideo info' lists; default: its own",
      ARG_TEXT, FIELD(text) + offsetof(cli_text_options, style), 0, 0, 0, NULL },
    { "samples", 0, "N", "pictures to make side by side, up to 64; then -o needs a number, as cat-%d.jpg", ARG_INT,
      FIELD(samples), 1, COGVIDEO_MAX_SAMPLES, 1, NULL },
    { "keep", 0, "N",
      "of the samples, make only the N finer under which the prompt is likeliest (score --caption); default: all",
      ARG_INT, FIELD(keep), 1, COGVIDEO_MAX_SAMPLES, 0, NULL },
    { "english", 0, NULL, "with --keep: read the prompt as English; default: as Chinese, as the original does with all",
      ARG_FLAG, FIELD(english), 0, 0, 0, NULL },
    { "no-upscale", 0, NULL, "no super-resolution: coarser, and far quicker", ARG_FLAG, FIELD(no_upscale), 0, 0, 0,
      NULL },
    { "no-refine", 0, NULL, "no iterative super-resolution behind the first", ARG_FLAG, FIELD(no_refine), 0, 0, 0,
      NULL },
    { 0 },
};

static const arg_option hole_table[] = {
    { "image", 0, "FILE",
      "a picture, or codes (.jsonl; - reads codes from standard input), of which --mask marks what is drawn anew",
      ARG_TEXT, FIELD(image), 0, 0, 0, NULL },
    { "mask", 0, "MASK",
      "x,y,w,h in pixels (in codes of a file of codes) or, with a point, in shares of the centred square; or a picture "
      "of the same size whose bright pixels are drawn anew",
      ARG_TEXT, FIELD(mask), 0, 0, 0, NULL },
    { "keep-outside", 0, NULL,
      "outside of the mask the given picture's own pixels; default: all of it goes through codes, as in the original",
      ARG_FLAG, FIELD(keep_outside), 0, 0, 0, NULL },
    { 0 },
};

/* What a run begins with, where it is given: codes, or a picture; and what of it is drawn anew. */
typedef struct hole {
    cogvideo_value codes;
    cogvideo_video picture;
    cli_mask mask;
    cogvideo_window window;
} hole;

static void hole_free(hole *h)
{
    cogvideo_value_free(&h->codes);
    cogvideo_video_free(&h->picture);
    cli_mask_free(&h->mask);
}

static int load_codes(const cli_command *command, cli_session *session, settings *s, hole *h)
{
    cogvideo_tokens *codes = &h->codes.codes;
    int status = cli_load_clip(session, s->image, codes);

    if (status != CLI_OK)
        return status;
    h->codes.kind = COGVIDEO_KIND_CODES;
    cli_clip_seed(session, &s->sampling, codes);
    if (s->keep_outside)
        return cli_usage_error(command, "--keep-outside keeps pixels, and %s has codes", s->image);
    if (codes->width != session->info.width || codes->height != session->info.height)
        return cli_error("%s: has pictures of %dx%d codes, and this model draws %dx%d", s->image, codes->width,
                         codes->height, session->info.width, session->info.height);
    return cli_mask_read(command, session, s->mask, codes->width, codes->height, codes->rate, codes->width, &h->mask);
}

/* The picture in the size that the model completes, and its mask. */
static int load_picture(const cli_command *command, cli_session *session, const settings *s, hole *h)
{
    const cogvideo_read_options options = { .max_frames = 1, .log = cli_log(session) };
    cogvideo_video read = { 0 };
    cogvideo_error err;
    int status = CLI_OK;

    if (cogvideo_video_read(&read, s->image, &options, &err) != COGVIDEO_OK ||
        cogvideo_video_alloc(&h->picture, h->window.side, h->window.side, 1, 0, &err) != COGVIDEO_OK ||
        cogvideo_frame_resize(h->picture.pixels, &(cogvideo_frame){ read.width, read.height, read.pixels, .aspect = 1 },
                              h->window.side, h->window.side, COGVIDEO_RESIZE_ICETK, &err) != COGVIDEO_OK)
        status = cli_failed(session, &err);
    else
        status = cli_mask_read(command, session, s->mask, read.width, read.height, 1, h->window.side, &h->mask);
    cogvideo_video_free(&read);
    return status;
}

static int load(const cli_command *command, cli_session *session, settings *s, hole *h,
                cogvideo_generate_options *options)
{
    cogvideo_error err;
    int status;

    if (cogvideo_find_window(session->model, options, &h->window, &err) != COGVIDEO_OK)
        return cli_failed(session, &err);
    if (!s->image)
        return CLI_OK;
    status = cv_path_ends_in(s->image, ".jsonl") || strcmp(s->image, "-") == 0 ? load_codes(command, session, s, h)
                                                                               : load_picture(command, session, s, h);
    if (status != CLI_OK)
        return status;
    options->mask = h->mask.places;
    options->mask_height = options->mask_width = h->mask.side;
    options->picture = h->picture.pixels ? &h->picture : NULL;
    if (options->picture && cogvideo_find_window(session->model, options, &h->window, &err) != COGVIDEO_OK)
        return cli_failed(session, &err);
    return CLI_OK;
}

/* The steps of a picture: what is in the family's row for videos alone is left out. */
typedef struct steps {
    const char *with[4], *without[4];
} steps;

static void set_steps(const settings *s, const hole *h, cogvideo_generate_options *options, cogvideo_run_options *run,
                      steps *names)
{
    names->with[run->with_count++] = s->image ? "complete" : "first_frame";
    if (options->picture && (h->window.fine || h->window.size < h->window.side))
        names->with[run->with_count++] = "fit";
    names->without[run->without_count++] = "keyframes";
    names->without[run->without_count++] = "interpolate";
    if (s->no_upscale || !h->window.fine)
        names->without[run->without_count++] = "upscale";
    else if (!s->no_refine && cogvideo_find_step(options, "refine"))
        names->with[run->with_count++] = "refine";
    if (cv_path_ends_in(s->output.output, ".jsonl"))
        names->without[run->without_count++] = "decode";
    run->with = names->with;
    run->without = names->without;
}

static int make(const cli_command *command, cli_session *session, settings *s, const cli_arguments *arguments)
{
    cogvideo_generate_options options;
    cogvideo_run_options run = cli_picture_run(session, &s->picture);
    cogvideo_result result = { 0 };
    hole h = { .codes = { .kind = COGVIDEO_KIND_NONE } };
    steps names;
    cogvideo_error err;
    int status;

    if ((status = cli_generate_options(command, session, &s->text, &s->sampling, &options)) != CLI_OK ||
        (status = load(command, session, s, &h, &options)) != CLI_OK)
        goto done;
    options.samples = s->samples;
    cli_run_output(&run, session, &s->output, &s->sampling, arguments);
    set_steps(s, &h, &options, &run, &names);
    run.decode.keep_outside = s->keep_outside;
    run.first = h.codes.kind ? &h.codes : NULL;
    run.keep = s->keep;
    run.keep_english = s->english;
    if (s->image && (status = cli_names_check_beside(session, &options, &run,
                                                     (cli_beside[]){ { s->image, CLI_NAMES_IMAGE },
                                                                     { s->mask, CLI_NAMES_MASK },
                                                                     { 0 } })) != CLI_OK)
        goto done;
    status = cli_run_end(session, cogvideo_generate(session->model, &options, &run, &result, &err), &result, &err,
                         arguments);
    if (status == CLI_OK && s->output.json)
        cli_clips_json(&result, result.count);
done:
    cogvideo_result_free(&result);
    hole_free(&h);
    return status;
}

static int check_settings(const cli_command *command, const settings *s, const cli_arguments *arguments)
{
    int status = cli_need_output(command, &s->output);

    if (status != CLI_OK || (status = cli_need_number(command, s->output.output, s->samples)) != CLI_OK)
        return status;
    if (arguments->count == 0 && !s->text.text_ids.values)
        return cli_usage_error(command, "a prompt is missing (or --text-ids)");
    if (s->keep > s->samples)
        return cli_usage_error(command, "--keep %d is more than --samples %d", s->keep, s->samples);
    if (s->keep && arguments->count == 0)
        return cli_usage_error(command, "--keep needs a prompt to choose by");
    if (s->english && !s->keep)
        return cli_usage_error(command, "--english belongs to --keep");
    if (!s->image != !s->mask)
        return cli_usage_error(command, "--image and --mask belong together: %s is missing",
                               s->image ? "--mask" : "--image");
    if (s->keep_outside && !s->image)
        return cli_usage_error(command, "--keep-outside belongs to --image");
    if (s->keep_outside && cv_path_ends_in(s->output.output, ".jsonl"))
        return cli_usage_error(command, "--keep-outside keeps pixels, and -o %s has codes", s->output.output);
    if (s->samples == 1 && (status = cli_refuse_number(command, s->output.output)) != CLI_OK)
        return status;
    return CLI_OK;
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    settings *s = given;
    cli_session session = { 0 };
    int status = check_settings(command, s, arguments);

    if (status == CLI_OK && (status = cli_open_prompt(command, &session, &s->model, &s->text, arguments)) == CLI_OK)
        status = make(command, &session, s, arguments);
    cli_close(&session);
    return status;
}

static const arg_group groups[] = {
    { "Options", table, 0 },
    { "A hole in a picture", hole_table, 0 },
    { "Output", cli_clip_output_table, offsetof(settings, output) },
    { "Picture", cli_picture_table, offsetof(settings, picture) },
    { "Text", cli_text_table, offsetof(settings, text) },
    { "More about the text", cli_text_weight_table, offsetof(settings, text) },
    { "Sampling", cli_sampling_table, offsetof(settings, sampling) },
    { "Speed", cli_lookahead_table, offsetof(settings, sampling) },
    { "Model", cli_model_table, offsetof(settings, model) },
    { 0 },
};

const cli_command cmd_picture = {
    .name = "picture",
    .summary = "make a picture from a prompt, or draw a part of one anew",
    .usage = "[OPTIONS] PROMPT -o PICTURE",
    .details =
        "The first frame of CogVideo, or all that CogView2 makes: only the trunk (import --coglm) is needed, and both\n"
        "super-resolutions where they are there. Beside cat.jpg stand its codes, cat.jsonl, those of each step before, and\n"
        "the record cat.json; -o cat.jsonl makes codes alone. --resume goes on from cat.journal.\n"
        "With --image and --mask what the mask marks is drawn anew, given the prompt and all the rest.",
    .examples =
        "  cogvideo picture \"a large red star on a white background\" --seed 1 -o one-star.jpg\n"
        "  cogvideo picture --model weights/cogview2 \"一只戴帽子的猫\" --style oil --samples 8 --keep 2 -o cat-%d.png\n"
        "  cogvideo picture --model weights/cogview2 \"戴红领结的女孩\" --image photo.jpg --mask 180,120,200,260 -o girl.png",
    .min_arguments = 0,
    .max_arguments = 1,
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
