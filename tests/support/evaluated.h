/* evaluated.h - sets of clips, and models of networks (toy_networks.h), for tests of evaluation. */
#ifndef TESTS_EVALUATED_H
#define TESTS_EVALUATED_H

#include "support/check.h"
#include "support/toy_networks.h"

#include <cogvideo/cogvideo.h>

/* Clips of plain colours; each is a folder of pictures with a prompt beside it. */
enum { EVALUATED_SIDE = 12, EVALUATED_FRAMES = 20, EVALUATED_CLIPS = 6 };

/* the second has other weights; the last knows the shapes world alone but for its Inception */
extern cogvideo_model *evaluated_networks, *evaluated_others, *evaluated_shapes, *evaluated_mixed;
extern char evaluated_warnings[4000]; /* since the last evaluated_options, a line each */

/* Opens the models and writes the sets "TEMP/made" and "TEMP/real", which has two clips more; for a group of tests. */
int evaluated_start(void **state);
int evaluated_stop(void **state);

/* The pixels of frame `frame` of clip `clip`; `shift` makes another set. */
void evaluated_paint(uint8_t *pixels, int clip, int frame, int shift);
/* "TEMP/FOLDER/clip-NN/frame-M.ppm". */
void evaluated_write(const char *folder, int clips, int frames, int shift);

/* Both sets, `few`, and the log. */
cogvideo_evaluate_options evaluated_options(const char *metrics);
/* The result as JSON, which is freed with free. */
char *evaluated_json(const cogvideo_evaluate_options *options);
/* It must fail so, and leave no result. */
void evaluated_refused(const cogvideo_evaluate_options *options, cogvideo_status status, const char *words);

#endif
