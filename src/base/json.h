/* json.h - the only user of cJSON: parses with limits, typed getters that name the key in their errors, a writer. */
#ifndef CV_BASE_JSON_H
#define CV_BASE_JSON_H

#include "base/mem.h"
#include "base/output.h"

typedef struct cJSON cv_json;

/* Parses one JSON value and nothing after it but white space. `origin` (a file name) starts every
 * error. Objects with a key twice are refused. */
cogvideo_status cv_json_parse(cv_json **out, const char *text, size_t size, const char *origin, cogvideo_error *err);
/* The same for a regular file. */
cogvideo_status cv_json_read(cv_json **out, const char *path, size_t limit, cogvideo_error *err);
void cv_json_free(cv_json **json);

/* Getters for members of an object. `origin` starts the error. A member of another type is an error; a missing one
 * is an error unless the function's name says `optional`, which then leaves *out unchanged. */
cogvideo_status cv_json_int(const cv_json *object, const char *key, int64_t min, int64_t max, int64_t *out,
                            const char *origin, cogvideo_error *err);
cogvideo_status cv_json_optional_int(const cv_json *object, const char *key, int64_t min, int64_t max, int64_t *out,
                                     const char *origin, cogvideo_error *err);
cogvideo_status cv_json_double(const cv_json *object, const char *key, double min, double max, double *out,
                               const char *origin, cogvideo_error *err);
cogvideo_status cv_json_optional_double(const cv_json *object, const char *key, double min, double max, double *out,
                                        const char *origin, cogvideo_error *err);
cogvideo_status cv_json_optional_bool(const cv_json *object, const char *key, bool *out, const char *origin,
                                      cogvideo_error *err);
/* Checks the head of one of the program's own files: an object with this "format" and "version". */
cogvideo_status cv_json_format(const cv_json *object, const char *format, int version, const char *origin,
                               cogvideo_error *err);
/* The strings, objects and arrays given out belong to `object`. */
cogvideo_status cv_json_string(const cv_json *object, const char *key, const char **out, const char *origin,
                               cogvideo_error *err);
cogvideo_status cv_json_optional_string(const cv_json *object, const char *key, const char **out, const char *origin,
                                        cogvideo_error *err);
cogvideo_status cv_json_object(const cv_json *object, const char *key, cv_json **out, const char *origin,
                               cogvideo_error *err);
cogvideo_status cv_json_array(const cv_json *object, const char *key, cv_json **out, const char *origin,
                              cogvideo_error *err);
/* Three numbers, from min to max: red, green, blue. */
cogvideo_status cv_json_rgb(const cv_json *object, const char *key, double min, double max, float out[3],
                            const char *origin, cogvideo_error *err);
/* An error that names a member which is none of `keys` (a list that ends in NULL): a misspelt key is never ignored. */
cogvideo_status cv_json_check_keys(const cv_json *object, const char *const *keys, const char *origin,
                                   cogvideo_error *err);
/* NULL where there is no such member. */
cv_json *cv_json_get(const cv_json *object, const char *key);

/* One of the sizes that a section holds. */
typedef struct cv_json_size {
    const char *key;
    int *value;
    int min, max;
} cv_json_size;
/* Reads them all, each as by cv_json_int, and lists their keys for cv_json_check_keys, behind which the caller lists
 * those that are no sizes. */
cogvideo_status cv_json_sizes(const cv_json *section, const cv_json_size *sizes, size_t count, const char **keys,
                              const char *origin, cogvideo_error *err);

/* An array of whole numbers in fresh memory. */
cogvideo_status cv_json_int_array(const cv_json *array, int64_t min, int64_t max, int32_t **out, size_t *count,
                                  const char *what, cogvideo_error *err);

/* Walking: the first child of an object or array (NULL when empty), its neighbour, its key, its kind, its values. */
cv_json *cv_json_first(const cv_json *container);
cv_json *cv_json_next(const cv_json *item);
/* Whether two values are equal to the last bit, members of objects in the same order. False where one of them is
 * NULL. */
bool cv_json_equal(const cv_json *a, const cv_json *b);
size_t cv_json_count(const cv_json *container);
const char *cv_json_key(const cv_json *item);
bool cv_json_is_object(const cv_json *item);
bool cv_json_is_array(const cv_json *item); /* false where it is NULL */
bool cv_json_is_string(const cv_json *item);
bool cv_json_is_number(const cv_json *item);
bool cv_json_is_null(const cv_json *item);
double cv_json_number(const cv_json *item);
const char *cv_json_text(const cv_json *item);

/* Building. An add takes ownership of nothing and copies its strings. NULL objects are passed on, so that a chain of
 * adds needs one check at its end: cv_json_print returns NULL when any of them ran out of memory. */
cv_json *cv_json_new_object(void);
void cv_json_set_int(cv_json *object, const char *key, int64_t value);
void cv_json_set_double(cv_json *object, const char *key, double value);
void cv_json_set_bool(cv_json *object, const char *key, bool value);
void cv_json_set_null(cv_json *object, const char *key);
void cv_json_set_string(cv_json *object, const char *key, const char *value);
void cv_json_set_ints(cv_json *object, const char *key, const int32_t *values, size_t count);
cv_json *cv_json_set_object(cv_json *object, const char *key);
cv_json *cv_json_set_array(cv_json *object, const char *key);
void cv_json_add_double(cv_json *array, double value);
void cv_json_add_string(cv_json *array, const char *value);
cv_json *cv_json_add_object(cv_json *array);
/* Takes a member out, if it is there. */
void cv_json_remove(cv_json *object, const char *key);
/* Adds a deep copy of `value` as a member; replaces a member of the same key. */
void cv_json_set_copy(cv_json *object, const char *key, const cv_json *value);
cv_json *cv_json_copy(const cv_json *value);
/* Returns the text (free with cv_free), on one line or indented; NULL with err set. */
char *cv_json_print(const cv_json *json, bool indented, cogvideo_error *err);
/* Writes the text and a newline. */
cogvideo_status cv_json_put(const cv_json *json, bool indented, cv_output *output, cogvideo_error *err);
/* Writes it to a file that appears when it is whole: on one line, or indented. */
cogvideo_status cv_json_write(const cv_json *json, bool indented, const char *path, cogvideo_error *err);

#endif
