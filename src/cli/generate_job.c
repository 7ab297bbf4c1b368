#include "generate_job.h"

#include "names.h"
#include "plan.h"
#include "resume.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>

typedef struct job {
    cli_session *session;
    cogvideo_generate_options options;
    cli_files files[CLI_MAX_SAMPLES]; /* of each sample */
    cogvideo_tokens keys[CLI_MAX_SAMPLES];
    int upscale;
} job;

/* --- before the run ---------------------------------------------------------------------------------- */

int generate_job_files(const cli_command *command, const generate_settings *s, cli_files *files)
{
    char *videos[CLI_MAX_SAMPLES] = { 0 };
    int status = cli_sample_paths(command, s->output.output, s->samples, s->sampling.first_sample, videos);

    for (int i = 0; i < s->samples && status == CLI_OK; i++)
        cli_files_of_video(&files[i], videos[i]);
    for (int i = 0; i < s->samples; i++)
        free(videos[i]);
    return status;
}

static int upscales(const cli_session *session, const generate_settings *s)
{
    return session->info.has_upscaler && !s->no_upscale;
}

static int check_model(job *j, const generate_settings *s)
{
    const cogvideo_model_info *info = &j->session->info;
    const char *missing = !info->has_stage1 ? "stage 1" : !info->has_stage2 ? "stage 2" :
                          !info->has_image_tokenizer ? "image tokenizer" : NULL;

    if (missing)
        return cli_error("the model '%s' has no %s, which generate needs; 'cogvideo info' tells what it has",
                         info->name, missing);
    j->upscale = upscales(j->session, s);
    if (!info->has_upscaler && !s->no_upscale && !s->model.quiet)
        cli_say("the model has no super-resolution: the clip stays at %dx%d codes", info->grid, info->grid);
    return CLI_OK;
}

cogvideo_status generate_job_check(const cli_session *session, const generate_settings *s, const cogvideo_generate_options *options,
                                   cogvideo_error *err)
{
    const cogvideo_model_info *info = &session->info;
    const int frames = cli_frames_after(session, info->keyframes, s->rounds), upscale = upscales(session, s);
    const struct {
        cogvideo_stage stage;
        int frames, runs;
    } stages[] = {
        { COGVIDEO_STAGE_FIRST_FRAME, 1, 1 },
        { COGVIDEO_STAGE_KEYFRAMES, info->keyframes, info->keyframes > 1 },
        { COGVIDEO_STAGE_INTERPOLATE, info->keyframes, 1 },
        { COGVIDEO_STAGE_UPSCALE, frames, upscale },
        { COGVIDEO_STAGE_DECODE, frames, 1 },
    };
    cogvideo_status status = COGVIDEO_OK;

    for (size_t i = 0; i < sizeof stages / sizeof *stages && status == COGVIDEO_OK; i++)
        if (stages[i].runs)
            status = cogvideo_check_stage(session->model, options, stages[i].stage, stages[i].frames, err);
    return status;
}

/* The preview's file must not be one of the clips'. */
static int check_preview(const job *j, const generate_settings *s)
{
    cli_names names = { 0 };
    int status = cli_check_video(s->preview, 1);

    for (int i = 0; i < s->samples && status == CLI_OK; i++)
        status = cli_names_add_clip(&names, &j->files[i], cli_frames_after(j->session, j->session->info.keyframes, s->rounds), 0);
    if (status == CLI_OK && (status = cli_names_add(&names, s->preview, CLI_NAMES_PREVIEW)) == CLI_OK)
        status = cli_names_check(&names, s->output.output);
    cli_names_free(&names);
    return status;
}

/* That the videos can be written, which is done last. */
static int check_videos(job *j, const generate_settings *s)
{
    const cogvideo_model_info *info = &j->session->info;
    const int side = (j->upscale ? info->upscaled_grid : info->grid) * info->rate;
    int status = s->preview ? check_preview(j, s) : CLI_OK;

    for (int i = 0; i < s->samples && status == CLI_OK; i++)
        status = cli_check_pixels(j->session, j->files[i].video, &s->picture, side, cli_frames_after(j->session, info->keyframes, s->rounds));
    return status;
}

