/* Where the object is, and its pixels. */
#include "dataset/shapes.h"

#include "base/rng.h"

#include <math.h>
#include <string.h>

#define DEGREES (3.14159265358979323846 / 180)
/* Of a clip that goes on from another: the share of a line or scale that must be left, and clips that are tried. */
#define LEAST_WAY 0.25
#define TRIES 1000
/* Radii of an object in any pose, in units of its usual one. */
#define POSE_LEAST 0.7
#define POSE_MOST 1.3
/* Streams of random numbers. */
enum { DRAW_VARIANT, DRAW_BEFORE = 3, DRAW_POSE };

/* What the caption leaves open. */
typedef struct variant {
    cv_shapes_pose at; /* the place; a circle's centre, the foot of a parabola */
    double from;       /* where a line begins along its axis, or a scale */
    double start;
    int frames; /* that the motion takes */
} variant;

/* Of a combination's object as its words say it. */
static double usual_radius(const cv_shapes *world, const cv_shapes_combination *c)
{
    return world->size[c->size].radius * world->shape[c->shape].radius;
}

static cv_shapes_pose pose_of(const cv_shapes *world, const cv_shapes_combination *c, variant v, int frame)
{
    const cv_shapes_motion *motion = &world->motion[c->motion];
    double t = (double)frame / (v.frames - 1), phase;
    cv_shapes_pose pose = v.at;

    switch (motion->kind) {
    case CV_SHAPES_LINE:
        *(motion->axis ? &pose.y : &pose.x) = v.from + (motion->to - v.from) * t;
        break;
    case CV_SHAPES_ORBIT:
        phase = (v.start + 360 * motion->turns * t) * DEGREES;
        pose.x += motion->radius * cos(phase);
        pose.y += motion->radius * sin(phase);
        break;
    case CV_SHAPES_BOUNCE:
        phase = fmod((frame + v.start) / motion->period, 1);
        pose.y -= motion->height * 4 * phase * (1 - phase);
        break;
    case CV_SHAPES_SCALE:
        pose.radius = usual_radius(world, c) * (v.from + (motion->to - v.from) * t);
        break;
    case CV_SHAPES_TURN:
        pose.angle += motion->degrees * t;
        break;
    case CV_SHAPES_STILL:
        break;
    }
    return pose;
}

static bool pose_inside(const cv_shapes *world, cv_shapes_pose p)
{
    const double slack = 1e-9;

    return p.x - p.radius >= -slack && p.y - p.radius >= -slack && p.x + p.radius <= world->side + slack &&
           p.y + p.radius <= world->side + slack;
}

static bool inside(const cv_shapes *world, const cv_shapes_combination *c, variant v)
{
    for (int frame = 0; frame < v.frames; frame++)
        if (!pose_inside(world, pose_of(world, c, v, frame)))
            return false;
    return true;
}

/* The places, numbered row by row, at which the object stays inside: puts the one numbered `wanted` into *out and
 * stops there, or returns how many there are (`wanted` < 0). A line has only the places across its axis. */
static int places(const cv_shapes *world, const cv_shapes_combination *c, double start, int wanted, variant *out)
{
    const cv_shapes_motion *motion = &world->motion[c->motion];
    bool line = motion->kind == CV_SHAPES_LINE;
    int columns = line && motion->axis == 0 ? 1 : world->places, rows = line && motion->axis == 1 ? 1 : world->places;
    int count = 0;

    for (int i = 0; i < rows * columns; i++) {
        variant v = { { world->place[i % columns], world->place[i / columns], usual_radius(world, c), 0 },
                      motion->from,
                      start,
                      world->frames };

        if (!inside(world, c, v))
            continue;
        *out = v;
        if (count++ == wanted)
            break;
    }
    return count;
}

bool cv_shapes_fits(const cv_shapes *world, cv_shapes_combination combination)
{
    variant v;

    for (int i = 0; i < world->motion[combination.motion].starts; i++)
        if (places(world, &combination, world->motion[combination.motion].start[i], 0, &v) == 0)
            return false;
    return true;
}

static variant variant_of(const cv_shapes *world, int index, uint64_t seed)
{
    const cv_shapes_combination *c = &world->combinations[index];
    const cv_shapes_motion *motion = &world->motion[c->motion];
    variant v = { 0 };
    uint32_t random[4];
    int count;

    cv_rng_block(random, seed, (uint32_t[4]){ (uint32_t)index, 0, 0, DRAW_VARIANT });
    v.start = motion->start[random[0] % (unsigned)motion->starts];
    count = places(world, c, v.start, -1, &v);
    places(world, c, v.start, (int)(random[1] % (unsigned)count), &v);
    return v;
}

