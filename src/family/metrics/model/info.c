/* info.c - what a model of metrics is: which parts it has, and where they come from. */
#include "family/metrics/model/model.h"

/* The rows of one part. */
enum { HAS, ORIGIN, SHA256, ROWS };

/* Names stand in the JSON of `cogvideo info`. */
static const struct {
    const char *name, *title;
} rows[CV_METRICS_PARTS][ROWS] = {
    [CV_METRICS_I3D] = { { "i3d", "I3D" }, { "i3d_origin", "I3D from" }, { "i3d_sha256", "I3D SHA-256" } },
    [CV_METRICS_C3D] = { { "c3d", "C3D" }, { "c3d_origin", "C3D from" }, { "c3d_sha256", "C3D SHA-256" } },
    [CV_METRICS_INCEPTION] = { { "inception", "Inception" },
                               { "inception_origin", "Inception from" },
                               { "inception_sha256", "Inception SHA-256" } },
    [CV_METRICS_CLIP] = { { "clip", "CLIP" }, { "clip_origin", "CLIP from" }, { "clip_sha256", "CLIP SHA-256" } },
    [CV_METRICS_CLIP_VOCABULARY] = { { "clip_vocabulary", "vocabulary" },
                                     { "clip_vocabulary_origin", "vocabulary from" },
                                     { "clip_vocabulary_sha256", "vocabulary SHA-256" } },
};

bool cv_metrics_property(const cogvideo_model *head, int index, cogvideo_property *out)
{
    const int id = index / ROWS, row = index % ROWS;
    const cv_metrics_part *part;

    if (id >= CV_METRICS_TEXT_TOKENIZER) /* the text model is a row of every family */
        return false;
    part = &cv_metrics_of(head)->parts[id];
    *out = (cogvideo_property){ .name = rows[id][row].name, .title = rows[id][row].title };
    if (row == HAS) {
        out->kind = COGVIDEO_PROPERTY_FLAG;
        out->number = part->path != NULL;
    } else {
        out->kind = COGVIDEO_PROPERTY_TEXT;
        out->text = row == SHA256 ? part->sha256 : part->origin ? part->origin : "";
    }
    return true;
}
