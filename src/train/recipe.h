/* recipe.h - how a part is trained: one section of a recipe file, described in configs/README.md. Every part has the
 * keys below; what else its section may hold is told by the part's own table (family.h). */
#ifndef CV_TRAIN_RECIPE_H
#define CV_TRAIN_RECIPE_H

#include "family/family.h"

/* The head of every recipe: a part that has keys of its own has a struct for them, with this as its first member. */
struct cv_recipe {
    const cv_part *part;
    int steps, batch, accumulate; /* sequences (or pictures) of a batch; batches of a step */
    double learning_rate, final_learning_rate;
    int warmup; /* steps of linear rise; then a cosine down to the final rate */
    double beta1, beta2, epsilon, weight_decay;
    double muon_rate, muon_momentum; /* of Muon, for matrices inside blocks; a rate of 0: AdamW moves them too */
    double clip;                     /* largest norm of all gradients together; 0 = none */
    uint64_t seed;
    int evaluate_every, evaluate_batches, save_every;
    int samples, sample_every; /* of a sheet (0: none), and its steps */
    cv_dtype dtype;            /* of the model's file */
};

/* A key of a section: where its number goes, within which bounds, and what it is when it is missing. */
struct cv_recipe_key {
    const char *name;
    enum { CV_RECIPE_INT, CV_RECIPE_BOOL, CV_RECIPE_SEED, CV_RECIPE_DOUBLE } kind;
    size_t offset; /* in the part's recipe */
    double min, max, otherwise;
};

/* The section of the file for a part of this family. Every key is checked; unknown ones are errors. */
cogvideo_status cv_recipe_open(cv_recipe **out, const char *path, const cv_family *family, const cv_part *part,
                               cogvideo_error *err);
void cv_recipe_close(cv_recipe **recipe);

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
