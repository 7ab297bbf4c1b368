/* codebook.h - how a codebook learns: each code is the moving average of the vectors that were nearest to it
 * (van den Oord et al., "Neural discrete representation learning", 2017, appendix A.1), and a code that nobody needs
 * starts again as a vector of the batch that its code serves badly. */
#ifndef CV_TRAIN_CODEBOOK_H
#define CV_TRAIN_CODEBOOK_H

#include "base/arena.h"
#include "nn/exec.h"
#include "tensor/store.h"

/* The codes in the network's store, their averages in another, which a checkpoint saves. */
typedef struct cv_codebook {
    float *vectors; /* [codes][latent] */
    float *sizes;   /* [codes]: rows of a batch that a code gets, averaged */
    float *sums;    /* [codes][latent]: their sum, averaged */
    int codes, latent;
    bool unit; /* the code of a row is the nearest by angle: rows and codes have length 1 */
} cv_codebook;

typedef struct cv_codebook_options {
    double decay; /* of the averages, in 0..1 */
    double dead;  /* a code starts again when it gets less than this share of an average code's rows; 0 = never */
    uint64_t seed;
} cv_codebook_options;

/* Claims "quantize.embed.weight", "quantize.cluster_size" and "quantize.embed_avg"; `network` and `averages` are stores
 * in memory, or planned. */
cogvideo_status cv_codebook_bind(cv_codebook *out, cv_store *network, cv_store *averages, int codes, int latent,
                                 cogvideo_error *err);
/* The same of codes of length 1, under the names of vector-quantize-pytorch: "vq._codebook.embed" [1][codes][latent],
 * "vq._codebook.cluster_size", "vq._codebook.embed_avg". */
cogvideo_status cv_codebook_bind_unit(cv_codebook *out, cv_store *network, cv_store *averages, int codes, int latent,
                                      cogvideo_error *err);

/* The codes become the centres of k-means over `rows` vectors z [rows][latent] of some batches, or their directions; as
 * many rows as there are codes at least make sense. Scratch is taken from `arena` and given back; on a measuring arena
 * nothing else happens. */
void cv_codebook_start(const cv_exec *exec, const cv_codebook *codebook, const float *z, int rows, int batches,
                       int rounds, uint64_t seed, cv_arena *arena);

/* Sets `sizes` to the rows of a batch that each code gets, given the codes `ids` of `rows` rows of `batches`
 * batches. */
void cv_codebook_count(const cv_codebook *codebook, const int32_t *ids, int rows, int batches);

/* Takes out codes that say the same: one within `distance` of a code that gets more rows moves out of the encoder's
 * reach and gets none; one that is compared by angle becomes zero, which is no row's code. The number of codes that are
 * left in use. `done` [codes] is scratch. */
int cv_codebook_merge(const cv_codebook *codebook, double distance, bool *done);

/* After a step of the network: moves the averages and the codes, given the step's vectors z [rows][latent] and the
 * codes they got. A code starts again as a row far from its own code, drawn by (seed, step, code). The number of codes
 * that did so. `away` [rows] is scratch. */
int cv_codebook_update(const cv_codebook *codebook, const cv_codebook_options *options, uint64_t step, const float *z,
                       const int32_t *ids, int rows, double *away);

/* How many codes get at least `share` of an average code's rows, from the averages. */
int cv_codebook_used(const cv_codebook *codebook, double share);

#endif
