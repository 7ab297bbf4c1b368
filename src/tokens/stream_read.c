/* stream_read.c - reads a token stream line by line; every size is checked before it is used. */
#include "base/file_kind.h"
#include "base/path.h"
#include "tokens/header.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#define MAX_HEADER ((size_t)1 << 24)
/* A frame line may have this many bytes besides its codes, and this many values that are not codes. */
#define SPARE_BYTES ((size_t)1 << 20)
#define SPARE_VALUES ((size_t)1 << 14)
#define MAX_CODE_TEXT 12 /* "2147483647, " */
#define MAX_TIME 1e9

typedef struct reader {
    FILE *stream;
    const char *name; /* of the file, for errors */
    cv_buffer line;
    size_t number;     /* of the line, from 1 */
    size_t bytes;      /* read so far */
    size_t capacity;   /* frames that there is room for */
    double step;       /* seconds between the last two frames with known times */
    bool story, drawn; /* some line has "scene" or "given"; "settled" or "confidence" */
    double *numbers;   /* of a line's codes */
    char origin[400];  /* "FILE: line N" */
} reader;

/* Reads the next line that is not empty, without its end; *more = false at the end of the file. */
static cogvideo_status next_line(reader *r, size_t limit, bool *more, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    int c = 0;

    do {
        r->line.size = 0;
        r->number++;
        snprintf(r->origin, sizeof r->origin, "%.300s: line %zu", r->name, r->number);
        while ((c = getc_unlocked(r->stream)) != EOF && c != '\n') {
            char byte = (char)c;

            if (++r->bytes > CV_TOKENS_MAX_FILE)
                return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: the file is longer than the %zu bytes allowed",
                               r->origin, CV_TOKENS_MAX_FILE);
            if (r->line.size >= limit)
                return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is longer than the %zu bytes that such a line may have",
                               r->origin, limit);
            if ((status = cv_buffer_append(&r->line, &byte, 1, err)) != COGVIDEO_OK)
                return status;
        }
        r->bytes += c == '\n';
        if (ferror(r->stream))
            return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be read: %s", r->name, strerror(errno));
        while (r->line.size > 0 && strchr(" \t\r", r->line.data[r->line.size - 1]) && r->line.data[r->line.size - 1])
            r->line.data[--r->line.size] = '\0';
    } while (r->line.size == 0 && c != EOF);
    *more = r->line.size > 0;
    return COGVIDEO_OK;
}

/* A parsed line takes some 70 bytes per value, so values are counted before it is parsed. */
static cogvideo_status parse_line(const reader *r, size_t max_values, cv_json **out, cogvideo_error *err)
{
    cogvideo_status status;
    size_t values = 1;

    for (size_t i = 0; i < r->line.size; i++)
        values += r->line.data[i] == ',' || r->line.data[i] == '[' || r->line.data[i] == '{';
    if (values > max_values)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has more than the %zu values that are allowed", r->origin,
                       max_values);
    if (memchr(r->line.data, '\0', r->line.size)) {
        const char *kind = r->number == 1 ? cv_file_kind(r->line.data, r->line.size) : NULL;

        return kind
                   ? cv_fail(err, COGVIDEO_ERROR_FORMAT,
                             "%s: is %s; codes were expected, which 'cogvideo encode' makes of pictures and videos",
                             r->name, kind)
                   : cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: contains a zero byte; JSON text was expected", r->origin);
    }
    status = cv_json_parse(out, r->line.data, r->line.size, r->origin, err);
    if (status == COGVIDEO_OK && !cv_json_is_object(*out)) {
        cv_json_free(out);
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: a JSON object was expected", r->origin);
    }
    return status;
}

/* Numbers [count] from 1 to `most`, of a member that is a list of so many. */
static cogvideo_status read_list(const reader *r, const cv_json *json, const char *key, int count, int most, int *out,
                                 cogvideo_error *err)
{
    int32_t *values = NULL;
    size_t found = 0;
    cogvideo_status status;
    char what[480];

    snprintf(what, sizeof what, "%s: '%s'", r->origin, key);
    CV_TRY(cv_json_int_array(cv_json_get(json, key), 1, most, &values, &found, what, err));
    if (found != (size_t)count) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s has %zu numbers; %d were expected", what, found, count);
        goto done;
    }
    for (int i = 0; i < count; i++)
        out[i] = values[i];
