/* decoder.c - boxes of codes to pixels, scene by scene: of a story of any length one scene is in memory. */
#include "family/phenaki/steps/box_codec.h"
#include "family/phenaki/steps/steps.h"
#include "family/pictures.h"
#include "family/work.h"
#include "media/frame.h"
#include "tokens/header.h"

#include <limits.h>
#include <string.h>

/* --- codes to pixels -------------------------------------------------------------------------------------------- */

/* Whether the tokenizer can have made these codes. */
static cogvideo_status check_clip(const cv_phenaki *model, const cogvideo_tokens *clip, cogvideo_error *err)
{
    const cv_cvivit_config *config = cv_cvivit_config_of(model->tokenizer);

    if (clip->frames_per_code != config->patch_frames || clip->rate != config->patch_height ||
        cogvideo_tokens_rate_across(clip) != config->patch_width)
        return cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "each code of the clip stands for %dx%d pixels in %d frame%s, each of the model's video tokenizer for %dx%d "
            "in %d: another model made them",
            cogvideo_tokens_rate_across(clip), clip->rate, clip->frames_per_code, clip->frames_per_code == 1 ? "" : "s",
            config->patch_width, config->patch_height, config->patch_frames);
    if (cogvideo_tokens_video_frames(clip) > INT_MAX)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the clip stands for more frames of video than a file holds");
    return cv_tokens_check_codes(clip, config->codes, "the video tokenizer", err);
}

/* How a clip is decoded. */
typedef struct decoding {
    const cv_phenaki *model;
    const cogvideo_decode_options *options;
    const cogvideo_tokens *clip;
    cv_box_codec codec;
    cogvideo_progress progress;
    cv_pictures pictures;
    uint8_t *pixels; /* of one picture, as decoded */
} decoding;

static cogvideo_status decode_scene(decoding *d, int scene, int first, int frames, int given, cogvideo_error *err)
{
    const size_t places = cogvideo_tokens_per_frame(d->clip);
    const int shown = cv_box_frames(d->model, frames), left_out = given > 0 ? cv_box_frames(d->model, given) : 0;
    cogvideo_status status;

    CV_TRY(cv_box_decode(&d->codec, d->clip->codes + (size_t)first * places, frames, "scene", scene + 1, err));
    for (int f = left_out; f < shown; f++) {
        cv_box_get_frame(&d->codec, frames, f, d->options->normalize == COGVIDEO_NORMALIZE_MINMAX, d->pixels);
        CV_TRY(cv_pictures_give(&d->pictures, d->pixels, err));
    }
    d->progress.frame = first + frames;
    d->progress.done = (long long)places * (first + frames);
    if (cv_progress(&d->options->callbacks, &d->progress))
        status = cv_cancelled(err);
done:
    return status;
}

/* Frames a second: of the options, or of the times of the clip, or the model's. */
static double fps_of(const cv_phenaki *model, const cogvideo_decode_options *options, const cogvideo_tokens *clip)
{
    const double seconds = clip->frames > 1 ? clip->times[clip->frames - 1] - clip->times[0] : 0;
    int first, frames, given, last = 1; /* frames of video of the last latent frame */
    long long before;                   /* of those before it */

    if (options->fps > 0)
        return options->fps;
    for (int i = 0; cogvideo_tokens_scene(clip, i, &first, &frames, &given); i++)
        last = frames == 1 ? 1 : clip->frames_per_code;
    before = cogvideo_tokens_video_frames(clip) - last;
    return seconds > 0 && before > 0 && (double)before / seconds <= 1000 ? (double)before / seconds : model->fps;
}

/* The sides of a decoded frame, enlarged where the options say so. */
static cogvideo_status shown_size(const cogvideo_decode_options *options, const cogvideo_shape *in, int *width,
                                  int *height, cogvideo_error *err)
{
    const int across = in->rate_across > 0 ? in->rate_across : in->rate, wanted = options ? options->size : 0;

    if (wanted < 0 || wanted > CV_MEDIA_MAX_SIDE)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the size must be from 0 to %d pixels, not %d", CV_MEDIA_MAX_SIDE,
                       wanted);
    *height = in->height * in->rate;
    *width = in->width * across;
    if (*height > CV_MEDIA_MAX_SIDE || *width > CV_MEDIA_MAX_SIDE)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "frames of %dx%d pixels are larger than %d", *width, *height,
                       CV_MEDIA_MAX_SIDE);
    if (*height < wanted && *width < wanted) { /* the longer side becomes that long */
        const int longer = *height > *width ? *height : *width;

        *height = (int)((long long)*height * wanted / longer);
        *width = (int)((long long)*width * wanted / longer);
    }
    return COGVIDEO_OK;
}

cogvideo_status cv_phenaki_decode(const cogvideo_model *head, const cogvideo_decode_options *options,
                                  const cogvideo_tokens *in, cogvideo_picture_fn *take, void *user, cogvideo_error *err)
{
    const cv_phenaki *model = cv_phenaki_of(head);
    const cogvideo_value value = { .kind = COGVIDEO_KIND_CODES, .codes = *in };
    const cogvideo_shape shape = cogvideo_value_shape(&value);
    const int height = in->height * in->rate, width = in->width * cogvideo_tokens_rate_across(in);
    cogvideo_picture next = { .count = shape.video_frames, .fps = fps_of(model, options, in) };
    int first, frames, given;
    cogvideo_status status;
    decoding d = {
        .model = model,
        .options = options,
        .clip = in,
        .progress = { .what = "decoding", .unit = "codes", .rounds = 1, .frames = in->frames, .sequences = 1 }
    };

    CV_TRY(cv_need_video_tokenizer(model, err));
    CV_TRY(check_clip(model, in, err));
    CV_TRY(shown_size(options, &shape, &next.width, &next.height, err));
    d.progress.total = (long long)in->frames * (long long)cogvideo_tokens_per_frame(in);
    CV_NEW(d.pixels, 3 * (size_t)height * (size_t)width, err);
    CV_TRY(cv_pictures_open(&d.pictures, &next, width, height, take, user, err));
    CV_TRY(cv_box_codec_open(&d.codec, model, shape.scene_frames, in->height, in->width, err));
    for (int i = 0; cogvideo_tokens_scene(in, i, &first, &frames, &given); i++)
        CV_TRY(decode_scene(&d, i, first, frames, given, err));
done:
    cv_box_codec_close(&d.codec);
    cv_pictures_close(&d.pictures);
    cv_free(d.pixels);
    return status;
}

cogvideo_status cv_phenaki_plan_decode(const cogvideo_model *head, const cogvideo_generate_options *options,
                                       const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    const cv_phenaki *model = cv_phenaki_of(head);
    const int high = in->height * in->rate, wide = in->width * (in->rate_across > 0 ? in->rate_across : in->rate);
    int width = 0, height = 0;
    cogvideo_status status;

    CV_TRY(cv_need_video_tokenizer(model, err));
    CV_TRY(shown_size(options->decode, in, &width, &height, err));
    *out = (cogvideo_plan){
        .weights = cv_phenaki_weights(model),
        .scratch = cv_box_codec_bytes(model, in->scene_frames, in->height, in->width) +
                   3 * (uint64_t)high * (uint64_t)wide + cv_pictures_bytes(width, height, wide, high),
        .out = { .kind = COGVIDEO_KIND_PIXELS, .frames = in->video_frames, .height = height, .width = width },
    };
done:
    return status;
}
