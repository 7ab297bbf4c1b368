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
/* Adds the fields of these ways to an object. */
void cv_sampling_put(cv_json *object, const cogvideo_sampling *sampling, unsigned ways);
/* The same of codes that are drawn one after the other: the fields that such a draw reads, but no others. */
void cv_sampling_put_drawn(cv_json *object, const cogvideo_sampling *sampling);

#endif
