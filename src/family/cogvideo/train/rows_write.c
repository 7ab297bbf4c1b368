/* rows_write.c - training rows: the clips of a dataset as text ids and codes, at the frame rates of each step. */
#include "family/cogvideo/steps/steps.h"
#include "family/cogvideo/model/settings.h"
#include "family/cogvideo/model/texts.h"

#include "tokens/bytes.h"
#include "dataset/dataset.h"
#include "family/cogvideo/train/frames.h"
#include "family/cogvideo/train/parts.h"
#include "dataset/frame_cache.h"
#include "family/cogvideo/train/rows.h"

#include <string.h>

/* One kind of row: its text, its frames `apart` frames of the dataset from one another, and a row every `window`. */
typedef struct row_form {
    cv_step_kind step;
    double seconds;
    int apart, window;
} row_form;

typedef struct run {
    const cogvideo_dataset *dataset;
    const cv_cogvideo *model;
    const cogvideo_rows_options *options;
    cogvideo_dataset_info info;
    row_form forms[CV_MAX_DURATIONS];
    int form_count, frames; /* of a row */
    int places, text_places;
    int *place; /* of a clip's frame among those that are encoded, -1: it is in no row */
    int place_count;
    int32_t pad;
    size_t row_bytes, frame_bytes; /* of a dataset's frame */
    unsigned char *row;
    cv_frame_cache *cache;
    cv_rows_writer writer;
} run;

static cogvideo_status add_form(run *r, cv_step_kind step, double seconds, cogvideo_error *err)
{
    row_form *form = &r->forms[r->form_count++];
    cogvideo_status status = COGVIDEO_OK;

    *form = (row_form){ .step = step, .seconds = seconds };
    CV_TRY(cv_frames_apart(r->model, &r->info, seconds, &form->apart, err));
    form->window = (r->model->description.network.frames - 1) * form->apart;
    if (form->window < 1)
        form->window = form->apart;
done:
    return status;
}

static cogvideo_status plan_forms(run *r, cogvideo_error *err)
{
    const cv_description *d = &r->model->description;
    cogvideo_status status = COGVIDEO_OK;

    r->frames = r->options->kind == COGVIDEO_ROWS_IMAGE ? 1 : d->network.frames;
    switch (r->options->kind) {
    case COGVIDEO_ROWS_IMAGE: /* the first frames of stage 1's rows; of poses, all: as of key frames, for no first frame
                                 looks like that */
        CV_TRY(add_form(r, r->info.poses ? CV_STEP_KEYFRAMES : CV_STEP_FIRST_FRAME, d->durations[0], err));
        if (r->info.poses)
            r->forms[0].window = 1;
        break;
    case COGVIDEO_ROWS_STAGE1:
        CV_TRY(add_form(r, CV_STEP_KEYFRAMES, d->durations[0], err));
        break;
    case COGVIDEO_ROWS_STAGE2:
        if (r->options->rounds < 0 || r->options->rounds >= d->duration_count)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "rows of %d rounds were asked for, the model has %d",
                           r->options->rounds, d->duration_count - 1);
        for (int i = 1; i < d->duration_count && (r->options->rounds == 0 || i <= r->options->rounds); i++)
            CV_TRY(add_form(r, CV_STEP_INTERPOLATE, d->durations[i], err));
        break;
    default:
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "models of the family cogvideo learn from rows for 'image', 'stage1' or 'stage2'");
    }
done:
    return status;
}

static cogvideo_status plan(run *r, cogvideo_error *err)
{
    const cv_cogvideo_config *network = &r->model->description.network;
    cogvideo_status status;

    CV_TRY(cv_need_image_tokenizer(r->model, err));
    CV_TRY(cv_model_need_text(&r->model->head, err));
    CV_TRY(plan_forms(r, err));
    r->places = network->grid * network->grid;
    r->text_places = network->text_places;
    r->pad = cv_text_id(r->model->head.text, "<pad>");
    if (r->pad < 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: the text model has no piece <pad>, which fills the text of a training row",
                       r->model->head.text_path);
    r->row_bytes = 4 * ((size_t)r->text_places + (size_t)r->frames * (size_t)r->places);
    CV_NEW(r->row, r->row_bytes, err);
    r->frame_bytes = (size_t)r->info.size * (size_t)r->info.size * 3;
    CV_TRY(cv_frame_cache_open(&r->cache, r->frame_bytes, r->places, err));
done:
    return status;
}

