#include "generate_keep.h"

#include "evaluate_options.h"
#include "say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES 16 /* of a clip are looked at, where it has as many */

/* Scores clips by their codes, which are what was drawn; no clips: only whether that can be done. */
static int rank(cli_session *session, const generate_settings *s, const cogvideo_model *networks,
                const cogvideo_result *result, cogvideo_ranked *ranked)
{
    const int count = result ? result->count : 0;
    const char **codes = cli_alloc((size_t)count + 1, sizeof *codes);
    cogvideo_evaluate_options options;
    cogvideo_error err;
    int status = CLI_OK;

    for (int i = 0; i < count; i++)
        codes[i] = cogvideo_clip_path(&result->clips[i], "codes");
    cogvideo_evaluate_defaults(&options);
    if (count > 0 && result->clips[0].shape.frames < FRAMES)
        options.protocol.frames = result->clips[0].shape.frames;
    options.networks = networks;
    options.model = session->model;
    options.cut_text = s->text.cut_text;
    options.max_memory = session->max_memory;
    /* No log: what it warned of would be the frames above, which nobody asked for. */
    if (cogvideo_rank(&options, codes, count, s->text.prompt, ranked, &err) != COGVIDEO_OK)
        status = cli_failed(session, &err);
    free(codes);
    return status;
}

int generate_keep_open(const cli_command *command, cli_session *session, const generate_settings *s,
                       cogvideo_model **networks)
{
    int status = cli_open_metrics(command, session, s->metrics, s->model.threads, s->model.quiet, networks);

    return status == CLI_OK ? rank(session, s, *networks, NULL, NULL) : status;
}

static int remove_clip(const cogvideo_clip *clip)
{
    for (int f = 0; f < clip->file_count; f++)
        if (unlink(clip->files[f].path) != 0 && errno != ENOENT)
            return cli_error("%s: cannot be removed: %s", clip->files[f].path, strerror(errno));
    return CLI_OK;
}

int generate_keep(cli_session *session, const generate_settings *s, const cogvideo_model *networks,
                  cogvideo_result *result)
{
    cogvideo_ranked *ranked = cli_alloc((size_t)result->count, sizeof *ranked);
    cogvideo_clip *ordered = cli_alloc((size_t)result->count, sizeof *ordered);
    int status = rank(session, s, networks, result, ranked);

    for (int i = 0; i < result->count && status == CLI_OK; i++) {
        ordered[i] = result->clips[ranked[i].clip];
        if (!s->model.quiet)
            cli_say("%s: %.4f%s", cogvideo_clip_path(&ordered[i], "video"), ranked[i].score,
                    i < s->keep ? "" : ", removed");
    }
    if (status == CLI_OK)
        memcpy(result->clips, ordered, (size_t)result->count * sizeof *ordered);
    for (int i = s->keep; i < result->count && status == CLI_OK; i++)
        status = remove_clip(&result->clips[i]);
    free(ordered);
    free(ranked);
    return status;
}
