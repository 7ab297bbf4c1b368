/* clusters.h - groups codes by the cluster that each belongs to. */
#ifndef CV_SAMPLE_CLUSTERS_H
#define CV_SAMPLE_CLUSTERS_H

#include "base/mem.h"

typedef struct cv_clusters cv_clusters;

/* `labels[code]` is the cluster of a code, 0 .. codes-1; the number of clusters is the greatest label + 1, and a
 * cluster may be empty. An error names the first label out of range. */
cogvideo_status cv_clusters_create(cv_clusters **out, const int32_t *labels, int codes, cogvideo_error *err);
void cv_clusters_free(cv_clusters **clusters);

int cv_clusters_codes(const cv_clusters *clusters);
int cv_clusters_count(const cv_clusters *clusters);
/* Returns the cluster of every code, [codes]. */
const int32_t *cv_clusters_labels(const cv_clusters *clusters);
/* Returns the `*count` codes of one cluster, ascending. */
const int32_t *cv_clusters_members(const cv_clusters *clusters, int cluster, int *count);

#endif
