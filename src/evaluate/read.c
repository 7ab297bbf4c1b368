#include "evaluate/read.h"

#include "base/path.h"
#include "dataset/sources.h"

#include <cogvideo/generate.h>
#include <string.h>

#define MAX_CLIP ((size_t)4 << 30) /* bytes of one clip's pixels */

/* --- a video, read once for its length and once for its frames ------------------------------------------------- */

typedef struct times {
    double *values;
    int count;
    double last;
    bool timeless;
    cogvideo_error *err;
    cogvideo_status status;
} times;

static int take_time(void *user, const cogvideo_frame *frame)
{
    times *t = user;
    double *larger = cv_grow(t->values, (size_t)t->count, sizeof *larger, t->err);

    if (!larger) {
        t->status = COGVIDEO_ERROR_MEMORY;
        return 1;
    }
    t->values = larger;
    t->timeless = t->timeless || frame->time < 0;
    t->last = frame->duration;
    t->values[t->count++] = frame->time;
    return 0;
}

typedef struct taking {
    cv_chosen *clip;
    const int *chosen; /* [frames] */
    int frames, taken; /* of `chosen` */
    int seen;          /* frames that the video was read up to */
    int gap;           /* place of the first frame behind a damaged one; -1 = none */
    bool uneven;       /* frames differ in size */
    cogvideo_error *err;
    cogvideo_status status;
} taking;

static cogvideo_status make_room(cv_chosen *clip, int frames, int height, int width, cogvideo_error *err)
{
    size_t bytes;

    if (!cv_size_mul((size_t)frames * 3, (size_t)height * (size_t)width, &bytes) || bytes > MAX_CLIP)
        return cv_fail(err, COGVIDEO_ERROR_MEMORY, "a clip of %d frames of %dx%d pixels is too large", frames, width,
                       height);
    *clip = (cv_chosen){ frames, height, width, cv_alloc(bytes, 1, err) };
    return clip->pixels ? COGVIDEO_OK : COGVIDEO_ERROR_MEMORY;
}

static int take_frame(void *user, const cogvideo_frame *frame)
{
    taking *t = user;
    const size_t bytes = (size_t)frame->height * (size_t)frame->width * 3;

    t->seen = frame->index + 1;
    if (frame->gap && t->gap < 0)
        t->gap = frame->index;
    while (t->taken < t->frames && t->chosen[t->taken] == frame->index) {
        if (!t->clip->pixels &&
            (t->status = make_room(t->clip, t->frames, frame->height, frame->width, t->err)) != COGVIDEO_OK)
            return 1;
        if (frame->height != t->clip->height || frame->width != t->clip->width) {
            t->uneven = true;
            return 1;
        }
        memcpy(t->clip->pixels + (size_t)t->taken++ * bytes, frame->pixels, bytes);
    }
    return t->taken == t->frames || t->gap >= 0;
}

/* A file that cannot be read as a video is left out; all else that goes wrong ends the run. */
static cogvideo_status sort_error(cogvideo_status status, const cogvideo_error *found, bool *left_out,
                                  cogvideo_error *why, cogvideo_error *err)
{
    *left_out = status == COGVIDEO_ERROR_FORMAT || status == COGVIDEO_ERROR_UNSUPPORTED;
    if (*left_out)
        *why = *found;
    else if (err && status != COGVIDEO_OK)
        *err = *found;
    return *left_out ? COGVIDEO_OK : status;
}

/* "clip.mp4: has 9 frames, too few for a clip of 16" */
static void too_short(const cv_reading *r, const cv_item *item, int have, bool *left_out, cogvideo_error *why)
{
    const cv_protocol *p = r->protocol;

    *left_out = true;
    cv_fail(why, COGVIDEO_ERROR_FORMAT, "%s: has %d frame%s%s%s, too few for a clip of %d%s", cv_item_place(item),
            have > 0 ? have : 0, have == 1 ? "" : "s", p->given.skip_first ? " after those skipped" : "",
            p->given.fps > 0 ? " at the protocol's rate" : "", p->frames, p->stride > 1 ? " with its stride" : "");
}

/* The length of a video. */
static cogvideo_status measure(const cv_reading *r, const cv_item *item, times *out, bool *left_out,
                               cogvideo_error *why, cogvideo_error *err)
{
    const cogvideo_read_options options = { .poll = r->poll, .user = r->user };
    cogvideo_error found = { 0 };
    cogvideo_status status;

    out->err = err;
    status = cogvideo_video_each(item->path, &options, take_time, out, &found);
    return out->status != COGVIDEO_OK ? out->status : sort_error(status, &found, left_out, why, err);
}

