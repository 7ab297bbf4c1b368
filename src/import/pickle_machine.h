/* pickle_machine.h - the state of a pickle reader: the tree's values, the stack with its marks, the memo. Every part
 * has a limit far above what a checkpoint needs, so that a hostile pickle cannot exhaust memory. */
#ifndef CV_IMPORT_PICKLE_MACHINE_H
#define CV_IMPORT_PICKLE_MACHINE_H

#include "import/pickle.h"

enum {
    CV_PICKLE_MAX_VALUES = 1 << 20,
    CV_PICKLE_MAX_ITEMS = 1 << 22, /* members of all groups together */
    CV_PICKLE_MAX_STACK = 1 << 20,
    CV_PICKLE_MAX_MARKS = 1000,
    CV_PICKLE_MAX_MEMO = 1 << 22,
    CV_PICKLE_BLOCK = 1024, /* values allocated together */
};

typedef struct cv_pickle_block {
    struct cv_pickle_block *next;
    size_t used;
    cv_pickle_value values[CV_PICKLE_BLOCK];
} cv_pickle_block;

struct cv_pickle {
    cv_pickle_block *blocks;
    size_t values, items;
    const cv_pickle_value *root;
    cv_pickle_value inert, none; /* shared by all equal values */
};

typedef struct cv_machine {
    cv_pickle *pickle;
    const unsigned char *bytes;
    size_t size, at;
    const char *origin;
    cv_pickle_value **stack, **memo;
    size_t count, capacity;
    size_t memo_size, memo_count; /* capacity, and entries in use */
    size_t marks[CV_PICKLE_MAX_MARKS];
    size_t mark_count;
    cogvideo_error *err;
} cv_machine;

/* Fails with "FILE: the pickle WHAT (at byte N of M)", as COGVIDEO_ERROR_FORMAT. */
cogvideo_status cv_machine_fail(const cv_machine *m, const char *what);

/* Takes the next `size` bytes of the pickle; the next `width` bytes as a little-endian number. */
cogvideo_status cv_machine_take(cv_machine *m, uint64_t size, const char **out);
cogvideo_status cv_machine_take_number(cv_machine *m, int width, uint64_t *out);

/* Makes a value that belongs to the tree; adds a member at the end of a group. */
cogvideo_status cv_machine_new(cv_machine *m, cv_pickle_kind kind, cv_pickle_value **out);
cogvideo_status cv_machine_append(cv_machine *m, cv_pickle_value *to, cv_pickle_value *item);

/* The stack. Only the values above the last mark may be taken or read. */
cogvideo_status cv_machine_push(cv_machine *m, cv_pickle_value *value);
cogvideo_status cv_machine_push_new(cv_machine *m, cv_pickle_kind kind, cv_pickle_value **out);
cogvideo_status cv_machine_pop(cv_machine *m, cv_pickle_value **out);
cogvideo_status cv_machine_top(cv_machine *m, cv_pickle_value **out);
size_t cv_machine_above_mark(const cv_machine *m);
/* Takes `count` values at once; they stay readable until the next push. */
cogvideo_status cv_machine_pop_many(cv_machine *m, size_t count, cv_pickle_value ***items);
/* Takes everything above the last mark, and the mark; the items stay readable until the next push. */
cogvideo_status cv_machine_pop_mark(cv_machine *m, cv_pickle_value ***items, size_t *count);
cogvideo_status cv_machine_mark(cv_machine *m);

/* The memo: stores the value on top under a number; pushes a stored one. */
cogvideo_status cv_machine_remember(cv_machine *m, uint64_t index);
cogvideo_status cv_machine_recall(cv_machine *m, uint64_t index);

#endif
