/* family.h - a kind of model, as the rest of the house sees it: a table of what it can do, and the head that every open
 * model begins with.
 *
 * Outside of src/family/NAME nobody knows the inside of a family's models: the public functions, training, benchmarks
 * and imports go through this table. A function that is NULL is something that the family's models cannot do.
 * docs/adding-a-family.md tells how one is added. */
#ifndef CV_FAMILY_FAMILY_H
#define CV_FAMILY_FAMILY_H

#include "base/json.h"
#include "family/features.h"
#include "nn/exec.h"
#include "tensor/store.h"
#include "tokenizer/text.h"

#include <cogvideo/bench.h>
#include <cogvideo/dataset.h>
#include <cogvideo/import.h>
#include <cogvideo/inspect.h>
#include <cogvideo/train.h>

typedef struct cv_family cv_family;
typedef struct cv_learner cv_learner;
typedef struct cv_part cv_part;
typedef struct cv_recipe cv_recipe;
typedef struct cv_recipe_key cv_recipe_key;

#define CV_MODEL_FILES 16
#define CV_MODEL_FORMAT "cogvideo-model"

/* A file of an open model. */
typedef struct cv_model_file {
    char *name, *path; /* in the model directory; as the program opens it */
    cv_store *store;   /* NULL: it holds no tensors, as a text model */
    uint64_t bytes;
    bool narrows; /* its matrices may be stored in a narrower type (cogvideo_quantize) */
} cv_model_file;

/* The head of every open model: a family's own struct has it as its first member. Nothing in it changes once the model
 * is open. */
struct cogvideo_model {
    const cv_family *family;
    cv_exec exec;
    cogvideo_log log;
    cv_json *description; /* model.json */
    const char *name;     /* as the description gives it */
    char *directory;
    cv_model_file files[CV_MODEL_FILES];
    int file_count;
    cv_text *text; /* NULL = the model has no text tokenizer */
    const char *text_path;
    char types[40]; /* of the weights, such as "f16, q8" */
};

/* The head of every encoder, as of every model. */
struct cogvideo_encoder {
    const cogvideo_model *model;
};

/* A step of the pipeline: from one value to the next. */
typedef struct cv_step {
    const char *name;  /* "keyframes", as programs call it */
    const char *title; /* "key frames", as progress and plans call it */
    const char *less;  /* options with which it needs less memory: "fewer --samples"; NULL: none */
    const char *file;  /* what its result is called in the name of a file: "interpolated"; NULL: as the step */
    /* what it takes and gives; `in` is COGVIDEO_KIND_NONE where it begins with the prompt alone */
    cogvideo_kind in, out;
    bool in_optional; /* it can begin with the prompt alone, too */
    /* it makes all samples of the options at once: `out` has a value for each; else it makes one */
    bool side_by_side;
    bool optional; /* a model may lack what the step needs: it is left out then */
    bool asked;    /* a run leaves it out unless it is asked for */
    /* Whether a model has what the step needs, such as its network, or an error that says how it can be had. NULL:
     * every model has it. */
    cogvideo_status (*need)(const cogvideo_model *model, cogvideo_error *err);
    /* As cogvideo_plan_step. */
    cogvideo_status (*plan)(const cogvideo_model *model, const cogvideo_generate_options *options,
                            const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err);
    /* `in` was checked: its kind, and by cv_value_check. It is NULL where there is no input. Each value of `out` is set
     * as a whole, its kind too, once nothing can fail any more: nothing is in it after an error. */
    cogvideo_status (*run)(const cogvideo_model *model, const cogvideo_generate_options *options,
                           const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err);
    /* Of a step to pixels, in place of `run`: picture by picture (family/pictures.h). */
    cogvideo_status (*pictures)(const cogvideo_model *model, const cogvideo_generate_options *options,
                                const cogvideo_value *in, cogvideo_picture_fn *take, void *user, cogvideo_error *err);
} cv_step;

/* A part of a model that can be trained. */
struct cv_part {
    const char *name;          /* "stage1"; also of its section in recipes */
    size_t recipe_size;        /* of its own struct of a recipe (train/recipe.h); 0: the head alone */
    const cv_recipe_key *keys; /* what its section may hold beside the keys of all parts */
    int key_count;
    /* How many matrices of one size, one below the other, Muon may move in a tensor of two or more dimensions ([out, in
     * * taps] of a convolution); 0 where it is AdamW's, as embeddings, heads, norms and biases are. NULL: all is
     * AdamW's. */
    int (*matrices)(const cv_tensor *tensor);
    cogvideo_status (*open)(cv_learner **out, const cogvideo_train_options *options, const cv_recipe *recipe,
                            const cv_exec *exec, const cogvideo_model *model, cogvideo_error *err);
    /* Whether the model has it already. */
    bool (*is_there)(const cogvideo_model *model, const cv_part *part);
    /* What the model has that was trained on this part and would not fit a new one, such as "a trunk that was trained
     * on its codes"; NULL = nothing. `begins`: no step was made yet. May be NULL. */
    const char *(*dependents)(const cogvideo_model *model, const cv_recipe *recipe, bool begins);
};

