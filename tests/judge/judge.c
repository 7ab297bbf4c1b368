#include "judge/judge.h"

#include <complex.h>
#include <math.h>
#include <string.h>

enum {
    BLURS = 3,     /* of the drawn shapes that a clip is compared with: 0, 1 and 3 passes of 1 2 1 */
    ORDERS = 3,    /* angular moments of order 3, 4, 5 */
    FEATURES = 1 + ORDERS,
    MOST_FRAMES = 257,
};
#define FAR_FROM_BACKGROUND 50 /* Euclidean distance in RGB of a pixel of the object */

const char *const judge_aspects[JUDGE_ASPECTS] = { "background", "colour", "size", "shape", "motion" };

/* The object in one frame. */
typedef struct object_view {
    int visible;
    double area, x, y;
    double inertia;
    double complex moment[ORDERS]; /* sum of alpha z^n / area^(1 + n / 2) */
} object_view;

/* The way of one motion from one start. */
typedef struct motion_track {
    int motion;
    cv_shapes_pose pose[MOST_FRAMES];
} motion_track;

struct judge {
    const cv_shapes *world;
    float *alpha, *spare; /* [side][side] */
    uint8_t *mask, *part;
    int *queue;
    double feature[CV_SHAPES_MOST][CV_SHAPES_MOST][BLURS][FEATURES]; /* per shape, size, blur */
    double spread[FEATURES];
    double unit_area[CV_SHAPES_MOST]; /* of a shape with the size's radius 1 */
    int tracks;
    motion_track *track;
    object_view looks[MOST_FRAMES];
};

/* --- one frame ------------------------------------------------------------------------------------------- */

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

/* Measures the object whose share of each pixel is in `alpha`. */
static object_view measure(judge *j)
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

/* --- colours --------------------------------------------------------------------------------------------- */

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

/* Finds background and colour, and measures the object in every frame. Returns in how many frames it is. */
static int look_at_frames(judge *j, const uint8_t *pixels, int frames, cv_shapes_combination *seen)
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
        j->looks[f] = measure(j);
        visible += j->looks[f].visible;
    }
    return visible;
}

/* --- shape and size -------------------------------------------------------------------------------------- */

/* Means over the clip. The size of a moment comes from neighbouring frames' products, to which noise that differs from
 * frame to frame adds nothing; from each frame alone where frames are so far apart that the shape may have turned. */
static void features_of(const object_view *looks, int frames, bool apart, double out[FEATURES])
{
    int count = 0, pairs = 0;

    memset(out, 0, FEATURES * sizeof *out);
    for (int f = 0; f < frames; f++) {
        const object_view *a = &looks[f], *b = apart ? a : f + 1 < frames ? &looks[f + 1] : NULL;

        if (!a->visible)
            continue;
        out[0] += a->inertia;
        count++;
        if (!b || !b->visible)
            continue;
        for (int n = 0; n < ORDERS; n++)
            out[1 + n] += creal(a->moment[n] * conj(b->moment[n]));
        pairs++;
    }
    out[0] /= count > 0 ? count : 1;
    for (int n = 1; n < FEATURES; n++)
        out[n] = sqrt(fmax(out[n] / (pairs > 0 ? pairs : 1), 0));
}

static double feature_distance(const judge *j, const double *a, const double *b)
{
    double sum = 0;

    for (int n = 0; n < FEATURES; n++)
        sum += (a[n] - b[n]) * (a[n] - b[n]) / (j->spread[n] * j->spread[n]);
    return sum;
}

/* Keeps the best two of several distances of entries. */
typedef struct ranking {
    int best;
    double first, second;
} ranking;

static void rank(ranking *r, int entry, double distance)
{
    if (r->best < 0 || distance < r->first) {
        if (r->best >= 0 && entry != r->best)
            r->second = r->first;
        r->first = distance;
        r->best = entry;
    } else if (entry != r->best && distance < r->second) {
        r->second = distance;
    }
}

static double margin(const ranking *r)
{
    return r->second / fmax(r->first, 1e-9);
}

