/* record.h - how a clip was made, as a JSON file beside its codes, and which videos were made of them. A run writes it
 * last of all. */
#ifndef CV_PIPELINE_RECORD_H
#define CV_PIPELINE_RECORD_H

#include "pipeline/settings.h"

/* Writes the record of a clip whose codes are `codes` (NULL = it has none): its settings, what its header says, its
 * files and the command. */
cogvideo_status cv_record_save(const cogvideo_clip *clip, const cv_settings *settings, const cogvideo_run_options *run,
                               const cogvideo_tokens *codes, cogvideo_error *err);
/* The record that is there. */
cogvideo_status cv_record_read(cv_json **out, const cogvideo_clip *clip, cogvideo_error *err);

/* *same: whether the record tells of the clip's video with these options; otherwise `difference` is what differs, and
 * empty where the record does not know the video. */
cogvideo_status cv_record_has_video(const cv_json *record, const cogvideo_clip *clip, const cogvideo_run_options *run,
                                    bool *same, cv_buffer *difference, cogvideo_error *err);
/* Whether the record tells of the clip's video, whatever its options. *changed: the file has another size than it
 * had. */
bool cv_record_knows_video(const cv_json *record, const cogvideo_clip *clip, bool *changed);
/* Writes the record anew, with this video too; where it is not `made` yet, only its name, so that a run that ends here
 * makes it again. */
cogvideo_status cv_record_add_video(cv_json *record, const cogvideo_clip *clip, const cogvideo_run_options *run,
                                    bool made, cogvideo_error *err);

#endif
