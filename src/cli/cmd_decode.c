/* cogvideo decode - turns codes into pixels, in the format that the output's name ending selects. */
#include "commands.h"
#include "json_out.h"
#include "output.h"
#include "pixels.h"
#include "result.h"
#include "say.h"

typedef struct settings {
    cli_model_options model;
    cli_output_options output;
    cli_picture_options picture;
} settings;

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    const settings *s = given;
    cli_session session = { 0 };
    cogvideo_tokens tokens = { 0 };
    int status;

    if ((status = cli_need_output(command, &s->output)) != CLI_OK)
        return status;
    cli_progress_init(&session.progress, s->model.quiet);
    if ((status = cli_check_video(s->output.output, s->output.force)) != CLI_OK ||
        (status = cli_open_clip(command, &session, &s->model, arguments->values[0], &tokens)) != CLI_OK ||
        (status = cli_decode_file(&session, &tokens, &s->picture, s->output.output)) != CLI_OK)
        goto done;
    if (s->output.json) {
        json_out json = { .stream = stdout, .first = 1 };

        json_begin(&json, NULL);
        json_string(&json, "file", s->output.output);
        json_integer(&json, "frames", tokens.frames);
        json_end(&json);
        putchar('\n');
    }
done:
    cogvideo_tokens_free(&tokens);
    cli_close(&session);
    return status;
}

static const arg_group groups[] = {
    { "Picture", cli_picture_table, offsetof(settings, picture) },
    { "Output", cli_output_table, offsetof(settings, output) },
    { "Model", cli_model_table, offsetof(settings, model) },
    { 0 },
};

const cli_command cmd_decode = {
    .name = "decode",
    .summary = "turn codes into a video or pictures",
    .usage = "[OPTIONS] CODES -o FILE",
    .details = CLI_FORMS_HELP,
    .examples = "  cogvideo decode clip.jsonl -o clip.gif\n"
                "  cogvideo decode clip.jsonl --size 160 -o frame-%04d.jpg\n"
                "  cogvideo decode clip.jsonl -o - | ffmpeg -i - -vf reverse reversed.mp4",
    .min_arguments = 1,
    .max_arguments = 1,
    .missing = "a file of codes is missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
