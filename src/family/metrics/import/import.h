/* import.h - fills a directory with a model of metrics from published files, as docs/formats.md describes it. */
#ifndef CV_FAMILY_METRICS_IMPORT_IMPORT_H
#define CV_FAMILY_METRICS_IMPORT_IMPORT_H

#include <cogvideo/import.h>

/* What it reads (cogvideo/import.h). */
extern const char *const cv_metrics_sources[];

/* `directory` exists and is empty; on failure it may hold some of the files. */
cogvideo_status cv_metrics_import(const cogvideo_import_options *options, const char *directory, cogvideo_error *err);

#endif
