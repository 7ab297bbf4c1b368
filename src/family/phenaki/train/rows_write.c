/* rows_write.c - training rows: the clips of a dataset as text ids and boxes of codes. */
#include "dataset/dataset.h"
#include "family/phenaki/steps/box_codec.h"
#include "family/phenaki/train/clips.h"
#include "family/phenaki/train/parts.h"
#include "family/phenaki/train/rows.h"
#include "tokens/bytes.h"

#include <stdio.h>
#include <string.h>

typedef struct run {
    const cogvideo_dataset *dataset;
    const cv_phenaki *model;
    const cogvideo_rows_options *options;
    const cogvideo_log *log;
    cogvideo_dataset_info info;
    cv_box_codec codec;
    int frames, window; /* of a row; a row every `window` frames of a clip */
    int context;        /* latent frames of a row that are of what came before */
    int text_places, cut;
    int32_t ids[CV_T5_LONGEST], *codes;
    size_t row_bytes;
    unsigned char *row;
    cv_rows_writer writer;
} run;

static size_t codes_of(const run *r)
{
    return (size_t)r->codec.T * (size_t)r->codec.h * (size_t)r->codec.w;
}

/* The ids of a clip's caption in r->ids. */
static cogvideo_status read_caption(run *r, int index, const cogvideo_dataset_clip *clip, int *count,
                                    cogvideo_error *err)
{
    cogvideo_status status;
    size_t whole;

    CV_TRY(cv_t5_ids(r->model->head.text, clip->caption, r->ids, count, &whole, err));
    if (whole <= CV_T5_LONGEST)
        return COGVIDEO_OK;
    if (!r->options->cut_text)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "clip %d (%.200s): its caption has %zu tokens, but the model reads %d: shorten it, or let it be "
                       "cut ('--cut-text')",
                       index, clip->source, whole, CV_T5_LONGEST);
    r->cut++;
done:
    return status;
}

/* Room for the longest caption. */
static cogvideo_status measure_captions(run *r, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    cogvideo_dataset_clip clip;
    int count;

    for (int i = 0; i < r->info.clips; i++) {
        CV_TRY(cogvideo_dataset_get_clip(r->dataset, i, &clip, err));
        CV_TRY(read_caption(r, i, &clip, &count, err));
        r->text_places = count > r->text_places ? count : r->text_places;
    }
    if (r->cut > 0)
        cv_log(r->log, COGVIDEO_LOG_WARNING, "%d captions were cut to the model's %d tokens", r->cut, CV_T5_LONGEST);
done:
    return status;
}

/* What came before fills whole latent frames, and leaves some. */
static cogvideo_status plan_context(run *r, const cv_cvivit_config *config, cogvideo_error *err)
{
    r->context = cv_cvivit_latent_frames(config, r->info.context);
    if (r->context > 0 && (cv_cvivit_frames(config, r->context) != r->info.context || r->context >= r->codec.T))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the dataset's clips begin with %d frames of what came before; for this model that must be 1 + "
                       "%d n frames, fewer than the %d of its clips",
                       r->info.context, config->patch_frames, r->frames);
    return COGVIDEO_OK;
}