done:
    cv_free(values);
    return status;
}

/* Reads the shape of a box: "grid" [height, width] and "rate" [frames, height, width]. */
static cogvideo_status read_box(const reader *r, const cv_json *json, cogvideo_tokens *tokens, cogvideo_error *err)
{
    int grid[2] = { 0 }, rate[3] = { 0 };
    cogvideo_status status;

    if (!cv_json_is_array(cv_json_get(json, "grid")) || !cv_json_is_array(cv_json_get(json, "rate"))) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT,
                         "%s: where one of 'grid' and 'rate' is a list, both must be: [height, width] and [frames, "
                         "height, width]",
                         r->origin);
        goto done;
    }
    CV_TRY(read_list(r, json, "grid", 2, CV_TOKENS_MAX_GRID, grid, err));
    CV_TRY(read_list(r, json, "rate", 3, CV_TOKENS_MAX_RATE, rate, err));
    tokens->height = grid[0];
    tokens->width = grid[1];
    tokens->frames_per_code = rate[0];
    tokens->rate = rate[1];
    tokens->rate_across = rate[2] == rate[1] ? 0 : rate[2];
done:
    return status;
}

/* Reads "grid" and "rate". Version 0.1 wrote "height", "width" and "frames_per_code" where these are lists now. */
static cogvideo_status read_shape(const reader *r, const cv_json *json, cogvideo_tokens *tokens, cogvideo_error *err)
{
    const bool sides = cv_json_get(json, "height") || cv_json_get(json, "width");
    int64_t height = 0, width = 0, rate = 8, frames_per_code = 1;
    cogvideo_status status;

    if (sides && cv_json_get(json, "grid"))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: has 'grid' beside 'height' and 'width'; they cannot be combined", r->origin);
    if (cv_json_is_array(cv_json_get(json, "grid")) || cv_json_is_array(cv_json_get(json, "rate")))
        return read_box(r, json, tokens, err);
    CV_TRY(cv_json_int(json, sides ? "height" : "grid", 1, CV_TOKENS_MAX_GRID, &height, r->origin, err));
    CV_TRY(cv_json_int(json, sides ? "width" : "grid", 1, CV_TOKENS_MAX_GRID, &width, r->origin, err));
    CV_TRY(cv_json_optional_int(json, "frames_per_code", 1, CV_TOKENS_MAX_FRAMES_PER_CODE, &frames_per_code, r->origin,
                                err));
    CV_TRY(cv_json_optional_int(json, "rate", 4, 16, &rate, r->origin, err));
    if (rate != 4 && rate != 8 && rate != 16) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'rate' is %lld; it must be 4, 8 or 16", r->origin,
                         (long long)rate);
        goto done;
    }
    tokens->height = (int)height;
    tokens->width = (int)width;
    tokens->rate = (int)rate;
    tokens->frames_per_code = (int)frames_per_code;
done:
    return status;
}

static cogvideo_status read_header(reader *r, cogvideo_tokens *tokens, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *json = NULL;
    cv_buffer members = { 0 };
    bool more;

    CV_TRY(next_line(r, MAX_HEADER, &more, err));
    if (!more) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is empty; a token stream was expected", r->name);
        goto done;
    }
    CV_TRY(parse_line(r, MAX_HEADER / 16, &json, err));
    CV_TRY(cv_json_format(json, CV_TOKENS_FORMAT, CV_TOKENS_VERSION, r->origin, err));
    CV_TRY(read_shape(r, json, tokens, err));
    CV_TRY(cv_header_members(&members, r->line.data, json, err));
    if (members.size > 0) {
        members.data[0] = '{';
        CV_TRY(cv_buffer_append(&members, "}", 1, err));
    }
    tokens->header = members.data;
    members.data = NULL;
done:
    cv_buffer_free(&members);
    cv_json_free(&json);
    return status;
}

static cogvideo_status make_room(reader *r, cogvideo_tokens *tokens, cogvideo_error *err)
{
    size_t places = cogvideo_tokens_per_frame(tokens), frames = (size_t)tokens->frames;
    size_t grown = r->capacity ? r->capacity + r->capacity / 2 + 1 : 1;

    if (frames < r->capacity)
        return COGVIDEO_OK;
    if (grown > INT_MAX || grown > SIZE_MAX / sizeof *tokens->codes / places)
        return cv_fail(err, COGVIDEO_ERROR_MEMORY, "%s: too many frames", r->origin);
    if (cv_tokens_grow(tokens, grown, true, true, err) != COGVIDEO_OK)
        return COGVIDEO_ERROR_MEMORY;
    r->capacity = grown;
    return COGVIDEO_OK;
}

