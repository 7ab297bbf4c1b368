/* coglm_draws.h - what CogLM learns from a training row: which kind of row of coglm_rows.h it becomes, with which holes
 * and spans. All draws are a function of a seed, a batch and a sequence of it. */
#ifndef CV_FAMILY_COGVIDEO_TRAIN_COGLM_DRAWS_H
#define CV_FAMILY_COGVIDEO_TRAIN_COGLM_DRAWS_H

#include "family/cogvideo/model/model.h"
#include "family/cogvideo/network/coglm_rows.h"
#include "family/cogvideo/network/train.h"
#include "family/cogvideo/train/recipes.h"
#include "family/cogvideo/train/rows.h"

typedef enum cv_coglm_task {
    CV_TASK_PICTURE, /* under its text */
    CV_TASK_TEXTS,   /* under their picture, which has holes */
    CV_TASK_ALONE,   /* text alone, with spans */
    CV_TASK_HOLES,   /* of a picture under its text, as completion fills them */
} cv_coglm_task;

typedef struct cv_coglm_draws {
    const cv_cogvideo_config *config;
    const cv_coglm_recipe *recipe;
    int places; /* of the longest row */
    int32_t english_start, chinese_start;
    uint8_t *chinese;     /* [vocabulary]: a text with this id is Chinese; NULL where no text is predicted */
    int32_t *texts, *ids; /* [text_places], [places]: of one row */
    cv_coglm_task *tasks; /* [batch] */
    cv_element *elements; /* [batch][places], as are labels and loss */
    int32_t *labels;
    uint8_t *loss;
    cv_coglm_hole *holes;      /* [L] */
    int32_t *lengths, *starts; /* [places], of spans */
    uint8_t *mask;             /* [L], of holes that completion fills */
    int *order;                /* [1 + L], of its elements */
} cv_coglm_draws;

/* Room for a batch of so many sequences; errors where the model has no place for what the recipe wants. */
cogvideo_status cv_coglm_draws_open(cv_coglm_draws *out, const cv_cogvideo *model, const cv_coglm_recipe *recipe,
                                    int batch, cogvideo_error *err);
void cv_coglm_draws_close(cv_coglm_draws *draws);

/* Which numbers are drawn: of a seed, a batch, and training or an evaluation. */
typedef struct cv_draw_key {
    uint64_t seed;
    uint32_t batch, stream;
} cv_draw_key;

/* Sequence s of the batch, from the text and one frame of a row, or from its text and those of other rows; until the
 * next call for this s. */
cv_train_sequence cv_coglm_draw(const cv_coglm_draws *draws, int s, cv_draw_key key, const cv_frame_rows *rows,
                                size_t row, int frame);

/* The losses of an evaluation by what is predicted, and what their names are in a log. */
enum { CV_COGLM_CODES, CV_COGLM_HOLES, CV_COGLM_TEXT, CV_COGLM_SPANS, CV_COGLM_COMPLETION, CV_COGLM_LOSSES };
extern const char *const cv_coglm_loss_names[CV_COGLM_LOSSES];
typedef struct cv_coglm_losses {
    double sums[CV_COGLM_LOSSES];
    int counts[CV_COGLM_LOSSES];
} cv_coglm_losses;

/* Adds those of sequence s, ce [sequence->count]. */
void cv_coglm_losses_add(cv_coglm_losses *losses, const cv_coglm_draws *draws, int s, const cv_train_sequence *sequence,
                         const float *ce);

#endif
