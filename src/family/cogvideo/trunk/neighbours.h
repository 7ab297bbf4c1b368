/* neighbours.h - which cells of a grid lie around one of them, as runs of attention keys. */
#ifndef CV_FAMILY_COGVIDEO_TRUNK_NEIGHBOURS_H
#define CV_FAMILY_COGVIDEO_TRUNK_NEIGHBOURS_H

#include "nn/attention.h"

/* The `rows` by `columns` cells (both odd) centred on (row, column) of a grid x grid picture, cut to the picture: one
 * run for each of its rows, at most `rows` runs. Gives their number. */
int cv_neighbours(cv_key_run *runs, int grid, int row, int column, int rows, int columns);

#endif