/* Reads the codes of the next frame. */
static cogvideo_status read_codes(const reader *r, const cv_json *json, cogvideo_tokens *tokens, cogvideo_error *err)
{
    const size_t places = cogvideo_tokens_per_frame(tokens);
    int32_t *codes = tokens->codes + (size_t)tokens->frames * places;
    cv_json *array = NULL;
    cogvideo_status status = cv_json_array(json, "codes", &array, r->origin, err);
    size_t count;

    if (status != COGVIDEO_OK)
        return status;
    count = cv_json_count(array);
    if (count != places)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'codes' has %zu numbers; %zu were expected (%d rows of %d)",
                       r->origin, count, places, tokens->height, tokens->width);
    for (const cv_json *item = cv_json_first(array); item; item = cv_json_next(item)) {
        double value = cv_json_is_number(item) ? cv_json_number(item) : -1;

        if (!(value >= 0 && value <= INT32_MAX && value == floor(value)))
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: number %zu of 'codes' must be a whole number from 0 to %d",
                           r->origin, places - count + 1, INT32_MAX);
        *codes++ = (int32_t)value;
        count--;
    }
    return COGVIDEO_OK;
}

static cogvideo_status read_time(reader *r, const cv_json *json, cogvideo_tokens *tokens, cogvideo_error *err)
{
    int frame = tokens->frames;
    double previous = frame > 0 ? tokens->times[frame - 1] : 0, time = frame > 0 ? previous + r->step : 0;
    cogvideo_status status = cv_json_optional_double(json, "time", -MAX_TIME, MAX_TIME, &time, r->origin, err);

    if (status != COGVIDEO_OK)
        return status;
    if (frame > 0 && time < previous)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'time' is %g, before the %g of the previous frame", r->origin,
                       time, previous);
    if (frame > 0)
        r->step = time - previous;
    tokens->times[frame] = time;
    return COGVIDEO_OK;
}

/* "scene" and "given": a scene follows the one before, and what it was given stands at its beginning. */
static cogvideo_status read_scene(reader *r, const cv_json *json, cogvideo_tokens *tokens, cogvideo_error *err)
{
    const int frame = tokens->frames, before = frame > 0 ? tokens->scenes[frame - 1] : 0;
    int64_t scene = before;
    bool given = false;
    cogvideo_status status;

    CV_TRY(cv_json_optional_int(json, "scene", 0, INT_MAX, &scene, r->origin, err));
    CV_TRY(cv_json_optional_bool(json, "given", &given, r->origin, err));
    if (scene != before && (scene != before + 1 || frame == 0))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is of scene %lld; scene %d%s was expected", r->origin,
                       (long long)scene, before, frame > 0 ? " or the next one" : "");
    if (frame > 0 && scene != before && tokens->given[frame - 1])
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: begins a scene, and the one before has given frames alone",
                       r->origin);
    if (given && frame > 0 && scene == before && !tokens->given[frame - 1])
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is given, and stands behind one of its scene that is not",
                       r->origin);
    tokens->scenes[frame] = (int)scene;
    tokens->given[frame] = given;
    r->story |= scene > 0 || given;
done:
    return status;
}

/* A number for each code, from `min` to `max`; false in *there where the line has none. */
static cogvideo_status read_numbers(const reader *r, const cv_json *json, const char *key,
                                    const cogvideo_tokens *tokens, double min, double max, double *out, bool *there,
                                    cogvideo_error *err)
{
    const size_t places = cogvideo_tokens_per_frame(tokens);
    cogvideo_status status = COGVIDEO_OK;
    cv_json *array;

    *there = cv_json_get(json, key) != NULL;
    if (!*there)
        return COGVIDEO_OK;
    CV_TRY(cv_json_array(json, key, &array, r->origin, err));
    if (cv_json_count(array) != places)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%s' has %zu numbers; %zu were expected", r->origin, key,
                       cv_json_count(array), places);
    for (const cv_json *item = cv_json_first(array); item; item = cv_json_next(item)) {
        *out = cv_json_is_number(item) ? cv_json_number(item) : NAN;
        if (!(*out >= min && *out <= max))
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%s' must hold numbers from %g to %g", r->origin, key, min,
                           max);
        out++;
    }
