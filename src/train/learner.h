/* learner.h - what the training loop asks of a part: gradients of a batch, an evaluation, the part's file. */
#ifndef CV_TRAIN_LEARNER_H
#define CV_TRAIN_LEARNER_H

#include "family/family.h"
#include "train/recipe.h"

#include <cogvideo/train.h>
#include <cogvideo/video.h>

#define CV_LEARNER_STORES 2

typedef struct cv_learner_functions {
    /* Before the first batch of a step; may be NULL. */
    void (*before)(cv_learner *learner, int step);
    /* Adds the gradients of batch `index`, a function of the recipe's seed and the index, and gives its loss. */
    double (*batch)(cv_learner *learner, uint64_t index);
    /* After the weights of step `step` have moved; may be NULL. */
    void (*moved)(cv_learner *learner, int step);
    /* The loss on held-out data, and a JSON object's further members for the log (", \"psnr\":31.2"); false = there is
     * none. */
    bool (*evaluate)(cv_learner *learner, double *loss, char *members, size_t size);
    /* Writes the part's files into the model directory and names them in its model.json. */
    cogvideo_status (*publish)(cv_learner *learner, cogvideo_error *err);
    /* What the part makes of item `index` of the held-out data (or of the first data), by a model with its newest
     * files. `out` stays empty where that model has nothing that shows it. NULL: no part of this kind can be shown. */
    cogvideo_status (*sample)(cv_learner *learner, const cogvideo_model *newest, int index, cogvideo_video *out,
                              cogvideo_error *err);
    void (*close)(cv_learner *learner);
} cv_learner_functions;

/* The head of every learner. */
struct cv_learner {
    const cv_learner_functions *functions;
    const cogvideo_train_options *options;
    const cv_recipe *recipe;
    const cv_exec *exec;
    const cogvideo_model *model;          /* what the directory holds already */
    cv_store *weights[CV_LEARNER_STORES]; /* what is trained */
    cv_store *gradients[CV_LEARNER_STORES];
    const char *prefixes[CV_LEARNER_STORES]; /* of their names in a checkpoint */
    int stores;
    cv_store *state;        /* further numbers that a checkpoint keeps; NULL = none */
    int items;              /* codes or pictures of a batch, for the speed shown */
    char stands_on[24];     /* as in a checkpoint's head */
    const char *foundation; /* what that is a number of, such as "encoder"; NULL = the part stands on nothing */
    uint64_t memory;        /* bytes held beside the stores */
    int useful_after;       /* steps after which the part is of use in a model directory; -1 = always */
};

/* For a learner's `close`: its weights, gradients and state. */
void cv_learner_close_stores(cv_learner *learner);

/* Writes RUN/samples-STEP.jpg: as many samples as the recipe says, after the part was published. */
cogvideo_status cv_samples_write(cv_learner *learner, int step, cogvideo_error *err);

/* Opens `file` of the model directory; NULL: the directory has none, and training `part` would make it. */
cogvideo_status cv_begin_open(const cv_learner *learner, cv_store **out, const char *file, const char *part,
                              cogvideo_error *err);
/* Weights in memory become those of such a file. */
cogvideo_status cv_begin_with(const cv_learner *learner, cv_store *to, const char *file, const char *part,
                              cogvideo_error *err);

/* Writes a store to a file of the model directory in the recipe's dtype. */
cogvideo_status cv_publish_store(const cv_learner *learner, const cv_store *store, const char *file,
                                 cogvideo_error *err);
/* Writes a part of one file, and names it as the part's "file". */
cogvideo_status cv_publish_file(const cv_learner *learner, const cv_store *store, const char *part, const char *file,
                                cogvideo_error *err);
/* Sets parts.PART in the directory's model.json to a copy of the section. */
cogvideo_status cv_publish_section(const cv_learner *learner, const char *part, const cv_json *section,
                                   cogvideo_error *err);
/* The same for a section of KEY = FILE; `keys` and `files` end in NULL. Without keys, takes the part out. */
cogvideo_status cv_publish_part(const cv_learner *learner, const char *part, const char *const *keys,
                                const char *const *files, cogvideo_error *err);

#endif
