#include "family/phenaki/train/boxes.h"

#include "base/rng.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846
#define WRONG_TRIES 64 /* rows among which one of another text is sought */
/* Streams of random numbers. */
enum { DRAW_BATCH = 0x6261, DRAW_ROW = 0x726f, DRAW_MASK = 0x6d61, HELD_OUT_ROW = 0x6872, HELD_OUT_MASK = 0x686d };

/* --- opening -------------------------------------------------------------------------------------------------- */

static cogvideo_status open_rows(const cv_boxes *b, const char *path, const char *model, const char *tokenizers,
                                 int vocabulary, const cv_masked_config *config, cv_box_rows *out, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_box_rows_open(out, path, config->codes, vocabulary, err));
    CV_TRY(cv_rows_file_check(&out->file, tokenizers, model, err));
    if (b->h > 0 && (out->h != b->h || out->w != b->w))
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: has latent frames of %dx%d codes, others have %dx%d", path,
                       out->h, out->w, b->h, b->w);
    if ((int64_t)out->T * out->h * out->w > config->places)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: has boxes of %dx%dx%d codes, the network has %d places", path,
                       out->T, out->h, out->w, config->places);
done:
    return status;
}

static void grow(cv_boxes *b, const cv_box_rows *rows)
{
    b->h = rows->h;
    b->w = rows->w;
    b->T = rows->T > b->T ? rows->T : b->T;
    b->text_places = rows->text_places > b->text_places ? rows->text_places : b->text_places;
}

/* Pictures are cut from clips where the first latent frame knows nothing of the others. */
static cogvideo_status check_pictures(const cv_boxes *b, const cv_phenaki *model, const char *recipe,
                                      cogvideo_error *err)
{
    const cv_cvivit_config *c = model->tokenizer ? cv_cvivit_config_of(model->tokenizer) : NULL;
    const bool causal =
        !c || (c->causal && c->temporal_peg != CV_PEG_SCRAMBLED && (c->temporal_peg == CV_PEG_NONE || c->peg_causal));

    if (!causal && (b->recipe->pictures > 0 || b->recipe->picture_steps > 0))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%.500s: the model's video tokenizer is not causal, so that a clip's first codes are not those "
                       "of a picture: set 'pictures' and 'picture_steps' to 0, and add rows of pictures ('cogvideo "
                       "dataset tokens --for image')",
                       recipe);
    return COGVIDEO_OK;
}

static cogvideo_status open_files(cv_boxes *b, const cogvideo_train_options *options, const cv_phenaki *model,
                                  const cv_masked_config *config, int vocabulary, cogvideo_error *err)
{
    char tokenizers[CV_TOKENIZERS_HASH];
    cogvideo_status status;

    if (options->data_count < 1 || options->data_count > CV_BOX_FILES)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "1 to %d files of training rows are needed, not %d", CV_BOX_FILES,
                       options->data_count);
    CV_TRY(cv_box_tokenizers(tokenizers, model, err));
    for (int i = 0; i < options->data_count; i++) {
        CV_TRY(open_rows(b, options->data[i], options->model, tokenizers, vocabulary, config, &b->rows[i], err));
        b->files++;
        grow(b, &b->rows[i]);
    }
    if (options->held_out) {
        CV_TRY(open_rows(b, options->held_out, options->model, tokenizers, vocabulary, config, &b->held_out, err));
        grow(b, &b->held_out);
    }
done:
    return status;
}

cogvideo_status cv_boxes_open(cv_boxes *out, const cogvideo_train_options *options, const cv_phenaki *model,
                              const cv_masked_config *config, const cv_masked_recipe *recipe, int text_vocabulary,
                              cogvideo_error *err)
{
    cogvideo_status status;
    size_t tokens;

    *out = (cv_boxes){ .recipe = recipe, .codes = config->codes, .batch = recipe->head.batch };
    CV_TRY(open_files(out, options, model, config, text_vocabulary, err));
    CV_TRY(check_pictures(out, model, options->recipe, err));
    if (model->tokenizer)
        out->given_T = cv_cvivit_latent_frames(cv_cvivit_config_of(model->tokenizer), model->context);
    if (recipe->given > 0 && (out->given_T < 1 || out->given_T >= out->T))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%.500s: 'given' is %g, but of boxes of %d latent frames %d would be given, as the model's "
                       "'context' says",
                       options->recipe, recipe->given, out->T, out->given_T);
    tokens = (size_t)out->batch * (size_t)out->T * (size_t)out->h * (size_t)out->w;
    if (tokens > INT_MAX / 64)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%.500s: batches of %d boxes of %d codes are too many",
                       options->recipe, out->batch, out->T * out->h * out->w);
    CV_NEW(out->order, tokens, err);
    CV_NEW(out->truth, tokens, err);
    CV_NEW(out->ids, tokens, err);
    CV_NEW(out->labels, tokens, err);
    CV_NEW(out->masks, (size_t)out->batch * (size_t)out->T, err);
done:
    return status;
}

void cv_boxes_close(cv_boxes *boxes)
{
    for (int i = 0; i < CV_BOX_FILES; i++)
        cv_box_rows_close(&boxes->rows[i]);
    cv_box_rows_close(&boxes->held_out);
    cv_free(boxes->order);
    cv_free(boxes->truth);
    cv_free(boxes->ids);
    cv_free(boxes->labels);
    cv_free(boxes->masks);
    *boxes = (cv_boxes){ 0 };
}

/* --- drawing -------------------------------------------------------------------------------------------------- */

/* Which box a draw is for. */
typedef struct place {
    uint64_t seed, index;
    uint32_t box, stream;
} place;