/* What became of a video whose frames were to be taken. */
static cogvideo_status judge(const cv_reading *r, const cv_item *item, const taking *t, cogvideo_status status,
                             const cogvideo_error *found, bool *left_out, cogvideo_error *why, cogvideo_error *err)
{
    if (t->status != COGVIDEO_OK)
        return t->status;
    if (t->uneven) {
        *left_out = true;
        cv_fail(why, COGVIDEO_ERROR_FORMAT, "%s: its frames differ in size", cv_item_place(item));
        return COGVIDEO_OK;
    }
    if (t->gap >= 0) {
        *left_out = true;
        cv_fail(why, COGVIDEO_ERROR_FORMAT, "%s: is damaged before frame %d", cv_item_place(item), t->gap);
        return COGVIDEO_OK;
    }
    if (t->taken == t->frames)
        return COGVIDEO_OK;
    if (status != COGVIDEO_OK)
        return sort_error(status, found, left_out, why, err);
    too_short(r, item, t->seen - r->protocol->given.skip_first, left_out, why);
    return COGVIDEO_OK;
}

static cogvideo_status read_video(const cv_reading *r, const cv_item *item, int which, int *chosen, cv_chosen *out,
                                  bool *left_out, cogvideo_error *why, cogvideo_error *err)
{
    const cogvideo_read_options options = { .poll = r->poll, .user = r->user };
    times length = { 0 };
    cv_length known;
    taking take = { .clip = out, .chosen = chosen, .frames = r->protocol->frames, .gap = -1, .err = err };
    cogvideo_error found = { 0 };
    int have = 0;
    cogvideo_status status = COGVIDEO_OK;

    if (cv_frames_need_length(r->protocol, r->side)) {
        CV_TRY(measure(r, item, &length, left_out, why, err));
        if (!*left_out && length.count == 0)
            too_short(r, item, 0, left_out, why);
        if (*left_out)
            goto done;
    }
    known = (cv_length){ length.count, length.timeless ? NULL : length.values, length.last };
    if (!cv_frames_choose(r->protocol, r->side, length.count ? &known : NULL, item->name, which, chosen, &have)) {
        too_short(r, item, have, left_out, why);
        goto done;
    }
    status = cogvideo_video_each(item->path, &options, take_frame, &take, &found);
    CV_TRY(judge(r, item, &take, status, &found, left_out, why, err));
done:
    cv_free(length.values);
    return status;
}

/* --- frames that lie in memory, or each in a file --------------------------------------------------------------- */

static cogvideo_status copy_chosen(cv_chosen *out, const uint8_t *pixels, int height, int width, const int *chosen,
                                   int frames, cogvideo_error *err)
{
    const size_t bytes = (size_t)height * (size_t)width * 3;
    cogvideo_status status = make_room(out, frames, height, width, err);

    for (int i = 0; i < frames && status == COGVIDEO_OK; i++)
        memcpy(out->pixels + (size_t)i * bytes, pixels + (size_t)chosen[i] * bytes, bytes);
    return status;
}

static cogvideo_status choose_copy(const cv_reading *r, const cv_item *item, int which, int *chosen,
                                   const cogvideo_video *video, cv_chosen *out, bool *left_out, cogvideo_error *why,
                                   cogvideo_error *err)
{
    cv_length length = { .frames = video->frames, .last = video->fps > 0 ? 1 / video->fps : 0 };
    double *at = NULL;
    int have = 0;
    cogvideo_status status = COGVIDEO_OK;

    if (video->fps > 0) {
        CV_NEW(at, video->frames, err);
        for (int i = 0; i < video->frames; i++)
            at[i] = i / video->fps;
        length.times = at;
    }
    if (cv_frames_choose(r->protocol, r->side, &length, item->name, which, chosen, &have))
        CV_TRY(copy_chosen(out, video->pixels, video->height, video->width, chosen, r->protocol->frames, err));
    else
        too_short(r, item, have, left_out, why);
done:
    cv_free(at);
    return status;
}

