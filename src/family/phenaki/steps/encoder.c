/* encoder.c - a video to boxes of codes, frame by frame as they come: windows as long as a scene of the model, each a
 * clip of its own; what is left at the end becomes a shorter one, and at last single pictures, so that no frame is
 * lost. */
#include "family/phenaki/steps/box_codec.h"
#include "family/phenaki/steps/steps.h"
#include "family/work.h"
#include "tokens/growing.h"

#include <string.h>

typedef struct encoder {
    cogvideo_encoder head; /* first */
    const cv_phenaki *model;
    cogvideo_callbacks callbacks;
    cogvideo_progress progress;
    cv_box_codec codec; /* of a whole window */
    cv_growing_clip growing;
    int scene;
    uint8_t *window; /* [frames][height][width][3] */
    double *times;   /* of its frames */
    int waiting;     /* frames in it */
    long long seen;
    int expected;
} encoder;

static encoder *encoder_of(cogvideo_encoder *head)
{
    return (encoder *)(void *)head;
}

static size_t frame_bytes(const encoder *e)
{
    return cv_box_frame_numbers(&e->codec);
}

void cv_phenaki_encoder_close(cogvideo_encoder *head)
{
    encoder *e = encoder_of(head);

    cv_box_codec_close(&e->codec);
    cogvideo_tokens_free(&e->growing.clip);
    cv_free(e->window);
    cv_free(e->times);
    cv_free(e);
}

static cogvideo_status check_size(const cv_cvivit_config *config, int width, int height, int rate, cogvideo_error *err)
{
    if (rate != 0 && rate != config->patch_height)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the model's codes stand for %dx%d pixels, so the rate cannot be %d: leave it out",
                       config->patch_width, config->patch_height, rate);
    if (width < 1 || height < 1 || width % config->patch_width != 0 || height % config->patch_height != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "frames to be encoded have sides that are multiples of %d and %d, these are %dx%d",
                       config->patch_width, config->patch_height, width, height);
    return COGVIDEO_OK;
}

/* Latent frames that so many video frames become, in windows of T. */
static long long latent_frames(const cv_phenaki *model, int T, int frames)
{
    const int pt = cv_cvivit_config_of(model->tokenizer)->patch_frames, window = cv_box_frames(model, T);
    long long count = (long long)(frames / window) * T;

    for (int left = frames % window, last; left > 0; left -= cv_box_frames(model, last)) {
        last = 1 + (left - 1) / pt;
        count += last;
    }
    return count;
}

cogvideo_status cv_phenaki_encoder_open(cogvideo_encoder **out, const cogvideo_model *head, int width, int height,
                                        int rate, int expected, const cogvideo_callbacks *callbacks,
                                        cogvideo_error *err)
{
    const cv_phenaki *model = cv_phenaki_of(head);
    const cv_cvivit_config *config;
    cogvideo_tokens shape;
    cogvideo_status status;
    encoder *e = NULL;
    int T;

    CV_TRY(cv_need_video_tokenizer(model, err));
    config = cv_cvivit_config_of(model->tokenizer);
    CV_TRY(check_size(config, width, height, rate, err));
    T = model->frames > 0 ? cv_cvivit_latent_frames(config, model->frames) : 1;
    CV_NEW(e, 1, err);
    e->head.model = head;
    e->model = model;
    e->expected = expected;
    shape = (cogvideo_tokens){ .height = height / config->patch_height,
                               .width = width / config->patch_width,
                               .rate = config->patch_height,
                               .rate_across = cv_cvivit_rate_across(config),
                               .frames_per_code = config->patch_frames };
    CV_TRY(cv_growing_open(&e->growing, &shape, config->codes, true, latent_frames(model, T, expected), err));
    e->progress = (cogvideo_progress){ .what = "encoding", .unit = "frames", .rounds = 1, .sequences = 1 };
    if (callbacks)
        e->callbacks = *callbacks;
    CV_TRY(cv_box_codec_open(&e->codec, model, T, shape.height, shape.width, err));
    CV_NEW(e->window, (size_t)cv_box_frames(model, T) * frame_bytes(e), err);
    CV_NEW(e->times, cv_box_frames(model, T), err);
    *out = &e->head;
    return COGVIDEO_OK;
done:
    if (e)
        cv_phenaki_encoder_close(&e->head);
    return status;
}

