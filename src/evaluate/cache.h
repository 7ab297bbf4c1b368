/* cache.h - files of features: rows that were computed before, found by the SHA-256 of the frames that they are of. A
 * file belongs to one network, its weights and one protocol. docs/formats.md describes it. */
#ifndef CV_EVALUATE_CACHE_H
#define CV_EVALUATE_CACHE_H

#include "evaluate/protocol.h"
#include "tensor/store.h"

/* Rows of features, a clip each; of a network that reads frames each clip has several. */
typedef struct cv_rows {
    int clips, frames; /* frames: vectors of a clip, 1 where the network reads clips */
    int width, classes;
    float *features;       /* [clips][frames][width] */
    float *probabilities;  /* [clips][frames][classes]; NULL where the network gives none */
    unsigned char *source; /* [clips][32] */
    int *items;            /* [clips]: which item of the set each is of; NULL where they are of a file */
    int left_out;          /* clips of the set that have no row */
    size_t room;           /* clips for which there is memory */
} cv_rows;

/* Room for `room` clips. */
cogvideo_status cv_rows_alloc(cv_rows *out, const cv_protocol *protocol, int room, cogvideo_error *err);
void cv_rows_free(cv_rows *rows);

/* Where rows are kept, and those that were. */
typedef struct cv_cache {
    const char *folder; /* belongs to the caller; NULL: nothing is kept, as `path` */
    char *path;
    char *protocol; /* the fields that change features, as JSON text */
    const char *network;
    const char *sha256; /* of its weights */
    bool by_frame;      /* the network reads frames: rows have one axis more */
    cv_store *store;    /* what was there; NULL = nothing */
    const float *features, *probabilities;
    const unsigned char *source;
    int *order; /* [count]: rows by the bytes of their source */
    int count, clips;
    bool complete;
} cv_cache;

/* The file of a set in `folder` (NULL: nothing is kept), SET-NETWORK-WEIGHTS-PROTOCOL.safetensors. It is an error that
 * it is damaged, or was made with other weights or another protocol. */
cogvideo_status cv_cache_open(cv_cache *out, const char *folder, const char *set, const cv_protocol *protocol,
                              cv_side side, cogvideo_error *err);
void cv_cache_close(cv_cache *cache);
/* Whether features could be kept, before the first is computed. */
cogvideo_status cv_cache_check(const cv_cache *cache, cogvideo_error *err);
/* The row of a clip with these frames; -1 where there is none. */
int cv_cache_find(const cv_cache *cache, const unsigned char source[CV_SHA256_BYTES]);
/* Writes `rows`, and behind them those that were there and are none of these. `complete`: they are all of the set. */
cogvideo_status cv_cache_save(const cv_cache *cache, const cv_rows *rows, bool complete, cogvideo_error *err);
/* Whether the file holds just these rows in front, so that it need not be written. */
bool cv_cache_holds(const cv_cache *cache, const cv_rows *rows);

/* The rows of a set that is a file of features: those of `wanted` clips by the seed (0 = all), in order. */
cogvideo_status cv_cache_load(cv_rows *out, const char *path, const cv_protocol *protocol, cv_side side, int wanted,
                              uint64_t seed, cogvideo_error *err);

#endif
