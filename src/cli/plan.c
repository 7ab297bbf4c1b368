#include "plan.h"

#include "say.h"

#include "base/cpu.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#define ROW_BYTES 30    /* of a journal's row beside its codes */
#define RAW_PIXEL 3     /* bytes in .y4m and .ppm */
#define SMALL_PIXEL 0.1 /* about, in all other forms, which depends on what is seen */

int cli_check_stage(cli_session *session, const cogvideo_generate_options *options, cogvideo_stage stage, int frames)
{
    cogvideo_error err;

    return cogvideo_check_stage(session->model, options, stage, frames, &err) == COGVIDEO_OK ? CLI_OK : cli_failed(session, &err);
}

/* --- memory -------------------------------------------------------------------------------------------- */

static int announce(cli_session *session, cogvideo_stage stage, const cogvideo_plan *plan, int clips)
{
    static const char *const names[] = { "first frame", "key frames", "interpolation", "super-resolution" };
    const long long codes = plan->codes * clips;
    char weights[32], working[32], have[32];
    double room = (double)plan->caches + (double)plan->scratch;
    const long long left = cv_address_space_left();
    double available = session->max_memory > 0 ? session->max_memory : (double)cogvideo_memory_available();

    session->progress.planned += codes;
    cli_format_bytes(weights, sizeof weights, (double)plan->weights);
    cli_format_bytes(working, sizeof working, room);
    cli_format_bytes(have, sizeof have, available);
    if (!session->progress.quiet)
        cli_say("%s: %lld codes to draw; memory: %s to work in, and weights of %s read from the file", names[stage], codes, working,
                weights);
    if (left >= 0 && room > (double)left) {
        cli_format_bytes(have, sizeof have, (double)left);
        return cli_error("%s: %s of memory are needed to work in, and the limits of the process (ulimit -v, ulimit -d) leave %s; fewer --threads and "
                         "--samples, a smaller --batch and --cache q8 take less, or raise the limits", names[stage], working, have);
    }
    if (available >= 0 && room > available)
        return cli_error("%s: %s of memory are needed to work in, and %s are %s; fewer --samples, a smaller --batch and --cache q8 take "
                         "less%s", names[stage], working, have, session->max_memory > 0 ? "allowed" : "free",
                         session->max_memory > 0 ? "" : ", --max-memory allows more");
    if (available > 0 && (double)plan->weights > available && !session->progress.quiet)
        cli_say("cogvideo: warning: the weights do not fit the %s of free memory; they will be read again and again",
                have);
    return CLI_OK;
}

int cli_announce(cli_session *session, const cogvideo_generate_options *options, cogvideo_stage stage, int frames, int clips)
{
    cogvideo_plan plan;
    cogvideo_error err;

    if (cogvideo_plan_stage(session->model, options, stage, frames, &plan, &err) != COGVIDEO_OK)
        return cli_failed(session, &err);
    if (stage == COGVIDEO_STAGE_KEYFRAMES && frames > 1) /* the first is not in the plan */
        session->progress.planned += (long long)session->info.grid * session->info.grid * (options->samples ? options->samples : 1);
    return announce(session, stage, &plan, clips);
}

int cli_frames_after(const cli_session *session, int frames, int rounds)
{
    for (int round = 0; round < (rounds ? rounds : session->info.rounds) && frames < 1 << 24; round++)
        frames = 2 * frames - 1;
    return frames;
}

int cli_announce_rounds(cli_session *session, const cogvideo_generate_options *options, int frames, int rounds, int batch, int clips)
{
    cogvideo_plan plan = { 0 };
    cogvideo_error err;
    long long codes = 0;

    for (int round = 0; round < (rounds ? rounds : session->info.rounds) && frames < 1 << 24; round++) {
        if (cogvideo_plan_stage(session->model, options, COGVIDEO_STAGE_INTERPOLATE, frames, &plan, &err) !=
            COGVIDEO_OK)
            return cli_failed(session, &err);
        codes += plan.codes;
        frames = 2 * frames - 1;
    }
    /* The last round is the largest; a window spans three frames and shares its last one. */
    if (batch > 0 && batch < (frames - 1) / 4 &&
        cogvideo_plan_stage(session->model, options, COGVIDEO_STAGE_INTERPOLATE, 2 * batch + 1, &plan, &err) !=
        COGVIDEO_OK)
        return cli_failed(session, &err);
    plan.codes = codes;
    return announce(session, COGVIDEO_STAGE_INTERPOLATE, &plan, clips);
}

/* --- disk ---------------------------------------------------------------------------------------------- */

static int is_raw(const char *output)
{
    return cli_ends_in(output, ".y4m") || cli_ends_in(output, ".ppm");
}

int cli_announce_disk(const cli_session *session, const char *output, long long codes, long long pixels)
{
    const long long left = session->progress.planned - (long long)session->journal.code_count;
    char *folder, digits[16], need[32], have[32];
    double code, bytes, free_bytes;
    struct statvfs disk;
    int status;

    if (strcmp(output, "-") == 0)
        return CLI_OK;
    code = 1.0 + snprintf(digits, sizeof digits, "%d", session->info.image_codes - 1); /* and what stands between two */
    bytes = (double)codes * code + (double)pixels * (is_raw(output) ? RAW_PIXEL : SMALL_PIXEL);
    if (left > 0)
        bytes += (double)left * (code + (double)ROW_BYTES / session->info.grid);
    folder = cli_folder(output);
    status = statvfs(folder, &disk);
    free(folder);
    if (status != 0)
        return CLI_OK; /* where the system does not tell, the run will */
    free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
    cli_format_bytes(need, sizeof need, bytes);
    cli_format_bytes(have, sizeof have, free_bytes);
    if (bytes > free_bytes)
        return cli_error("%s: about %s of disk are needed and %s are free there; make room, or give -o on another disk%s", output, need,
                         have, pixels > 0 && is_raw(output) ? ", or a form that takes less, such as .mp4 or .jpg" : "");
    if (!session->progress.quiet)
        cli_say("disk: about %s of the %s that are free", need, have);
    return CLI_OK;
}