done:
    return status;
}

/* "settled" and "confidence". */
static cogvideo_status read_drawn(reader *r, const cv_json *json, cogvideo_tokens *tokens, cogvideo_error *err)
{
    const size_t places = cogvideo_tokens_per_frame(tokens), first = (size_t)tokens->frames * places;
    bool settled, confidence;
    cogvideo_status status = COGVIDEO_OK;

    if (!r->numbers)
        CV_NEW(r->numbers, places, err);
    CV_TRY(read_numbers(r, json, "settled", tokens, -1, INT_MAX, r->numbers, &settled, err));
    for (size_t i = 0; i < places; i++)
        tokens->settled[first + i] = settled ? (int32_t)r->numbers[i] : -1;
    CV_TRY(read_numbers(r, json, "confidence", tokens, 0, 1, r->numbers, &confidence, err));
    for (size_t i = 0; i < places; i++)
        tokens->confidence[first + i] = confidence ? (float)r->numbers[i] : 1;
    r->drawn |= settled || confidence;
done:
    return status;
}

/* *more = false where there is no further frame. */
static cogvideo_status read_frame(reader *r, cogvideo_tokens *tokens, bool *more, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *json = NULL;
    const size_t places = cogvideo_tokens_per_frame(tokens);
    int64_t frame = tokens->frames;

    CV_TRY(next_line(r, 3 * places * MAX_CODE_TEXT + SPARE_BYTES, more, err));
    if (!*more)
        return COGVIDEO_OK;
    CV_TRY(parse_line(r, 3 * places + SPARE_VALUES, &json, err));
    CV_TRY(make_room(r, tokens, err));
    CV_TRY(cv_json_optional_int(json, "frame", 0, INT_MAX, &frame, r->origin, err));
    if (frame != tokens->frames) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is frame %lld; frame %d was expected", r->origin,
                         (long long)frame, tokens->frames);
        goto done;
    }
    CV_TRY(read_time(r, json, tokens, err));
    CV_TRY(read_scene(r, json, tokens, err));
    CV_TRY(read_codes(r, json, tokens, err));
    CV_TRY(read_drawn(r, json, tokens, err));
    tokens->frames++;
done:
    cv_json_free(&json);
    return status;
}

static cogvideo_status open_stream(reader *r, const char *path, cogvideo_error *err)
{
    if (strcmp(path, "-") == 0) {
        r->stream = stdin;
        r->name = "standard input";
        return COGVIDEO_OK;
    }
    r->name = path;
    if (cv_path_is_dir(path))
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: is a directory; a token stream was expected", path);
    r->stream = fopen(path, "rbe");
    if (!r->stream)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    return COGVIDEO_OK;
}

/* Lets go of what no line told. */
static void forget(const reader *r, cogvideo_tokens *tokens)
{
    if (!r->story) {
        cv_free(tokens->scenes);
        cv_free(tokens->given);
        tokens->scenes = NULL;
        tokens->given = NULL;
    }
    if (!r->drawn) {
        cv_free(tokens->settled);
        cv_free(tokens->confidence);
        tokens->settled = NULL;
        tokens->confidence = NULL;
    }
}

cogvideo_status cogvideo_tokens_load(cogvideo_tokens *out, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    reader r = { .step = 1 };
    cogvideo_tokens tokens = { 0 };
    bool more = true;

    CV_TRY(open_stream(&r, path, err));
    CV_TRY(read_header(&r, &tokens, err));
    while (more)
        CV_TRY(read_frame(&r, &tokens, &more, err));
    if (tokens.frames == 0) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has a header but no frame (was it cut off?)", r.name);
        goto done;
    }
    if (tokens.given[tokens.frames - 1]) {
        status =
            cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: its last scene has given frames alone (was it cut off?)", r.name);
        goto done;
    }
    forget(&r, &tokens);
    *out = tokens;
    tokens = (cogvideo_tokens){ 0 };
done:
    cv_free(r.numbers);
    if (r.stream && r.stream != stdin)
        fclose(r.stream);
    cv_buffer_free(&r.line);
    cogvideo_tokens_free(&tokens);
    return status;
}