static cogvideo_status read_dataset(const cv_reading *r, const cv_item *item, int which, int *chosen, cv_chosen *out,
                                    bool *left_out, cogvideo_error *why, cogvideo_error *err)
{
    cogvideo_dataset_info info;
    cogvideo_dataset_clip clip;
    cogvideo_video video;
    cogvideo_status status;

    cogvideo_dataset_get_info(r->set->dataset, &info);
    CV_TRY(cogvideo_dataset_get_clip(r->set->dataset, item->index, &clip, err));
    video = (cogvideo_video){ .width = info.size,
                              .height = info.size,
                              .frames = clip.frames,
                              .fps = info.fps,
                              .pixels = (uint8_t *)(uintptr_t)clip.pixels };
    CV_TRY(choose_copy(r, item, which, chosen, &video, out, left_out, why, err));
done:
    return status;
}

static cogvideo_status read_shapes(const cv_reading *r, const cv_item *item, int which, int *chosen, cv_chosen *out,
                                   bool *left_out, cogvideo_error *why, cogvideo_error *err)
{
    const cv_shapes *world = r->set->world;
    const size_t bytes = (size_t)world->side * (size_t)world->side * 3;
    cogvideo_video video = { .width = world->side, .height = world->side, .frames = world->frames, .fps = world->fps };
    int combination;
    uint64_t seed;
    cogvideo_status status;

    CV_NEW(video.pixels, bytes * (size_t)world->frames, err);
    cv_set_drawn(r->set, item->index, &combination, &seed);
    cv_shapes_render(world, combination, seed, video.pixels);
    for (int f = 1; f < world->frames && r->set->drawn == CV_DRAWN_FROZEN; f++)
        memcpy(video.pixels + (size_t)f * bytes, video.pixels, bytes);
    CV_TRY(choose_copy(r, item, which, chosen, &video, out, left_out, why, err));
done:
    cv_free(video.pixels);
    return status;
}

static cogvideo_status read_codes(const cv_reading *r, const cv_item *item, int which, int *chosen, cv_chosen *out,
                                  bool *left_out, cogvideo_error *why, cogvideo_error *err)
{
    cogvideo_decode_options options;
    cogvideo_tokens tokens = { 0 };
    cogvideo_video video = { 0 };
    cogvideo_error found = { 0 };
    cogvideo_status status;

    if (!r->model)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: is a clip of codes, which a model decodes (--model DIR)",
                       item->path);
    CV_TRY(sort_error(cogvideo_tokens_load(&tokens, item->path, &found), &found, left_out, why, err));
    if (*left_out)
        goto done;
    cogvideo_decode_defaults(r->model, &options);
    options.size = 0; /* as the model made it, not enlarged for the eye */
    CV_TRY(cogvideo_decode(r->model, &options, &tokens, &video, err));
    CV_TRY(choose_copy(r, item, which, chosen, &video, out, left_out, why, err));
done:
    cogvideo_tokens_free(&tokens);
    cogvideo_video_free(&video);
    return status;
}

/* One picture of a folder becomes frame `taken` of the clip. */
static cogvideo_status read_picture(const cv_reading *r, const char *path, taking *take, bool *left_out,
                                    cogvideo_error *why, cogvideo_error *err)
{
    const cogvideo_read_options options = { .max_frames = 1, .poll = r->poll, .user = r->user };
    cogvideo_error found = { 0 };
    const int zero = 0;
    taking one = *take;
    cogvideo_status status;
    cv_chosen single = { 0 };

    one.clip = &single;
    one.chosen = &zero;
    one.frames = 1;
    one.taken = 0;
    status = cogvideo_video_each(path, &options, take_frame, &one, &found);
    if (one.status != COGVIDEO_OK)
        return one.status;
    if (one.taken == 0) {
        status = sort_error(status, &found, left_out, why, err);
    } else if (take->taken > 0 && (single.height != take->clip->height || single.width != take->clip->width)) {
        take->uneven = true;
        status = COGVIDEO_OK;
    } else {
        const size_t bytes = (size_t)single.height * (size_t)single.width * 3;

        status = COGVIDEO_OK;
        if (take->taken == 0)
            status = make_room(take->clip, take->frames, single.height, single.width, err);
        if (status == COGVIDEO_OK)
            memcpy(take->clip->pixels + (size_t)take->taken++ * bytes, single.pixels, bytes);
    }
    cv_chosen_free(&single);
    return status;
}