/* What all stages will take. */
static int announce(job *j, const generate_settings *s)
{
    const cogvideo_model_info *info = &j->session->info;
    const int frames = cli_frames_after(j->session, info->keyframes, s->rounds), grid = j->upscale ? info->upscaled_grid : info->grid;
    const int wanted = s->picture.size < 0 ? info->picture_size : s->picture.size;
    const long long coarse = (long long)info->grid * info->grid, fine = j->upscale ? (long long)grid * grid : 0;
    const long long side = wanted > grid * info->rate ? wanted : grid * info->rate;
    int status;

    j->session->progress.planned = j->session->progress.finished = 0; /* of the prompt before */
    if ((status = cli_announce(j->session, &j->options, COGVIDEO_STAGE_KEYFRAMES, info->keyframes, 1)) != CLI_OK ||
        (status = cli_announce_rounds(j->session, &j->options, info->keyframes, s->rounds, s->batch, s->samples)) != CLI_OK)
        return status;
    if (j->upscale && (status = cli_announce(j->session, &j->options, COGVIDEO_STAGE_UPSCALE, frames, s->samples)) != CLI_OK)
        return status;
    return cli_announce_disk(j->session, s->output.output, s->samples * (info->keyframes * coarse + frames * (coarse + fine)),
                             s->samples * frames * side * side);
}

/* --- the run --------------------------------------------------------------------------------------- */

static int make_keys(job *j, const generate_settings *s)
{
    char *paths[CLI_MAX_SAMPLES];
    int status;

    for (int i = 0; i < s->samples; i++)
        paths[i] = j->files[i].keys;
    if ((status = cli_sink_open(j->session, &j->options, j->session->info.grid, s->samples, paths)) != CLI_OK ||
        (status = cli_run_step(j->session, "keyframes", &j->options, NULL, j->keys)) != CLI_OK)
        return status;
    return cli_save_result(j->session, j->keys, s->samples, (const char *const *)paths, -1, 0);
}

static int interpolate(job *j, int sample, cogvideo_tokens *out)
{
    char *path = j->upscale ? j->files[sample].middle : j->files[sample].codes;
    int status;

    if ((status = cli_sink_open(j->session, &j->options, j->session->info.grid, 1, &path)) != CLI_OK ||
        (status = cli_run_step(j->session, "interpolate", &j->options, &j->keys[sample], out)) != CLI_OK)
        return status;
    return cli_save_result(j->session, out, 1, (const char *const *)&path, -1, 0);
}

static int upscale(job *j, int sample, cogvideo_tokens *clip)
{
    cogvideo_tokens fine = { 0 };
    const char *path = j->files[sample].codes;
    int status;

    if ((status = cli_sink_open(j->session, &j->options, j->session->info.upscaled_grid, 1,
                                &j->files[sample].codes)) != CLI_OK ||
        (status = cli_run_step(j->session, "upscale", &j->options, clip, &fine)) != CLI_OK)
        return status;
    cogvideo_tokens_free(clip);
    *clip = fine;
    return cli_save_result(j->session, clip, 1, &path, -1, 0);
}

static int finish_sample(job *j, const generate_settings *s, const cli_settings *asked, const cli_arguments *arguments, int sample)
{
    cogvideo_tokens clip = { 0 };
    const cli_record record = { .settings = asked, .sample = s->sampling.first_sample + sample, .files = &j->files[sample],
                                .picture = &s->picture, .arguments = arguments };
    int status;

    j->options.samples = 1;
    j->options.first_sample = record.sample;
    if ((status = interpolate(j, sample, &clip)) == CLI_OK && j->upscale)
        status = upscale(j, sample, &clip);
    if (status == CLI_OK)
        status = cli_decode_file(j->session, &clip, &s->picture, j->files[sample].video);
    if (status == CLI_OK)
        status = cli_record_save(&record, &clip);
    cogvideo_tokens_free(&clip);
    return status;
}

static int draw(job *j, const generate_settings *s, const cli_settings *asked, const cli_arguments *arguments)
{
    int status;

    if ((status = announce(j, s)) != CLI_OK || (status = make_keys(j, s)) != CLI_OK)
        return status;
    for (int i = 0; i < s->samples && status == CLI_OK; i++)
        status = finish_sample(j, s, asked, arguments, i);
    return status;
}

/* --- what is finished ------------------------------------------------------------------------------------ */

