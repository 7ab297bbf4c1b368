#include "media/turn.h"

#include <stdlib.h>
#include <string.h>

/* Each orientation as steps: swap rows and columns, then mirror left to right, then turn upside down. */
static const struct {
    bool swap, mirror, flip;
} turns[9] = {
    [2] = { false, true, false }, [3] = { false, true, true }, [4] = { false, false, true },
    [5] = { true, false, false }, [6] = { true, true, false }, [7] = { true, true, true },
    [8] = { true, false, true },
};

static int known(int orientation)
{
    return orientation >= 1 && orientation <= 8 ? orientation : CV_TURN_NONE;
}

bool cv_turn_swaps(int orientation)
{
    return turns[known(orientation)].swap;
}

void cv_turn(uint8_t *out, const uint8_t *in, int width, int height, int orientation)
{
    const bool swap = cv_turn_swaps(orientation), mirror = turns[known(orientation)].mirror,
               flip = turns[known(orientation)].flip;
    const int across = swap ? height : width, down = swap ? width : height;

    for (int y = 0; y < down; y++)
        for (int x = 0; x < across; x++) {
            int u = mirror ? across - 1 - x : x, v = flip ? down - 1 - y : y;
            const uint8_t *pixel =
                in + (swap ? (size_t)u * (size_t)width + (size_t)v : (size_t)v * (size_t)width + (size_t)u) * 3;

            memcpy(out, pixel, 3);
            out += 3;
        }
}

int cv_turn_of_matrix(int32_t a, int32_t b, int32_t c, int32_t d)
{
    const int64_t along = llabs((long long)a) + llabs((long long)d), across = llabs((long long)b) + llabs((long long)c);
    const bool swap = across > along, mirror = swap ? c < 0 : a < 0, flip = swap ? b < 0 : d < 0;

    for (int i = 1; i <= 8; i++)
        if (turns[i].swap == swap && turns[i].mirror == mirror && turns[i].flip == flip)
            return i;
    return CV_TURN_NONE;
}
