/* encoder.c - pictures and videos to codes, frame by frame as they come. */
#include "family/cogvideo/steps/header.h"
#include "family/cogvideo/steps/steps.h"
#include "family/work.h"
#include "tokens/growing.h"

typedef struct encoder {
    cogvideo_encoder head; /* first */
    const cv_cogvideo *model;
    cogvideo_callbacks callbacks;
    cogvideo_progress progress;
    cv_growing_clip growing;
    int size; /* pixels on a side */
    cv_arena arena;
    cv_json *header;
} encoder;

static encoder *encoder_of(cogvideo_encoder *head)
{
    return (encoder *)(void *)head;
}

static size_t places_of(const encoder *e)
{
    return cogvideo_tokens_per_frame(&e->growing.clip);
}

void cv_cogvideo_encoder_close(cogvideo_encoder *head)
{
    encoder *e = encoder_of(head);

    cogvideo_tokens_free(&e->growing.clip);
    cv_json_free(&e->header);
    cv_arena_free(&e->arena);
    cv_free(e);
}

cogvideo_status cv_cogvideo_encoder_open(cogvideo_encoder **out, const cogvideo_model *head, int width, int height,
                                         int rate, int expected, const cogvideo_callbacks *callbacks,
                                         cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const int own = rate == 0 ? model->description.rate : rate, side = own > 0 ? width / own : 0;
    const cogvideo_tokens shape = { .height = side, .width = side, .rate = own, .frames_per_code = 1 };
    encoder *e = NULL;
    cogvideo_status status;

    CV_TRY(cv_need_image_tokenizer(model, err));
    if (width != height || width < 1 || own < 1 || width % own != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "frames must be square and a multiple of the rate (%d) to be encoded, these are %dx%d", own,
                       width, height);
    CV_NEW(e, 1, err);
    e->head.model = head;
    e->model = model;
    e->size = width;
    e->progress = (cogvideo_progress){ .what = "encoding", .unit = "codes", .rounds = 1, .sequences = 1 };
    if (callbacks)
        e->callbacks = *callbacks;
    CV_TRY(cv_growing_open(&e->growing, &shape, model->description.image_tokenizer.codes, false, expected, err));
    CV_TRY(cv_header_begin(&e->header, model, NULL, NULL, err));
    CV_TRY(cv_arena_create(&e->arena,
                           cv_image_tokenizer_encode_scratch(model->image_tokenizer, &model->head.exec, width, width),
                           err));
    *out = &e->head;
    return COGVIDEO_OK;
done:
    if (e)
        cv_cogvideo_encoder_close(&e->head);
    return status;
}

static cogvideo_status report(encoder *e, int frames, cogvideo_error *err)
{
    e->progress.frame = e->growing.clip.frames;
    e->progress.frames = frames;
    e->progress.done = (long long)places_of(e) * e->growing.clip.frames;
    e->progress.total = (long long)places_of(e) * frames;
    if (cv_progress(&e->callbacks, &e->progress))
        return cv_cancelled(err);
    return COGVIDEO_OK;
}

cogvideo_status cv_cogvideo_encoder_frame(cogvideo_encoder *head, const uint8_t *pixels, double time,
                                          cogvideo_error *err)
{
    encoder *e = encoder_of(head);
    cogvideo_tokens *clip = &e->growing.clip;
    cogvideo_status status;

    CV_TRY(cv_growing_room(&e->growing, 1, err));
    status = cv_image_tokenizer_encode(&e->model->head.exec, e->model->image_tokenizer,
                                       clip->codes + (size_t)clip->frames * places_of(e), NULL, pixels, e->size,
                                       e->size, clip->rate, &e->arena, err);
    if (status == COGVIDEO_ERROR_MODEL)
        status = cv_fail_unsound(e->model, "encoding", clip->frames, -1, err);
    CV_TRY(status);
    clip->times[clip->frames++] = time;
    status = report(e, e->growing.expected >= clip->frames ? e->growing.expected : 0, err);
done:
    return status;
}

cogvideo_status cv_cogvideo_encoder_finish(cogvideo_encoder *head, cogvideo_tokens *out, cogvideo_error *err)
{
    encoder *e = encoder_of(head);
    cogvideo_tokens *clip = &e->growing.clip;
    cogvideo_status status;

    if (clip->frames == 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a clip has at least 1 frame, none was encoded");
    if (clip->frames != e->growing.expected) /* otherwise the last frame has reported it */
        CV_TRY(report(e, clip->frames, err));
    CV_TRY(cv_header_end(&e->header, clip, err));
    *out = *clip;
    *clip = (cogvideo_tokens){ 0 };
done:
    return status;
}
