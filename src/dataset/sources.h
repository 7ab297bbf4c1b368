/* sources.h - videos and their captions, as they are found in a folder or named by a CSV file. */
#ifndef CV_DATASET_SOURCES_H
#define CV_DATASET_SOURCES_H

#include "base/mem.h"

#include <cogvideo/common.h>

typedef struct cv_captioned_video {
    char *path;    /* a video, or a folder of pictures */
    char *caption; /* on one line, never empty */
} cv_captioned_video;

typedef struct cv_sources {
    cv_captioned_video *items;
    size_t count;
} cv_sources;

/* Finds them (see cogvideo_dataset_build), in the natural order of their names or in that of the file's lines. Videos
 * without a caption are left out with a warning. */
cogvideo_status cv_sources_find(cv_sources *out, const char *path, const cogvideo_log *log, cogvideo_error *err);
void cv_sources_free(cv_sources *sources);

/* Names of all files and folders in a folder that do not begin with a dot, in natural order (base/order.h). */
cogvideo_status cv_folder_names(char ***out, size_t *count, const char *folder, cogvideo_error *err);
void cv_folder_names_free(char ***names, size_t count);
/* Whether a name ends so ("x.txt" in ".txt"), in any case of ASCII letters. */
bool cv_name_ends(const char *name, const char *ending);
/* Whether a name in a folder may be that of a video, as it has no ending of texts and of files that stand beside
 * videos. */
bool cv_may_be_video(const char *name);
/* Line breaks and tabs become spaces, those at the ends go; returns whether anything is left. */
bool cv_trim_line(char *text);

#endif
