/* assemble.h - tensors of a model put together from those of published files: under other names, joined, transposed.
 * What a network needs is not listed a second time: binding it to a plan (cv_store_plan) lists its tensors. */
#ifndef CV_IMPORT_ASSEMBLE_H
#define CV_IMPORT_ASSEMBLE_H

#include "import/convert.h"
#include "import/source.h"

#define CV_ASSEMBLE_PIECES 3

/* What becomes of a tensor of a file. */
typedef struct cv_renaming {
    char name[200];    /* in the model */
    int piece, pieces; /* one of so many of equal shape that follow one another along the first axis; 1 = it is whole */
    bool transposed;   /* a matrix whose axes change places */
    bool skipped;      /* known, and of no use here */
} cv_renaming;

/* A tensor of the model. */
typedef struct cv_assembled {
    char name[200];
    int rank;
    size_t shape[CV_MAX_RANK];
    cv_dtype dtype;
    cv_source *source;
    const cv_source_tensor *from[CV_ASSEMBLE_PIECES];
    int pieces;
    bool transposed;
} cv_assembled;

typedef struct cv_assembly {
    cv_assembled *items;
    size_t count, capacity;
} cv_assembly;

void cv_assembly_free(cv_assembly *assembly);

/* Adds all tensors of a file whose names begin with `prefix`, by what `rename` says of the rest of their names: `out`
 * comes with that name, whole. Members that no network learns, such as counters, are passed over; so are those outside
 * of the prefix, with a warning. */
cogvideo_status cv_assembly_add(cv_assembly *assembly, cv_source *source, const char *prefix,
                                void (*rename)(const char *name, cv_renaming *out), const cogvideo_log *log,
                                cogvideo_error *err);

/* A plan with the names and shapes of the tensors, by which a network can be measured. `name` starts its errors. */
cogvideo_status cv_assembly_shapes(const cv_assembly *assembly, cv_store **out, const char *name, cogvideo_error *err);

/* Compares with what a network expects: a tensor that is missing, misshapen or extra is an error that names it. `path`
 * of the file starts it. */
cogvideo_status cv_assembly_check(const cv_assembly *assembly, const cv_store *expected, const char *path,
                                  cogvideo_error *err);

uint64_t cv_assembly_bytes(const cv_assembly *assembly);
/* Writes the new file `path`, in the types that `narrowing` chooses, or unchanged where it is NULL; tensors that are
 * joined or transposed always keep theirs. A number that is NaN, infinite or too large for its type is an error. */
cogvideo_status cv_assembly_write(const cv_assembly *assembly, cv_import_job *job, const cv_narrowing *narrowing,
                                  const char *path, cogvideo_error *err);

/* Finds what stands before the name `anchor` where a file's names have a prefix, which ends in a point; *prefix is in
 * fresh memory, and "" where there is none. NULL: the file has no such tensor. More than one is an error. */
cogvideo_status cv_source_prefix(char **prefix, const cv_source *source, const char *anchor, cogvideo_error *err);

#endif