/* Whether a row of this form begins at frame `first`. Rows follow each other through the clip: the last frame of one is
 * the first of the next. A clip too short for key frames still has a first frame. */
static bool row_fits(const run *r, const row_form *form, int first, int frames)
{
    int needed = r->frames == 1 && (first == 0 || r->info.poses) ? 0 : form->window;

    return first + needed < frames;
}

/* Gives every frame that is in a row its place among those that are encoded. */
static cogvideo_status choose_frames(run *r, int frames, cogvideo_error *err)
{
    int *larger;

    if (frames > r->place_count) {
        if (!(larger = cv_realloc(r->place, (size_t)r->place_count, (size_t)frames, sizeof *larger, err)))
            return COGVIDEO_ERROR_MEMORY;
        r->place = larger;
        r->place_count = frames;
    }
    for (int frame = 0; frame < frames; frame++)
        r->place[frame] = -1;
    for (int i = 0; i < r->form_count; i++)
        for (int first = 0; row_fits(r, &r->forms[i], first, frames); first += r->forms[i].window)
            for (int f = 0; f < r->frames; f++)
                r->place[first + f * r->forms[i].apart] = 0;
    for (int frame = 0, place = 0; frame < frames; frame++)
        if (r->place[frame] == 0)
            r->place[frame] = place++;
    return COGVIDEO_OK;
}

/* Where the codes of a place stand in a clip's. */
static int32_t *codes_of(const run *r, const cogvideo_tokens *codes, int place)
{
    return codes->codes + (size_t)place * (size_t)r->places;
}

/* Takes the codes of the chosen frames that the cache has. `frames` become the others, each once where a clip stands
 * still, and `from` says for every place which of them it shows, -1 for none; returns how many there are. */
static int take_known(const run *r, const cogvideo_dataset_clip *clip, const uint8_t **frames, int *from,
                      cogvideo_tokens *out)
{
    int count = 0;

    for (int f = 0; f < clip->frames; f++) {
        const uint8_t *pixels = clip->pixels + (size_t)f * r->frame_bytes;
        const int32_t *known;
        int place = r->place[f];

        if (place < 0)
            continue;
        from[place] = -1;
        if ((known = cv_frame_cache_find(r->cache, pixels))) {
            memcpy(codes_of(r, out, place), known, (size_t)r->places * sizeof *known);
            continue;
        }
        if (count == 0 || memcmp(frames[count - 1], pixels, r->frame_bytes) != 0)
            frames[count++] = pixels;
        from[place] = count - 1;
    }
    return count;
}

/* The chosen frames of a clip as codes of the model's grid. */
static cogvideo_status encode_clip(const run *r, const cogvideo_dataset_clip *clip, cogvideo_tokens *out,
                                   cogvideo_error *err)
{
    const cv_description *d = &r->model->description;
    cogvideo_status status = COGVIDEO_OK;
    cogvideo_tokens fresh = { 0 };
    const uint8_t **frames = NULL;
    int *from = NULL, chosen = 0, count;

    for (int f = 0; f < clip->frames; f++)
        chosen += r->place[f] >= 0;
    if (chosen == 0)
        return COGVIDEO_OK;
    CV_NEW(frames, chosen, err);
    CV_NEW(from, chosen, err);
    CV_TRY(cogvideo_tokens_alloc(out, d->network.grid, d->network.grid, d->rate, chosen, err));
    count = take_known(r, clip, frames, from, out);
    if (count > 0)
        CV_TRY(cv_frames_encode(r->model, &r->info, frames, count, NULL, &fresh, err));
    for (int i = 0; i < count; i++)
        cv_frame_cache_add(r->cache, frames[i], codes_of(r, &fresh, i));
    for (int place = 0; place < chosen; place++)
        if (from[place] >= 0)
            memcpy(codes_of(r, out, place), codes_of(r, &fresh, from[place]), (size_t)r->places * sizeof *out->codes);
done:
    cogvideo_tokens_free(&fresh);
    cv_free(frames);
    cv_free(from);
    return status;
}

