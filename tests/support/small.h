/* small.h - the small geometry of configs/small.json as the original's files: what `cogvideo import` takes. */
#ifndef TESTS_SMALL_H
#define TESTS_SMALL_H

/* Writes stage1.pt, stage2.pt, image.pt (seeds 71, 72 and 51, f16) and clusters.npy to a folder that exists. Aborts
 * on failure. The text model that fits is the test data's text/ice_text.model. */
void small_write(const char *folder);
/* Imports them from the temporary folder, by the program, to "TEMP/MODEL", which must not exist. */
void small_import(const char *dtype, const char *model);
/* configs/small.json, a static text. */
const char *small_config(void);

#endif
