/* tokenizer_check.c - what a video tokenizer makes of a dataset: how much comes back, and how much its codes say that
 * the pictures do not. */
#include "dataset/dataset.h"
#include "family/phenaki/steps/box_codec.h"
#include "family/phenaki/train/clips.h"
#include "family/phenaki/train/parts.h"
#include "train/plain_codes.h"

#include <math.h>
#include <string.h>

#define LEAST (2.5f / 255) /* smaller differences between two pixels are none */

typedef struct check {
    const cv_phenaki *model;
    const cv_cvivit_config *config;
    cv_box_codec codec; /* its pixels are what goes through the tokenizer */
    int frames, side;
    float *pixels; /* [3][frames][side][side] of the clip */
    int32_t *codes, *moved;
    double errors[2]; /* squared, in 0..1, of first pictures and of those after them */
    long long numbers[2];
    bool *used; /* [codes] */
    cv_plain_codes plain;
    cogvideo_tokenizer_check found;
} check;

static int places_of(const check *c)
{
    return c->codec.h * c->codec.w;
}

static size_t pixels_of(const check *c)
{
    return 3 * (size_t)c->frames * (size_t)c->side * (size_t)c->side;
}

/* The first video frame of a latent frame, and how many it has. */
static int first_frame(const check *c, int t)
{
    return t == 0 ? 0 : 1 + (t - 1) * c->config->patch_frames;
}

static int frames_of(const check *c, int t)
{
    return t == 0 ? 1 : c->config->patch_frames;
}

/* Pixel (y, x) of a place in channel `channel` of frame `frame`. */
static float pixel_at(const check *c, const float *pixels, int channel, int frame, int place, int y, int x)
{
    const int row = place / c->codec.w * c->config->patch_height + y,
              column = place % c->codec.w * c->config->patch_width + x;

    return pixels[(((size_t)channel * (size_t)c->frames + (size_t)frame) * (size_t)c->side + (size_t)row) *
                      (size_t)c->side +
                  (size_t)column];
}

/* Whether a place looks in `count` frames from `first` on as in frame `like`; with `one_pixel` as that frame's first
 * pixel of it. */
static bool alike(const check *c, int place, int first, int count, int like, bool one_pixel)
{
    for (int channel = 0; channel < 3; channel++)
        for (int f = first; f < first + count; f++)
            for (int y = 0; y < c->config->patch_height; y++)
                for (int x = 0; x < c->config->patch_width; x++)
                    if (fabsf(pixel_at(c, c->pixels, channel, f, place, y, x) -
                              pixel_at(c, c->pixels, channel, like, place, one_pixel ? 0 : y, one_pixel ? 0 : x)) >
                        (one_pixel ? 0 : LEAST))
                        return false;
    return true;
}

static bool is_plain(const check *c, int t, int place)
{
    return alike(c, place, first_frame(c, t), frames_of(c, t), first_frame(c, t), true);
}

/* Codes that differ from one latent frame to the next, and those where the pixels do not. The first latent frame, of
 * one picture, has codes of its own. */
static void compare_latent(check *c, int t)
{
    for (int place = 0; place < places_of(c); place++) {
        const bool still =
                       alike(c, place, first_frame(c, t - 1), 2 * c->config->patch_frames, first_frame(c, t), false),
                   changed = c->codes[(t - 1) * places_of(c) + place] != c->codes[t * places_of(c) + place];

        c->found.places++;
        c->found.changed += changed;
        c->found.still += still;
        c->found.still_changed += still && changed;
    }
}

static cogvideo_status count_codes(check *c, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    for (int t = 0; t < c->codec.T; t++) {
        for (int place = 0; place < places_of(c); place++) {
            const int32_t code = c->codes[t * places_of(c) + place];
            uint8_t colour[3];

            c->used[code] = true;
            if (t == 0 || !is_plain(c, t, place))
                continue;
            for (int channel = 0; channel < 3; channel++)
                colour[channel] =
                    (uint8_t)lrintf(255 * pixel_at(c, c->pixels, channel, first_frame(c, t), place, 0, 0));
            CV_TRY(cv_plain_codes_add(&c->plain, colour, code, err));
        }
        if (t > 1)
            compare_latent(c, t);
    }
    cv_plain_codes_tidy(&c->plain);
done:
    return status;
}

/* The clip one place further right and down, what falls out coming in at the other side. */
static void roll(check *c)
{
    const int side = c->side;

    for (int plane = 0; plane < 3 * c->frames; plane++)
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++)
                c->codec.pixels[((size_t)plane * (size_t)side + (size_t)((y + c->config->patch_height) % side)) *
                                    (size_t)side +
                                (size_t)((x + c->config->patch_width) % side)] =
                    c->pixels[((size_t)plane * (size_t)side + (size_t)y) * (size_t)side + (size_t)x];
}

