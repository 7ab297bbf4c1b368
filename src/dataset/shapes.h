/* shapes.h - the shapes world: captioned clips from nothing, one object on a plain background.
 *
 * A combination is a size, a colour, a shape, a motion and a background; each has one caption per language. What the
 * caption leaves open (where the object stands, where a turn or a bounce begins) is drawn by a seed. All geometry,
 * colours and words stand in one JSON file (configs/shapes.json, described in configs/README.md), so that a clip can
 * be judged without this code. Places are in pixels from the top left corner of the frame: pixel i covers i .. i + 1.
 * Angles are in degrees, clockwise as seen. */
#ifndef CV_DATASET_SHAPES_H
#define CV_DATASET_SHAPES_H

#include "base/mem.h"

enum {
    CV_SHAPES_MOST = 16,     /* entries of one list */
    CV_SHAPES_WORD = 48,     /* bytes of a word, the NUL included */
    CV_SHAPES_CAPTION = 512, /* bytes that hold every caption, the NUL included */
    CV_SHAPES_SIDE = 128,    /* pixels on a side of the frame */
    CV_SHAPES_CORNERS = 32,  /* of one outline, the inner ones of a star included */
};

typedef enum cv_shapes_language { CV_SHAPES_ENGLISH, CV_SHAPES_CHINESE, CV_SHAPES_LANGUAGES } cv_shapes_language;

typedef struct cv_shapes_word {
    char name[CV_SHAPES_WORD];
    char text[CV_SHAPES_LANGUAGES][CV_SHAPES_WORD];
} cv_shapes_word;

typedef struct cv_shapes_colour {
    cv_shapes_word word;
    uint8_t rgb[3];
} cv_shapes_colour;

typedef struct cv_shapes_size {
    cv_shapes_word word;
    double radius;
} cv_shapes_size;

typedef struct cv_shapes_shape {
    cv_shapes_word word;
    int corners;   /* 0: a circle, which never turns */
    double radius; /* circumradius in units of the size's */
    double angle;  /* of the first corner, counter-clockwise from the right */
    double inner;  /* a star's inner radius in units of the circumradius; 0: a polygon */
} cv_shapes_shape;

typedef enum cv_shapes_kind {
    CV_SHAPES_LINE,  /* the centre goes from `from` to `to` along the axis */
    CV_SHAPES_ORBIT, /* clockwise on a circle of `radius`, `turns` times, from the angle `start` */
    /* `height` above the place and back on a parabola, in `period` frames, begun `start` frames in */
    CV_SHAPES_BOUNCE,
    CV_SHAPES_SCALE, /* the radius times `from` .. `to` */
    CV_SHAPES_TURN,  /* clockwise by `degrees` over the clip */
    CV_SHAPES_STILL,
} cv_shapes_kind;

typedef struct cv_shapes_motion {
    cv_shapes_word word;
    cv_shapes_kind kind;
    int axis; /* 0: x, 1: y */
    double from, to, radius, turns, height, period, degrees;
    int starts; /* at least 1 */
    double start[CV_SHAPES_MOST];
} cv_shapes_motion;

typedef struct cv_shapes_combination {
    int size, colour, shape, motion, background; /* places in the world's lists */
} cv_shapes_combination;

/* What a combination says, in the order of its members, of a clip's labels and of a network's heads. */
typedef enum cv_shapes_attribute {
    CV_SHAPES_SIZE,
    CV_SHAPES_COLOUR,
    CV_SHAPES_SHAPE,
    CV_SHAPES_MOTION,
    CV_SHAPES_BACKGROUND,
    CV_SHAPES_ATTRIBUTES,
} cv_shapes_attribute;