static void judge_shape(const judge *j, int frames, judge_verdict *out)
{
    double features[FEATURES], radius = 0;
    ranking shape = { -1, INFINITY, INFINITY }, size = { -1, INFINITY, INFINITY };

    features_of(j->looks, frames, 2 * frames < j->world->frames, features);
    for (int s = 0; s < j->world->shapes; s++)
        for (int z = 0; z < j->world->sizes; z++)
            for (int blur = 0; blur < BLURS; blur++)
                rank(&shape, s, feature_distance(j, features, j->feature[s][z][blur]));
    for (int f = 0; f < frames; f++)
        if (j->looks[f].visible)
            radius += sqrt(j->looks[f].area / j->unit_area[shape.best]) / out->visible;
    for (int z = 0; z < j->world->sizes; z++)
        rank(&size, z, fabs(log(radius / j->world->size[z].radius)));
    out->seen.shape = shape.best;
    out->seen.size = size.best;
    out->radius = radius;
    out->shape_margin = margin(&shape);
}

/* --- motion ---------------------------------------------------------------------------------------------- */

/* Mean square of what separates the clip from a track; each term is near 10 between standing still and its motion.
 * Places and mean radius are free: only their changes count. */
static double track_distance(const judge *j, int frames, int shape, const motion_track *track)
{
    const cv_shapes *world = j->world;
    const int corners = world->shape[shape].corners, order = corners - 3;
    double dx[MOST_FRAMES], dy[MOST_FRAMES], dr[MOST_FRAMES], x = 0, y = 0, r = 0, sum = 0;
    int count = 0;

    for (int f = 0; f < frames; f++) {
        const object_view *look = &j->looks[f];
        const cv_shapes_pose *pose = &track->pose[frames > 1 ? f * (world->frames - 1) / (frames - 1) : 0];

        if (!look->visible)
            continue;
        dx[count] = look->x - pose->x;
        dy[count] = look->y - pose->y;
        dr[count] = log(look->area) / 2 - log(pose->radius);
        x += dx[count];
        y += dy[count];
        r += dr[count];
        count++;
        if (order >= 0 && order < ORDERS) {
            double expected = corners * (pose->angle - world->shape[shape].angle) * (3.14159265358979323846 / 180);

            sum += 10 * (1 - cos(carg(look->moment[order]) - expected));
        }
    }
    for (int i = 0; i < count; i++) {
        double ex = (dx[i] - x / count) / 1.5, ey = (dy[i] - y / count) / 1.5, er = (dr[i] - r / count) / 0.05;

        sum += ex * ex + ey * ey + er * er;
    }
    return sum / (count > 0 ? count : 1);
}

static void judge_motion(const judge *j, int frames, judge_verdict *out)
{
    ranking motion = { -1, INFINITY, INFINITY };

    for (int t = 0; t < j->tracks; t++) {
        const motion_track *track = &j->track[t];

        if (j->world->motion[track->motion].kind == CV_SHAPES_TURN && j->world->shape[out->seen.shape].corners == 0)
            continue;
        rank(&motion, track->motion, track_distance(j, frames, out->seen.shape, track));
    }
    out->seen.motion = motion.best;
    out->motion_margin = margin(&motion);
    for (int f = 1; f < frames; f++) {
        const object_view *a = &j->looks[f - 1], *b = &j->looks[f];

        out->jump = fmax(out->jump, a->visible && b->visible ? hypot(a->x - b->x, a->y - b->y) : j->world->side);
    }
}

void judge_look(judge *j, const uint8_t *pixels, int frames, judge_verdict *out)
{
    *out = (judge_verdict){ .seen = { -1, -1, -1, -1, -1 }, .frames = frames };
    out->visible = look_at_frames(j, pixels, frames < MOST_FRAMES ? frames : MOST_FRAMES, &out->seen);
    if (out->visible == 0)
        return;
    judge_shape(j, frames < MOST_FRAMES ? frames : MOST_FRAMES, out);
    judge_motion(j, frames < MOST_FRAMES ? frames : MOST_FRAMES, out);
}

/* --- what clips are compared with ------------------------------------------------------------------------- */

/* One pass of 1 2 1 in both directions. */
static void blur_alpha(judge *j)
{
    const int side = j->world->side;

    for (int step = 1; step <= side; step += side - 1)
        for (int i = 0; i < side * side; i++) {
            float a = i >= step ? j->alpha[i - step] : 0, b = i + step < side * side ? j->alpha[i + step] : 0;

            j->spare[i] = (a + 2 * j->alpha[i] + b) / 4;
            if (i == side * side - 1)
                memcpy(j->alpha, j->spare, (size_t)side * (size_t)side * sizeof *j->alpha);
        }
}

