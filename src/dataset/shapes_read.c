/* The world's JSON file. */
#include "dataset/builtin.h"
#include "dataset/shapes.h"

#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const language_keys[CV_SHAPES_LANGUAGES] = { "en", "zh" };
static const char *const slots[] = { "{size}", "{colour}", "{shape}", "{motion}", "{background}" };
static const char *const kinds[] = { "line", "orbit", "bounce", "scale", "turn", "still" };

/* One entry of a list: `origin` names it in errors. */
typedef cogvideo_status read_entry(const cv_json *json, void *out, const char *origin, cogvideo_error *err);

static cogvideo_status read_text(const cv_json *json, const char *key, char *out, size_t size, const char *origin,
                                 cogvideo_error *err)
{
    const char *text = NULL;
    cogvideo_status status = cv_json_string(json, key, &text, origin, err);

    if (status != COGVIDEO_OK)
        return status;
    if (!*text || strlen(text) >= size || strpbrk(text, "\r\n"))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%s' must have from 1 to %zu bytes on one line", origin, key,
                       size - 1);
    memcpy(out, text, strlen(text) + 1);
    return COGVIDEO_OK;
}

static cogvideo_status read_word(const cv_json *json, cv_shapes_word *word, const char *origin, cogvideo_error *err)
{
    cogvideo_status status = read_text(json, "name", word->name, sizeof word->name, origin, err);

    for (int i = 0; i < CV_SHAPES_LANGUAGES && status == COGVIDEO_OK; i++) {
        status = read_text(json, language_keys[i], word->text[i], sizeof word->text[i], origin, err);
        if (status == COGVIDEO_OK && strpbrk(word->text[i], "{}"))
            status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%s' must be without braces", origin, language_keys[i]);
    }
    return status;
}

/* Up to CV_SHAPES_MOST whole numbers, at least `least`. */
static cogvideo_status read_numbers(const cv_json *json, const char *key, int64_t min, int64_t max, size_t least,
                                    int32_t out[CV_SHAPES_MOST], int *count, const char *origin, cogvideo_error *err)
{
    cv_json *array = NULL;
    int32_t *values = NULL;
    char what[512];
    size_t found = 0;
    cogvideo_status status;

    CV_TRY(cv_json_array(json, key, &array, origin, err));
    snprintf(what, sizeof what, "%s: '%s'", origin, key);
    CV_TRY(cv_json_int_array(array, min, max, &values, &found, what, err));
    if (found < least || found > CV_SHAPES_MOST) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s has %zu numbers, it must have from %zu to %d", what, found,
                         least, CV_SHAPES_MOST);
        goto done;
    }
    memcpy(out, values, found * sizeof *values);
    *count = (int)found;
done:
    cv_free(values);
    return status;
}

static cogvideo_status read_colour(const cv_json *json, void *out, const char *origin, cogvideo_error *err)
{
    cv_shapes_colour *colour = out;
    int32_t rgb[CV_SHAPES_MOST];
    int count = 0;
    cogvideo_status status;

    CV_TRY(read_word(json, &colour->word, origin, err));
    CV_TRY(read_numbers(json, "rgb", 0, 255, 3, rgb, &count, origin, err));
    if (count != 3)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'rgb' has %d numbers, 3 were expected", origin, count);
    for (int i = 0; i < 3; i++)
        colour->rgb[i] = (uint8_t)rgb[i];
done:
    return status;
}

static cogvideo_status read_size(const cv_json *json, void *out, const char *origin, cogvideo_error *err)
{
    cv_shapes_size *size = out;
    cogvideo_status status;

    CV_TRY(read_word(json, &size->word, origin, err));
    CV_TRY(cv_json_double(json, "radius", 1, CV_SHAPES_SIDE, &size->radius, origin, err));
done:
    return status;
}

static cogvideo_status read_shape(const cv_json *json, void *out, const char *origin, cogvideo_error *err)
{
    cv_shapes_shape *shape = out;
    int64_t corners = 0;
    cogvideo_status status;

    CV_TRY(read_word(json, &shape->word, origin, err));
    CV_TRY(cv_json_int(json, "corners", 0, CV_SHAPES_CORNERS / 2, &corners, origin, err));
    if (corners == 1 || corners == 2)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'corners' is %lld, it must be 0 (a circle) or at least 3",
                       origin, (long long)corners);
    shape->corners = (int)corners;
    CV_TRY(cv_json_double(json, "radius", 0.01, 100, &shape->radius, origin, err));
    CV_TRY(cv_json_optional_double(json, "angle", -360, 360, &shape->angle, origin, err));
    CV_TRY(cv_json_optional_double(json, "inner", 0, 1, &shape->inner, origin, err));
    if (corners == 0)
        shape->inner = 0;
done:
    return status;
}

