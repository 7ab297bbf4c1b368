/* cogvideo score - prints the model's log-probability of each code of a clip. */
#include "commands.h"
#include "generate_options.h"
#include "json_out.h"
#include "prompt.h"
#include "say.h"

#include <stdlib.h>

typedef struct settings {
    cli_model_options model;
    cli_text_options text;
    cli_score_options score;
    int json;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
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

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    settings *s = given;
    cli_session session = { 0 };
    cogvideo_score_options what;
    cogvideo_tokens clip = { 0 };
    cogvideo_error err;
    int status;

    if ((status = cli_score_what(command, &s->score, &what)) != CLI_OK)
        return status;
    if ((status = cli_open(command, &session, &s->model)) == CLI_OK) {
        if (cogvideo_tokens_load(&clip, arguments->values[0], &err) != COGVIDEO_OK)
            status = cli_failed(&session, &err);
        else
            status = score(&session, s, &what, &clip);
    }
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
    .summary = "print the log-probability of each code of a clip",
    .usage = "[OPTIONS] CODES",
    .details =
        "Natural logarithms under the (guided) logits at temperature 1, over all image codes, as JSON Lines: a line\n"
        "{\"frame\":N,\"logprob\":[...]} for each frame that is scored.",
    .examples = "  cogvideo score --stage 1 key.jsonl\n"
                "  cogvideo score --stage 2 mid.jsonl > scores.jsonl",
    .min_arguments = 1,
    .max_arguments = 1,
    .missing = "a file of codes is missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