cv_shapes_pose cv_shapes_pose_at(const cv_shapes *world, int index, uint64_t seed, int frame)
{
    return pose_of(world, &world->combinations[index], variant_of(world, index, seed), frame);
}

/* The motion of `c` from where it is, in so many frames. False where it would leave the frame, hardly move, go back. */
static bool go_on(const cv_shapes *world, const cv_shapes_combination *c, cv_shapes_pose at, double start, int frames,
                  variant *out)
{
    const cv_shapes_motion *motion = &world->motion[c->motion];
    const bool goes = motion->kind == CV_SHAPES_LINE || motion->kind == CV_SHAPES_SCALE;
    const double usual = motion->to - motion->from;
    variant v = { at, motion->from, start, frames };
    cv_shapes_pose begin;

    if (motion->kind == CV_SHAPES_LINE)
        v.from = motion->axis ? at.y : at.x;
    if (motion->kind == CV_SHAPES_SCALE)
        v.from = at.radius / usual_radius(world, c);
    begin = pose_of(world, c, v, 0);
    v.at.x += at.x - begin.x; /* a circle's centre, the foot of a parabola */
    v.at.y += at.y - begin.y;
    *out = v;
    return (!goes || (motion->to - v.from) * usual >= LEAST_WAY * usual * usual) && inside(world, c, v);
}

/* Corners of a polygon or star; returns how many. */
static int outline(const cv_shapes_shape *shape, cv_shapes_pose pose, double (*corner)[2])
{
    int count = shape->inner > 0 ? 2 * shape->corners : shape->corners;

    for (int i = 0; i < count; i++) {
        double angle = (pose.angle - shape->angle + 360.0 * i / count) * DEGREES;
        double radius = pose.radius * (shape->inner > 0 && i % 2 ? shape->inner : 1);

        corner[i][0] = pose.x + radius * cos(angle);
        corner[i][1] = pose.y + radius * sin(angle);
    }
    return count;
}

/* Where the horizontal line at `y` crosses the outline, in order; returns how often. */
static int crossings(double (*corner)[2], int corners, double y, double *x)
{
    int count = 0;

    for (int i = 0; i < corners; i++) {
        const double *a = corner[i], *b = corner[(i + 1) % corners];
        double at;
        int j;

        if ((a[1] <= y) == (b[1] <= y))
            continue;
        at = a[0] + (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]);
        for (j = count++; j > 0 && x[j - 1] > at; j--)
            x[j] = x[j - 1];
        x[j] = at;
    }
    return count;
}

/* Adds `weight` to the pixels of a row, each by the part of it that lies in from .. to. */
static void add_span(float *row, int side, double from, double to, double weight)
{
    int first, last;

    from = fmax(from, 0);
    to = fmin(to, side);
    if (from >= to)
        return;
    first = (int)from;
    last = (int)ceil(to) - 1;
    for (int x = first; x <= last; x++)
        row[x] += (float)(weight * (fmin(to, x + 1) - fmax(from, x)));
}

/* Exact along a line, LINES lines to a row of pixels. */
void cv_shapes_cover(const cv_shapes *world, const cv_shapes_shape *shape, cv_shapes_pose pose, float *coverage)
{
    enum { LINES = 16 };
    double corner[CV_SHAPES_CORNERS][2], x[CV_SHAPES_CORNERS];
    int corners = outline(shape, pose, corner), side = world->side;
    int first = (int)fmax(floor(pose.y - pose.radius), 0), last = (int)fmin(ceil(pose.y + pose.radius), side);

    memset(coverage, 0, (size_t)side * (size_t)side * sizeof *coverage);
    for (int i = first * LINES; i < last * LINES; i++) {
        double y = (i + 0.5) / LINES, square = pose.radius * pose.radius - (y - pose.y) * (y - pose.y);
        float *row = coverage + (size_t)(i / LINES) * (size_t)side;

        if (square <= 0)
            continue;
        if (corners == 0) {
            add_span(row, side, pose.x - sqrt(square), pose.x + sqrt(square), 1.0 / LINES);
            continue;
        }
        for (int j = 0, count = crossings(corner, corners, y, x); j + 1 < count; j += 2)
            add_span(row, side, x[j], x[j + 1], 1.0 / LINES);
    }
}