static cogvideo_status write_row(run *r, const cv_ids *text, const cogvideo_tokens *codes, int first, int apart,
                                 cogvideo_error *err)
{
    unsigned char *at = r->row;

    for (int i = 0; i < r->text_places; i++, at += 4)
        cv_put_le32(at, (uint32_t)(i < text->count ? text->ids[i] : r->pad));
    for (int f = 0; f < r->frames; f++)
        for (int i = 0; i < r->places; i++, at += 4)
            cv_put_le32(at,
                        (uint32_t)codes->codes[(size_t)r->place[first + f * apart] * (size_t)r->places + (size_t)i]);
    return cv_rows_put(&r->writer, r->row, r->row_bytes, err);
}

static cogvideo_status write_form(run *r, const row_form *form, const cogvideo_dataset_clip *clip,
                                  const cogvideo_tokens *codes, cogvideo_error *err)
{
    cogvideo_generate_options options;
    cv_ids text = { 0 };
    cogvideo_status status;

    cogvideo_generate_defaults(&r->model->head, &options);
    options.prompt = clip->caption;
    options.cut_text = r->options->cut_text;
    CV_TRY(cv_step_text(r->model, &options, form->step, cv_step_guidance(&options, form->step) != 1, form->seconds,
                        &text, err));
    for (int first = 0; row_fits(r, form, first, clip->frames); first += form->window)
        CV_TRY(write_row(r, &text, codes, first, form->apart, err));
done:
    cv_ids_free(&text);
    return status;
}

static cogvideo_status write_clip(void *user, int index, const cogvideo_dataset_clip *clip, cogvideo_error *err)
{
    run *r = user;
    cogvideo_tokens codes = { 0 };
    cogvideo_status status;
    char where[260];

    CV_TRY(choose_frames(r, clip->frames, err));
    CV_TRY(encode_clip(r, clip, &codes, err));
    for (int i = 0; i < r->form_count; i++)
        if ((status = write_form(r, &r->forms[i], clip, &codes, err)) != COGVIDEO_OK) {
            snprintf(where, sizeof where, "clip %d (%.200s)", index, clip->source);
            cv_fail_prefix(err, status, where);
            goto done;
        }
done:
    cogvideo_tokens_free(&codes);
    return status;
}

static void put_about(const void *user, cv_json *json)
{
    const run *r = user;
    const cv_cogvideo_config *network = &r->model->description.network;

    cv_json_set_int(json, "text_places", r->text_places);
    cv_json_set_int(json, "pad", r->pad);
    cv_json_set_int(json, "frames", r->frames);
    cv_json_set_int(json, "grid", network->grid);
    cv_json_set_int(json, "image_codes", network->image_codes);
}

cogvideo_status cv_cogvideo_dataset_tokens(const cogvideo_dataset *dataset, const cogvideo_model *head,
                                           const char *output, const cogvideo_rows_options *options,
                                           const cogvideo_dataset_callbacks *callbacks, long long *rows,
                                           cogvideo_error *err)
{
    run r = { .dataset = dataset,
              .model = cv_cogvideo_of(head),
              .options = options,
              .writer = { dataset, head, options, callbacks, write_clip, put_about, &r, .rows = 0 } };
    cogvideo_status status;

    CV_TRY(cv_rows_check_output(output, options, err));
    cogvideo_dataset_get_info(dataset, &r.info);
    CV_TRY(plan(&r, err));
    CV_TRY(cv_frame_tokenizers(r.writer.tokenizers, head, err));
    CV_TRY(cv_rows_write(&r.writer, output, rows, err));
done:
    cv_free(r.row);
    cv_free(r.place);
    cv_frame_cache_close(&r.cache);
    return status;
}
