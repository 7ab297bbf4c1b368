/* rows_file.h - a file of training rows, int32 in little-endian order without a header, and "ROWS.json" beside it, which
 * says what a row is: what the rows of all families have in common. */
#ifndef CV_TRAIN_ROWS_FILE_H
#define CV_TRAIN_ROWS_FILE_H

#include "base/json.h"
#include "base/map.h"
#include "base/output.h"
#include "family/family.h"

#include <cogvideo/dataset.h>

/* "image", "stage1", "stage2" or "masked". */
const char *cv_rows_kind_name(cogvideo_rows_kind kind);

/* --- tokenizers: ids mean nothing to a network that reads others ------------------------------------------------- */

#define CV_TOKENIZERS_HASH 17 /* characters, with the NUL */

/* A number, in hexadecimal, for those of these tensors that the model has, which decide what a code stands for, and for
 * its text model; empty where it lacks the text model or all of the tensors. */
cogvideo_status cv_tokenizers_hash(char out[CV_TOKENIZERS_HASH], const cogvideo_model *model,
                                   const char *const *tensors, int count, cogvideo_error *err);

/* --- writing ----------------------------------------------------------------------------------------------------- */

typedef struct cv_rows_writer {
    /* Set by the caller: */
    const cogvideo_dataset *dataset;
    const cogvideo_model *model;
    const cogvideo_rows_options *options;
    const cogvideo_dataset_callbacks *callbacks; /* or NULL */
    /* Writes the rows of a clip by cv_rows_put. */
    cogvideo_status (*clip)(void *user, int index, const cogvideo_dataset_clip *clip, cogvideo_error *err);
    /* Adds to the object of ROWS.json what a row is. */
    void (*about)(const void *user, cv_json *json);
    void *user;
    char tokenizers[CV_TOKENIZERS_HASH];
    /* Its own: */
    cv_output output;
    long long rows;
} cv_rows_writer;

/* Whether rows and what describes them may be written (cv_output_check): not to standard output, nor over files that
 * are there already unless options->force. */
cogvideo_status cv_rows_check_output(const char *output, const cogvideo_rows_options *options, cogvideo_error *err);
/* The rows of all clips; *rows (may be NULL) takes their number, and none are an error. */
cogvideo_status cv_rows_write(cv_rows_writer *writer, const char *output, long long *rows, cogvideo_error *err);
cogvideo_status cv_rows_put(cv_rows_writer *writer, const void *row, size_t bytes, cogvideo_error *err);

/* --- reading ----------------------------------------------------------------------------------------------------- */

typedef struct cv_rows_file {
    char *path, *about; /* of both files */
    cv_mapping mapping;
    const int32_t *values; /* [count][numbers of a row] */
    size_t count;
    cogvideo_rows_kind kind;
    char tokenizers[CV_TOKENIZERS_HASH]; /* that made it; empty where that is not known */
} cv_rows_file;

/* Reads ROWS.json, whose object `json` takes for what only the family knows; free it. The rows are mapped next, once it
 * is known of how many numbers each is. cv_rows_file_close after errors, too. */
cogvideo_status cv_rows_file_open(cv_rows_file *out, cv_json **json, const char *path, cogvideo_error *err);
cogvideo_status cv_rows_file_map(cv_rows_file *rows, size_t numbers, cogvideo_error *err);
void cv_rows_file_close(cv_rows_file *rows);
/* An error where the rows were made with other tokenizers than these, of the model in folder `model`. */
cogvideo_status cv_rows_file_check(const cv_rows_file *rows, const char *tokenizers, const char *model,
                                   cogvideo_error *err);

#endif
