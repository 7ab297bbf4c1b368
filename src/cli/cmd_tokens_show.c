/* cogvideo tokens show - describes a file of codes. */
#include "commands.h"
#include "json_out.h"
#include "result.h"
#include "session.h"
#include "inspect_print.h"
#include "say.h"

#include <limits.h>
#include <stdlib.h>

typedef struct settings {
    int frame, json;
    cli_score_options inspect;
    cli_model_options model;
    cli_text_options text;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "frame", 0, "N", "print this frame's codes, a line per row; numbered from 0", ARG_INT, FIELD(frame), 0,
      2147483647, -1, NULL },
    { "json", 0, NULL, "print a JSON object; codes only with --frame or --model", ARG_FLAG, FIELD(json), 0, 0, 0,
      NULL },
    { 0 },
};

#undef FIELD

#define FIELD(field) offsetof(cli_model_options, field)
static const arg_option model_table[] = {
    { "model", 'm', "DIR", "inspect the codes with this model; without it only the file is read", ARG_TEXT,
      FIELD(model), 0, 0, 0, NULL },
    { "threads", 't', "N", CLI_THREADS_HELP, ARG_INT, FIELD(threads), 0, 1024, 0, NULL },
    { "quiet", 'q', NULL, "print neither progress nor notes; warnings and errors remain", ARG_FLAG, FIELD(quiet), 0, 0,
      0, NULL },
    { 0 },
};
#undef FIELD

