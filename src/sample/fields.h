/* fields.h - the fields of a sampling rule (cogvideo/sampling.h): their values checked, and as JSON. */
#ifndef CV_SAMPLE_FIELDS_H
#define CV_SAMPLE_FIELDS_H

#include "base/json.h"

#include <cogvideo/sampling.h>

/* Whether a field may have this value. */
cogvideo_status cv_sampling_check_field(const cogvideo_field *field, double value, cogvideo_error *err);

/* Reads the fields that a step reads which draws in these ways (COGVIDEO_BY_...) from a section of a model's
 * description. Only the temperature must be there. */
cogvideo_status cv_sampling_read(cogvideo_sampling *out, const cv_json *section, unsigned ways, const char *origin,
                                 cogvideo_error *err);
/* How many candidates a rule draws: at least 1, and where it takes the best code no more, which would all be equal. */
int cv_sampling_candidates(const cogvideo_sampling *sampling);
/* Adds the fields of these ways to an object. */
void cv_sampling_put(cv_json *object, const cogvideo_sampling *sampling, unsigned ways);
/* The same of codes that are drawn one after the other: of these ways the one that draws, and several candidates. */
void cv_sampling_put_drawn(cv_json *object, const cogvideo_sampling *sampling, unsigned ways);

#endif
