/* encoder.c - a video to boxes of codes, frame by frame as they come: windows as long as a scene of the model, each a
 * clip of its own; what is left at the end becomes a shorter one, and at last single pictures, so that no frame is
 * lost. */
#include "family/phenaki/steps/box_codec.h"
#include "family/phenaki/steps/steps.h"
#include "family/work.h"
#include "tokens/header.h"

#include <string.h>

typedef struct encoder {
    cogvideo_encoder head; /* first */
    const cv_phenaki *model;
    cogvideo_callbacks callbacks;
    cogvideo_progress progress;
    cv_box_codec codec; /* of a whole window */
    cogvideo_tokens clip;
    int capacity; /* latent frames that the clip has room for */
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
    cogvideo_tokens_free(&e->clip);
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

cogvideo_status cv_phenaki_encoder_open(cogvideo_encoder **out, const cogvideo_model *head, int width, int height,
                                        int rate, int expected, const cogvideo_callbacks *callbacks,
                                        cogvideo_error *err)
{
    const cv_phenaki *model = cv_phenaki_of(head);
    const cv_cvivit_config *config;
    cogvideo_status status;
    encoder *e = NULL;
    int T;

    CV_TRY(cv_need_video_tokenizer(model, err));
    config = cv_cvivit_config_of(model->tokenizer);
    CV_TRY(check_size(config, width, height, rate, err));
    T = model->frames > 0 ? 1 + (model->frames - 1) / config->patch_frames : 1;
    CV_NEW(e, 1, err);
    e->head.model = head;
    e->model = model;
    e->expected = expected;
    e->clip = (cogvideo_tokens){ .height = height / config->patch_height,
                                 .width = width / config->patch_width,
                                 .rate = config->patch_height,
                                 .rate_across = cv_cvivit_rate_across(config),
                                 .frames_per_code = config->patch_frames };
    CV_TRY(cv_tokens_check(&e->clip, err));
    e->progress = (cogvideo_progress){ .what = "encoding", .unit = "frames", .rounds = 1, .sequences = 1 };
    if (callbacks)
        e->callbacks = *callbacks;
    CV_TRY(cv_box_codec_open(&e->codec, model, T, e->clip.height, e->clip.width, err));
    CV_NEW(e->window, (size_t)cv_box_frames(model, T) * frame_bytes(e), err);
    CV_NEW(e->times, cv_box_frames(model, T), err);
    *out = &e->head;
    return COGVIDEO_OK;
done:
    if (e)
        cv_phenaki_encoder_close(&e->head);
    return status;
}

/* Room for T latent frames more. */
static cogvideo_status make_room(encoder *e, int T, cogvideo_error *err)
{
    const size_t places = cogvideo_tokens_per_frame(&e->clip), frames = (size_t)e->clip.frames,
                 grown = frames + frames / 2 + (size_t)T;
    cogvideo_tokens *clip = &e->clip;
    int32_t *codes;
    uint8_t *given;
    double *times;
    int *scenes;

    if ((long long)e->clip.frames + T > INT32_MAX / 2 || grown > CV_TOKENS_MAX_FILE / (2 * places))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%lld frames are more than a file of codes holds: encode fewer",
                       e->seen);
    if (e->clip.frames + T <= e->capacity)
        return COGVIDEO_OK;
    if (!(codes = cv_realloc(clip->codes, frames * places, grown * places, sizeof *codes, err)))
        return COGVIDEO_ERROR_MEMORY;
    clip->codes = codes;
    if (!(times = cv_realloc(clip->times, frames, grown, sizeof *times, err)))
        return COGVIDEO_ERROR_MEMORY;
    clip->times = times;
    if (!(scenes = cv_realloc(clip->scenes, frames, grown, sizeof *scenes, err)))
        return COGVIDEO_ERROR_MEMORY;
    clip->scenes = scenes;
    if (!(given = cv_realloc(clip->given, frames, grown, sizeof *given, err)))
        return COGVIDEO_ERROR_MEMORY;
    clip->given = given;
    e->capacity = (int)grown;
    return COGVIDEO_OK;
}

/* The first frames of the window, as many as T latent frames stand for, become a scene of the clip. */
static cogvideo_status encode_scene(encoder *e, int T, cogvideo_error *err)
{
    const int frames = cv_box_frames(e->model, T), pt = e->clip.frames_per_code;
    const size_t places = cogvideo_tokens_per_frame(&e->clip);
    cogvideo_tokens *clip = &e->clip;
    cogvideo_status status;

    CV_TRY(make_room(e, T, err));
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

static cogvideo_status report(encoder *e, cogvideo_error *err)
{
    e->progress.frame = (int)e->seen;
    e->progress.frames = e->expected;
    e->progress.done = e->seen;
    e->progress.total = e->expected >= e->seen ? e->expected : 0;
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
    CV_TRY(report(e, err));
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
        CV_TRY(encode_scene(e, 1 + (e->waiting - 1) / e->clip.frames_per_code, err));
    if (e->scene == 1) { /* no story */
        cv_free(e->clip.scenes);
        cv_free(e->clip.given);
        e->clip.scenes = NULL;
        e->clip.given = NULL;
    }
    CV_TRY(cv_phenaki_header(e->model, NULL, 0, &e->clip, err));
    *out = e->clip;
    e->clip = (cogvideo_tokens){ 0 };
done:
    return status;
}
