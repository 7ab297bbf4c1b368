#include "result.h"

#include "json_out.h"
#include "say.h"

#include "base/pattern.h"

#include <string.h>

int cli_need_output(const cli_command *command, const cli_output_options *options)
{
    if (!options->output)
        return cli_usage_error(command, "an output is missing: -o FILE");
    if (options->json && strcmp(options->output, "-") == 0)
        return cli_usage_error(command, "--json and -o - cannot be combined: both write to standard output");
    if (options->resume && strcmp(options->output, "-") == 0)
        return cli_usage_error(command, "--resume goes on from a journal beside the output, so -o must be a file name");
    if (options->resume && options->force)
        return cli_usage_error(command, "--resume and --force cannot be combined: one goes on, the other starts over");
    return CLI_OK;
}

int cli_refuse_number(const cli_command *command, const char *output)
{
    if (!cv_pattern_is(output))
        return CLI_OK;
    return cli_usage_error(command, "one clip is made, so its name takes no number, as '%s' has", output);
}

int cli_need_number(const cli_command *command, const char *output, int samples)
{
    if (samples == 1 || cv_pattern_check(output, NULL) == COGVIDEO_OK)
        return CLI_OK;
    return cli_usage_error(command,
                           "--samples %d needs a number in the output's name: put %%d before the ending of '%s'",
                           samples, output);
}

int cli_load_clip(cli_session *session, const char *path, cogvideo_tokens *clip)
{
    const int status = cli_take_input(session, path, "codes");
    cogvideo_error err;

    if (status != CLI_OK)
        return status;
    return cogvideo_tokens_load(clip, path, &err) == COGVIDEO_OK ? CLI_OK : cli_failed(session, &err);
}

int cli_open_clip(const cli_command *command, cli_session *session, const cli_model_options *model, const char *input,
                  cogvideo_tokens *in)
{
    int status = cli_load_clip(session, input, in);

    return status == CLI_OK ? cli_open(command, session, model) : status;
}

int cli_save_clip(cli_session *session, const cogvideo_tokens *clip, const char *path, int json)
{
    cogvideo_error err;

    cli_progress_end(&session->progress);
    if (cogvideo_tokens_save(clip, path, &err) != COGVIDEO_OK)
        return cli_failed(session, &err);
    if (json)
        cli_result_json(&(cogvideo_clip){ .shape = cogvideo_value_shape(
                                              &(cogvideo_value){ .kind = COGVIDEO_KIND_CODES, .codes = *clip }),
                                          .files = { { "codes", (char *)path } },
                                          .file_count = 1 },
                        1, -1);
    else if (!session->progress.quiet && strcmp(path, "-") != 0)
        cli_say("%s: %d frame%s of %dx%d codes", path, clip->frames, clip->frames == 1 ? "" : "s", clip->width,
                clip->height);
    return CLI_OK;
}

void cli_result_json(const cogvideo_clip *clips, int count, int64_t seed)
{
    json_out json = { .stream = stdout, .first = 1 };

    json_begin(&json, NULL);
    if (seed >= 0)
        json_integer(&json, "seed", seed);
    json_begin_array(&json, "files");
    for (int i = 0; i < count; i++) {
        const cogvideo_shape *shape = &clips[i].shape;

        json_begin(&json, NULL);
        json_string(&json, "file", cogvideo_clip_path(&clips[i], "codes"));
        json_integer(&json, "frames", shape->frames);
        json_shape(&json, &(cogvideo_tokens){ .height = shape->height,
                                              .width = shape->width,
                                              .frames_per_code = shape->frames_per_code });
        json_integer(&json, "rate", shape->rate);
        json_end(&json);
    }
    json_end_array(&json);
    json_end(&json);
    putchar('\n');
}

void cli_clips_json(const cogvideo_result *result, int count)
{
    json_out json = { .stream = stdout, .first = 1 };

    json_begin(&json, NULL);
    json_integer(&json, "seed", (long long)result->seed);
    json_begin_array(&json, "clips");
    for (int i = 0; i < count; i++) {
        json_begin(&json, NULL);
        for (int f = 0; f < result->clips[i].file_count; f++)
            json_string(&json, result->clips[i].files[f].name, result->clips[i].files[f].path);
        if (result->clips[i].score != 0)
            json_number(&json, "score", result->clips[i].score, 7);
        json_end(&json);
    }
    json_end_array(&json);
    json_end(&json);
    putchar('\n');
}
