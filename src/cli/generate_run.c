#include "generate_run.h"

#include "generate_keep.h"
#include "generate_options.h"
#include "names.h"
#include "pixels.h"
#include "result.h"
#include "run.h"
#include "story.h"

void generate_run_fill(const cli_session *session, const generate_settings *s, const cli_arguments *arguments,
                       cogvideo_generate_options *options, cogvideo_run_options *run)
{
    static const char *const coarser[] = { "upscale" }, *const finer[] = { "refine" };

    if (s->seconds > 0)
        options->seconds = s->seconds;
    options->samples = s->samples;
    options->rounds = s->rounds;
    options->batch = s->batch;
    *run = cli_picture_run(session, &s->picture);
    cli_run_output(run, session, &s->output, &s->sampling, arguments);
    run->without = coarser;
    run->without_count = s->no_upscale;
    run->with = finer;
    run->with_count = s->refine;
}

/* The preview's file must not be one of the clips'. */
static int check_preview(cli_session *session, const generate_settings *s, const cogvideo_generate_options *options,
                         const cogvideo_run_options *run)
{
    cogvideo_error err;

    if (cogvideo_video_check_path(s->preview, &err) != COGVIDEO_OK)
        return cli_failed(session, &err);
    return cli_names_check_beside(session, options, run, (cli_beside[]){ { s->preview, CLI_NAMES_PREVIEW }, { 0 } });
}

int generate_run(const cli_command *command, cli_session *session, generate_settings *s, const cli_arguments *arguments)
{
    cogvideo_generate_options options;
    cogvideo_run_options run;
    cogvideo_result result = { 0 };
    cogvideo_model *networks = NULL;
    cli_story story = { 0 };
    cogvideo_error err;
    int status = cli_generate_options(command, session, &s->text, &s->sampling, &options);

    if (status != CLI_OK)
        return status;
    generate_run_fill(session, s, arguments, &options, &run);
    if ((status = cli_story_open(&story, session, s, &options, &run)) != CLI_OK)
        goto done;
    if (s->preview && (status = check_preview(session, s, &options, &run)) != CLI_OK)
        goto done;
    if (s->keep > 0 && (status = generate_keep_open(command, session, s, &networks)) != CLI_OK)
        goto done;
    session->preview = s->preview;
    session->shown_frame = -1;
    options.callbacks.frame = s->preview ? cli_preview : NULL;
    options.callbacks.sketch = s->preview ? cli_preview_scene : NULL;
    status = cli_run_end(session, cogvideo_generate(session->model, &options, &run, &result, &err), &result, &err,
                         arguments);
    if (status == CLI_OK && s->keep > 0)
        status = generate_keep(session, s, networks, &result);
    if (status == CLI_OK && s->output.json)
        cli_clips_json(&result, s->keep > 0 ? s->keep : result.count);
done:
    cli_story_close(&story);
    cogvideo_result_free(&result);
    cogvideo_model_close(&networks);
    return status;
}
