/* pickle.h - reads a Python pickle into a tree of plain values and executes nothing.
 *
 * Opcodes outside a short list are an error. Of the names that a pickle can refer to, only those of tensors and
 * ordered dictionaries have a meaning; every other name becomes an inert value that bears it, and so does whatever
 * is made of it; such an object keeps the attributes that it is given. Size, values, stack, marks and memo are
 * bounded, and nothing recurses. The opcodes are those of Python's pickletools, protocols 2 to 5. */
#ifndef CV_IMPORT_PICKLE_H
#define CV_IMPORT_PICKLE_H

#include "base/mem.h"

typedef enum cv_pickle_kind {
    /* Anything that tensors do not need; `text` is the name that made it, where known. Items: key, value, key, value ..
     * of the dictionary of attributes that it was given, as a module of TorchScript is. An object may hold itself. */
    CV_PICKLE_INERT,
    CV_PICKLE_NONE,
    CV_PICKLE_BOOL,
    CV_PICKLE_INT, /* an integer that fits 64 bits; a larger one is inert */
    CV_PICKLE_FLOAT,
    CV_PICKLE_TEXT,
    CV_PICKLE_TUPLE,
    CV_PICKLE_LIST,
    CV_PICKLE_DICT,       /* a dict or OrderedDict; items are key, value, key, value ... in order */
    CV_PICKLE_NAME,       /* one of the known names */
    CV_PICKLE_CALL,       /* items: a known name and its arguments (a tuple) */
    CV_PICKLE_PERSISTENT, /* items: the persistent id */
} cv_pickle_kind;

typedef enum cv_pickle_name {
    CV_NAME_ORDERED_DICT,      /* collections.OrderedDict */
    CV_NAME_REBUILD_TENSOR,    /* torch._utils._rebuild_tensor_v2 */
    CV_NAME_REBUILD_PARAMETER, /* torch._utils._rebuild_parameter */
    CV_NAME_STORAGE,           /* torch.*Storage: `text` is the class */
} cv_pickle_name;

typedef struct cv_pickle_value cv_pickle_value;
struct cv_pickle_value {
    cv_pickle_kind kind;
    cv_pickle_name name;
    int64_t integer;  /* INT, BOOL */
    double real;      /* FLOAT */
    const char *text; /* TEXT, storage NAME, INERT: `size` bytes of the pickle itself, without a NUL after them */
    size_t size;
    cv_pickle_value **items;
    size_t count, capacity;
};

typedef struct cv_pickle cv_pickle;

/* Reads one complete pickle. `bytes` must outlive the result. `origin` (a file's name) starts every error. */
cogvideo_status cv_pickle_read(cv_pickle **out, const void *bytes, size_t size, const char *origin,
                               cogvideo_error *err);
void cv_pickle_free(cv_pickle **pickle);

const cv_pickle_value *cv_pickle_root(const cv_pickle *pickle);

/* Names the kind of a value for messages: "a number", "a dictionary". */
const char *cv_pickle_kind_text(const cv_pickle_value *value);
/* True where `value` is exactly this text. */
bool cv_pickle_is_text(const cv_pickle_value *value, const char *text);

#endif
