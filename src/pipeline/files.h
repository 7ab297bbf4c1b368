/* files.h - the names of what a run writes, all made from that of its output, and whether they may be written. */
#ifndef CV_PIPELINE_FILES_H
#define CV_PIPELINE_FILES_H

#include "pipeline/chain.h"

/* The clips of a run with their files, of a video or of the chain's last codes, and the run's journal, in fresh memory.
 * `out` is to be freed after an error, too. */
cogvideo_status cv_files_name(cogvideo_result *out, const cv_chain *chain, const cogvideo_generate_options *options,
                              const char *output, cogvideo_error *err);
/* What the codes of step `index` are called among the files. */
const char *cv_codes_name(const cv_chain *chain, int index);

/* Whether all files of a clip may be written, over others where `force`. A record of codes that are gone may be
 * replaced. */
cogvideo_status cv_files_check(const cogvideo_clip *clip, bool force, cogvideo_error *err);
/* Whether all of a clip's video is there: of numbered pictures each. */
bool cv_video_is_there(const cogvideo_clip *clip);

#endif