struct cv_family {
    const char *name; /* the word "family" of model.json; it stands in published files, so it never changes */
    size_t size;      /* of the family's own struct */
    bool stories;     /* its first step draws scene after scene (cogvideo_generate_options) */

    /* Fills what lies behind the head from model->description. What was opened before an error is closed by `close`. */
    cogvideo_status (*open)(cogvideo_model *model, const char *origin, cogvideo_error *err);
    void (*close)(cogvideo_model *model);
    /* Fills image_codes, height, width and rate; the rest is filled already. NULL: the family has no codes. */
    void (*info)(const cogvideo_model *model, cogvideo_model_info *out);
    /* Fills row `index` (0 and on) of all else that there is to say about a model; false after the last. NULL:
     * nothing. */
    bool (*property)(const cogvideo_model *model, int index, cogvideo_property *out);

    /* Steps, seconds and key frames of options that are the defaults otherwise; NULL where no step reads them. */
    void (*defaults)(const cogvideo_model *model, cogvideo_generate_options *options);
    /* As cogvideo_set_style; NULL: the family's models have no styles. */
    cogvideo_status (*set_style)(const cogvideo_model *model, cogvideo_generate_options *options, const char *style,
                                 cogvideo_error *err);
    /* As cogvideo_find_window; NULL: the family's models complete no pictures. */
    cogvideo_status (*window)(const cogvideo_model *model, const cogvideo_generate_options *options,
                              cogvideo_window *out, cogvideo_error *err);
    /* The model's own values of options that are all zeros; NULL where it has none. */
    void (*decode_defaults)(const cogvideo_model *model, cogvideo_decode_options *options);

    const cv_step *steps;
    int step_count;
    /* As cogvideo_decode_each; the options are never NULL. */
    cogvideo_status (*decode)(const cogvideo_model *model, const cogvideo_decode_options *options,
                              const cogvideo_tokens *in, cogvideo_picture_fn *take, void *user, cogvideo_error *err);
    /* Contracts as of the public functions of these names. */
    cogvideo_status (*encoder_open)(cogvideo_encoder **out, const cogvideo_model *model, int width, int height,
                                    int rate, int expected, const cogvideo_callbacks *callbacks, cogvideo_error *err);
    cogvideo_status (*encoder_frame)(cogvideo_encoder *encoder, const uint8_t *pixels, double time,
                                     cogvideo_error *err);
    cogvideo_status (*encoder_finish)(cogvideo_encoder *encoder, cogvideo_tokens *out, cogvideo_error *err);
    void (*encoder_close)(cogvideo_encoder *encoder);
    cogvideo_status (*score)(const cogvideo_model *model, const cogvideo_generate_options *options,
                             const cogvideo_score_options *what, const cogvideo_tokens *clip, double *logprob,
                             int *scored, cogvideo_error *err);
    cogvideo_status (*score_caption)(const cogvideo_model *model, const cogvideo_caption_options *options,
                                     const cogvideo_tokens *clip, cogvideo_caption *out, cogvideo_error *err);
    cogvideo_status (*compare)(const cogvideo_model *a, const cogvideo_generate_options *options_a,
                               const cogvideo_model *b, const cogvideo_generate_options *options_b,
                               const cogvideo_score_options *what, double margin, const cogvideo_tokens *clip,
                               cogvideo_comparison *out, cogvideo_error *err);
    cogvideo_status (*inspect)(const cogvideo_model *model, const cogvideo_generate_options *options,
                               const cogvideo_inspect_options *what, const cogvideo_tokens *clip,
                               cogvideo_inspection *out, cogvideo_error *err);
    int (*code_cluster)(const cogvideo_model *model, int32_t code);

    /* Networks whose vectors metrics compare; cogvideo_evaluate reads them. */
    const cv_feature_network *feature_networks;
    int feature_network_count;

    const cv_part *parts;
    int part_count;
    cogvideo_status (*dataset_tokens)(const cogvideo_dataset *dataset, const cogvideo_model *model, const char *output,
                                      const cogvideo_rows_options *options, const cogvideo_dataset_callbacks *callbacks,
                                      long long *rows, cogvideo_error *err);
    cogvideo_status (*check_tokenizer)(const cogvideo_dataset *dataset, const cogvideo_model *model, int clips,
                                       const cogvideo_dataset_callbacks *callbacks, cogvideo_tokenizer_check *out,
                                       cogvideo_error *err);

