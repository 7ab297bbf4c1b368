/* describe.h - a model description brought in line with what the imported files tell, and contradictions found. */
#ifndef CV_FAMILY_COGVIDEO_IMPORT_DESCRIBE_H
#define CV_FAMILY_COGVIDEO_IMPORT_DESCRIBE_H

#include "family/cogvideo/import/network.h"

/* configs/cogvideo.json and configs/cogview2.json, built into the program. */
extern const char cv_builtin_cogvideo[], cv_builtin_cogview2[];

/* What the files told; NULL or 0 for a part that is not imported. */
typedef struct cv_findings {
    const cv_network *stage1, *stage2, *coglm, *upscaler, *refiner;
    const cv_tokenizer_sizes *tokenizer;
    size_t pieces;   /* of the text model */
    size_t clusters; /* labels in the file of clusters */
} cv_findings;

/* Replaces the values in `description` that `found` tells. Errors start with `origin`, the description's name. */
cogvideo_status cv_describe(cv_json *description, const cv_findings *found, const char *origin, cogvideo_error *err);

#endif
