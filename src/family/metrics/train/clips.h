/* clips.h - clips of a dataset of the shapes world, as the networks that know it see them. */
#ifndef CV_FAMILY_METRICS_TRAIN_CLIPS_H
#define CV_FAMILY_METRICS_TRAIN_CLIPS_H

#include "dataset/shapes.h"

#include <cogvideo/dataset.h>

/* A dataset and the combination of each of its clips. */
typedef struct cv_shapes_clips {
    cogvideo_dataset *dataset;
    cogvideo_dataset_info info;
    int *combinations; /* [info.clips] */
} cv_shapes_clips;

/* Opens a dataset whose clips have labels and captions of this world; an error names the first that has not. _close is
 * for errors, too. */
cogvideo_status cv_shapes_clips_open(cv_shapes_clips *out, const cv_shapes *world, const char *folder,
                                     cogvideo_error *err);
void cv_shapes_clips_close(cv_shapes_clips *clips);

/* Planes [frames][3][side][side] of `frames` frames of a clip from its first on, as far apart as they can be, 0 .. 255.
 * An error where the clip is shorter or of another size. */
cogvideo_status cv_shapes_clips_planes(const cv_shapes_clips *clips, int index, int frames, int side, float *planes,
                                       cogvideo_error *err);

#endif
