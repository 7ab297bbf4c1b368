/* The object in each frame: found, its colour taken, measured. */
#include "judge/view.h"

#include <math.h>
#include <string.h>

#define FAR_FROM_BACKGROUND 50 /* Euclidean distance in RGB of a pixel of the object */

/* --- one frame ------------------------------------------------------------------------------------------------ */

/* Marks in `part` all of the mask that hangs together with `from`; returns its number of pixels. */
static int flood(judge *j, int from)
{
    const int side = j->world->side;
    int head = 0, tail = 0;

    j->part[from] = 1;
    j->queue[tail++] = from;
    while (head < tail) {
        int at = j->queue[head++], x = at % side, y = at / side;
        const int next[4] = { x > 0 ? at - 1 : at, x < side - 1 ? at + 1 : at, y > 0 ? at - side : at,
                              y < side - 1 ? at + side : at };

        for (int n = 0; n < 4; n++)
            if (j->mask[next[n]] && !j->part[next[n]]) {
                j->part[next[n]] = 1;
                j->queue[tail++] = next[n];
            }
    }
    return tail;
}

/* Leaves in `mask` its largest part only; returns that part's number of pixels. */
static int keep_largest(judge *j)
{
    const size_t pixels = (size_t)j->world->side * (size_t)j->world->side;
    int best = 0, best_from = 0;

    memset(j->part, 0, pixels);
    for (int from = 0; from < (int)pixels; from++)
        if (j->mask[from] && !j->part[from]) {
            int size = flood(j, from);

            if (size > best) {
                best = size;
                best_from = from;
            }
        }
    memset(j->part, 0, pixels);
    if (best)
        flood(j, best_from);
    memcpy(j->mask, j->part, pixels);
    return best;
}

/* mask: 1 where all (erode) or any (grow) of the 3x3 around a pixel are set. */
static void morph(judge *j, bool grow)
{
    const int side = j->world->side;

    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            bool any = false, all = true;

            for (int v = y - 1; v <= y + 1; v++)
                for (int u = x - 1; u <= x + 1; u++) {
                    bool set = u >= 0 && v >= 0 && u < side && v < side && j->mask[v * side + u];

                    any = any || set;
                    all = all && set;
                }
            j->part[y * side + x] = grow ? any : all;
        }
    memcpy(j->mask, j->part, (size_t)side * (size_t)side);
}

object_view judge_measure(judge *j)
{
    const int side = j->world->side;
    object_view look = { 0 };

    for (int i = 0; i < side * side; i++)
        j->mask[i] = j->alpha[i] > 0.5f;
    if (keep_largest(j) < 8)
        return look;
    morph(j, true);
    morph(j, true);
    for (int i = 0; i < side * side; i++)
        if (j->mask[i]) {
            look.area += j->alpha[i];
            look.x += j->alpha[i] * (i % side + 0.5);
            look.y += j->alpha[i] * (i / side + 0.5);
        }
    if (look.area < 8)
        return look;
    look.visible = 1;
    look.x /= look.area;
    look.y /= look.area;
    for (int i = 0; i < side * side; i++)
        if (j->mask[i]) {
            double complex z = (i % side + 0.5 - look.x + I * (i / side + 0.5 - look.y)) / sqrt(look.area);
            double complex power = z * z * z;

            look.inertia += j->alpha[i] * creal(z * conj(z)) / look.area;
            for (int n = 0; n < ORDERS; n++, power *= z)
                look.moment[n] += j->alpha[i] * power / look.area;
        }
    return look;
}

/* --- colours -------------------------------------------------------------------------------------------------- */

static int median(const int histogram[256])
{
    long total = 0, below = 0;
    int at = 0;

    for (int i = 0; i < 256; i++)
        total += histogram[i];
    while (at < 255 && 2 * (below += histogram[at]) < total)
        at++;
    return at;
}