static cogvideo_status plan(run *r, cogvideo_error *err)
{
    const cv_phenaki *m = r->model;
    const cv_cvivit_config *c;
    cogvideo_status status;

    if (r->options->kind != COGVIDEO_ROWS_IMAGE && r->options->kind != COGVIDEO_ROWS_MASKED)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "models of the family phenaki learn from rows for 'masked', or for 'image', of single pictures");
    CV_TRY(cv_need_video_tokenizer(m, err));
    CV_TRY(cv_model_need_text(&m->head, err));
    c = cv_cvivit_config_of(m->tokenizer);
    if (r->info.size != m->height || r->info.size != m->width)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the dataset has frames of %dx%d pixels, the model %dx%d: make it anew with '--size'",
                       r->info.size, r->info.size, m->width, m->height);
    if (r->options->kind == COGVIDEO_ROWS_MASKED && (r->info.fps < m->fps - 1e-6 || r->info.fps > m->fps + 1e-6))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the dataset has %g frames a second, the model %g: make it anew with '--fps'", r->info.fps,
                       m->fps);
    r->frames = r->options->kind == COGVIDEO_ROWS_IMAGE ? 1 : m->frames;
    r->window = m->frames > 1 ? m->frames - 1 : 1;
    CV_TRY(cv_box_codec_open(&r->codec, m, cv_cvivit_latent_frames(c, r->frames), m->height / c->patch_height,
                             m->width / c->patch_width, err));
    if (r->options->kind == COGVIDEO_ROWS_MASKED)
        CV_TRY(plan_context(r, c, err));
    CV_TRY(measure_captions(r, err));
    r->row_bytes = 4 * ((size_t)r->text_places + codes_of(r));
    CV_NEW(r->row, r->row_bytes, err);
    CV_NEW(r->codes, codes_of(r), err);
done:
    return status;
}

static cogvideo_status write_row(run *r, int index, const cogvideo_dataset_clip *clip, int first, int count,
                                 cogvideo_error *err)
{
    unsigned char *at = r->row;
    cogvideo_status status;

    cv_clip_pixels(clip, r->info.size, first, r->frames, r->codec.pixels);
    CV_TRY(cv_box_encode(&r->codec, r->codes, r->codec.T, "clip", index, err));
    for (int i = 0; i < r->text_places; i++, at += 4)
        cv_put_le32(at, (uint32_t)(i < count ? r->ids[i] : CV_BOX_ROWS_PAD));
    for (size_t i = 0; i < codes_of(r); i++, at += 4)
        cv_put_le32(at, (uint32_t)r->codes[i]);
    CV_TRY(cv_rows_put(&r->writer, r->row, r->row_bytes, err));
done:
    return status;
}

/* Rows follow each other through the clip: the last frame of one is the first of the next. Only the first begins with
 * what came before the clip, so that of such clips there is one. */
static cogvideo_status write_clip(void *user, int index, const cogvideo_dataset_clip *clip, cogvideo_error *err)
{
    run *r = user;
    cogvideo_status status;
    int count;

    CV_TRY(read_caption(r, index, clip, &count, err));
    for (int first = 0; first + r->frames <= clip->frames && (first == 0 || r->context == 0); first += r->window)
        CV_TRY(write_row(r, index, clip, first, count, err));
done:
    return status;
}

static void put_about(const void *user, cv_json *json)
{
    const run *r = user;
    const int32_t box[3] = { r->codec.T, r->codec.h, r->codec.w };

    cv_json_set_int(json, "text_places", r->text_places);
    cv_json_set_int(json, "pad", CV_BOX_ROWS_PAD);
    cv_json_set_ints(json, "box", box, 3);
    if (r->context > 0)
        cv_json_set_int(json, "context", r->context);
    cv_json_set_int(json, "codes", cv_cvivit_config_of(r->model->tokenizer)->codes);
}

cogvideo_status cv_phenaki_dataset_tokens(const cogvideo_dataset *dataset, const cogvideo_model *head,
                                          const char *output, const cogvideo_rows_options *options,
                                          const cogvideo_dataset_callbacks *callbacks, long long *rows,
                                          cogvideo_error *err)
{
    run r = { .dataset = dataset,
              .model = cv_phenaki_of(head),
              .options = options,
              .log = callbacks ? &callbacks->log : &head->log,
              .writer = { dataset, head, options, callbacks, write_clip, put_about, &r, .rows = 0 } };
    cogvideo_status status;

    CV_TRY(cv_rows_check_output(output, options, err));
    cogvideo_dataset_get_info(dataset, &r.info);
    CV_TRY(plan(&r, err));
    CV_TRY(cv_box_tokenizers(r.writer.tokenizers, r.model, err));
    CV_TRY(cv_rows_write(&r.writer, output, rows, err));
done:
    cv_box_codec_close(&r.codec);
    cv_free(r.row);
    cv_free(r.codes);
    return status;
}
