/* growing.h - a clip that is made frame by frame, by who does not know how many there will be. */
#ifndef CV_TOKENS_GROWING_H
#define CV_TOKENS_GROWING_H

#include "tokens/header.h"

typedef struct cv_growing_clip {
    cogvideo_tokens clip; /* its frames so far */
    int expected;         /* frames that will come, 0 = unknown: there is room for so many at once */
    int capacity;         /* frames that there is room for */
    int most;             /* that the file of such a clip may hold, so that it can be read again */
    bool scenes;          /* each frame has its scene, and whether it was given */
} cv_growing_clip;

/* A clip of this shape, of codes below `codes`, without frames. `expected` frames of codes will come (0: unknown); that
 * they are too many is an error at once. `out` is to be freed by cogvideo_tokens_free of its clip. */
cogvideo_status cv_growing_open(cv_growing_clip *out, const cogvideo_tokens *shape, int codes, bool scenes,
                                long long expected, cogvideo_error *err);
/* Room for so many frames more. */
cogvideo_status cv_growing_room(cv_growing_clip *growing, int frames, cogvideo_error *err);

#endif
