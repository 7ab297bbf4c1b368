/* phenaki_golden.h - networks of Phenaki's goldens, built from the sizes and seeds in their metadata. */
#ifndef TESTS_PHENAKI_GOLDEN_H
#define TESTS_PHENAKI_GOLDEN_H

#include "support/check.h"

#include "base/json.h"
#include "family/phenaki/network/cvivit.h"

/* The JSON object of a golden's metadata; free with cv_json_free. */
cv_json *phenaki_metadata(const cv_store *golden, const char *key);
/* A whole number of it. */
int phenaki_number(const cv_json *object, const char *key);
/* Two numbers of an array of at least two, such as "image". */
void phenaki_pair(const cv_json *object, const char *key, int out[2]);

/* The config of a network of kind "lfq", "obvious", "cosine" or "own". */
cv_cvivit_config phenaki_cvivit_config(const cv_json *network);
/* A store of seeded weights like a plan that `bind` fills. */
cv_store *phenaki_seeded_store(cogvideo_status (*bind)(cv_store *plan, const void *config, cogvideo_error *err),
                               const void *config, int seed);
cogvideo_status phenaki_bind_cvivit(cv_store *plan, const void *config, cogvideo_error *err);
/* `count` values are within 1e-4 of the expected tensor's spread, its largest less its least number. */
void phenaki_check(const char *name, const cv_tensor *expected, const float *values);

#endif
