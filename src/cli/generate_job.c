#include "generate_job.h"

#include "plan.h"
#include "resume.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct job {
    cli_session *session;
    cogvideo_generate_options options;
    cli_files files[CLI_MAX_SAMPLES]; /* of each sample */
    cogvideo_tokens keys[CLI_MAX_SAMPLES];
    int upscale;
} job;

/* --- before the run ---------------------------------------------------------------------------------- */

static int name_files(const cli_command *command, const generate_settings *s, job *j)
{
    char *videos[CLI_MAX_SAMPLES] = { 0 };
    int status = cli_sample_paths(command, s->output.output, s->samples, s->sampling.first_sample, videos);

    for (int i = 0; i < s->samples; i++) {
        j->files[i].video = videos[i];
        if (status == CLI_OK)
            cli_files_name(&j->files[i]);
    }
    return status;
}

static int check_files(const job *j, const generate_settings *s)
{
    int replace = cli_resume_replaces(j->session, &s->output);
    int status = s->preview ? cli_check_video(s->preview, 1) : CLI_OK;

    for (int i = 0; i < s->samples && status == CLI_OK; i++)
        if ((status = cli_check_video(j->files[i].video, replace)) == CLI_OK)
            status = cli_files_check(&j->files[i], replace);
    return status;
}

static int check_model(job *j, const generate_settings *s)
{
    const cogvideo_model_info *info = &j->session->info;
    const char *missing = !info->has_stage1 ? "stage 1" : !info->has_stage2 ? "stage 2" :
                          !info->has_image_tokenizer ? "image tokenizer" : NULL;

    if (missing)
        return cli_error("the model '%s' has no %s, which generate needs; 'cogvideo info' tells what it has",
                         info->name, missing);
    j->upscale = info->has_upscaler && !s->no_upscale;
    if (!info->has_upscaler && !s->no_upscale && !s->model.quiet)
        cli_say("the model has no super-resolution: the clip stays at %dx%d codes", info->grid, info->grid);
    return CLI_OK;
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
    cogvideo_error err;
    int status;

    for (int i = 0; i < s->samples; i++)
        paths[i] = j->files[i].keys;
    if ((status = cli_sink_open(j->session, &j->options, j->session->info.grid, s->samples, paths)) != CLI_OK)
        return status;
    if (cogvideo_keyframes(j->session->model, &j->options, NULL, 0, j->keys, &err) != COGVIDEO_OK)
        return cli_failed(j->session, &err);
    return cli_save_result(j->session, j->keys, s->samples, (const char *const *)paths, -1, 0);
}

static int interpolate(job *j, const generate_settings *s, int sample, cogvideo_tokens *out)
{
    char *path = j->upscale ? j->files[sample].middle : j->files[sample].codes;
    cogvideo_error err;
    int status = cli_sink_open(j->session, &j->options, j->session->info.grid, 1, &path);

    if (status != CLI_OK)
        return status;
    if (cogvideo_interpolate(j->session->model, &j->options, &j->keys[sample], s->rounds, s->batch, out,
                             &err) != COGVIDEO_OK)
        return cli_failed(j->session, &err);
    return cli_save_result(j->session, out, 1, (const char *const *)&path, -1, 0);
}

static int upscale(job *j, int sample, cogvideo_tokens *clip)
{
    cogvideo_tokens fine = { 0 };
    cogvideo_error err;
    const char *path = j->files[sample].codes;
    int status;

    if ((status = cli_sink_open(j->session, &j->options, j->session->info.upscaled_grid, 1,
                                &j->files[sample].codes)) != CLI_OK)
        return status;
    if (cogvideo_upscale(j->session->model, &j->options, clip, &fine, &err) != COGVIDEO_OK)
        return cli_failed(j->session, &err);
    cogvideo_tokens_free(clip);
    *clip = fine;
    return cli_save_result(j->session, clip, 1, &path, -1, 0);
}

static int finish_sample(job *j, const generate_settings *s, const cli_arguments *arguments, int sample)
{
    cogvideo_tokens clip = { 0 };
    cli_record record = {
        .session = j->session, .options = &j->options, .guidance = s->text.guidance, .rounds = s->rounds,
        .files = &j->files[sample], .upscaled = j->upscale, .arguments = arguments,
    };
    int status;

    j->options.samples = 1;
    j->options.first_sample = s->sampling.first_sample + sample;
    if ((status = interpolate(j, s, sample, &clip)) == CLI_OK && j->upscale)
        status = upscale(j, sample, &clip);
    if (status == CLI_OK)
        status = cli_decode_file(j->session, &clip, &s->picture, j->files[sample].video);
    if (status == CLI_OK)
        status = cli_record_save(&record, &clip);
    cogvideo_tokens_free(&clip);
    return status;
}

static void print_json(const job *j, const generate_settings *s)
{
    json_out json = { .stream = stdout, .first = 1 };

    json_begin(&json, NULL);
    if (s->sampling.seed >= 0) /* a finished clip that is not made again may not say */
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

static int is_finished(const job *j, const generate_settings *s)
{
    char *records[CLI_MAX_SAMPLES];

    for (int i = 0; i < s->samples; i++)
        records[i] = j->files[i].record;
    return cli_resume_finished(j->session, &s->output, records, s->samples);
}

static void tell_finished(job *j, const generate_settings *s)
{
    j->upscale = access(j->files[0].middle, F_OK) == 0;
    if (s->output.json)
        print_json(j, s);
}

static int make(const cli_command *command, job *j, generate_settings *s, const cli_arguments *arguments)
{
    cli_record record = { .command = command->name, .session = j->session, .options = &j->options, .guidance = s->text.guidance,
                          .rounds = s->rounds };
    int status;

    if ((!j->session->model && (status = cli_open(command, j->session, &s->model)) != CLI_OK) ||
        (status = check_model(j, s)) != CLI_OK ||
        (status = cli_generate_options(command, j->session, &s->text, &s->sampling, &j->options)) != CLI_OK)
        return status;
    j->options.seconds = s->seconds;
    j->options.samples = s->samples;
    j->session->preview = s->preview;
    record.upscaled = j->upscale;
    if ((status = cli_resume_settings(j->session, &record, &s->model)) != CLI_OK ||
        (status = announce(j, s)) != CLI_OK ||
        (status = make_keys(j, s)) != CLI_OK)
        return status;
    for (int i = 0; i < s->samples && status == CLI_OK; i++)
        status = finish_sample(j, s, arguments, i);
    if (status == CLI_OK && s->output.json)
        print_json(j, s);
    return status;
}

int generate_job_run(const cli_command *command, cli_session *session, generate_settings *s, const cli_arguments *arguments)
{
    job *j = cli_alloc(1, sizeof *j);
    int status;

    j->session = session;
    if ((status = name_files(command, s, j)) == CLI_OK && (status = cli_resume_open(session, &s->output)) == CLI_OK) {
        if (is_finished(j, s))
            tell_finished(j, s);
        else if ((status = check_files(j, s)) == CLI_OK)
            status = make(command, j, s, arguments);
    }
    for (int i = 0; i < s->samples; i++) {
        cogvideo_tokens_free(&j->keys[i]);
        cli_files_free(&j->files[i]);
    }
    status = cli_resume_end(session, arguments, status);
    free(j);
    return status;
}
