#include "evaluate/frames.h"

#include "base/hash.h"
#include "base/rng.h"

#include <math.h>
#include <string.h>

#define START_DRAWS 0x57a7u /* of cv_rng_block */

/* --- which ---------------------------------------------------------------------------------------------------- */

bool cv_frames_need_length(const cv_protocol *p, cv_side side)
{
    return p->given.fps > 0 || p->start[side] != CV_START_FIRST;
}

/* How many frames there are at the protocol's rate, or as they are. */
static int count_frames(const cv_protocol *p, const cv_length *length)
{
    const double fps = p->given.fps;
    double seconds, last = length->last;

    if (fps <= 0 || !length->times)
        return length->frames;
    seconds = length->times[length->frames - 1] - length->times[0];
    if (last <= 0 && length->frames > 1)
        last = seconds / (length->frames - 1);
    return (int)fmin(fmax(floor((seconds + last) * fps + 1e-6), 1), 1e6);
}

/* The native frame that is nearest in time to frame `index` at the protocol's rate; of two equally near ones the
 * first. */
static int native(const cv_protocol *p, const cv_length *length, int index)
{
    int low = 0, high;
    double time;

    if (!length || p->given.fps <= 0 || !length->times)
        return index;
    time = length->times[0] + index / p->given.fps;
    for (high = length->frames - 1; low < high;) { /* the last frame that is not later */
        const int middle = (low + high + 1) / 2;

        if (length->times[middle] <= time)
            low = middle;
        else
            high = middle - 1;
    }
    if (low + 1 < length->frames && length->times[low + 1] - time < time - length->times[low])
        low++;
    return low;
}

bool cv_frames_choose(const cv_protocol *p, cv_side side, const cv_length *length, const char *name, int which,
                      int *out, int *have)
{
    const int span = (p->frames - 1) * p->stride + 1, skipped = p->given.skip_first;
    const int clips = p->given.clips_per_video;
    long long first = (long long)which * span, room;
    uint32_t random[4];
    uint64_t key;

    if (cv_frames_need_length(p, side)) {
        *have = count_frames(p, length) - skipped;
        room = (long long)*have - span;
        if (room < 0)
            return false;
        if (p->start[side] == CV_START_CENTRE) {
            first = clips > 1 ? room * which / (clips - 1) : room / 2;
        } else if (p->start[side] == CV_START_RANDOM) {
            key = cv_hash_text(name);
            cv_rng_block(random, p->given.seed,
                         (uint32_t[4]){ (uint32_t)key, (uint32_t)(key >> 32), (uint32_t)which, START_DRAWS });
            first = (long long)(cv_rng_unit(random[0], random[1]) * (double)(room + 1));
        } else if (first > room) {
            return false;
        }
    } else if (length && (*have = length->frames - skipped) < first + span) {
        return false;
    }
    for (int i = 0; i < p->frames; i++) {
        const long long at = skipped + first + (long long)i * p->stride;

        if (at > INT32_MAX)
            return false;
        out[i] = native(p, length, (int)at);
    }
    return true;
}

/* --- clips ---------------------------------------------------------------------------------------------------- */

void cv_chosen_free(cv_chosen *clip)
{
    cv_free(clip->pixels);
    *clip = (cv_chosen){ 0 };
}

void cv_chosen_mirror(cv_chosen *clip)
{
    for (size_t row = 0; row < (size_t)clip->frames * (size_t)clip->height; row++) {
        uint8_t *pixels = clip->pixels + row * (size_t)clip->width * 3;

        for (int left = 0, right = clip->width - 1; left < right; left++, right--)
            for (int c = 0; c < 3; c++) {
                const uint8_t kept = pixels[3 * left + c];

                pixels[3 * left + c] = pixels[3 * right + c];
                pixels[3 * right + c] = kept;
            }
    }
}