/* Pictures have no times: they are taken as frames at the protocol's rate. */
static cogvideo_status read_pictures(const cv_reading *r, const cv_item *item, int which, int *chosen, cv_chosen *out,
                                     bool *left_out, cogvideo_error *why, cogvideo_error *err)
{
    taking take = { .clip = out, .frames = r->protocol->frames, .gap = -1, .err = err };
    cv_length length = { 0 };
    char **names = NULL;
    size_t count = 0;
    int have = 0;
    cogvideo_status status;

    CV_TRY(cv_picture_names(&names, &count, item->path, err));
    if (count == 0) { /* a list may name such a folder */
        *left_out = true;
        cv_fail(why, COGVIDEO_ERROR_FORMAT, "%s: is a folder without pictures, and no clip", item->path);
        goto done;
    }
    length.frames = take.seen = count < 1000000 ? (int)count : 1000000;
    if (!cv_frames_choose(r->protocol, r->side, &length, item->name, which, chosen, &have)) {
        too_short(r, item, have, left_out, why);
        goto done;
    }
    for (int i = 0; i < take.frames && !*left_out && !take.uneven; i++) {
        char *path = cv_path_join(item->path, names[chosen[i]], err);

        status = path ? read_picture(r, path, &take, left_out, why, err) : COGVIDEO_ERROR_MEMORY;
        cv_free(path);
        if (status != COGVIDEO_OK)
            goto done;
    }
    if (!*left_out)
        CV_TRY(judge(r, item, &take, COGVIDEO_OK, NULL, left_out, why, err));
done:
    cv_folder_names_free(&names, count);
    return status;
}

/* --- all ------------------------------------------------------------------------------------------------------ */

/* Through the model's image tokenizer and back: the largest centred square, at the model's own size. */
static cogvideo_status tokenize(const cogvideo_model *model, cv_chosen *clip, cogvideo_error *err)
{
    const cogvideo_video in = { .width = clip->width,
                                .height = clip->height,
                                .frames = clip->frames,
                                .fps = 8,
                                .pixels = clip->pixels };
    cogvideo_decode_options options;
    cogvideo_model_info info;
    cogvideo_video fitted = { 0 }, decoded = { 0 };
    cogvideo_tokens tokens = { 0 };
    cogvideo_status status;

    cogvideo_model_get_info(model, &info);
    cogvideo_decode_defaults(model, &options);
    options.size = 0;
    CV_TRY(cogvideo_video_fit(&fitted, &in, info.width * info.rate, info.height * info.rate, err));
    CV_TRY(cogvideo_encode(model, &fitted, info.rate, NULL, &tokens, err));
    CV_TRY(cogvideo_decode(model, &options, &tokens, &decoded, err));
    if (decoded.frames != clip->frames) {
        status = cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED,
                         "the image tokenizer of the model '%s' makes %d frames of the %d of a clip: they cannot stand "
                         "in its place; other --frames may fit",
                         model->name, decoded.frames, clip->frames);
        goto done;
    }
    cv_chosen_free(clip);
    *clip = (cv_chosen){ decoded.frames, decoded.height, decoded.width, decoded.pixels };
    decoded.pixels = NULL;
done:
    cogvideo_video_free(&fitted);
    cogvideo_video_free(&decoded);
    cogvideo_tokens_free(&tokens);
    return status;
}

cogvideo_status cv_read_clip(const cv_reading *r, const cv_item *item, int which, cv_chosen *out, bool *left_out,
                             cogvideo_error *why, cogvideo_error *err)
{
    cogvideo_status (*read)(const cv_reading *, const cv_item *, int, int *, cv_chosen *, bool *, cogvideo_error *,
                            cogvideo_error *) = item->kind == CV_ITEM_DATASET    ? read_dataset
                                                : item->kind == CV_ITEM_SHAPES   ? read_shapes
                                                : item->kind == CV_ITEM_CODES    ? read_codes
                                                : item->kind == CV_ITEM_PICTURES ? read_pictures
                                                                                 : read_video;
    cv_chosen clip = { 0 };
    int *chosen = NULL;
    cogvideo_status status;

    *left_out = false;
    CV_NEW(chosen, r->protocol->frames, err);
    CV_TRY(read(r, item, which, chosen, &clip, left_out, why, err));
    if (!*left_out && r->side == CV_REAL && r->protocol->tokenizer)
        CV_TRY(tokenize(r->model, &clip, err));
    if (!*left_out) {
        *out = clip;
        clip = (cv_chosen){ 0 };
    }
done:
    cv_chosen_free(&clip);
    cv_free(chosen);
    return status;
}