static void draw(const place *at, uint32_t block, uint32_t bits[4])
{
    const uint32_t counter[4] = { (uint32_t)at->index, (uint32_t)(at->index >> 32) ^ (block << 8), at->box,
                                  at->stream };

    cv_rng_block(bits, at->seed, counter);
}

/* Masks a share of the places behind the first `latent` latent frames, or of all where no more are there: cos(pi/2 r)
 * with r uniform in [0, 1), at least one. */
static void mask(cv_boxes *b, int box, int latent, const place *at)
{
    const int places = b->latent * b->h * b->w, given = b->latent > latent ? latent * b->h * b->w : 0,
              open = places - given;
    int32_t *ids = b->ids + (size_t)box * (size_t)places, *labels = b->labels + (size_t)box * (size_t)places;
    const int32_t *truth = b->truth + (size_t)box * (size_t)places;
    uint32_t bits[4];
    int count;

    draw(at, 0, bits);
    count = (int)lrint(cos(PI / 2 * cv_rng_unit(bits[0], bits[1])) * open);
    count = count < 1 ? 1 : count > open ? open : count;
    for (int i = 0; i < places; i++) {
        ids[i] = truth[i];
        labels[i] = -1;
    }
    for (int i = 0; i < open; i++)
        b->order[i] = given + i;
    for (int i = 0; i < count; i++) { /* Fisher and Yates, as far as it is needed */
        int other, chosen;

        if (i % 2 == 0)
            draw(at, 1 + (uint32_t)i / 2, bits);
        other = i + (int)(cv_rng_unit(bits[i % 2 * 2], bits[i % 2 * 2 + 1]) * (open - i));
        chosen = b->order[other];
        b->order[other] = b->order[i];
        ids[chosen] = b->codes;
        labels[chosen] = truth[chosen];
    }
    b->masks[box] = count;
}

static void begin(cv_boxes *b, bool pictures, int latent, cv_train_texts *texts)
{
    b->pictures = pictures;
    b->latent = pictures ? 1 : latent;
    b->count = pictures ? b->batch * b->T : b->batch;
    if (texts)
        cv_train_texts_begin(texts);
}

static void take_row(cv_boxes *b, int box, const cv_box_rows *rows, size_t row)
{
    const size_t places = (size_t)b->latent * (size_t)b->h * (size_t)b->w;

    memcpy(b->truth + (size_t)box * places, cv_box_rows_codes(rows, row), places * sizeof *b->truth);
}

static void take_text(const cv_box_rows *rows, size_t row, bool drop, cv_train_texts *texts)
{
    int count;
    const int32_t *ids = cv_box_rows_text(rows, row, &count);

    if (texts)
        cv_train_texts_add(texts, ids, drop ? 0 : count);
}

/* A row's first latent frame is a picture, of which its text says nothing where it is of what came before. */
static bool says_nothing(const cv_boxes *b, const cv_box_rows *rows)
{
    return b->pictures && rows->context > 0;
}

void cv_boxes_draw(cv_boxes *b, uint64_t index, cv_train_texts *texts)
{
    const cv_masked_recipe *recipe = b->recipe;
    const place whole = { recipe->head.seed, index, 0, DRAW_BATCH };
    const cv_box_rows *rows;
    uint32_t bits[4];

    draw(&whole, 0, bits);
    rows = &b->rows[bits[0] % (uint32_t)b->files];
    begin(b,
          rows->T == 1 || cv_rng_unit(bits[1], bits[2]) < recipe->pictures ||
              index < (uint64_t)recipe->picture_steps * (uint64_t)recipe->head.accumulate,
          rows->T, texts);
    for (int i = 0; i < b->count; i++) {
        const place at = { recipe->head.seed, index, (uint32_t)i, DRAW_ROW },
                    masks = { recipe->head.seed, index, (uint32_t)i, DRAW_MASK };
        uint32_t kind[4];
        int given = rows->context;
        bool drop;

        draw(&at, 0, bits);
        draw(&at, 1, kind);
        if (given == 0 && cv_rng_unit(kind[0], kind[1]) < recipe->given)
            given = b->given_T;
        take_row(b, i, rows, bits[0] % rows->file.count);
        drop = cv_rng_unit(bits[1], bits[2]) < recipe->text_dropout || says_nothing(b, rows);
        take_text(rows, bits[0] % rows->file.count, drop, texts);
        mask(b, i, given, &masks);
    }
}

static bool same_text(const cv_box_rows *rows, size_t a, size_t b)
{
    int count_a, count_b;
    const int32_t *ids_a = cv_box_rows_text(rows, a, &count_a), *ids_b = cv_box_rows_text(rows, b, &count_b);

    return count_a == count_b && memcmp(ids_a, ids_b, (size_t)count_a * sizeof *ids_a) == 0;
}

/* A row of another text than this one's, if there is one near. */
static size_t other_row(const cv_box_rows *rows, size_t row)
{
    size_t other = row;

    for (int i = 0; i < WRONG_TRIES && same_text(rows, row, other); i++)
        other = (other + 1 + rows->file.count / 3) % rows->file.count;
    return other;
}

void cv_boxes_draw_held_out(cv_boxes *b, uint64_t index, bool pictures, bool wrong, cv_train_texts *texts)
{
    const cv_box_rows *rows = &b->held_out;

    begin(b, pictures || rows->T == 1, rows->T, texts);
    for (int i = 0; i < b->count; i++) {
        const place at = { 1, index, (uint32_t)i, HELD_OUT_ROW }, masks = { 1, index, (uint32_t)i, HELD_OUT_MASK };
        uint32_t bits[4];
        size_t row;

        draw(&at, 0, bits);
        row = bits[0] % rows->file.count;
        take_row(b, i, rows, row);
        take_text(rows, wrong ? other_row(rows, row) : row, says_nothing(b, rows), texts);
        mask(b, i, rows->context, &masks);
    }
}