static void draw(const cv_shapes *world, const cv_shapes_combination *c, cv_shapes_pose pose, uint8_t *pixels)
{
    const uint8_t *front = world->colour[c->colour].rgb, *back = world->background[c->background].rgb;
    float coverage[CV_SHAPES_SIDE * CV_SHAPES_SIDE];

    cv_shapes_cover(world, &world->shape[c->shape], pose, coverage);
    for (int i = 0; i < world->side * world->side; i++)
        for (int channel = 0; channel < 3; channel++)
            pixels[3 * i + channel] =
                (uint8_t)(back[channel] + coverage[i] * (float)(front[channel] - back[channel]) + 0.5f);
}

void cv_shapes_frame(const cv_shapes *world, int index, uint64_t seed, int frame, uint8_t *pixels)
{
    draw(world, &world->combinations[index], cv_shapes_pose_at(world, index, seed, frame), pixels);
}

static void draw_frames(const cv_shapes *world, const cv_shapes_combination *c, variant v, int first, int count,
                        uint8_t *pixels)
{
    for (int i = 0; i < count; i++)
        draw(world, c, pose_of(world, c, v, first + i), pixels + (size_t)i * (size_t)(world->side * world->side) * 3);
}

void cv_shapes_render(const cv_shapes *world, int index, uint64_t seed, uint8_t *pixels)
{
    draw_frames(world, &world->combinations[index], variant_of(world, index, seed), 0, world->frames, pixels);
}

int cv_shapes_render_after(const cv_shapes *world, int index, uint64_t seed, int context, uint8_t *pixels)
{
    const cv_shapes_combination *c = &world->combinations[index];
    const cv_shapes_motion *motion = &world->motion[c->motion];
    const int frames = world->frames;

    for (uint32_t i = 0; i < TRIES; i++) {
        cv_shapes_combination before = *c;
        variant first, second;
        uint32_t random[4];
        int other;

        cv_rng_block(random, seed, (uint32_t[4]){ (uint32_t)index, i, 0, DRAW_BEFORE });
        before.motion = (int)(random[0] % (unsigned)world->motions);
        other = cv_shapes_index(world, before);
        if (other < 0 || cv_shapes_held_out(world, other))
            continue;
        first = variant_of(world, other, (uint64_t)random[1] << 32 | random[2]);
        if (!go_on(world, c, pose_of(world, &before, first, frames - 1),
                   motion->start[random[3] % (unsigned)motion->starts], frames - context + 1, &second))
            continue;
        draw_frames(world, &before, first, frames - context, context, pixels);
        draw_frames(world, c, second, 1, frames - context,
                    pixels + (size_t)context * (size_t)(world->side * world->side) * 3);
        return other;
    }
    return -1;
}

/* The usual pose turned, or larger or smaller: both at once no motion makes. Its place is not drawn yet. */
static cv_shapes_pose draw_pose(const cv_shapes *world, const cv_shapes_combination *c, const uint32_t random[4])
{
    const bool turned = world->shape[c->shape].corners > 0 && random[0] % 2;
    const double way = cv_rng_unit(random[1], random[2]);

    return (cv_shapes_pose){ .radius =
                                 usual_radius(world, c) * (turned ? 1 : POSE_LEAST + (POSE_MOST - POSE_LEAST) * way),
                             .angle = turned ? 360 * way : 0 };
}

/* Puts a pose at one of the places where it stays inside, all of them alike; false where there is none. */
static bool draw_place(const cv_shapes *world, uint32_t random, cv_shapes_pose *pose)
{
    cv_shapes_pose fitting[CV_SHAPES_MOST * CV_SHAPES_MOST];
    int count = 0;

    for (int i = 0; i < world->places * world->places; i++) {
        pose->x = world->place[i % world->places];
        pose->y = world->place[i / world->places];
        if (pose_inside(world, *pose))
            fitting[count++] = *pose;
    }
    if (count == 0)
        return false;
    *pose = fitting[random % (unsigned)count];
    return true;
}

bool cv_shapes_render_poses(const cv_shapes *world, int index, uint64_t seed, uint8_t *pixels)
{
    const cv_shapes_combination *c = &world->combinations[index];

    for (int frame = 0; frame < world->frames; frame++) {
        cv_shapes_pose pose;
        uint32_t random[4], i = 0;

        do {
            if (i == TRIES)
                return false;
            cv_rng_block(random, seed, (uint32_t[4]){ (uint32_t)index, (uint32_t)frame, i++, DRAW_POSE });
            pose = draw_pose(world, c, random);
        } while (!draw_place(world, random[3], &pose));
        draw(world, c, pose, pixels + (size_t)frame * (size_t)(world->side * world->side) * 3);
    }
    return true;
}
