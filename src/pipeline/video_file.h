/* video_file.h - the video that a run makes, written as it grows. */
#ifndef CV_PIPELINE_VIDEO_FILE_H
#define CV_PIPELINE_VIDEO_FILE_H

#include "pipeline/chain.h"

/* Begins with the first four, which belong to the caller. */
typedef struct cv_video_file {
    const cogvideo_model *model;
    const cogvideo_run_options *run;
    const char *header; /* says how the codes were made, and becomes the comment; or NULL */
    const char *path;
    cogvideo_video_writer *writer; /* NULL before the first picture */
    cogvideo_picture last;         /* without its pixels */
    cogvideo_error why;            /* why a picture could not be written; COGVIDEO_OK where all could */
} cv_video_file;

/* A cogvideo_picture_fn of a cv_video_file: opens it with the first picture. */
int cv_video_file_picture(void *user, const cogvideo_picture *picture);
/* The work that gave the pictures ended with `status`, and told why in `err`: commits the file where all went well,
 * abandons it elsewhere. What it returns is why the file is not there. */
cogvideo_status cv_video_file_end(cv_video_file *file, cogvideo_status status, cogvideo_error *err);

#endif
