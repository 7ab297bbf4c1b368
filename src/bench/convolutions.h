/* convolutions.h - measures convolutions over clips, of the networks that compare videos. */
#ifndef CV_BENCH_CONVOLUTIONS_H
#define CV_BENCH_CONVOLUTIONS_H

#include "bench/rounds.h"
#include "nn/conv3d.h"

#define CV_CONVOLUTIONS 2

/* One layer on one clip. */
typedef struct cv_convolution {
    const char *name;
    const cv_exec *exec;
    cv_conv3d conv;
    int size[3]; /* frames, rows, columns */
    float *x, *out;
    cv_arena *arena;
} cv_convolution;

/* The layers and their memory, which belongs to the first. Free with cv_convolutions_close, also after an error; they
 * may have been zero all along. */
cogvideo_status cv_convolutions_open(cv_convolution layers[CV_CONVOLUTIONS], const cv_exec *exec, cv_arena *arena,
                                     cogvideo_error *err);
void cv_convolutions_close(cv_convolution layers[CV_CONVOLUTIONS], cv_arena *arena);
/* Returns the operations that the layer takes when it is computed plainly. */
double cv_convolution_run(void *convolution);

#endif
