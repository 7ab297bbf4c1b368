#include "family/cogvideo/trunk/neighbours.h"

static int at_least(int value, int least)
{
    return value > least ? value : least;
}
static int at_most(int value, int most)
{
    return value < most ? value : most;
}

int cv_neighbours(cv_key_run *runs, int grid, int row, int column, int rows, int columns)
{
    int left = at_least(column - columns / 2, 0), right = at_most(column + columns / 2, grid - 1);
    int bottom = at_most(row + rows / 2, grid - 1), count = 0;

    for (int r = at_least(row - rows / 2, 0); r <= bottom; r++)
        runs[count++] = (cv_key_run){ .first = r * grid + left, .count = right - left + 1 };
    return count;
}
