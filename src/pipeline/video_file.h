/* video_file.h - the video that a run makes. */
#ifndef CV_PIPELINE_VIDEO_FILE_H
#define CV_PIPELINE_VIDEO_FILE_H

#include "pipeline/chain.h"

/* Writes a video. `header` says how its codes were made, and becomes the comment; or it is NULL. */
cogvideo_status cv_video_file_write(const cogvideo_model *model, const cogvideo_run_options *run,
                                    const cogvideo_video *video, const char *header, const char *path,
                                    cogvideo_error *err);

#endif
