/* networks.h - the published files of each network: how their tensors are called, and what the network expects. */
#ifndef CV_FAMILY_METRICS_IMPORT_NETWORKS_H
#define CV_FAMILY_METRICS_IMPORT_NETWORKS_H

#include "base/json.h"
#include "family/metrics/model/model.h"
#include "import/assemble.h"

/* A file whose tensors go into a part, and how they are called there. */
typedef struct cv_metrics_layout {
    const char *anchor; /* a tensor that each file of the layout has, perhaps behind a prefix */
    void (*rename)(const char *name, cv_renaming *out); /* NULL: names are those of the part */
} cv_metrics_layout;

/* What an importer knows of its file. */
typedef struct cv_metrics_found {
    cv_source *source;
    const cv_metrics_layout *layout;
    const cogvideo_import_options *options;
} cv_metrics_found;

typedef struct cv_metrics_importer {
    cv_metrics_part_id id;
    const cv_metrics_layout *layouts; /* up to one without an anchor */
    /* Claims in `plan` what the network expects, whose sizes those of `found` tell, and sets what tensors do not tell
     * in the part's section of model.json. */
    cogvideo_status (*expect)(const cv_metrics_found *file, const cv_store *found, cv_store *plan, cv_json *section,
                              cogvideo_error *err);
    const char *note; /* logged as a warning; NULL = none */
} cv_metrics_importer;

#define CV_METRICS_IMPORTERS 4
extern const cv_metrics_importer cv_metrics_importers[CV_METRICS_IMPORTERS];

#endif
