/* recipe.h - how a part is trained: one section of a recipe file, described in configs/README.md. */
#ifndef CV_TRAIN_RECIPE_H
#define CV_TRAIN_RECIPE_H

#include "base/json.h"
#include "tensor/dtype.h"

typedef enum cv_train_part {
    CV_TRAIN_IMAGE_TOKENIZER,
    CV_TRAIN_IMAGE,  /* the trunk, on text and one frame */
    CV_TRAIN_STAGE1,
    CV_TRAIN_STAGE2,
    CV_TRAIN_PARTS,
} cv_train_part;

typedef struct cv_recipe {
    cv_train_part part;
    int steps, batch, accumulate;         /* sequences (or pictures) of a batch; batches of a step */
    double learning_rate, final_learning_rate;
    int warmup;                           /* steps of linear rise; then a cosine down to the final rate */
    double beta1, beta2, epsilon, weight_decay;
    double muon_rate, muon_momentum;      /* of Muon, for matrices inside blocks; a rate of 0: AdamW moves them too */
    double clip;                          /* largest norm of all gradients together; 0 = none */
    double dropout, text_dropout;         /* the latter: share of sequences whose text becomes the guide's */
    bool train_trunk;                     /* of a stage; otherwise it is frozen */
    int frames;                           /* stage 1: frames of a clip that a batch holds, from the first on; 0 = all */
    double norm_gain;                     /* first gain of the third and fourth layer norm */
    uint64_t seed;
    int evaluate_every, evaluate_batches, save_every;
    double position_scale, time_scale;    /* first weights: of a frame's positions (trunk), of what tells frames apart (stages) */
    double base_share;                    /* of a stage's first weights: alpha, the base channel's share of the attention */
    int samples, sample_every;            /* of a sheet (0: none), and its steps */
    cv_dtype dtype;                       /* of the model's file */
    int crop;                             /* image tokenizer: side of the squares cut from frames */
    double busy;                          /* share of these squares that are sought where a frame varies most */
    int plain_steps;                      /* first steps without quantisation, before the codebook starts */
    double l1, l2, commitment;            /* weights of its losses */
    double decay, dead;                   /* of its codebook: codebook.h */
    int start_batches;                    /* whose vectors the codebook starts from */
    int clusters;                         /* of codes */
    bool decoder_only;                    /* the encoder and the codebook stay as they are */
    double merge;                         /* before the first step of that: codes this close become one */
} cv_recipe;

/* "image-tokenizer", ...; false where `name` is none. */
bool cv_train_part_parse(cv_train_part *out, const char *name);
const char *cv_train_part_name(cv_train_part part);

/* The part's section of the file. Every key is checked; unknown ones are errors. */
cogvideo_status cv_recipe_read(cv_recipe *out, const char *path, cv_train_part part, cogvideo_error *err);

/* The recipe's numbers as lines, for a checkpoint to keep. */
#define CV_RECIPE_TEXT 4096
void cv_recipe_text(const cv_recipe *recipe, char out[CV_RECIPE_TEXT]);
/* What differs from such lines, as "steps was 100 and is 200, ..."; empty when nothing does. */
void cv_recipe_changes(const cv_recipe *recipe, const char *before, char *out, size_t size);

/* A number of such lines; `otherwise` where they lack it. */
double cv_recipe_was(const char *before, const char *key, double otherwise);

/* The learning rate of a step, counted from 0. */
double cv_recipe_rate(const cv_recipe *recipe, int step);

#endif
