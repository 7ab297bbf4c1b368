/* plan.h - what a run will take, told before it begins: memory, disk and, as soon as there is something to judge by, time. One that does
 * not fit is refused before hours are spent. */
#ifndef CLI_PLAN_H
#define CLI_PLAN_H

#include "common.h"

/* Whether a stage could run to its end, but for memory (cogvideo_check_stage). */
int cli_check_stage(cli_session *session, const cogvideo_generate_options *options, cogvideo_stage stage, int frames);

/* Says what a stage of `clips` clips, one after the other, will compute and how much memory it takes. */
int cli_announce(cli_session *session, const cogvideo_generate_options *options, cogvideo_stage stage, int frames, int clips);
/* The same for all rounds of interpolation (0 = model) of clips of `frames`, `batch` windows at once (0 = all). */
int cli_announce_rounds(cli_session *session, const cogvideo_generate_options *options, int frames, int rounds, int batch, int clips);
/* Frames that become of `frames` in so many rounds (0 = model); far more than any disk holds count as 2^24 or more. */
int cli_frames_after(const cli_session *session, int frames, int rounds);

/* CLI_OK where the folder of `output` has room for the journal of all codes that were announced, for `codes` codes in files and for
 * `pixels` pixels in a form that the name's ending tells. */
int cli_announce_disk(const cli_session *session, const char *output, long long codes, long long pixels);

#endif