/* The first frames of the window, as many as T latent frames stand for, become a scene of the clip. */
static cogvideo_status encode_scene(encoder *e, int T, cogvideo_error *err)
{
    const int frames = cv_box_frames(e->model, T), pt = e->growing.clip.frames_per_code;
    const size_t places = cogvideo_tokens_per_frame(&e->growing.clip);
    cogvideo_tokens *clip = &e->growing.clip;
    cogvideo_status status;

    CV_TRY(cv_growing_room(&e->growing, T, err));
    for (int f = 0; f < frames; f++)
        cv_box_set_frame(&e->codec, T, f, e->window + (size_t)f * frame_bytes(e));
    CV_TRY(cv_box_encode(&e->codec, clip->codes + (size_t)clip->frames * places, T, "scene", e->scene + 1, err));
    for (int t = 0; t < T; t++) {
        clip->times[clip->frames + t] = e->times[t == 0 ? 0 : 1 + (t - 1) * pt];
        clip->scenes[clip->frames + t] = e->scene;
        clip->given[clip->frames + t] = 0;
    }
    clip->frames += T;
    e->scene++;
    e->waiting -= frames;
    memmove(e->window, e->window + (size_t)frames * frame_bytes(e), (size_t)e->waiting * frame_bytes(e));
    memmove(e->times, e->times + frames, (size_t)e->waiting * sizeof *e->times);
done:
    return status;
}

static cogvideo_status report(encoder *e, int frames, cogvideo_error *err)
{
    e->progress.frame = (int)e->seen;
    e->progress.frames = frames;
    e->progress.done = e->seen;
    e->progress.total = frames;
    if (cv_progress(&e->callbacks, &e->progress))
        return cv_cancelled(err);
    return COGVIDEO_OK;
}

cogvideo_status cv_phenaki_encoder_frame(cogvideo_encoder *head, const uint8_t *pixels, double time,
                                         cogvideo_error *err)
{
    encoder *e = encoder_of(head);
    cogvideo_status status = COGVIDEO_OK;

    memcpy(e->window + (size_t)e->waiting * frame_bytes(e), pixels, frame_bytes(e));
    e->times[e->waiting++] = time;
    e->seen++;
    if (e->waiting == cv_box_frames(e->model, e->codec.T))
        CV_TRY(encode_scene(e, e->codec.T, err));
    if (e->seen != e->expected || e->waiting == 0) /* what waits at the end is encoded by finish */
        CV_TRY(report(e, e->expected >= e->seen ? e->expected : 0, err));
done:
    return status;
}

cogvideo_status cv_phenaki_encoder_finish(cogvideo_encoder *head, cogvideo_tokens *out, cogvideo_error *err)
{
    encoder *e = encoder_of(head);
    cogvideo_status status = COGVIDEO_OK;

    if (e->seen == 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a clip has at least 1 frame, none was encoded");
    while (e->waiting > 0)
        CV_TRY(encode_scene(e, 1 + (e->waiting - 1) / e->growing.clip.frames_per_code, err));
    if (e->progress.done != e->seen || e->progress.total != e->seen) /* otherwise the last frame has reported it */
        CV_TRY(report(e, (int)e->seen, err));
    if (e->scene == 1) { /* no story */
        cv_free(e->growing.clip.scenes);
        cv_free(e->growing.clip.given);
        e->growing.clip.scenes = NULL;
        e->growing.clip.given = NULL;
    }
    CV_TRY(cv_phenaki_header(e->model, NULL, 0, &e->growing.clip, err));
    *out = e->growing.clip;
    e->growing.clip = (cogvideo_tokens){ 0 };
done:
    return status;
}