static int compare_codes(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

/* Returns how many different codes a frame has. */
static size_t count_different(const int32_t *codes, size_t places, int32_t *scratch)
{
    size_t different = 1;

    for (size_t i = 0; i < places; i++)
        scratch[i] = codes[i];
    qsort(scratch, places, sizeof *scratch, compare_codes);
    for (size_t i = 1; i < places; i++)
        different += scratch[i] != scratch[i - 1];
    return different;
}

static void put_scenes(json_out *json, const cogvideo_tokens *clip)
{
    int first, frames, given;

    json_begin_array(json, "scenes");
    for (int i = 0; cogvideo_tokens_scene(clip, i, &first, &frames, &given); i++) {
        json_begin(json, NULL);
        json_integer(json, "first", first);
        json_integer(json, "frames", frames);
        json_integer(json, "given", given);
        json_end(json);
    }
    json_end_array(json);
}

/* `inspected` is NULL without a model. */
static void show_json(const cogvideo_tokens *clip, int frame, const cli_inspected *inspected)
{
    json_out json = { .stream = stdout, .first = 1 };
    size_t places = cogvideo_tokens_per_frame(clip);

    json_begin(&json, NULL);
    json_integer(&json, "frames", clip->frames);
    json_shape(&json, clip);
    json_integer(&json, "rate", clip->rate);
    json_begin_array(&json, "times");
    for (int i = 0; i < clip->frames; i++)
        json_number(&json, NULL, clip->times[i], 15);
    json_end_array(&json);
    if (clip->scenes)
        put_scenes(&json, clip);
    if (clip->header)
        json_raw(&json, "header", clip->header);
    if (inspected && frame >= 0) {
        cli_json_frame(&json, clip, inspected, frame);
    } else if (inspected) {
        json_begin_array(&json, "inspected");
        for (int i = 0; i < clip->frames; i++) {
            json_begin(&json, NULL);
            cli_json_frame(&json, clip, inspected, i);
            json_end(&json);
        }
        json_end_array(&json);
    } else if (frame >= 0) {
        json_integer(&json, "frame", frame);
        json_ints(&json, "codes", clip->codes + (size_t)frame * places, places);
        cli_json_drawn(&json, clip, frame);
    }
    json_end(&json);
    putchar('\n');
}

static void show_frame(const cogvideo_tokens *clip, int frame)
{
    const int32_t *codes = clip->codes + (size_t)frame * cogvideo_tokens_per_frame(clip);

    for (int row = 0; row < clip->height; row++)
        for (int column = 0; column < clip->width; column++)
            printf("%5d%c", codes[row * clip->width + column], column + 1 < clip->width ? ' ' : '\n');
}

/* How large a frame is, and what it stands for. */
static void show_shape(const cogvideo_tokens *clip)
{
    const int across = cogvideo_tokens_rate_across(clip);
    int first, frames, given, scenes = 0;

    while (cogvideo_tokens_scene(clip, scenes, &first, &frames, &given))
        scenes++;
    printf("%d frame%s of %dx%d codes, ", clip->frames, clip->frames == 1 ? "" : "s", clip->width, clip->height);
    if (across != clip->rate)
        printf("%dx", across);
    printf("%d pixels per code: %dx%d pixels\n", clip->rate, clip->width * across, clip->height * clip->rate);
    if (clip->frames_per_code != 1)
        printf("the first frame%s stands for one video frame, each other one for %d: %lld video frames\n",
               scenes > 1 ? " of a scene" : "", clip->frames_per_code, cogvideo_tokens_video_frames(clip));
    for (int i = 0; scenes > 1 && cogvideo_tokens_scene(clip, i, &first, &frames, &given); i++)
        printf("scene %d: frames %d to %d, of which %d given\n", i, first, first + frames - 1, given);
}

/* In which steps a frame's codes were drawn, and how sure they were. */
static void show_drawn(const cogvideo_tokens *clip, int frame)
{
    const size_t places = cogvideo_tokens_per_frame(clip), at = (size_t)frame * places;
    int least = INT_MAX, most = -1;
    double sum = 0;

    for (size_t i = at; clip->settled && i < at + places; i++) {
        least = clip->settled[i] < least ? clip->settled[i] : least;
        most = clip->settled[i] > most ? clip->settled[i] : most;
    }
    if (clip->given && clip->given[frame])
        printf(", given");
    else if (most >= 0)
        printf(", settled in steps %d to %d", least, most);
    for (size_t i = at; clip->confidence && i < at + places; i++)
        sum += (double)clip->confidence[i];
    if (clip->confidence && !(clip->given && clip->given[frame]))
        printf(", mean confidence %.3f", sum / (double)places);
}

static void show_clip(const cogvideo_tokens *clip)
{
    size_t places = cogvideo_tokens_per_frame(clip);
    int32_t *scratch = cli_alloc(places, sizeof *scratch);

    show_shape(clip);
    if (clip->header) {
        json_out json = { .stream = stdout, .first = 1 };

        fputs("made by: ", stdout);
        json_raw(&json, NULL, clip->header);
        putchar('\n');
    }
    for (int i = 0; i < clip->frames; i++) {
        printf("frame %3d at %g s: %zu different codes", i, clip->times[i],
               count_different(clip->codes + (size_t)i * places, places, scratch));
        show_drawn(clip, i);
        putchar('\n');
    }
    free(scratch);
}

/* Shows what a model predicts for the clip's codes. */
static int show_inside(const cli_command *command, cli_session *session, settings *s, const cogvideo_tokens *clip)
{
    cli_inspected inspected = { 0 };
    int status = cli_open(command, session, &s->model);

    if (status == CLI_OK)
        status = cli_inspect(command, session, &s->text, &s->inspect, clip, NULL, &inspected);
    if (status == CLI_OK && s->json)
        show_json(clip, s->frame, &inspected);
    else if (status == CLI_OK && s->frame >= 0)
        cli_print_places(session->model, clip, &inspected, s->frame);
    else if (status == CLI_OK)
        cli_print_frames(clip, &inspected);
    cli_inspected_free(&inspected);
    return status;
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    settings *s = given;
    cli_session session = { 0 };
    cogvideo_tokens clip = { 0 };
    int status;

    if (!s->model.model && (s->inspect.stage || s->inspect.first_frame || s->text.prompt || s->text.text_ids.values))
        return cli_usage_error(command, "--stage, --first-frame and texts need a model: --model DIR");
    if ((status = cli_load_clip(&session, arguments->values[0], &clip)) != CLI_OK)
        return status;
    if (s->frame >= clip.frames)
        status = cli_error("%s: has %d frames, numbered from 0; frame %d does not exist", arguments->values[0],
                           clip.frames, s->frame);
    else if (s->model.model)
        status = show_inside(command, &session, s, &clip);
    else if (s->json)
        show_json(&clip, s->frame, NULL);
    else if (s->frame >= 0)
        show_frame(&clip, s->frame);
    else
        show_clip(&clip);
    cogvideo_tokens_free(&clip);
    cli_close(&session);
    return status;
}

static const arg_group groups[] = { { "Options", table, 0 },
                                    { "Looking inside", model_table, offsetof(settings, model) },
                                    { "What is inspected, with --model", cli_inspect_table,
                                      offsetof(settings, inspect) },
                                    { "Text, with --model", cli_prompt_table, offsetof(settings, text) },
                                    { "More about the text, with --model", cli_text_table, offsetof(settings, text) },
                                    { "Guidance, with --model", cli_guide_table, offsetof(settings, text) },
                                    { 0 } };

const cli_command cmd_tokens_show = {
    .name = "tokens show",
    .summary = "describe a file of codes",
    .usage = "[OPTIONS] CODES",
    .details = "CODES is a token stream (.jsonl); - is standard input.\n"
               "With --model a model evaluates it: for each frame, or for each token of --frame N, the probability of "
               "the codes\n"
               "as in 'cogvideo score', the entropy, the most likely code, and what changed since the previous frame. "
               "'tokens\n"
               "report' makes a page of it.",
    .examples = "  cogvideo tokens show clip.jsonl\n"
                "  cogvideo tokens show --frame 0 clip.jsonl\n"
                "  cogvideo tokens show --model weights/shapes --frame 1 clip.jsonl",
    .min_arguments = 1,
    .max_arguments = 1,
    .missing = "a file of codes is missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