/* Whether patterns have the same codes one place further on. */
static cogvideo_status compare_moved(check *c, int index, cogvideo_error *err)
{
    cogvideo_status status;

    roll(c);
    CV_TRY(cv_box_encode(&c->codec, c->moved, c->codec.T, "clip", index, err));
    for (int t = 0; t < c->codec.T; t++)
        for (int place = 0; place < places_of(c); place++) {
            const int to = place + c->codec.w + 1;

            if (place % c->codec.w == c->codec.w - 1 || place / c->codec.w == c->codec.h - 1 || is_plain(c, t, place))
                continue;
            c->found.patterns++;
            c->found.patterns_kept += c->codes[t * places_of(c) + place] == c->moved[t * places_of(c) + to];
        }
done:
    return status;
}

static cogvideo_status compare_decoded(check *c, int index, cogvideo_error *err)
{
    const size_t plane = (size_t)c->side * (size_t)c->side;
    cogvideo_status status;

    CV_TRY(cv_box_decode(&c->codec, c->codes, c->codec.T, "clip", index, err));
    for (size_t channel = 0; channel < 3; channel++)
        for (size_t f = 0; f < (size_t)c->frames; f++)
            for (size_t i = 0; i < plane; i++) {
                const size_t at = (channel * (size_t)c->frames + f) * plane + i;

                c->errors[f > 0] += pow((double)fminf(fmaxf(c->codec.pixels[at], 0), 1) - (double)c->pixels[at], 2);
                c->numbers[f > 0]++;
            }
done:
    return status;
}

static cogvideo_status check_clip(check *c, const cogvideo_dataset *dataset, int index, cogvideo_error *err)
{
    cogvideo_dataset_clip clip;
    cogvideo_status status;

    CV_TRY(cogvideo_dataset_get_clip(dataset, index, &clip, err));
    if (clip.frames < c->frames)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "clip %d has %d frames, a clip of the model %d", index,
                       clip.frames, c->frames);
    cv_clip_pixels(&clip, c->side, 0, c->frames, c->pixels);
    memcpy(c->codec.pixels, c->pixels, pixels_of(c) * sizeof *c->pixels);
    CV_TRY(cv_box_encode(&c->codec, c->codes, c->codec.T, "clip", index, err));
    CV_TRY(count_codes(c, err));
    CV_TRY(compare_moved(c, index, err));
    CV_TRY(compare_decoded(c, index, err));
    c->found.frames += c->frames;
    c->found.clips++;
done:
    return status;
}

static double decibels(double errors, long long numbers)
{
    return numbers > 0 ? -10 * log10(fmax(errors / (double)numbers, 1e-10)) : 0;
}

static cogvideo_status plan(check *c, const cogvideo_dataset_info *info, cogvideo_error *err)
{
    const cv_phenaki *m = c->model;
    cogvideo_status status;
    size_t codes;

    CV_TRY(cv_need_video_tokenizer(m, err));
    if (info->size != m->height || info->size != m->width)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the dataset has frames of %dx%d pixels, the model %dx%d",
                       info->size, info->size, m->width, m->height);
    c->config = cv_cvivit_config_of(m->tokenizer);
    c->frames = m->frames;
    c->side = info->size;
    CV_TRY(cv_box_codec_open(&c->codec, m, cv_cvivit_latent_frames(c->config, m->frames),
                             c->side / c->config->patch_height, c->side / c->config->patch_width, err));
    codes = (size_t)c->codec.T * (size_t)places_of(c);
    CV_NEW(c->pixels, pixels_of(c), err);
    CV_NEW(c->codes, codes, err);
    CV_NEW(c->moved, codes, err);
    CV_NEW(c->used, c->config->codes, err);
done:
    return status;
}

cogvideo_status cv_phenaki_check_tokenizer(const cogvideo_dataset *dataset, const cogvideo_model *head, int clips,
                                           const cogvideo_dataset_callbacks *callbacks, cogvideo_tokenizer_check *out,
                                           cogvideo_error *err)
{
    check c = { .model = cv_phenaki_of(head) };
    cogvideo_dataset_info info;
    cogvideo_status status;

    cogvideo_dataset_get_info(dataset, &info);
    CV_TRY(plan(&c, &info, err));
    clips = clips > 0 && clips < info.clips ? clips : info.clips;
    for (int i = 0; i < clips; i++) {
        CV_TRY(check_clip(&c, dataset, (int)((long long)i * info.clips / clips), err));
        CV_TRY(cv_dataset_progress(callbacks, "clips", i + 1, clips, err));
    }
    for (int code = 0; code < c.config->codes; code++)
        c.found.codes_used += c.used[code];
    c.found.codes = c.config->codes;
    c.found.plain_colours = c.plain.colours;
    c.found.plain_codes = c.plain.codes;
    c.found.key_psnr = decibels(c.errors[0], c.numbers[0]);
    c.found.between_psnr = decibels(c.errors[1], c.numbers[1]);
    *out = c.found;
done:
    cv_plain_codes_free(&c.plain);
    cv_box_codec_close(&c.codec);
    cv_free(c.pixels);
    cv_free(c.codes);
    cv_free(c.moved);
    cv_free(c.used);
    return status;
}