static cogvideo_status read_kind(const cv_json *json, cv_shapes_motion *motion, const char *origin, cogvideo_error *err)
{
    const char *kind = NULL;
    cogvideo_status status = cv_json_string(json, "kind", &kind, origin, err);

    if (status != COGVIDEO_OK)
        return status;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kind, kinds[i]) == 0) {
            motion->kind = (cv_shapes_kind)i;
            return COGVIDEO_OK;
        }
    return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                   "%s: 'kind' is '%.40s', it must be line, orbit, bounce, scale, turn or still", origin, kind);
}

static cogvideo_status read_line(const cv_json *json, cv_shapes_motion *motion, const char *origin, cogvideo_error *err)
{
    const char *axis = NULL;
    cogvideo_status status;

    CV_TRY(cv_json_string(json, "axis", &axis, origin, err));
    if (strcmp(axis, "x") != 0 && strcmp(axis, "y") != 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'axis' is '%.40s', it must be x or y", origin, axis);
    motion->axis = axis[0] == 'y';
    CV_TRY(cv_json_double(json, "from", 0, CV_SHAPES_SIDE, &motion->from, origin, err));
    CV_TRY(cv_json_double(json, "to", 0, CV_SHAPES_SIDE, &motion->to, origin, err));
done:
    return status;
}

static cogvideo_status read_starts(const cv_json *json, cv_shapes_motion *motion, const char *origin,
                                   cogvideo_error *err)
{
    int32_t starts[CV_SHAPES_MOST];
    cogvideo_status status = read_numbers(json, "starts", 0, 100000, 1, starts, &motion->starts, origin, err);

    for (int i = 0; status == COGVIDEO_OK && i < motion->starts; i++)
        motion->start[i] = starts[i];
    return status;
}

static cogvideo_status read_motion(const cv_json *json, void *out, const char *origin, cogvideo_error *err)
{
    cv_shapes_motion *motion = out;
    cogvideo_status status;

    motion->starts = 1;
    CV_TRY(read_word(json, &motion->word, origin, err));
    CV_TRY(read_kind(json, motion, origin, err));
    switch (motion->kind) {
    case CV_SHAPES_LINE:
        CV_TRY(read_line(json, motion, origin, err));
        break;
    case CV_SHAPES_ORBIT:
        CV_TRY(cv_json_double(json, "radius", 0, CV_SHAPES_SIDE, &motion->radius, origin, err));
        CV_TRY(cv_json_double(json, "turns", -100, 100, &motion->turns, origin, err));
        CV_TRY(read_starts(json, motion, origin, err));
        break;
    case CV_SHAPES_BOUNCE:
        CV_TRY(cv_json_double(json, "height", 0, CV_SHAPES_SIDE, &motion->height, origin, err));
        CV_TRY(cv_json_double(json, "period", 1, 100000, &motion->period, origin, err));
        CV_TRY(read_starts(json, motion, origin, err));
        break;
    case CV_SHAPES_SCALE:
        CV_TRY(cv_json_double(json, "from", 0.01, 100, &motion->from, origin, err));
        CV_TRY(cv_json_double(json, "to", 0.01, 100, &motion->to, origin, err));
        break;
    case CV_SHAPES_TURN:
        CV_TRY(cv_json_double(json, "degrees", -36000, 36000, &motion->degrees, origin, err));
        break;
    case CV_SHAPES_STILL:
        break;
    }
done:
    return status;
}

static cogvideo_status read_list(const cv_json *json, const char *key, read_entry *read, void *out, size_t stride,
                                 int *count, const char *origin, cogvideo_error *err)
{
    cv_json *array = NULL;
    char where[512];
    int n = 0;
    cogvideo_status status;

    CV_TRY(cv_json_array(json, key, &array, origin, err));
    if (cv_json_count(array) < 1 || cv_json_count(array) > CV_SHAPES_MOST)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%s' has %zu entries, it must have from 1 to %d", origin, key,
                       cv_json_count(array), CV_SHAPES_MOST);
    for (const cv_json *item = cv_json_first(array); item; item = cv_json_next(item), n++) {
        snprintf(where, sizeof where, "%s: %s[%d]", origin, key, n);
        if (!cv_json_is_object(item))
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s must be an object", where);
        CV_TRY(read(item, (char *)out + (size_t)n * stride, where, err));
    }
    *count = n;
done:
    return status;
}

/* Every slot stands in the template exactly once, and no other brace. */
static cogvideo_status check_template(const char *text, const char *origin, const char *key, cogvideo_error *err)
{
    size_t braces = 0;

    for (const char *c = text; *c; c++)
        braces += *c == '{' || *c == '}';
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        const char *at = strstr(text, slots[i]);

        if (!at || strstr(at + 1, slots[i]))
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: captions: '%s' must name %s exactly once", origin, key,
                           slots[i]);
    }
    if (braces != 2 * sizeof slots / sizeof *slots)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: captions: '%s' has a brace that belongs to no slot", origin,
                       key);
    return COGVIDEO_OK;
}