cogvideo_status cv_chosen_source(unsigned char out[CV_SHA256_BYTES], const cv_chosen *clip, cogvideo_error *err)
{
    const uint32_t sizes[3] = { (uint32_t)clip->frames, (uint32_t)clip->height, (uint32_t)clip->width };
    unsigned char head[12];
    cv_sha256 *sha256 = NULL;
    cogvideo_status status = cv_sha256_begin(&sha256, err);

    if (status != COGVIDEO_OK)
        return status;
    for (int i = 0; i < 12; i++)
        head[i] = (unsigned char)(sizes[i / 4] >> 8 * (i % 4));
    cv_sha256_add(sha256, head, sizeof head);
    cv_sha256_add(sha256, clip->pixels, (size_t)clip->frames * (size_t)clip->height * (size_t)clip->width * 3);
    cv_sha256_end(&sha256, out);
    return COGVIDEO_OK;
}

/* --- to the network ------------------------------------------------------------------------------------------- */

void cv_frames_size(const cv_protocol *p, int height, int width, int *out_height, int *out_width)
{
    const int side = p->info.side ? p->info.side : p->given.size;

    *out_height = side ? side : height;
    *out_width = side ? side : width;
}

int cv_frames_given(const cv_protocol *p)
{
    return p->info.frames ? cv_protocol_rows(p) : p->frames;
}

static void quantise(float *values, size_t count, cv_quantise how)
{
    for (size_t i = 0; i < count && how != CV_QUANTISE_NONE; i++)
        values[i] = floorf(fminf(fmaxf(values[i], 0), 255) + (how == CV_QUANTISE_ROUND ? 0.5f : 0));
}

/* One frame by way of the protocol's own size. `square` has room for it. */
static cogvideo_status fit_twice(float *out, int side, float *square, const cv_protocol *p, const cv_chosen *clip,
                                 const uint8_t *pixels, cogvideo_error *err)
{
    const int size = p->given.size;
    const size_t count = 3 * (size_t)size * (size_t)size;
    cogvideo_status status;

    CV_TRY(cv_scale_to_square(square, size, pixels, clip->height, clip->width, p->size_resize, p->size_crop, err));
    quantise(square, count, p->quantise);
    if (side == size || p->network_resize == CV_SCALE_NONE)
        memcpy(out, square, count * sizeof *out);
    else
        CV_TRY(cv_scale_planes(out, side, side, square, size, size, p->network_resize, err));
done:
    return status;
}

/* One frame as it is. */
static void spread(float *out, const uint8_t *pixels, size_t places)
{
    for (size_t i = 0; i < places; i++)
        for (size_t c = 0; c < 3; c++)
            out[c * places + i] = pixels[3 * i + c];
}

static cogvideo_status fit(float *out, int height, int width, float *square, const cv_protocol *p,
                           const cv_chosen *clip, const uint8_t *pixels, cogvideo_error *err)
{
    if (square)
        return fit_twice(out, height, square, p, clip, pixels, err);
    if (p->network_resize != CV_SCALE_NONE && p->info.side)
        return cv_scale_to_square(out, height, pixels, clip->height, clip->width, p->network_resize, p->network_crop,
                                  err);
    spread(out, pixels, (size_t)height * (size_t)width);
    return COGVIDEO_OK;
}

cogvideo_status cv_frames_fit(float *out, const cv_protocol *p, const cv_chosen *clip, const char *name,
                              cogvideo_error *err)
{
    const int size = p->given.size, given = cv_frames_given(p);
    const size_t frame = (size_t)clip->height * (size_t)clip->width * 3;
    float *square = NULL;
    int height, width;
    cogvideo_status status = COGVIDEO_OK;

    cv_frames_size(p, clip->height, clip->width, &height, &width);
    if (p->info.side && p->network_resize == CV_SCALE_NONE &&
        (size ? size != height : clip->height != height || clip->width != width))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%s: has frames of %dx%d pixels; the network '%s' takes %dx%d, unresized%s", name,
                       size ? size : clip->width, size ? size : clip->height, p->network->name, width, height,
                       p->info.shapes ? " ('generate --size 0' does not enlarge them)" : "");
    if (size)
        CV_NEW(square, 3 * (size_t)size * (size_t)size, err);
    for (int i = 0; i < given; i++) {
        const int at = given == clip->frames ? i
                       : given == 1          ? clip->frames / 2
                                             : (int)((long long)i * (clip->frames - 1) / (given - 1));

        CV_TRY(fit(out + (size_t)i * 3 * (size_t)height * (size_t)width, height, width, square, p, clip,
                   clip->pixels + (size_t)at * frame, err));
    }
done:
    cv_free(square);
    return status;
}
