/* cogvideo score - prints the model's log-probability of each code of a clip. */
#include "commands.h"
#include "generate_options.h"
#include "json_out.h"
#include "prompt.h"
#include "result.h"
#include "say.h"

#include <stdlib.h>

typedef struct settings {
    cli_model_options model;
    cli_text_options text;
    cli_score_options score;
    const char *caption;
    int english, json;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "caption", 0, "TEXT",
      "score this text under each frame in place of the codes, by the trunk of CogVideo or CogView2", ARG_TEXT,
      FIELD(caption), 0, 0, 0, NULL },
    { "english", 0, NULL, "with --caption: read it as English; default: as Chinese, as the original does with all",
      ARG_FLAG, FIELD(english), 0, 0, 0, NULL },
    { "json", 0, NULL, "accepted for consistency: the output is always JSON Lines", ARG_FLAG, FIELD(json), 0, 0, 0,
      NULL },
    { 0 },
};

static void print_frames(const double *logprob, const int *scored, int frames, size_t places)
{
    json_out json = { .stream = stdout, .first = 1 };

    for (int i = 0; i < frames; i++) {
        if (!scored[i])
            continue;
        json.first = 1;
        json_begin(&json, NULL);
        json_integer(&json, "frame", i);
        json_begin_array(&json, "logprob");
        for (size_t j = 0; j < places; j++)
            json_number(&json, NULL, logprob[(size_t)i * places + j], 7);
        json_end_array(&json);
        json_end(&json);
        putchar('\n');
    }
}

static int score(cli_session *session, settings *s, const cogvideo_score_options *what, const cogvideo_tokens *clip)
{
    cogvideo_generate_options options;
    size_t places = cogvideo_tokens_per_frame(clip);
    double *logprob = cli_alloc((size_t)clip->frames * places, sizeof *logprob);
    int *scored = cli_alloc((size_t)clip->frames, sizeof *scored);
    cogvideo_error err;
    int status = cli_clip_prompt(session, &s->text, clip);

    cli_warn_of_unknown(session, s->text.prompt);
    cli_fill_text(session, &s->text, &options);
    if (status == CLI_OK && cogvideo_score(session->model, &options, what, clip, logprob, scored, &err) != COGVIDEO_OK)
        status = cli_failed(session, &err);
    if (status == CLI_OK) {
        cli_progress_end(&session->progress);
        print_frames(logprob, scored, clip->frames, places);
    }
    free(logprob);
    free(scored);
    return status;
}

static int score_caption(cli_session *session, const settings *s, const cogvideo_tokens *clip)
{
    const cogvideo_caption_options options = { .text = s->caption,
                                               .english = s->english,
                                               .cut_text = s->text.cut_text };
    cogvideo_caption caption;
    cogvideo_error err;

    if (cogvideo_score_caption(session->model, &options, clip, &caption, &err) != COGVIDEO_OK)
        return cli_failed(session, &err);
    for (int f = 0; f < caption.frames; f++) {
        json_out json = { .stream = stdout, .first = 1 };

        json_begin(&json, NULL);
        json_integer(&json, "frame", f);
        json_number(&json, "score", caption.score[f], 7);
        json_begin_array(&json, "ids");
        for (int i = 0; i < caption.count; i++)
            json_integer(&json, NULL, caption.ids[i]);
        json_end_array(&json);
        json_begin_array(&json, "logprob");
        for (int i = 0; i < caption.count; i++)
            json_number(&json, NULL, caption.logprob[(size_t)f * (size_t)caption.count + (size_t)i], 7);
        json_end_array(&json);
        json_end(&json);
        putchar('\n');
    }
    cogvideo_caption_free(&caption);
    return CLI_OK;
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    settings *s = given;
    cli_session session = { 0 };
    cogvideo_score_options what;
    cogvideo_tokens clip = { 0 };
    int status;

    if (s->english && !s->caption)
        return cli_usage_error(command, "--english belongs to --caption");
    if (s->caption && (s->text.prompt || s->text.text_ids.values || s->text.guide_ids.values || s->score.first_frame ||
                       s->score.stage != 1 || s->score.masked_share > 0))
        return cli_usage_error(command,
                               "--caption is scored by itself: options of the codes' text and of stages do not "
                               "go with it");
    if ((status = cli_score_what(command, &s->score, &what)) != CLI_OK)
        return status;
    if ((status = cli_open(command, &session, &s->model)) == CLI_OK &&
        (status = cli_load_clip(&session, arguments->values[0], &clip)) == CLI_OK)
        status = s->caption ? score_caption(&session, s, &clip) : score(&session, s, &what, &clip);
    cogvideo_tokens_free(&clip);
    cli_close(&session);
    return status;
}

static const arg_group groups[] = { { "Options", cli_score_table, offsetof(settings, score) },
                                    { "Format", table, 0 },
                                    { "Text", cli_prompt_table, offsetof(settings, text) },
                                    { "More about the text", cli_text_table, offsetof(settings, text) },
                                    { "Guidance", cli_guide_table, offsetof(settings, text) },
                                    { "Model", cli_model_table, offsetof(settings, model) },
                                    { 0 } };

const cli_command cmd_score = {
    .name = "score",
    .summary = "print the log-probability of each code of a clip, or of a caption",
    .usage = "[OPTIONS] CODES",
    .details =
        "Natural logarithms under the (guided) logits at temperature 1, over all image codes, as JSON Lines: a line\n"
        "{\"frame\":N,\"logprob\":[...]} for each frame that is scored.\n"
        "With --caption it is the text that is scored, over the whole vocabulary, under each frame by itself: the line has\n"
        "its \"ids\" and as \"score\" the mean, by which CogView2 ranks pictures.",
    .examples = "  cogvideo score --stage 1 key.jsonl\n"
                "  cogvideo score --stage 2 mid.jsonl > scores.jsonl\n"
                "  cogvideo score --model weights/cogview2 --caption \"海浪拍打着沙滩\" key.jsonl",
    .min_arguments = 1,
    .max_arguments = 1,
    .missing = "a file of codes is missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