    /* Names of the sources that an import reads, up to NULL; cogvideo/import.h says what each is. A source is told
     * apart from those of other families by its name. NULL: nothing is imported. */
    const char *const *sources;
    /* Fills the empty `directory` with the parts of a model; on failure it may hold some of the files. The options
     * have at least one source, each of this family and once. */
    cogvideo_status (*import)(const cogvideo_import_options *options, const char *directory, cogvideo_error *err);

    /* Fills `directory`, which exists, with a model of seeded numbers as `config` describes it, matrices in `type`;
     * what an earlier call left there is used again. Then measures its steps, and appends rows to the report. */
    cogvideo_status (*bench_model)(const char *config, cv_weight_type type, const char *directory, cogvideo_error *err);
    cogvideo_status (*bench)(const cogvideo_model *model, const cogvideo_bench_options *options,
                             cogvideo_bench_report *out, cogvideo_error *err);
};

/* All families, and NULL. The first is the one of imports and benchmarks that name none. */
extern const cv_family *const cv_families[];
/* The family of this name; NULL where there is none. */
const cv_family *cv_family_find(const char *name);
/* The error where a file, `path`, names a family of which there is none: it lists those that there are. */
cogvideo_status cv_family_unknown(const char *name, const char *path, cogvideo_error *err);

/* The network of features of this name that the model's family has; NULL where it has none. */
const cv_feature_network *cv_model_feature_network(const cogvideo_model *model, const char *name);

/* Reads a model.json of any family: its format and its family are checked. */
cogvideo_status cv_model_describe(cv_json **out, const cv_family **family, const char *path, cogvideo_error *err);
/* Opens a model of any family. */
cogvideo_status cv_model_open(cogvideo_model **out, const char *directory, const cogvideo_model_options *options,
                              cogvideo_error *err);
void cv_model_close(cogvideo_model **model);

/* For a family's `open`: member `key` of a section of model.json, which names a file. It lies in the model's own
 * folder: a name that could lead elsewhere is refused. */
cogvideo_status cv_model_file_name(const cv_json *section, const char *key, const char **out, const char *origin,
                                   cogvideo_error *err);
/* The same: the file `name` of the model directory, mapped once however often it is asked for. */
cogvideo_status cv_model_store(cogvideo_model *model, const char *name, bool narrows, cv_store **out,
                               cogvideo_error *err);
/* The same: a file without tensors that the family reads itself. *path belongs to the model. */
cogvideo_status cv_model_plain_file(cogvideo_model *model, const char *name, const char **path, cogvideo_error *err);
/* The same: every tensor of the stores opened so far was claimed, so that no file holds what no network reads. */
cogvideo_status cv_model_check_claimed(const cogvideo_model *model, cogvideo_error *err);
/* The same: the text model `name`, whose first piece has the id `first_id`. Behind its own pieces come those of
 * `appended`, as in cv_text_open. */
cogvideo_status cv_model_text(cogvideo_model *model, const char *name, int first_id, const char *const *appended,
                              cogvideo_error *err);

/* The ranges that generate.h gives to what is not a step's own. Plans and runs of steps are checked so before the
 * family sees them. */
cogvideo_status cv_options_check(const cogvideo_model *model, const cogvideo_generate_options *options,
                                 cogvideo_error *err);

/* How many of `count` windows or samples run side by side: `batch` is that of the options. */
static inline int cv_side_by_side(int batch, int count)
{
    return batch > 0 && batch < count ? batch : count;
}

/* For a step that draws: the options are the model's own steps, as its `defaults` fill them, and what they say of each
 * is in the ranges of generate.h. */
cogvideo_status cv_options_check_steps(const cogvideo_model *model, const cogvideo_generate_options *options,
                                       cogvideo_error *err);

/* The model's text tokenizer, or an error that says how it can be had. */
cogvideo_status cv_model_need_text(const cogvideo_model *model, cogvideo_error *err);
/* The error of a network that gives NaN in place of numbers; it begins with where that was: "decoding, frame 3". All
 * files are read for the weight that is to blame, which it names. */
cogvideo_status cv_model_fail_unsound(const cogvideo_model *model, cogvideo_error *err, const char *where, ...)
    __attribute__((format(printf, 3, 4)));
/* COGVIDEO_ERROR_UNSUPPORTED: models of this family cannot do `what`, such as "decode". */
cogvideo_status cv_model_cannot(const cogvideo_model *model, const char *what, cogvideo_error *err);
/* Whether the model has what the step needs. */
bool cv_model_has(const cogvideo_model *model, const cv_step *step);
/* The step of this name, or an error that names those that the family has. */
cogvideo_status cv_model_step(const cogvideo_model *model, const char *name, const cv_step **out, cogvideo_error *err);

#endif
