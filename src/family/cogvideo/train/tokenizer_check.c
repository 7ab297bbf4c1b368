/* tokenizer_check.c - what an image tokenizer makes of a dataset: how much comes back, and how much its codes say that
 * the pictures do not. */
#include "family/cogvideo/steps/steps.h"
#include "family/cogvideo/train/parts.h"
#include "family/cogvideo/train/frames.h"
#include "dataset/dataset.h"
#include "train/plain_codes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST 2 /* levels of 255: smaller differences between two pixels are none */

typedef struct check {
    const cogvideo_model *model;
    int side, rate, grid, places, codes, apart; /* apart: frames from key frame to key frame */
    double errors[2];                           /* squared, in 0..1, of key frames and of those between */
    long long pixels[2];
    bool *used; /* [codes] */
    cv_plain_codes plain;
    cogvideo_tokenizer_check found;
} check;

/* Of a frame, the first pixel of a place. */
static const uint8_t *patch_at(const check *c, const uint8_t *frame, int place)
{
    return frame + ((size_t)(place / c->grid * c->rate) * (size_t)c->side + (size_t)(place % c->grid * c->rate)) * 3;
}

static bool is_plain(const check *c, const uint8_t *patch)
{
    for (int y = 0; y < c->rate; y++)
        for (int x = 0; x < c->rate; x++)
            if (memcmp(patch, patch + ((size_t)y * (size_t)c->side + (size_t)x) * 3, 3) != 0)
                return false;
    return true;
}

static bool alike(const check *c, const uint8_t *a, const uint8_t *b)
{
    for (int y = 0; y < c->rate; y++)
        for (int i = 0; i < 3 * c->rate; i++)
            if (abs(a[(size_t)y * (size_t)c->side * 3 + (size_t)i] - b[(size_t)y * (size_t)c->side * 3 + (size_t)i]) >
                LEAST)
                return false;
    return true;
}

/* How many codes differ from a frame to the next key frame, and how many of them where the pixels do not. */
static void compare_frames(check *c, const uint8_t *a, const uint8_t *b, const int32_t *codes_a, const int32_t *codes_b)
{
    for (int place = 0; place < c->places; place++) {
        bool still = alike(c, patch_at(c, a, place), patch_at(c, b, place)), changed = codes_a[place] != codes_b[place];

        c->found.places++;
        c->found.changed += changed;
        c->found.still += still;
        c->found.still_changed += still && changed;
    }
}

/* The picture one place further right and down, what falls out coming in at the other side. */
static void roll(const check *c, uint8_t *out, const uint8_t *frame)
{
    size_t row = (size_t)c->side * 3, shift = (size_t)c->rate * 3;

    for (int y = 0; y < c->side; y++) {
        uint8_t *to = out + (size_t)((y + c->rate) % c->side) * row;

        memcpy(to + shift, frame + (size_t)y * row, row - shift);
        memcpy(to, frame + (size_t)(y + 1) * row - shift, shift);
    }
}

/* Whether patterns have the same codes one place further on. */
static cogvideo_status compare_moved(check *c, const cogvideo_video *video, const cogvideo_tokens *codes,
                                     cogvideo_error *err)
{
    const size_t size = (size_t)c->side * (size_t)c->side * 3;
    cogvideo_video rolled = { 0 };
    cogvideo_tokens moved = { 0 };
    cogvideo_status status;
    int keys = (video->frames + c->apart - 1) / c->apart;

    CV_TRY(cogvideo_video_alloc(&rolled, c->side, c->side, keys, video->fps, err));
    for (int k = 0; k < keys; k++)
        roll(c, rolled.pixels + (size_t)k * size, video->pixels + (size_t)k * (size_t)c->apart * size);
    CV_TRY(cogvideo_encode(c->model, &rolled, c->rate, NULL, &moved, err));
    for (int k = 0; k < keys; k++)
        for (int place = 0; place < c->places; place++) {
            int from = k * c->apart, to = place + c->grid + 1;

            if (place % c->grid == c->grid - 1 || place / c->grid == c->grid - 1 ||
                is_plain(c, patch_at(c, video->pixels + (size_t)from * size, place)))
                continue;
            c->found.patterns++;
            c->found.patterns_kept += codes->codes[(size_t)from * (size_t)c->places + (size_t)place] ==
                                      moved.codes[(size_t)k * (size_t)c->places + (size_t)to];
        }
done:
    cogvideo_video_free(&rolled);
    cogvideo_tokens_free(&moved);
    return status;
}

