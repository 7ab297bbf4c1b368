/* network.h - a checkpoint of one of the transformers, found on the disk, opened, and its sizes read. */
#ifndef CV_FAMILY_COGVIDEO_IMPORT_NETWORK_H
#define CV_FAMILY_COGVIDEO_IMPORT_NETWORK_H

#include "family/cogvideo/import/names.h"

typedef struct cv_network {
    cv_transformer_kind kind;
    cv_torch *torch;
    cv_transformer_sizes sizes; /* from the shapes */
    cv_names names;             /* matched with the checkpoint */
    /* From model_config.json; 0 where it does not say, or where there is none. */
    bool configured; /* there is one */
    int64_t heads;
    /* of `layout`: text, and + one frame (which a refiner has not: 0), and + everything */
    int64_t text_places, low_places, all_places;
    int64_t window; /* -1 in stage 1 */
    int64_t own_kernel, cross_kernel;
} cv_network;

/* `path` is a folder with `latest` and model_config.json, the folder of one iteration, or the .pt itself; then
 * model_config.json is looked for beside it and one above. `log` is told what the
 * checkpoint holds besides. */
cogvideo_status cv_network_open(cv_network *out, const char *path, cv_transformer_kind kind, const cogvideo_log *log,
                                cogvideo_error *err);
void cv_network_close(cv_network *network);

#endif
