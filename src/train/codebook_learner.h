/* codebook_learner.h - what the training of every tokenizer does with its codebook: start it by k-means once the
 * encoder has learned without one, and move it after each step, or make it once of pairs of colours; or count and merge
 * codes, for a decoder that learns alone. */
#ifndef CV_TRAIN_CODEBOOK_LEARNER_H
#define CV_TRAIN_CODEBOOK_LEARNER_H

#include "train/codebook.h"
#include "train/colour_pairs.h"
#include "train/recipe.h"

#include <cogvideo/train.h>

/* A part of a tokenizer's recipe. */
typedef struct cv_codebook_recipe {
    int plain_steps;    /* first steps without quantization, before the codebook starts */
    int start_batches;  /* whose vectors it starts from */
    double decay, dead; /* cv_codebook_options */
    bool decoder_only;  /* the encoder and the codebook stay as they are */
    double merge;       /* before the first step of that: codes this close become one; 0 = none */
} cv_codebook_recipe;

/* The vectors of a batch and the codes that they got. */
typedef struct cv_codebook_batch {
    const float *vectors; /* [rows][latent] */
    const int32_t *codes; /* [rows] */
    int rows;
} cv_codebook_batch;

typedef struct cv_codebook_learner {
    /* Set by the caller: */
    cv_codebook codebook;  /* bound; no codes: the quantizer has none, and nothing happens */
    cv_colour_pairs pairs; /* none: k-means makes free codes, and averages move them */
    const cv_codebook_recipe *recipe;
    uint64_t seed;
    int count_batches; /* over which the use of codes is counted */
    /* Sends batch `index` of the training through the encoder or, for `counting`, of another order. */
    cv_codebook_batch (*measure)(void *user, uint64_t index, bool counting);
    void *user;
    const cv_exec *exec;
    const cogvideo_log *log;
    /* Its own: */
    float *z;         /* [start_batches][rows][latent] */
    double *away;     /* [rows] */
    int32_t *counted; /* [count_batches][rows] */
    bool *merged;     /* [codes] */
    cv_arena arena;   /* of what the codebook starts by */
} cv_codebook_learner;

/* Refuses what a recipe cannot ask of a tokenizer, which `name` names: "image tokenizer". */
cogvideo_status cv_codebook_check(const cv_codebook_recipe *recipe, const cv_recipe *head,
                                  const cogvideo_train_options *options, const char *name, cogvideo_error *err);
/* Refuses batches of so many vectors where those of its start, or of `count_batches`, cannot be counted by an int. */
cogvideo_status cv_codebook_check_rows(const cv_codebook_recipe *recipe, int64_t rows, int count_batches,
                                       cogvideo_error *err);
/* Takes memory for batches of at most `rows` vectors. Close it after errors, too. */
cogvideo_status cv_codebook_learner_open(cv_codebook_learner *learner, int rows, cogvideo_error *err);
void cv_codebook_learner_close(cv_codebook_learner *learner);

/* Whether a step is one of the first, without quantization. */
bool cv_codebook_plain(const cv_codebook_recipe *recipe, uint64_t step);
/* Before a step; and after it has moved the network, with its batch. */
void cv_codebook_before(cv_codebook_learner *learner, int step);
void cv_codebook_moved(cv_codebook_learner *learner, int step, cv_codebook_batch batch);

#endif
