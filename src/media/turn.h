/* turn.h - pictures that lie on a side or are mirrored: the eight ways, numbered as EXIF's Orientation. */
#ifndef CV_MEDIA_TURN_H
#define CV_MEDIA_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CV_TURN_NONE 1 /* the first row of the file is the top, its first column the left */

/* Whether width and height change places. */
bool cv_turn_swaps(int orientation);
/* `out` is [height][width][3] of the upright picture; `in` is as the file has it, `width` x `height` pixels. */
void cv_turn(uint8_t *out, const uint8_t *in, int width, int height, int orientation);

/* The orientation nearest to a display matrix, (a b u, c d v, x y w): a point (p, q) is shown at (a p + c q, b p + d q). */
int cv_turn_of_matrix(int32_t a, int32_t b, int32_t c, int32_t d);

#endif