/* What comes back of every frame. */
static cogvideo_status compare_decoded(check *c, const cogvideo_video *video, const cogvideo_tokens *codes,
                                       cogvideo_error *err)
{
    const cogvideo_decode_options options = { 0 };
    const size_t size = (size_t)c->side * (size_t)c->side * 3;
    cogvideo_video decoded = { 0 };
    cogvideo_status status;

    CV_TRY(cogvideo_decode(c->model, &options, codes, &decoded, err));
    if (decoded.width != c->side || decoded.height != c->side || decoded.frames != video->frames) {
        status = cv_fail(err, COGVIDEO_ERROR_MODEL, "%d frames of %dx%d came back as %d of %dx%d", video->frames,
                         c->side, c->side, decoded.frames, decoded.width, decoded.height);
        goto done;
    }
    for (int f = 0; f < video->frames; f++) {
        bool between = f % c->apart != 0;

        for (size_t i = (size_t)f * size; i < (size_t)(f + 1) * size; i++)
            c->errors[between] += pow((double)(video->pixels[i] - decoded.pixels[i]) / 255, 2);
        c->pixels[between] += (long long)size;
    }
done:
    cogvideo_video_free(&decoded);
    return status;
}

static cogvideo_status check_codes(check *c, const cogvideo_video *video, const cogvideo_tokens *codes,
                                   cogvideo_error *err)
{
    const size_t size = (size_t)c->side * (size_t)c->side * 3;
    cogvideo_status status = COGVIDEO_OK;

    for (int f = 0; f < video->frames; f++) {
        const uint8_t *frame = video->pixels + (size_t)f * size;
        const int32_t *own = codes->codes + (size_t)f * (size_t)c->places;

        for (int place = 0; place < c->places; place++) {
            const uint8_t *patch = patch_at(c, frame, place);

            c->used[own[place]] = true;
            if (is_plain(c, patch))
                CV_TRY(cv_plain_codes_add(&c->plain, patch, own[place], err));
        }
        if (f >= c->apart && f % c->apart == 0)
            compare_frames(c, frame - (size_t)c->apart * size, frame, own - (size_t)c->apart * (size_t)c->places, own);
    }
    cv_plain_codes_tidy(&c->plain);
done:
    return status;
}

static cogvideo_status check_clip(check *c, const cogvideo_dataset *dataset, int index, cogvideo_error *err)
{
    cogvideo_video fitted = { 0 };
    cogvideo_tokens codes = { 0 };
    const uint8_t **frames = NULL;
    cogvideo_dataset_info info;
    cogvideo_dataset_clip clip;
    cogvideo_status status;

    cogvideo_dataset_get_info(dataset, &info);
    CV_TRY(cogvideo_dataset_get_clip(dataset, index, &clip, err));
    CV_NEW(frames, clip.frames, err);
    for (int f = 0; f < clip.frames; f++)
        frames[f] = clip.pixels + (size_t)f * (size_t)info.size * (size_t)info.size * 3;
    CV_TRY(cv_frames_encode(cv_cogvideo_of(c->model), &info, frames, clip.frames, &fitted, &codes, err));
    CV_TRY(check_codes(c, &fitted, &codes, err));
    CV_TRY(compare_moved(c, &fitted, &codes, err));
    CV_TRY(compare_decoded(c, &fitted, &codes, err));
    c->found.frames += clip.frames;
    c->found.clips++;
done:
    cogvideo_video_free(&fitted);
    cogvideo_tokens_free(&codes);
    cv_free(frames);
    return status;
}

static double decibels(double errors, long long pixels)
{
    return pixels > 0 ? -10 * log10(fmax(errors / (double)pixels, 1e-10)) : 0;
}

cogvideo_status cv_cogvideo_check_tokenizer(const cogvideo_dataset *dataset, const cogvideo_model *head, int clips,
                                            const cogvideo_dataset_callbacks *callbacks, cogvideo_tokenizer_check *out,
                                            cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const cv_description *d = &model->description;
    check c = { .model = head,
                .rate = d->rate,
                .grid = d->network.grid,
                .side = d->network.grid * d->rate,
                .places = d->network.grid * d->network.grid,
                .codes = d->image_tokenizer.codes };
    cogvideo_dataset_info info;
    cogvideo_status status;

    cogvideo_dataset_get_info(dataset, &info);
    CV_TRY(cv_need_image_tokenizer(model, err));
    CV_TRY(cv_frames_apart(model, &info, d->durations[0], &c.apart, err));
    CV_NEW(c.used, c.codes, err);
    clips = clips > 0 && clips < info.clips ? clips : info.clips;
    for (int i = 0; i < clips; i++) {
        CV_TRY(check_clip(&c, dataset, (int)((long long)i * info.clips / clips), err));
        CV_TRY(cv_dataset_progress(callbacks, "clips", i + 1, clips, err));
    }
    for (int code = 0; code < c.codes; code++)
        c.found.codes_used += c.used[code];
    c.found.codes = c.codes;
    c.found.plain_colours = c.plain.colours;
    c.found.plain_codes = c.plain.codes;
    c.found.key_psnr = decibels(c.errors[0], c.pixels[0]);
    c.found.between_psnr = decibels(c.errors[1], c.pixels[1]);
    *out = c.found;
done:
    cv_free(c.used);
    cv_plain_codes_free(&c.plain);
    return status;
}
