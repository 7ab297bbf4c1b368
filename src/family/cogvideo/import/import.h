/* import.h - fills a directory with the parts of a model, as docs/formats.md describes it. */
#ifndef CV_FAMILY_COGVIDEO_IMPORT_IMPORT_H
#define CV_FAMILY_COGVIDEO_IMPORT_IMPORT_H

#include <cogvideo/import.h>

/* What it reads (cogvideo/import.h). */
extern const char *const cv_cogvideo_sources[];

/* `directory` exists and is empty; on failure it may hold some of the files. Replacing what was there before
 * is the caller's affair: `output` and `force` of the options are not looked at. */
cogvideo_status cv_cogvideo_import(const cogvideo_import_options *options, const char *directory, cogvideo_error *err);

#endif