static void border_colour(const uint8_t *frame, int side, int out[3])
{
    for (int channel = 0; channel < 3; channel++) {
        int histogram[256] = { 0 };

        for (int i = 0; i < side * side; i++) {
            int x = i % side, y = i / side;

            if (x < 2 || y < 2 || x >= side - 2 || y >= side - 2)
                histogram[frame[3 * i + channel]]++;
        }
        out[channel] = median(histogram);
    }
}

static int nearest(const cv_shapes_colour *colours, int count, const int rgb[3])
{
    int best = 0, best_distance = 1 << 30;

    for (int i = 0; i < count; i++) {
        int distance = 0;

        for (int channel = 0; channel < 3; channel++) {
            int d = colours[i].rgb[channel] - rgb[channel];

            distance += d * d;
        }
        if (distance < best_distance) {
            best = i;
            best_distance = distance;
        }
    }
    return best;
}

/* Puts the object's inner pixels of a frame, less the frame's shift of the background, into the histograms. */
static void gather_colour(judge *j, const uint8_t *frame, const int border[3], const uint8_t back[3],
                          int histogram[3][256])
{
    const int side = j->world->side;

    for (int i = 0; i < side * side; i++) {
        int distance = 0;

        for (int channel = 0; channel < 3; channel++)
            distance += (frame[3 * i + channel] - border[channel]) * (frame[3 * i + channel] - border[channel]);
        j->mask[i] = distance > FAR_FROM_BACKGROUND * FAR_FROM_BACKGROUND;
    }
    if (keep_largest(j) < 8)
        return;
    morph(j, false);
    for (int i = 0; i < side * side; i++)
        for (int channel = 0; j->mask[i] && channel < 3; channel++) {
            int value = frame[3 * i + channel] - border[channel] + back[channel];

            histogram[channel][value < 0 ? 0 : value > 255 ? 255 : value]++;
        }
}

/* alpha = the part of the way from the frame's background to the object's colour. */
static void take_alpha(judge *j, const uint8_t *frame, const int border[3], const int way[3])
{
    const int side = j->world->side, square = way[0] * way[0] + way[1] * way[1] + way[2] * way[2];

    for (int i = 0; i < side * side; i++) {
        int product = 0;

        for (int channel = 0; channel < 3; channel++)
            product += (frame[3 * i + channel] - border[channel]) * way[channel];
        j->alpha[i] = (float)product / (float)square;
    }
}

int judge_frames(judge *j, const uint8_t *pixels, int frames, cv_shapes_combination *seen)
{
    const size_t bytes = (size_t)j->world->side * (size_t)j->world->side * 3;
    int border[MOST_FRAMES][3], all[3][256] = { { 0 } }, histogram[3][256] = { { 0 } }, middle[3], way[3];
    const uint8_t *back;
    int visible = 0;

    for (int f = 0; f < frames; f++) {
        border_colour(pixels + (size_t)f * bytes, j->world->side, border[f]);
        for (int channel = 0; channel < 3; channel++)
            all[channel][border[f][channel]]++;
    }
    for (int channel = 0; channel < 3; channel++)
        middle[channel] = median(all[channel]);
    seen->background = nearest(j->world->background, j->world->backgrounds, middle);
    back = j->world->background[seen->background].rgb;
    for (int f = 0; f < frames; f++)
        gather_colour(j, pixels + (size_t)f * bytes, border[f], back, histogram);
    for (int channel = 0; channel < 3; channel++) {
        middle[channel] = median(histogram[channel]);
        way[channel] = middle[channel] - back[channel];
    }
    memset(j->looks, 0, sizeof j->looks);
    if (way[0] * way[0] + way[1] * way[1] + way[2] * way[2] < FAR_FROM_BACKGROUND * FAR_FROM_BACKGROUND / 2)
        return 0;
    seen->colour = nearest(j->world->colour, j->world->colours, middle);
    for (int f = 0; f < frames; f++) {
        take_alpha(j, pixels + (size_t)f * bytes, border[f], way);
        j->looks[f] = judge_measure(j);
        visible += j->looks[f].visible;
    }
    return visible;
}
