#include "story.h"

#include "interrupt.h"
#include "prompt.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>

static int add_scenes(cli_story *story, cli_session *session, const generate_settings *s,
                      cogvideo_generate_options *options)
{
    size_t count = 0;

    if (s->story) {
        int status = cli_take_input(session, s->story, "the story");

        if (status != CLI_OK || (status = cli_prompts_read(&story->file, s->story, 1)) != CLI_OK)
            return status;
        story->scenes = cli_alloc(story->file.count, sizeof *story->scenes);
        for (; count < story->file.count; count++) {
            story->scenes[count].prompt = story->file.lines[count].prompt;
            story->scenes[count].seconds = story->file.lines[count].seconds;
        }
    } else if (s->then.count > 0) {
        story->scenes = cli_alloc(s->then.count + 1, sizeof *story->scenes);
        story->scenes[count++].prompt = s->text.prompt;
        for (size_t i = 0; i < s->then.count; i++)
            story->scenes[count++].prompt = s->then.values[i];
    }
    if (count > COGVIDEO_MAX_SCENES)
        return cli_error("a story has at most %d scenes, these are %zu", COGVIDEO_MAX_SCENES, count);
    for (size_t i = s->story ? 0 : 1; i < count; i++) /* the prompt's own words were looked up with its options */
        cli_warn_of_unknown(session, story->scenes[i].prompt);
    options->scenes = story->scenes;
    options->scene_count = (int)count;
    return CLI_OK;
}

/* --- what the first scene goes on from ---------------------------------------------------------------------------- */

/* The last frames of a video, as it is read: a ring. */
typedef struct ring {
    cogvideo_video *video; /* its pixels are the ring */
    int most;
    long long seen;
    cogvideo_status status;
    cogvideo_error why;
} ring;

static int on_frame(void *user, const cogvideo_frame *frame)
{
    ring *r = user;
    const size_t bytes = 3 * (size_t)r->video->width * (size_t)r->video->height;

    r->status = cogvideo_frame_fit(r->video->pixels + (size_t)(r->seen++ % r->most) * bytes, frame, r->video->width,
                                   r->video->height, &r->why);
    return r->status != COGVIDEO_OK;
}

static int on_poll(void *user)
{
    (void)user;
    return cli_interrupted();
}

/* Puts the frames of a full ring in order. */
static void straighten(ring *r)
{
    const size_t bytes = 3 * (size_t)r->video->width * (size_t)r->video->height,
                 first = (size_t)(r->seen % r->most) * bytes, all = (size_t)r->most * bytes;
    uint8_t *copy = cli_alloc(all, 1);

    memcpy(copy, r->video->pixels + first, all - first);
    memcpy(copy + all - first, r->video->pixels, first);
    memcpy(r->video->pixels, copy, all);
    free(copy);
}

static int read_first(cli_story *story, cli_session *session, const char *path, int frames)
{
    const cogvideo_model_info *info = &session->info;
    const cogvideo_read_options options = { .log = cli_log(session), .poll = on_poll };
    const int height = info->height * info->rate,
              width = info->width * (info->rate_across > 0 ? info->rate_across : info->rate);
    ring r = { .video = &story->first.pixels, .most = frames };
    cogvideo_error err;
    cogvideo_status status;

    if (cli_take_input(session, path, "the first frames") != CLI_OK)
        return CLI_FAILED;
    if (height < 1 || width < 1)
        return cli_error("the model does not say how large its frames are, so no picture can be fitted to them");
    if (cogvideo_video_alloc(r.video, width, height, frames, 0, &err) != COGVIDEO_OK)
        return cli_failed(session, &err);
    status = cogvideo_video_each(path, &options, on_frame, &r, &err);
    if (r.status != COGVIDEO_OK)
        err = r.why;
    if (status != COGVIDEO_OK || r.status != COGVIDEO_OK)
        return cli_failed(session, &err);
    if (r.seen > r.most)
        straighten(&r);
    r.video->frames = r.seen < r.most ? (int)r.seen : r.most;
    story->first.kind = COGVIDEO_KIND_PIXELS;
    return CLI_OK;
}

int cli_story_open(cli_story *story, cli_session *session, const generate_settings *s,
                   cogvideo_generate_options *options, cogvideo_run_options *run)
{
    int status;

    if (s->context > 0)
        options->context = s->context;
    if ((status = add_scenes(story, session, s, options)) != CLI_OK)
        return status;
    if (!s->first)
        return CLI_OK;
    if (options->context < 1)
        return cli_error("--first: models of this family begin with the prompt alone");
    if ((status = read_first(story, session, s->first, options->context)) == CLI_OK)
        run->first = &story->first;
    return status;
}

void cli_story_close(cli_story *story)
{
    cli_prompts_free(&story->file);
    free(story->scenes);
    cogvideo_value_free(&story->first);
    *story = (cli_story){ 0 };
}
