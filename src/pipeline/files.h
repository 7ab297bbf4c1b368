/* files.h - the names of what a run writes, all made from that of its output, and whether they may be written. */
#ifndef CV_PIPELINE_FILES_H
#define CV_PIPELINE_FILES_H

#include "pipeline/chain.h"

/* The clips of a run with their files, of a video or of the chain's last codes, and the run's journal, in fresh memory.
 * `out` is to be freed after an error, too. */
cogvideo_status cv_files_name(cogvideo_result *out, const cv_chain *chain, const cogvideo_generate_options *options,
                              const char *output, cogvideo_error *err);
/* Forgets the clips from `count` on. */
void cv_result_shrink(cogvideo_result *result, int count);
/* What the codes of step `index` are called among the files. */
const char *cv_codes_name(const cv_chain *chain, int index);

/* Whether all files of a clip may be written, over others where `force`, over a video where `force_video`. A record of
 * these codes, where they are gone, may be replaced. */
cogvideo_status cv_files_check(const cogvideo_clip *clip, bool force, bool force_video, cogvideo_error *err);
/* Whether a clip's video is there, or any of its numbered pictures; whether as many of them as it has frames; and its
 * size, of all pictures together. */
bool cv_video_is_there(const cogvideo_clip *clip);
bool cv_video_is_whole(const cogvideo_clip *clip);
uint64_t cv_video_bytes(const cogvideo_clip *clip);

#endif
