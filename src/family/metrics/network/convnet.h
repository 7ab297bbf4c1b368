/* convnet.h - convolutional networks as tables. A network is a chain of blocks; a block is a unit, a pool, or several
 * chains of them whose results follow one another along the channels (Szegedy et al., "Going deeper with
 * convolutions", 2015). A unit is a convolution with a bias or a batch norm, then ReLU. Clips are volumes
 * [C][T][H][W], pictures volumes of one frame. */
#ifndef CV_FAMILY_METRICS_NETWORK_CONVNET_H
#define CV_FAMILY_METRICS_NETWORK_CONVNET_H

#include "nn/batch_norm.h"
#include "nn/pool3d.h"

#define CV_CONVNET_UNITS 96 /* of a network, at most */
#define CV_CONVNET_STEPS 12 /* of a block, at most */

typedef enum cv_convnet_kind {
    CV_CONVNET_UNIT,
    CV_CONVNET_MAX,  /* a max pool; what enters it is never negative, so zeros around the volume change nothing */
    CV_CONVNET_MEAN, /* a mean pool over what is inside the volume */
} cv_convnet_kind;

typedef struct cv_convnet_step {
    const char *name; /* behind the block's name and a point; "" = the block is this step */
    cv_convnet_kind kind;
    int back;   /* it reads the result of the step so many before it; 0 = what enters the block */
    bool joins; /* its result is a part of the block's; results follow one another in the order of steps */
    cv_window window;
} cv_convnet_step;

typedef struct cv_convnet_block {
    const char *name; /* "Mixed_3b" */
    const cv_convnet_step *steps;
    int count;
    int widths[CV_CONVNET_STEPS]; /* of its units, as they were published */
} cv_convnet_block;

typedef struct cv_convnet_table {
    const char *network; /* "an I3D", in errors */
    const cv_convnet_block *blocks;
    int count;
    const char *weight; /* behind a unit's name, ".conv3d.weight" */
    const char *bias;   /* the same, "/b"; NULL = units have none */
    const char *norm;   /* the same, ".bn"; NULL = units have no norm */
    bool flat;          /* kernels have no axis of frames */
} cv_convnet_table;

/* Sizes that a table leaves open. */
typedef struct cv_convnet_config {
    const cv_convnet_table *table;
    int in;                       /* channels that enter */
    int widths[CV_CONVNET_UNITS]; /* output channels of the units, in the order of the table */
    bool scaled;                  /* norms have a "weight"; false: it is all ones and not in the file */
} cv_convnet_config;

typedef struct cv_convnet_unit {
    cv_conv3d conv;
    cv_batch_norm norm; /* C 0 = none, or folded into conv */
} cv_convnet_unit;

/* A network whose tensors lie in a store or, once folded, in memory of its own. Read-only. */
typedef struct cv_convnet {
    cv_convnet_config config;
    cv_convnet_unit units[CV_CONVNET_UNITS];
    int unit_count;
    float *folded; /* weights and biases; NULL = not folded */
} cv_convnet;

/* What a layer is given or gives: [C][size], of frames, rows, columns. */
typedef struct cv_volume {
    float *x;
    int C, size[3];
} cv_volume;

static inline size_t cv_volume_numbers(const cv_volume *volume)
{
    return (size_t)volume->C * (size_t)cv_volume_count(volume->size);
}

/* Is shown each result: of blocks by their names, and of the steps of larger blocks by "BLOCK.STEP". */
typedef struct cv_convnet_observer {
    void (*seen)(void *user, const char *name, const cv_volume *volume);
    void *user;
} cv_convnet_observer;

/* Shows one result; `observer` may be NULL. */
static inline void cv_convnet_show(const cv_convnet_observer *observer, const char *name, cv_volume volume)
{
    if (observer)
        observer->seen(observer->user, name, &volume);
}

/* The same of a vector. */
static inline void cv_convnet_show_vector(const cv_convnet_observer *observer, const char *name, float *x, int count)
{
    cv_convnet_show(observer, name, (cv_volume){ x, count, { 1, 1, 1 } });
}

/* The network as it was published, with norms' weights. */
void cv_convnet_published(cv_convnet_config *out, const cv_convnet_table *table, int in);
/* Reads from a file's tensors what the table leaves open. Kernels and inputs are checked when the network is bound. */
cogvideo_status cv_convnet_measure(cv_convnet_config *out, const cv_convnet_table *table, int in, const cv_store *store,
                                   cogvideo_error *err);
/* Reads how many rows, 1 to 65536, a tensor of `rank` axes behind the table's layers has: classes, or a width. */
cogvideo_status cv_convnet_measure_rows(int *out, const cv_convnet_table *table, const char *name, int rank,
                                        const cv_store *store, cogvideo_error *err);
/* Claims all tensors of the units. */
cogvideo_status cv_convnet_bind(cv_convnet *out, cv_store *store, const cv_convnet_config *config, cogvideo_error *err);
/* Channels of the last block's result. */
int cv_convnet_width(const cv_convnet *net);
/* The size of the last block's result; false where a window does not fit. */
bool cv_convnet_places(const cv_convnet *net, const int size[3], int out[3]);

/* The network with its norms folded into the convolutions, for this epsilon. Free with cv_convnet_free. */
cogvideo_status cv_convnet_fold(cv_convnet *out, const cv_convnet *bound, float epsilon, cogvideo_error *err);
/* Bytes that folding takes; and the network as it will be then, without numbers, to measure a run. */
size_t cv_convnet_fold_bytes(const cv_convnet *bound);
void cv_convnet_fold_shape(cv_convnet *out, const cv_convnet *bound);
void cv_convnet_free(cv_convnet *folded);

/* The result of a folded network lies in the arena. Everything that the pass needs stays taken. `observer` may be NULL.
 * A measuring arena computes nothing. Results do not depend on the number of threads. */
cv_volume cv_convnet_run(const cv_exec *exec, const cv_convnet *net, cv_volume in, const cv_convnet_observer *observer,
                         cv_arena *arena);

#endif
