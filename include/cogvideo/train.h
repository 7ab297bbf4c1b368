/* train.h - training the parts of a model: the image tokenizer, the trunk on text and one frame, and each stage's
 * second channel with the trunk frozen. The recipe is a JSON file (configs/README.md).
 *
 * A model directory grows part by part: it begins as a model.json without parts, and each training writes its part's
 * file into it. The run has a folder of its own with `checkpoint.safetensors` (weights, optimizer, step), `log.jsonl`
 * (a line per step and per evaluation) and `samples-001000.jpg` (a sheet of what the part does with held-out data). A
 * resumed run with the same recipe and data continues bit for bit. */
#ifndef COGVIDEO_TRAIN_H
#define COGVIDEO_TRAIN_H

#include <cogvideo/common.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cogvideo_train_progress {
    int step, steps; /* finished, and in all */
    double loss;     /* of the last step */
    double held_out; /* of the last evaluation; 0 before the first */
    double learning_rate, gradient_norm;
    double samples_per_second; /* tokens of sequences, or pictures */
    uint64_t memory;           /* bytes that the run holds */
} cogvideo_train_progress;

typedef struct cogvideo_train_options {
    /* "image-tokenizer", "image", "coglm", "stage1" or "stage2"; of Phenaki "video-tokenizer", "masked" or "critic"; of
     * metrics "metric-i3d" or "metric-clip" */
    const char *part;
    const char *recipe;      /* the recipe file */
    const char *model;       /* the model directory, read and written */
    const char *const *data; /* datasets (tokenizers, metrics) or files of training rows, `data_count` of them */
    int data_count;
    const char *held_out; /* the same, one, for evaluation; NULL = none */
    const char *output;   /* the run's folder, made where it is missing */
    /* 1: go on from the checkpoint there, with a warning where the recipe has changed; 0: there must be none */
    int resume;
    /* 1: begin with the weights that the directory has of this part (of a tokenizer, on whose codes all else stands,
     * with a recipe that trains its decoder only); 0: with new ones. A resumed run has begun already and ignores it */
    int finetune;
    int force;   /* 1: begin anew although the directory has this part; 0: that is an error */
    int steps;   /* stop after this step; 0 = as the recipe says */
    int threads; /* 0 = one for each core */
    cogvideo_log log;
    /* After every step, between the batches of one whose gradients add up, and while the first is timed; a value other
     * than 0 stops: COGVIDEO_ERROR_CANCELLED, after a checkpoint was saved where a step was begun. May be NULL. */
    int (*progress)(void *user, const cogvideo_train_progress *progress);
    void *user;
    uint64_t reserved[8];
} cogvideo_train_options;

COGVIDEO_API cogvideo_status cogvideo_train(const cogvideo_train_options *options, cogvideo_error *err);

#ifdef __cplusplus
}
#endif
#endif
