/* judge.h - what a clip of the shapes world shows, measured from its pixels alone.
 *
 * Background: median of the frame's border. Object: the largest connected part that differs from it. Colour: median of
 * the object's inner pixels. Shape: inertia and angular moments of order 3, 4 and 5 against those of drawn shapes.
 * Size: from the area, given the shape, over the whole clip. Motion: the path of the centre, the radius and the phase
 * of the shape's own moment against those of each motion. */
#ifndef TESTS_JUDGE_H
#define TESTS_JUDGE_H

#include "dataset/shapes.h"

typedef struct judge judge;

typedef struct judge_verdict {
    cv_shapes_combination seen; /* places in the world's lists; all but the background -1 where there is no object */
    int frames, visible;        /* of the clip; those in which there is an object */
    double jump;                /* largest way of the centre between neighbouring frames, pixels; the side of the frame
                                   where the object is missing in one of them */
    double radius;              /* measured mean of the size's radius, pixels */
    double shape_margin, motion_margin; /* distance of the second best over that of the best: 1 = a guess */
} judge_verdict;

/* The world must outlive the judge. */
cogvideo_status judge_open(judge **out, const cv_shapes *world, cogvideo_error *err);
void judge_close(judge **j);

/* `pixels` is [frames][side][side][3] of the world's side; frames may be fewer than a clip's (the key frames alone, or
 * one), spread evenly over it. */
void judge_look(judge *j, const uint8_t *pixels, int frames, judge_verdict *out);

enum { JUDGE_BACKGROUND, JUDGE_COLOUR, JUDGE_SIZE, JUDGE_SHAPE, JUDGE_MOTION, JUDGE_ASPECTS };
extern const char *const judge_aspects[JUDGE_ASPECTS];
/* Which entry of the aspect's list this is, and the name of an entry ("nothing" for -1). */
int judge_aspect(const cv_shapes_combination *combination, int aspect);
const char *judge_name(const cv_shapes *world, int aspect, int entry);

#endif
