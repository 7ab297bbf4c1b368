/* fields.h - the fields of a sampling rule (cogvideo/sampling.h): their values checked, and as JSON. */
#ifndef CV_SAMPLE_FIELDS_H
#define CV_SAMPLE_FIELDS_H

#include "base/json.h"

#include <cogvideo/sampling.h>

/* Whether a field may have this value. */
cogvideo_status cv_sampling_check_field(const cogvideo_field *field, double value, cogvideo_error *err);

/* Reads a section of a model's description. Only the temperature must be there. */
cogvideo_status cv_sampling_read(cogvideo_sampling *out, const cv_json *section, const char *origin,
                                 cogvideo_error *err);
/* Adds all fields to an object; or only those that a draw reads. */
void cv_sampling_put(cv_json *object, const cogvideo_sampling *sampling);
void cv_sampling_record(cv_json *object, const cogvideo_sampling *sampling);

#endif