static void draw_prototypes(judge *j)
{
    const cv_shapes *world = j->world;
    double low[FEATURES], high[FEATURES];

    for (int s = 0; s < world->shapes; s++)
        for (int z = 0; z < world->sizes; z++) {
            double radius = world->size[z].radius;
            cv_shapes_pose pose = { world->side / 2.0, world->side / 2.0, radius * world->shape[s].radius, 0 };

            cv_shapes_cover(world, &world->shape[s], pose, j->alpha);
            for (int blur = 0; blur < BLURS; blur++) {
                object_view look = measure(j);

                features_of(&look, 1, true, j->feature[s][z][blur]);
                if (blur == 0)
                    j->unit_area[s] = look.area / (radius * radius);
                for (int pass = 0; pass <= blur; pass++)
                    blur_alpha(j);
            }
        }
    for (int n = 0; n < FEATURES; n++) {
        low[n] = high[n] = j->feature[0][0][0][n];
        for (int s = 1; s < world->shapes; s++) {
            low[n] = fmin(low[n], j->feature[s][0][0][n]);
            high[n] = fmax(high[n], j->feature[s][0][0][n]);
        }
        j->spread[n] = fmax(high[n] - low[n], 1e-6);
    }
}

/* Every start of every motion comes up among the clips of a few seeds. */
static void draw_tracks(judge *j)
{
    const cv_shapes *world = j->world;

    for (int m = 0; m < world->motions; m++) {
        int index = 0, from = j->tracks;

        while (index < world->count && cv_shapes_at(world, index).motion != m)
            index++;
        for (uint64_t seed = 0; index < world->count && seed < 200; seed++) {
            motion_track *track = &j->track[j->tracks];
            bool known = false;

            for (int f = 0; f < world->frames; f++)
                track->pose[f] = cv_shapes_pose_at(world, index, seed, f);
            for (int t = from; t < j->tracks && !known; t++) {
                const cv_shapes_pose *a = track->pose, *b = j->track[t].pose;

                known = true;
                for (int f = 1; f < world->frames; f++)
                    known = known && fabs(a[f].x - a[0].x - b[f].x + b[0].x) < 1e-6 &&
                            fabs(a[f].y - a[0].y - b[f].y + b[0].y) < 1e-6;
            }
            track->motion = m;
            if (!known && j->tracks < from + world->motion[m].starts)
                j->tracks++;
        }
    }
}

cogvideo_status judge_open(judge **out, const cv_shapes *world, cogvideo_error *err)
{
    const size_t pixels = (size_t)world->side * (size_t)world->side;
    judge *j = NULL;
    int tracks = 1;
    cogvideo_status status = COGVIDEO_OK;

    for (int m = 0; m < world->motions; m++)
        tracks += world->motion[m].starts;
    CV_NEW(j, 1, err);
    j->world = world;
    CV_NEW(j->alpha, pixels, err);
    CV_NEW(j->spare, pixels, err);
    CV_NEW(j->mask, pixels, err);
    CV_NEW(j->part, pixels, err);
    CV_NEW(j->queue, pixels, err);
    CV_NEW(j->track, tracks, err);
    draw_prototypes(j);
    draw_tracks(j);
    *out = j;
    return COGVIDEO_OK;
fail:
    judge_close(&j);
    return status;
}

void judge_close(judge **j)
{
    if (*j) {
        cv_free((*j)->alpha);
        cv_free((*j)->spare);
        cv_free((*j)->mask);
        cv_free((*j)->part);
        cv_free((*j)->queue);
        cv_free((*j)->track);
    }
    cv_free(*j);
    *j = NULL;
}

int judge_aspect(const cv_shapes_combination *c, int aspect)
{
    const int entries[JUDGE_ASPECTS] = { c->background, c->colour, c->size, c->shape, c->motion };

    return entries[aspect];
}

const char *judge_name(const cv_shapes *world, int aspect, int entry)
{
    if (entry < 0)
        return "nothing";
    switch (aspect) {
    case JUDGE_BACKGROUND:
        return world->background[entry].word.name;
    case JUDGE_COLOUR:
        return world->colour[entry].word.name;
    case JUDGE_SIZE:
        return world->size[entry].word.name;
    case JUDGE_SHAPE:
        return world->shape[entry].word.name;
    default:
        return world->motion[entry].word.name;
    }
}
