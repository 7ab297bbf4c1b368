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
    double fps;   /* 0 = not told */
} cv_phenaki_sizes;

cogvideo_status cv_phenaki_sizes_read(cv_phenaki_sizes *out, const cogvideo_import_options *options,
                                      cogvideo_error *err);
/* Sets the section "clip" of a model's description, where the size of a frame is told, for the video tokenizer that the
 * description has, if any, and a masked transformer of `places` (0 = there is none). What is not told stays as it is in
 * that section; without it there are as many frames as places, and 8 of them a second. */
cogvideo_status cv_phenaki_sizes_put(const cv_phenaki_sizes *sizes, cv_json *description, int places,
                                     cogvideo_error *err);

#endif
