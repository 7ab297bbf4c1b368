/* models.h - models for tests: the small geometry of configs/small.json and the golden checkpoints, both as the
 * original's files, and their import by the program. */
#ifndef TESTS_MODELS_H
#define TESTS_MODELS_H

#include "support/seeded.h"

/* Writes stage1.pt, stage2.pt, image.pt (seeds 71, 72 and 51, f16) and clusters.npy to a folder that exists. Aborts
 * on failure. The text model that fits is the test data's text/ice_text.model. */
void models_write_small(const char *folder);
/* Imports them from the temporary folder, by the program, to "TEMP/MODEL", which must not exist. */
void models_import_small(const char *dtype, const char *model);
/* Adds a part of one file to the model "TEMP/MODEL": the tensors of the list, which it frees, in `dtype`, and as the
 * description's section of that name `sizes`. Aborts on failure. */
void models_add_part(const char *model, const char *part, seeded_list *list, cv_dtype dtype, const char *sizes);
/* Adds a super-resolution network of 8x8 to 16x16 codes to the model "TEMP/MODEL". Aborts on failure. */
void models_add_upscaler(const char *model);
/* The same of a refiner, of three rounds by a pattern of 3x3: 0 1 2 / 1 3 -1 / 2 -1 1. */
void models_add_refiner(const char *model);
/* configs/small.json, a static text. */
const char *models_small_config(void);

/* Imports all parts of the golden checkpoints (which must be there) as f32 to "TEMP/MODEL". */
void models_import_golden(const char *model);

#endif
