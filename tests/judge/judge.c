#include "judge/view.h"

#include <math.h>
#include <string.h>

const char *const judge_aspects[JUDGE_ASPECTS] = { "background", "colour", "size", "shape", "motion" };

/* --- shape and size ------------------------------------------------------------------------------------------- */

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

/* --- motion --------------------------------------------------------------------------------------------------- */

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
    out->visible = judge_frames(j, pixels, frames < MOST_FRAMES ? frames : MOST_FRAMES, &out->seen);
    if (out->visible == 0)
        return;
    judge_shape(j, frames < MOST_FRAMES ? frames : MOST_FRAMES, out);
    judge_motion(j, frames < MOST_FRAMES ? frames : MOST_FRAMES, out);
}

/* --- what clips are compared with ----------------------------------------------------------------------------- */

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
                object_view look = judge_measure(j);

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
done:
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
