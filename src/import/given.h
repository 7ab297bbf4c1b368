/* given.h - what an import was given to read, by name (cogvideo/import.h). */
#ifndef CV_IMPORT_GIVEN_H
#define CV_IMPORT_GIVEN_H

#include <cogvideo/import.h>

/* The value of the source `name`, or NULL where it is not given. */
const char *cv_import_value(const cogvideo_import_options *options, const char *name);

#endif