/* Makes the video of a clip whose codes are there. */
static int make_video(job *j, const generate_settings *s, const cli_files *files, const cv_json *record)
{
    cogvideo_tokens clip = { 0 };
    int status;

    if ((status = cli_load_clip(j->session, files->codes, &clip)) == CLI_OK &&
        (status = cli_decode_file(j->session, &clip, &s->picture, files->video)) == CLI_OK)
        status = cli_record_add_video(record, files, &s->picture);
    cogvideo_tokens_free(&clip);
    return status;
}

/* The codes are those that are asked for. A video that is missing, or was made of them with other options, is made of them, too. */
static int finish_video(job *j, const generate_settings *s, const cli_files *files)
{
    cv_json *record = cli_record_read(files);
    char *difference = NULL;
    int64_t frames = 0;
    int status, there;

    if (!record)
        return CLI_FAILED;
    cv_json_int(record, "frames", 1, INT32_MAX, &frames, files->record, NULL);
    there = cli_video_is_there(files->video, (int)frames);
    if (cli_record_has_video(record, files, &s->picture, &difference) && there) {
        if (!j->session->progress.quiet)
            cli_say("%s: is finished", files->video);
        status = CLI_OK;
    } else if (there && !difference) {
        status = cli_error("%s: is there, but %s does not tell of it; give another -o, or move it away", files->video, files->record);
    } else {
        if (there && !j->session->progress.quiet)
            cli_say("%s: was made with other options of the picture, %s: it is made anew from %s", files->video, difference, files->codes);
        status = make_video(j, s, files, record);
    }
    free(difference);
    cv_json_free(&record);
    return status;
}

static void print_json(const job *j, const generate_settings *s)
{
    json_out json = { .stream = stdout, .first = 1 };

    json_begin(&json, NULL);
    json_integer(&json, "seed", s->sampling.seed);
    json_begin_array(&json, "clips");
    for (int i = 0; i < s->samples; i++) {
        json_begin(&json, NULL);
        cli_files_json(&json, &j->files[i], j->upscale);
        json_end(&json);
    }
    json_end_array(&json);
    json_end(&json);
    putchar('\n');
}

/* --- all of it ------------------------------------------------------------------------------------------- */

/* All that can be refused is, before the first code is drawn. */
static int plan(const cli_command *command, job *j, generate_settings *s)
{
    cogvideo_error err;
    int status;

    if ((!j->session->model && (status = cli_open(command, j->session, &s->model)) != CLI_OK) ||
        (status = check_model(j, s)) != CLI_OK ||
        (status = cli_generate_options(command, j->session, &s->text, &s->sampling, &j->options)) != CLI_OK)
        return status;
    j->options.seconds = s->seconds;
    j->options.samples = s->samples;
    j->options.rounds = s->rounds;
    j->options.batch = s->batch;
    j->session->preview = s->preview;
    if (generate_job_check(j->session, s, &j->options, &err) != COGVIDEO_OK)
        return cli_failed(j->session, &err);
    return check_videos(j, s);
}

static int make(const cli_command *command, job *j, generate_settings *s, const cli_arguments *arguments)
{
    const cli_settings asked = { .command = command->name, .session = j->session, .options = &j->options, .model = &s->model,
                                 .guidance = s->text.guidance, .rounds = s->rounds, .upscaled = upscales(j->session, s) };
    int status = cli_resume_begin(j->session, &s->output, &asked, j->files, s->samples);

    if (status == CLI_OK && !j->session->finished)
        status = draw(j, s, &asked, arguments);
    else
        for (int i = 0; i < s->samples && status == CLI_OK; i++)
            status = finish_video(j, s, &j->files[i]);
    if (status == CLI_OK && s->output.json)
        print_json(j, s);
    return status;
}

int generate_job_run(const cli_command *command, cli_session *session, generate_settings *s, const cli_arguments *arguments)
{
    job *j = cli_alloc(1, sizeof *j);
    int status;

    j->session = session;
    if ((status = generate_job_files(command, s, j->files)) == CLI_OK &&
        (status = cli_resume_open(session, &s->output, j->files, s->samples)) == CLI_OK &&
        (status = plan(command, j, s)) == CLI_OK)
        status = make(command, j, s, arguments);
    for (int i = 0; i < s->samples; i++) {
        cogvideo_tokens_free(&j->keys[i]);
        cli_files_free(&j->files[i]);
    }
    status = cli_resume_end(session, arguments, status);
    free(j);
    return status;
}
