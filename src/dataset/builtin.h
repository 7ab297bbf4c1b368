/* builtin.h - descriptions that are built into the library. */
#ifndef CV_DATASET_BUILTIN_H
#define CV_DATASET_BUILTIN_H

extern const char cv_builtin_shapes[]; /* configs/shapes.json */

#endif
