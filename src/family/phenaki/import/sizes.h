/* sizes.h - what no file of weights tells, as the user gives it: the sources "patch", "size", "frames" and "fps". */
#ifndef CV_FAMILY_PHENAKI_IMPORT_SIZES_H
#define CV_FAMILY_PHENAKI_IMPORT_SIZES_H

#include "base/json.h"
#include "family/phenaki/network/cvivit.h"

#include <cogvideo/import.h>

typedef struct cv_phenaki_sizes {
    int patch[2]; /* height and width of a patch; 0 = a square, whose side the file tells */
    int size[2];  /* height and width of a frame; 0 = not told */
    int frames;   /* of a scene; 0 = not told */
    double fps;
} cv_phenaki_sizes;

cogvideo_status cv_phenaki_sizes_read(cv_phenaki_sizes *out, const cogvideo_import_options *options,
                                      cogvideo_error *err);
/* Sets the section "clip", where the size of a frame is told, for a tokenizer (NULL = there is none) and a masked
 * transformer of `places` (0 = there is none). */
cogvideo_status cv_phenaki_sizes_put(const cv_phenaki_sizes *sizes, cv_json *description,
                                     const cv_cvivit_config *tokenizer, int places, cogvideo_error *err);

#endif
