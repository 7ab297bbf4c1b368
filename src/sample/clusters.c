#include "sample/clusters.h"

#include <string.h>

struct cv_clusters {
    int codes, count;
    int32_t *labels;  /* [codes] */
    int32_t *members; /* [codes]: all codes, cluster after cluster */
    int32_t *starts;  /* [count + 1]: where a cluster's codes begin */
};

/* Computes the greatest label + 1. */
static cogvideo_status count_clusters(int *out, const int32_t *labels, int codes, cogvideo_error *err)
{
    int count = 0;

    if (codes < 1)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "clusters need labels for at least one code, %d were given", codes);
    for (int code = 0; code < codes; code++) {
        if (labels[code] < 0 || labels[code] >= codes)
            return cv_fail(err, COGVIDEO_ERROR_MODEL,
                           "the cluster label of code %d is %d, a number from 0 to %d was expected", code,
                           (int)labels[code], codes - 1);
        if (labels[code] >= count)
            count = labels[code] + 1;
    }
    *out = count;
    return COGVIDEO_OK;
}

cogvideo_status cv_clusters_create(cv_clusters **out, const int32_t *labels, int codes, cogvideo_error *err)
{
    cogvideo_status status;
    cv_clusters *clusters = NULL;

    CV_NEW(clusters, 1, err);
    clusters->codes = codes;
    CV_TRY(count_clusters(&clusters->count, labels, codes, err));
    CV_NEW(clusters->labels, codes, err);
    CV_NEW(clusters->members, codes, err);
    CV_NEW(clusters->starts, (size_t)clusters->count + 1, err);
    memcpy(clusters->labels, labels, (size_t)codes * sizeof *labels);
    /* A counting sort: starts[c] runs from the start of cluster c to its end while the codes are placed, */
    for (int code = 0; code < codes; code++)
        clusters->starts[labels[code] + 1]++;
    for (int c = 0; c < clusters->count; c++)
        clusters->starts[c + 1] += clusters->starts[c];
    for (int code = 0; code < codes; code++)
        clusters->members[clusters->starts[labels[code]]++] = code;
    /* and is then shifted, so that each entry holds the start again. */
    memmove(clusters->starts + 1, clusters->starts, (size_t)clusters->count * sizeof *clusters->starts);
    clusters->starts[0] = 0;
    *out = clusters;
    return COGVIDEO_OK;
done:
    cv_clusters_free(&clusters);
    return status;
}

void cv_clusters_free(cv_clusters **clusters)
{
    cv_clusters *c = *clusters;

    if (!c)
        return;
    cv_free(c->labels);
    cv_free(c->members);
    cv_free(c->starts);
    cv_free(c);
    *clusters = NULL;
}

int cv_clusters_codes(const cv_clusters *clusters)
{
    return clusters->codes;
}
int cv_clusters_count(const cv_clusters *clusters)
{
    return clusters->count;
}
const int32_t *cv_clusters_labels(const cv_clusters *clusters)
{
    return clusters->labels;
}

const int32_t *cv_clusters_members(const cv_clusters *clusters, int cluster, int *count)
{
    *count = clusters->starts[cluster + 1] - clusters->starts[cluster];
    return clusters->members + clusters->starts[cluster];
}
