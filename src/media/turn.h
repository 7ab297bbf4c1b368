/* turn.h - turns and mirrors pictures: the eight orientations, numbered as in EXIF. */
#ifndef CV_MEDIA_TURN_H
#define CV_MEDIA_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CV_TURN_NONE 1 /* the first row of the file is the top, its first column the left side */

/* Whether width and height are swapped. */
bool cv_turn_swaps(int orientation);
/* `out` becomes [height][width][3] of the upright picture; `in` is as in the file, `width` x `height` pixels. */
void cv_turn(uint8_t *out, const uint8_t *in, int width, int height, int orientation);

/* Returns the orientation nearest to a display matrix (a b u, c d v, x y w), which shows a point (p, q) at (a p + c
 * q, b p + d q). */
int cv_turn_of_matrix(int32_t a, int32_t b, int32_t c, int32_t d);

#endif
