/* boxes.h - batches of boxes under their texts, partly masked: what the masked transformer and its critic learn
 * from. */
#ifndef CV_FAMILY_PHENAKI_TRAIN_BOXES_H
#define CV_FAMILY_PHENAKI_TRAIN_BOXES_H

#include "family/phenaki/train/recipes.h"
#include "family/phenaki/train/rows.h"
#include "family/phenaki/train/texts.h"

#define CV_BOX_FILES 8
#define CV_BOX_SHARES 4

typedef struct cv_boxes {
    const cv_masked_recipe *recipe;
    cv_box_rows rows[CV_BOX_FILES], held_out; /* held_out.file.count 0 = none */
    int files;
    int codes;          /* V, and the id of the mask */
    int batch, T, h, w; /* clips of a batch; latent frames of the longest; batch * T pictures are one, too */
    int given_T;        /* latent frames that a scene begins with from the one before */
    int text_places;    /* of the longest text */
    int32_t *order;     /* [T h w], scratch */
    /* the batch at hand */
    bool pictures;     /* its boxes have one latent frame */
    int count, latent; /* boxes, and latent frames of each */
    int32_t *truth;    /* [count][latent h w] */
    int32_t *ids;      /* the same with masks */
    int32_t *labels;   /* the same where there are masks, -1 elsewhere */
    int *masks;        /* [count] */
} cv_boxes;

/* Opens the rows that the options name. `text_vocabulary` 0: no text is read. _close is for errors, too. */
cogvideo_status cv_boxes_open(cv_boxes *out, const cogvideo_train_options *options, const cv_phenaki *model,
                              const cv_masked_config *config, const cv_masked_recipe *recipe, int text_vocabulary,
                              cogvideo_error *err);
void cv_boxes_close(cv_boxes *boxes);

/* Batch `index` of a training, which is a function of the recipe's seed and the index. Texts go to `texts`, NULL where
 * none is read. */
void cv_boxes_draw(cv_boxes *boxes, uint64_t index, cv_train_texts *texts);
/* Batch `index` of an evaluation: clips of held-out rows, or their first latent frames, with the same masks in every
 * one. `wrong`: under the texts of other rows. */
void cv_boxes_draw_held_out(cv_boxes *boxes, uint64_t index, bool pictures, bool wrong, cv_train_texts *texts);

/* What a model with its newest files makes of a row's text, each latent frame by its first picture: sheet.c. `out`
 * stays empty where nothing can be seen. */
cogvideo_status cv_boxes_sample(const cogvideo_model *newest, const cv_box_rows *rows, size_t row, int seed,
                                cogvideo_video *out, cogvideo_error *err);

/* Tokens of the batch at hand. */
static inline int cv_boxes_tokens(const cv_boxes *boxes)
{
    return boxes->count * boxes->latent * boxes->h * boxes->w;
}

#endif
