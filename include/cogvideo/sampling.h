/* sampling.h - how a code is drawn from logits, and the table of the fields that say so. */
#ifndef COGVIDEO_SAMPLING_H
#define COGVIDEO_SAMPLING_H

#include <cogvideo/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a model that fills all places of a box side by side, in a few steps, chooses those that are drawn again. */
typedef enum cogvideo_sampler {
    COGVIDEO_SAMPLER_CONFIDENCE, /* the least likely ones (phenaki-pytorch) */
    COGVIDEO_SAMPLER_CRITIC,     /* those that a critic finds wrong */
    COGVIDEO_SAMPLER_MASKGIT,    /* the least likely ones, with noise (Chang et al., "MaskGIT", 2022) */
} cogvideo_sampler;

/* How the noise on a critic's scores changes over the steps. */
typedef enum cogvideo_anneal { COGVIDEO_ANNEAL_DECAY, COGVIDEO_ANNEAL_FIXED, COGVIDEO_ANNEAL_INCREASE } cogvideo_anneal;

/* Codes that follow one another are drawn in one of three ways. Greedy takes the best code. With clusters (CogView2's
 * way), probabilities of clusters of codes follow from softmax(logits / temperature); the best `clusters` are kept
 * and one is drawn, then a code inside it by softmax(logits / temperature / code_temperature). Otherwise top_k, then
 * top_p, of softmax(logits / temperature). */
typedef struct cogvideo_sampling {
    double temperature;      /* 1e-6 to 1000 */
    int clusters;            /* clusters that are kept; 0 = draw without clusters, by top_k and top_p */
    double code_temperature; /* 1e-6 to 1000; used only with clusters */
    int top_k;               /* codes that are kept; 0 = all; used only without clusters */
    double top_p;            /* share of the probability that is kept, 1e-6 to 1; 1 = all; used only without clusters */
    /* Of a step that fills all places side by side (COGVIDEO_BY_UNMASKING), which reads the temperature and these: */
    int sampler;               /* a cogvideo_sampler */
    int steps;                 /* in which a box is filled, 1 to 1000 (0 where no step reads it) */
    double choice_temperature; /* of maskgit: noise on the choice of what stays, 0 to 1000 */
    double critic_noise;       /* of a critic: noise on its scores, 0 to 1000 */
    int critic_anneal;         /* a cogvideo_anneal */
    int greedy;                /* 1: always the best code (the lowest on a tie), and all else is ignored; 0: draw */
    /* Of a step that draws several candidates for a frame (COGVIDEO_BY_CANDIDATES): how many, 1 to 64 (0 counts as 1).
     * Each place keeps that of their codes which is most like the others, in vectors of the codebook. They take as many
     * times the memory and the work. */
    int candidates;
    int unused;           /* 0 */
    uint64_t reserved[4]; /* 0 (common.h) */
} cogvideo_sampling;

typedef enum cogvideo_field_kind {
    COGVIDEO_FIELD_NUMBER, /* double */
    COGVIDEO_FIELD_WHOLE,  /* int */
    COGVIDEO_FIELD_FLAG,   /* int, 0 or 1 */
    COGVIDEO_FIELD_WORD,   /* int, which of the field's words, from 0; descriptions and records hold the word */
} cogvideo_field_kind;

/* The ways to draw that read a field, as bits. */
enum {
    COGVIDEO_BY_RANK = 1,
    COGVIDEO_BY_CLUSTERS = 2,
    COGVIDEO_BY_BEST = 4,
    COGVIDEO_BY_UNMASKING = 8,
    COGVIDEO_BY_CANDIDATES = 16,
};

/* A field of cogvideo_sampling. Descriptions of models, records of clips and the options of the program call it by this
 * name. */
typedef struct cogvideo_field {
    const char *name; /* "top_k" */
    cogvideo_field_kind kind;
    size_t offset;       /* in cogvideo_sampling */
    double min, max;     /* both allowed */
    unsigned ways;       /* COGVIDEO_BY_... */
    const char *meaning; /* "codes that are kept, without clusters; 0 keeps all" */
    const char *words;   /* of a WORD: "confidence|critic|maskgit"; NULL of others */
} cogvideo_field;

/* Field `index`, from 0; NULL after the last. */
COGVIDEO_API const cogvideo_field *cogvideo_sampling_field(int index);
/* A field's value, and the opposite: nothing is checked here. */
COGVIDEO_API double cogvideo_sampling_get(const cogvideo_sampling *sampling, const cogvideo_field *field);
COGVIDEO_API void cogvideo_sampling_set(cogvideo_sampling *sampling, const cogvideo_field *field, double value);
/* COGVIDEO_ERROR_ARGUMENT where a field is out of its range: the error names it. */
COGVIDEO_API cogvideo_status cogvideo_sampling_check(const cogvideo_sampling *sampling, cogvideo_error *err);

#ifdef __cplusplus
}
#endif
#endif
