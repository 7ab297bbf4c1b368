/* dataset.h - writing a dataset (see cogvideo/dataset.h for its files), and what its readers and writers agree on. */
#ifndef CV_DATASET_DATASET_H
#define CV_DATASET_DATASET_H

#include "base/mem.h"

#include <cogvideo/dataset.h>

enum {
    CV_DATASET_MIN_SIZE = 8,
    CV_DATASET_MAX_SIZE = 1024,
    CV_DATASET_MAX_FRAMES = 1000000, /* of one clip */
    CV_DATASET_MAX_CLIPS = 10000000,
    CV_DATASET_MAX_CAPTION = 4096, /* bytes */
};

typedef struct cv_dataset_writer cv_dataset_writer;

/* Makes the folder where there is none. One that has a dataset already is an error unless `force`. Of `about` size, fps
 * and context are read. */
cogvideo_status cv_dataset_writer_open(cv_dataset_writer **out, const char *folder, const cogvideo_dataset_info *about,
                                       bool force, cogvideo_error *err);
/* Sizes are the writer's. */
cogvideo_status cv_dataset_writer_clip(cv_dataset_writer *writer, const cogvideo_dataset_clip *clip,
                                       cogvideo_error *err);
/* Gives the files their names; frees the writer either way. No clips are an error. */
cogvideo_status cv_dataset_writer_commit(cv_dataset_writer **writer, cogvideo_error *err);
void cv_dataset_writer_abandon(cv_dataset_writer **writer);

/* Reports progress; COGVIDEO_ERROR_CANCELLED where the caller wants to stop. `callbacks` may be NULL. */
cogvideo_status cv_dataset_progress(const cogvideo_dataset_callbacks *callbacks, const char *unit, long long done,
                                    long long total, cogvideo_error *err);

#endif
