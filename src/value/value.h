/* value.h - a value as the steps of a pipeline take it. */
#ifndef CV_VALUE_VALUE_H
#define CV_VALUE_VALUE_H

#include <cogvideo/value.h>

/* Whether the member of the value's kind is whole: its sizes are in their ranges, it has a frame and what its pointers
 * should point to. Codes, latents and pixels themselves are not looked at. */
cogvideo_status cv_value_check(const cogvideo_value *value, cogvideo_error *err);

#endif
