/* draw.h - codes drawn one after another, as a run draws them, for as long as a measurement may take. */
#ifndef CV_FAMILY_COGVIDEO_BENCH_DRAW_H
#define CV_FAMILY_COGVIDEO_BENCH_DRAW_H

#include "bench/rounds.h"
#include "family/cogvideo/model/model.h"
#include "family/cogvideo/steps/lookahead.h"

#define CV_BENCH_STRANDS 8 /* the most that are drawn side by side */
#define CV_BENCH_TEXT 20   /* pieces of the prompt: its words do not matter, its length does a little */

typedef struct cv_bench_drawing {
    /* Set by the caller: */
    const cv_cogvideo *model;
    const cogvideo_bench_options *options;
    cv_stage_kind kind;
    int given;      /* frames that are known; none: it is the first frame, which a trunk alone draws */
    bool pass;      /* the pass over them, which takes minutes at full size, is made to know how long it takes */
    int strands;    /* sequences side by side */
    double seconds; /* the most, after the first code */
    bool whole;     /* to the last frame of the sequence, not of key frames the next one alone */
    int lookahead;  /* places of each strand that a step looks at; 0 = one */
    const cv_lookahead_trial *trial;     /* or NULL */
    const struct cv_cogvideo_step *step; /* its texts and its sampling; NULL = a made-up text */
    /* [strands][frames][L]: the given ones are in place, and the drawn ones are put there; NULL = made-up codes */
    int32_t *codes;
    int most_places; /* places to draw in each strand; 0 = 400 after the first */
    /* Measured: */
    double first;       /* seconds until the first code of each strand is drawn */
    double took;        /* seconds of the codes after it */
    double places;      /* that it drew then in each strand, on average */
    cv_lookahead ahead; /* what was counted, from the first code on */
    /* Its own: */
    double started;
    long long begun; /* codes of the first step */
    bool cancelled;
} cv_bench_drawing;

/* The next code, and as many more as the time allows, in each strand. */
cogvideo_status cv_bench_draw(cv_bench_drawing *drawing, cogvideo_error *err);
/* Codes a second, of all strands. */
double cv_drawing_rate(const cv_bench_drawing *drawing);
/* Seconds at that rate until the codes of so many frames are drawn in each strand. */
double cv_drawing_seconds(const cv_bench_drawing *drawing, int frames);

/* Ids of the prompt's pieces, as a step's options take them. */
void cv_bench_text(int32_t ids[CV_BENCH_TEXT], int image_codes);

#endif