static cogvideo_status read_captions(cv_shapes *world, const cv_json *json, const char *origin, cogvideo_error *err)
{
    cv_json *captions = NULL;
    cogvideo_status status;

    CV_TRY(cv_json_object(json, "captions", &captions, origin, err));
    for (int i = 0; i < CV_SHAPES_LANGUAGES; i++) {
        CV_TRY(read_text(captions, language_keys[i], world->caption[i], sizeof world->caption[i], origin, err));
        CV_TRY(check_template(world->caption[i], origin, language_keys[i], err));
    }
done:
    return status;
}

static cogvideo_status read_frame(cv_shapes *world, const cv_json *json, const char *origin, cogvideo_error *err)
{
    int64_t frames = 0, side = 0, one_in = 0;
    int32_t place[CV_SHAPES_MOST];
    cogvideo_status status;

    CV_TRY(cv_json_int(json, "frames", 2, 257, &frames, origin, err));
    CV_TRY(cv_json_int(json, "size", 8, CV_SHAPES_SIDE, &side, origin, err));
    CV_TRY(cv_json_double(json, "frames_per_second", 0.1, 1000, &world->fps, origin, err));
    CV_TRY(cv_json_int(json, "held_out_one_in", 2, 1000000, &one_in, origin, err));
    CV_TRY(read_numbers(json, "places", 0, side, 1, place, &world->places, origin, err));
    for (int i = 0; i < world->places; i++)
        world->place[i] = place[i];
    world->frames = (int)frames;
    world->side = (int)side;
    world->held_out_one_in = (int)one_in;
done:
    return status;
}

/* Fills the table of combinations, or only counts them where there is none yet. */
static int combine(const cv_shapes *world, cv_shapes_combination *out)
{
    int total = world->backgrounds * world->colours * world->sizes * world->shapes * world->motions, count = 0;

    for (int i = 0; i < total; i++) {
        cv_shapes_combination c;
        int rest = i;

        c.motion = rest % world->motions;
        rest /= world->motions;
        c.shape = rest % world->shapes;
        rest /= world->shapes;
        c.size = rest % world->sizes;
        rest /= world->sizes;
        c.colour = rest % world->colours;
        c.background = rest / world->colours;
        if (world->motion[c.motion].kind == CV_SHAPES_TURN && world->shape[c.shape].corners == 0)
            continue;
        if (out)
            out[count] = c;
        count++;
    }
    return count;
}

static cogvideo_status check_room(const cv_shapes *world, const char *origin, cogvideo_error *err)
{
    for (int i = 0; i < world->count; i++) {
        const cv_shapes_combination *c = &world->combinations[i];

        if (c->colour == 0 && c->background == 0 && !cv_shapes_fits(world, *c))
            return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                           "%s: a %s %s with the motion %s leaves the frame of %d pixels from every place", origin,
                           world->size[c->size].word.name, world->shape[c->shape].word.name,
                           world->motion[c->motion].word.name, world->side);
    }
    return COGVIDEO_OK;
}

static cogvideo_status read_world(cv_shapes *world, const cv_json *json, const char *origin, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_json_format(json, "cogvideo-shapes", 1, origin, err));
    CV_TRY(read_frame(world, json, origin, err));
    CV_TRY(read_captions(world, json, origin, err));
    CV_TRY(read_list(json, "backgrounds", read_colour, world->background, sizeof *world->background,
                     &world->backgrounds, origin, err));
    CV_TRY(read_list(json, "colours", read_colour, world->colour, sizeof *world->colour, &world->colours, origin, err));
    CV_TRY(read_list(json, "sizes", read_size, world->size, sizeof *world->size, &world->sizes, origin, err));
    CV_TRY(read_list(json, "shapes", read_shape, world->shape, sizeof *world->shape, &world->shapes, origin, err));
    CV_TRY(read_list(json, "motions", read_motion, world->motion, sizeof *world->motion, &world->motions, origin, err));
    world->count = combine(world, NULL);
    if (world->count == 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: no shape can have any of its motions", origin);
    CV_NEW(world->combinations, world->count, err);
    combine(world, world->combinations);
    CV_TRY(check_room(world, origin, err));
done:
    return status;
}

cogvideo_status cv_shapes_open(cv_shapes **out, const char *path, cogvideo_error *err)
{
    const char *origin = path ? path : "the shapes world";
    cv_shapes *world = NULL;
    cv_json *json = NULL;
    cogvideo_status status;

    CV_TRY(path ? cv_json_read(&json, path, 1 << 20, err)
                : cv_json_parse(&json, cv_builtin_shapes, strlen(cv_builtin_shapes), origin, err));
    CV_NEW(world, 1, err);
    CV_TRY(read_world(world, json, origin, err));
    *out = world;
    world = NULL;
done:
    cv_json_free(&json);
    cv_shapes_close(&world);
    return status;
}

void cv_shapes_close(cv_shapes **world)
{
    if (*world)
        cv_free((*world)->combinations);
    cv_free(*world);
    *world = NULL;
}