typedef struct cv_shapes {
    int frames, side; /* of a clip; pixels */
    double fps;
    int places; /* where a centre may stand, the same in x and y */
    int place[CV_SHAPES_MOST];
    int held_out_one_in;
    int backgrounds, colours, sizes, shapes, motions;
    cv_shapes_colour background[CV_SHAPES_MOST], colour[CV_SHAPES_MOST];
    cv_shapes_size size[CV_SHAPES_MOST];
    cv_shapes_shape shape[CV_SHAPES_MOST];
    cv_shapes_motion motion[CV_SHAPES_MOST];
    char caption[CV_SHAPES_LANGUAGES][256]; /* templates with {size} {colour} {shape} {motion} {background} */
    int count;
    cv_shapes_combination *combinations; /* [count] */
} cv_shapes;

/* Reads a description; NULL takes the one built in. Refuses a world in which some combination cannot stay inside the
 * frame. Close it with cv_shapes_close. */
cogvideo_status cv_shapes_open(cv_shapes **out, const char *path, cogvideo_error *err);
void cv_shapes_close(cv_shapes **world);

/* Combinations, numbered from 0: motions fastest, then shapes, sizes, colours, backgrounds. */
int cv_shapes_count(const cv_shapes *world);
cv_shapes_combination cv_shapes_at(const cv_shapes *world, int index);
/* -1 where there is no such combination. */
int cv_shapes_index(const cv_shapes *world, cv_shapes_combination combination);
/* The combination whose caption in any language this is; -1 where there is none. */
int cv_shapes_find(const cv_shapes *world, const char *caption);

/* "size", "colour", .. */
const char *cv_shapes_attribute_name(int attribute);
/* How many values an attribute has in the world, and where a combination has its own. */
int cv_shapes_values(const cv_shapes *world, int attribute);
int *cv_shapes_value(cv_shapes_combination *combination, int attribute);

void cv_shapes_caption(const cv_shapes *world, int index, cv_shapes_language language, char out[CV_SHAPES_CAPTION]);

/* Whether training never sees this combination: FNV-1a 64 of the bytes of its English caption is a multiple of
 * `held_out_one_in`. */
bool cv_shapes_held_out(const cv_shapes *world, int index);

/* Where the object is in one frame of the clip that (index, seed) names. */
typedef struct cv_shapes_pose {
    double x, y;   /* centre of the circumscribed circle */
    double radius; /* of that circle */
    double angle;  /* by which the shape has turned */
} cv_shapes_pose;

cv_shapes_pose cv_shapes_pose_at(const cv_shapes *world, int index, uint64_t seed, int frame);

/* One frame, [side][side][3], edges anti-aliased by the area covered; a pure function of its arguments. */
void cv_shapes_frame(const cv_shapes *world, int index, uint64_t seed, int frame, uint8_t *pixels);
/* The whole clip, [frames][side][side][3]. */
void cv_shapes_render(const cv_shapes *world, int index, uint64_t seed, uint8_t *pixels);
/* A clip that goes on from another of the same object: its first `context` frames (1 .. frames - 1) are the last of a
 * clip with another motion or the same, drawn by the seed and not held out, and from there the combination's own motion
 * begins, wherever, however large and however turned the object is by then. Returns the combination before, or -1 where
 * none was found from which this motion can go on inside the frame. */
int cv_shapes_render_after(const cv_shapes *world, int index, uint64_t seed, int context, uint8_t *pixels);
/* Not a clip but pictures, [frames][side][side][3]: each shows the combination's object, whatever its motion, at one of
 * the world's places, and either turned by any angle or 0.7 to 1.3 times its usual size. False where the frame has no
 * room for it. */
bool cv_shapes_render_poses(const cv_shapes *world, int index, uint64_t seed, uint8_t *pixels);
/* The object alone: `coverage` [side][side], 0 .. 1, of a shape in a pose. */
void cv_shapes_cover(const cv_shapes *world, const cv_shapes_shape *shape, cv_shapes_pose pose, float *coverage);

/* Whether some place keeps the object inside the frame in every frame. */
bool cv_shapes_fits(const cv_shapes *world, cv_shapes_combination combination);

#endif
