#include "base/json.h"

#include "base/file_kind.h"
#include "base/map.h"
#include "base/output.h"
#include "base/utf8.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* cJSON compares the keys of an object one by one, so a hostile header of a million keys would take very long. */
#define MAX_MEMBERS 200000

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static cogvideo_status refuse_twins(const cv_json *object, const char *origin, cogvideo_error *err)
{
    size_t count = 0, i = 0;
    const char **keys;
    cogvideo_status status = COGVIDEO_OK;

    for (const cv_json *item = object->child; item; item = item->next)
        count++;
    if (count > MAX_MEMBERS)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: a JSON object has %zu members, more than the %d allowed",
                       origin, count, MAX_MEMBERS);
    if (count < 2)
        return COGVIDEO_OK;
    if (!(keys = cv_alloc(count, sizeof *keys, err)))
        return COGVIDEO_ERROR_MEMORY;
    for (const cv_json *item = object->child; item; item = item->next)
        keys[i++] = item->string;
    qsort(keys, count, sizeof *keys, compare_keys);
    for (i = 1; i < count && status == COGVIDEO_OK; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: the key '%.80s' occurs twice in one JSON object", origin,
                             keys[i]);
    cv_free(keys);
    return status;
}

/* cJSON's own nesting limit bounds the depth. */
static cogvideo_status check_tree(const cv_json *item, const char *origin, cogvideo_error *err)
{
    cogvideo_status status = cJSON_IsObject(item) ? refuse_twins(item, origin, err) : COGVIDEO_OK;

    for (const cv_json *child = item->child; child && status == COGVIDEO_OK; child = child->next)
        if (child->child)
            status = check_tree(child, origin, err);
    return status;
}

/* Refuses what cJSON lets through: bytes that are not UTF-8, control characters between values, which it takes for
 * white space, and the character 0, which would end a string. */
static cogvideo_status check_bytes(const char *text, size_t size, const char *origin, cogvideo_error *err)
{
    size_t good = cv_utf8_prefix(text, size);

    if (good < size)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: JSON must be UTF-8 text; byte %zu is not", origin, good);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < 0x20 && text[i] != '\t' && text[i] != '\n' && text[i] != '\r')
            return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                           "%s: is not valid JSON: byte %zu is the control character 0x%02x", origin, i,
                           (unsigned)text[i]);
    for (size_t i = 0; i + 5 < size; i++) {
        if (text[i] != '\\') /* a backslash stands only in strings */
            continue;
        if (memcmp(text + ++i, "u0000", 5) == 0)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has the character \\u0000 in a string, at byte %zu", origin,
                           i - 1);
    }
    return COGVIDEO_OK;
}

cogvideo_status cv_json_parse(cv_json **out, const char *text, size_t size, const char *origin, cogvideo_error *err)
{
    const char *end = NULL;
    cv_json *json = cJSON_ParseWithLengthOpts(text ? text : "", size, &end, 0);
    cogvideo_status status;

    if (!json) {
        const char *kind = cv_file_kind(text, size);

        if (kind && strcmp(kind, "a JSON text") != 0)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is %s; JSON was expected", origin, kind);
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is not valid JSON (error near byte %zu)", origin,
                       end && end >= text ? (size_t)(end - text) : 0);
    }
    while (end < text + size && *end && strchr(" \t\r\n", *end))
        end++;
    if (end != text + size) {
        cJSON_Delete(json);
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: something follows the JSON value, at byte %zu", origin,
                       (size_t)(end - text));
    }
    if ((status = check_bytes(text, size, origin, err)) != COGVIDEO_OK ||
        (status = check_tree(json, origin, err)) != COGVIDEO_OK) {
        cJSON_Delete(json);
        return status;
    }
    *out = json;
    return COGVIDEO_OK;
}

cogvideo_status cv_json_read(cv_json **out, const char *path, size_t limit, cogvideo_error *err)
{
    cv_mapping file; /* a regular file: reading a pipe could wait forever */
    cogvideo_status status = cv_map_open(&file, path, err);

    if (status != COGVIDEO_OK)
        return status;
    if (file.size > limit)
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has %zu bytes; such a file may have at most %zu", path,
                         file.size, limit);
    else
        status = cv_json_parse(out, (const char *)file.data, file.size, path, err);
    cv_map_close(&file);
    return status;
}

void cv_json_free(cv_json **json)
{
    cJSON_Delete(*json);
    *json = NULL;
}

cv_json *cv_json_get(const cv_json *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static cogvideo_status wrong(const char *origin, const char *key, const char *expected, const cv_json *found,
                             cogvideo_error *err)
{
    if (!found)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%s' is missing: %s was expected", origin, key, expected);
    return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%s' must be %s", origin, key, expected);
}

cogvideo_status cv_json_double(const cv_json *object, const char *key, double min, double max, double *out,
                               const char *origin, cogvideo_error *err)
{
    const cv_json *item = cv_json_get(object, key);

    if (!cJSON_IsNumber(item))
        return wrong(origin, key, "a number", item, err);
    if (!(item->valuedouble >= min && item->valuedouble <= max))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%s' is %.16g, it must be from %.16g to %.16g", origin, key,
                       item->valuedouble, min, max);
    *out = item->valuedouble;
    return COGVIDEO_OK;
}

cogvideo_status cv_json_int(const cv_json *object, const char *key, int64_t min, int64_t max, int64_t *out,
                            const char *origin, cogvideo_error *err)
{
    double value = 0;
    cogvideo_status status = cv_json_double(object, key, (double)min, (double)max, &value, origin, err);

    if (status != COGVIDEO_OK)
        return status;
    if (value != floor(value))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%s' is %g; a whole number was expected", origin, key, value);
    *out = (int64_t)value;
    return COGVIDEO_OK;
}

cogvideo_status cv_json_string(const cv_json *object, const char *key, const char **out, const char *origin,
                               cogvideo_error *err)
{
    const cv_json *item = cv_json_get(object, key);

    if (!cJSON_IsString(item))
        return wrong(origin, key, "a string", item, err);
    *out = item->valuestring;
    return COGVIDEO_OK;
}

cogvideo_status cv_json_optional_bool(const cv_json *object, const char *key, bool *out, const char *origin,
                                      cogvideo_error *err)
{
    const cv_json *item = cv_json_get(object, key);

    if (!item)
        return COGVIDEO_OK;
    if (!cJSON_IsBool(item))
        return wrong(origin, key, "true or false", item, err);
    *out = cJSON_IsTrue(item);
    return COGVIDEO_OK;
}

cogvideo_status cv_json_format(const cv_json *object, const char *format, int version, const char *origin,
                               cogvideo_error *err)
{
    cogvideo_status status;
    const char *found = NULL;
    int64_t number;

    if (!cJSON_IsObject(object))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: a JSON object was expected", origin);
    CV_TRY(cv_json_string(object, "format", &found, origin, err));
    if (strcmp(found, format) != 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'format' is '%.60s'; '%s' was expected", origin, found, format);
    CV_TRY(cv_json_int(object, "version", 1, INT_MAX, &number, origin, err));
    if (number != version)
        return cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED, "%s: 'version' is %d; this program reads version %d", origin,
                       (int)number, version);
done:
    return status;
}

cogvideo_status cv_json_object(const cv_json *object, const char *key, cv_json **out, const char *origin,
                               cogvideo_error *err)
{
    cv_json *item = cv_json_get(object, key);

    if (!cJSON_IsObject(item))
        return wrong(origin, key, "an object", item, err);
    *out = item;
    return COGVIDEO_OK;
}

cogvideo_status cv_json_array(const cv_json *object, const char *key, cv_json **out, const char *origin,
                              cogvideo_error *err)
{
    cv_json *item = cv_json_get(object, key);

    if (!cJSON_IsArray(item))
        return wrong(origin, key, "an array", item, err);
    *out = item;
    return COGVIDEO_OK;
}

cogvideo_status cv_json_optional_int(const cv_json *object, const char *key, int64_t min, int64_t max, int64_t *out,
                                     const char *origin, cogvideo_error *err)
{
    return cv_json_get(object, key) ? cv_json_int(object, key, min, max, out, origin, err) : COGVIDEO_OK;
}

cogvideo_status cv_json_optional_double(const cv_json *object, const char *key, double min, double max, double *out,
                                        const char *origin, cogvideo_error *err)
{
    return cv_json_get(object, key) ? cv_json_double(object, key, min, max, out, origin, err) : COGVIDEO_OK;
}

cogvideo_status cv_json_optional_string(const cv_json *object, const char *key, const char **out, const char *origin,
                                        cogvideo_error *err)
{
    return cv_json_get(object, key) ? cv_json_string(object, key, out, origin, err) : COGVIDEO_OK;
}

cogvideo_status cv_json_sizes(const cv_json *section, const cv_json_size *sizes, size_t count, const char **keys,
                              const char *origin, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    for (size_t i = 0; i < count; i++) {
        int64_t value = 0;

        CV_TRY(cv_json_int(section, sizes[i].key, sizes[i].min, sizes[i].max, &value, origin, err));
        *sizes[i].value = (int)value;
        keys[i] = sizes[i].key;
    }
done:
    return status;
}

static cogvideo_status unknown_key(const char *key, const char *const *keys, const char *origin, cogvideo_error *err)
{
    cv_buffer known = { 0 };
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; keys[i] && status == COGVIDEO_OK; i++)
        status = cv_buffer_printf(&known, err, "%s%s", i ? ", " : "", keys[i]);
    if (status == COGVIDEO_OK)
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has the unknown key '%.100s'; known are %s", origin, key,
                         known.data ? known.data : "none");
    cv_buffer_free(&known);
    return status;
}

cogvideo_status cv_json_rgb(const cv_json *object, const char *key, double min, double max, float out[3],
                            const char *origin, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *array = NULL;
    int i = 0;

    CV_TRY(cv_json_array(object, key, &array, origin, err));
    if (cv_json_count(array) != 3)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%s' must hold three numbers (red, green, blue), not %zu",
                       origin, key, cv_json_count(array));
    for (const cv_json *item = cv_json_first(array); item; item = cv_json_next(item), i++) {
        const double value = cv_json_is_number(item) ? cv_json_number(item) : NAN;

        if (!(value >= min && value <= max))
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%s' must hold three numbers from %g to %g", origin, key,
                           min, max);
        out[i] = (float)value;
    }
done:
    return status;
}

cogvideo_status cv_json_check_keys(const cv_json *object, const char *const *keys, const char *origin,
                                   cogvideo_error *err)
{
    for (const cv_json *item = object->child; item; item = item->next) {
        int i = 0;

        while (keys[i] && strcmp(keys[i], item->string) != 0)
            i++;
        if (!keys[i])
            return unknown_key(item->string, keys, origin, err);
    }
    return COGVIDEO_OK;
}

cogvideo_status cv_json_int_array(const cv_json *array, int64_t min, int64_t max, int32_t **out, size_t *count,
                                  const char *what, cogvideo_error *err)
{
    size_t n = 0;
    int32_t *values;

    if (!cJSON_IsArray(array))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: an array of whole numbers was expected", what);
    if (!(values = cv_alloc(cv_json_count(array), sizeof *values, err)))
        return COGVIDEO_ERROR_MEMORY;
    for (const cv_json *item = array->child; item; item = item->next) {
        double value = item->valuedouble;

        if (!cJSON_IsNumber(item) || value != floor(value) || value < (double)min || value > (double)max) {
            cv_free(values);
            return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                           "%s: number %zu of the array must be a whole number from %lld to %lld", what, n + 1,
                           (long long)min, (long long)max);
        }
        values[n++] = (int32_t)value;
    }
    *out = values;
    *count = n;
    return COGVIDEO_OK;
}

cv_json *cv_json_first(const cv_json *container)
{
    return container ? container->child : NULL;
}
cv_json *cv_json_next(const cv_json *item)
{
    return item->next;
}
const char *cv_json_key(const cv_json *item)
{
    return item->string;
}
bool cv_json_is_object(const cv_json *item)
{
    return cJSON_IsObject(item);
}
bool cv_json_is_array(const cv_json *item)
{
    return cJSON_IsArray(item);
}

bool cv_json_is_string(const cv_json *item)
{
    return cJSON_IsString(item);
}
bool cv_json_is_number(const cv_json *item)
{
    return cJSON_IsNumber(item);
}
bool cv_json_is_null(const cv_json *item)
{
    return cJSON_IsNull(item);
}
double cv_json_number(const cv_json *item)
{
    return item->valuedouble;
}
const char *cv_json_text(const cv_json *item)
{
    return item->valuestring;
}

bool cv_json_equal(const cv_json *a, const cv_json *b)
{
    const cv_json *x, *y;

    if (!a || !b || (a->type & 0xff) != (b->type & 0xff))
        return false;
    if (cJSON_IsNumber(a))
        return a->valuedouble == b->valuedouble;
    if (cJSON_IsString(a))
        return strcmp(a->valuestring, b->valuestring) == 0;
    for (x = a->child, y = b->child; x && y; x = x->next, y = y->next)
        if ((x->string && strcmp(x->string, y->string) != 0) || !cv_json_equal(x, y))
            return false;
    return !x && !y;
}

size_t cv_json_count(const cv_json *container)
{
    size_t count = 0;

    for (const cv_json *item = cv_json_first(container); item; item = item->next)
        count++;
    return count;
}

/* A failed add leaves a mark, above the bits that cJSON uses, for cv_json_print to find: cJSON itself would drop the
 * member silently. */
#define FAILED (1 << 24)

static void mark_failed(cv_json *object)
{
    if (object)
        object->type |= FAILED;
}

static void set(cv_json *object, const char *key, cv_json *item)
{
    if (object && item && cJSON_GetObjectItemCaseSensitive(object, key)) {
        if (cJSON_ReplaceItemInObjectCaseSensitive(object, key, item))
            return;
    } else if (item && cJSON_AddItemToObject(object, key, item)) {
        return;
    }
    cJSON_Delete(item);
    mark_failed(object);
}

static bool any_failed(const cv_json *item)
{
    if (item->type & FAILED)
        return true;
    for (const cv_json *child = item->child; child; child = child->next)
        if (any_failed(child))
            return true;
    return false;
}

cv_json *cv_json_new_object(void)
{
    return cJSON_CreateObject();
}
void cv_json_set_int(cv_json *object, const char *key, int64_t value)
{
    set(object, key, cJSON_CreateNumber((double)value));
}
void cv_json_set_double(cv_json *object, const char *key, double value)
{
    set(object, key, cJSON_CreateNumber(value));
}
void cv_json_set_bool(cv_json *object, const char *key, bool value)
{
    set(object, key, cJSON_CreateBool(value));
}
void cv_json_set_null(cv_json *object, const char *key)
{
    set(object, key, cJSON_CreateNull());
}
void cv_json_set_string(cv_json *object, const char *key, const char *value)
{
    set(object, key, cJSON_CreateString(value));
}
void cv_json_set_ints(cv_json *object, const char *key, const int32_t *values, size_t count)
{
    set(object, key, cJSON_CreateIntArray((const int *)values, (int)count));
}

cv_json *cv_json_set_object(cv_json *object, const char *key)
{
    set(object, key, cJSON_CreateObject());
    return cv_json_get(object, key);
}

cv_json *cv_json_set_array(cv_json *object, const char *key)
{
    set(object, key, cJSON_CreateArray());
    return cv_json_get(object, key);
}

/* The item as an array's last, or NULL. */
static cv_json *add(cv_json *array, cv_json *item)
{
    if (cJSON_AddItemToArray(array, item))
        return item;
    cJSON_Delete(item);
    if (array)
        mark_failed(array);
    return NULL;
}

void cv_json_add_double(cv_json *array, double value)
{
    add(array, cJSON_CreateNumber(value));
}
void cv_json_add_string(cv_json *array, const char *value)
{
    add(array, cJSON_CreateString(value));
}
cv_json *cv_json_add_object(cv_json *array)
{
    return add(array, cJSON_CreateObject());
}

void cv_json_set_copy(cv_json *object, const char *key, const cv_json *value)
{
    set(object, key, cJSON_Duplicate(value, 1));
}

void cv_json_remove(cv_json *object, const char *key)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
}

cv_json *cv_json_copy(const cv_json *value)
{
    return cJSON_Duplicate(value, 1);
}

/* Whether a number is a whole one beyond the range of int. cJSON prints 15 digits where the rest makes little
 * difference, which would change a seed. */
static bool is_long(const cv_json *item)
{
    return cJSON_IsNumber(item) && item->valuedouble != item->valueint &&
           item->valuedouble == floor(item->valuedouble) && fabs(item->valuedouble) < 9007199254740992.0;
}

static bool any_long(const cv_json *item)
{
    for (const cv_json *child = item->child; child; child = child->next)
        if (any_long(child))
            return true;
    return is_long(item);
}

/* Replaces long whole numbers by raw text with all digits. Returns false when out of memory. */
static bool spell_long(cv_json *item)
{
    char digits[32];

    for (cv_json *child = item->child; child; child = child->next)
        if (!spell_long(child))
            return false;
    if (!is_long(item))
        return true;
    snprintf(digits, sizeof digits, "%.0f", item->valuedouble);
    if (!(item->valuestring = cJSON_malloc(sizeof digits)))
        return false;
    memcpy(item->valuestring, digits, sizeof digits);
    item->type = cJSON_Raw;
    return true;
}

char *cv_json_print(const cv_json *json, bool indented, cogvideo_error *err)
{
    char *text = NULL, *copy;
    cv_json *spelt = json && any_long(json) ? cJSON_Duplicate(json, 1) : NULL;

    if (json && !any_failed(json) && (!any_long(json) || (spelt && spell_long(spelt))))
        text = indented ? cJSON_Print(spelt ? spelt : json) : cJSON_PrintUnformatted(spelt ? spelt : json);
    cJSON_Delete(spelt);
    if (!text) {
        cv_fail(err, COGVIDEO_ERROR_MEMORY, "out of memory while writing JSON");
        return NULL;
    }
    copy = cv_strdup(text, err);
    cJSON_free(text);
    return copy;
}

cogvideo_status cv_json_put(const cv_json *json, bool indented, cv_output *output, cogvideo_error *err)
{
    char *text = cv_json_print(json, indented, err);
    cogvideo_status status;

    if (!text)
        return COGVIDEO_ERROR_MEMORY;
    CV_TRY(cv_output_write(output, text, strlen(text), err));
    CV_TRY(cv_output_write(output, "\n", 1, err));
done:
    cv_free(text);
    return status;
}

cogvideo_status cv_json_write(const cv_json *json, bool indented, const char *path, cogvideo_error *err)
{
    cv_output output = { 0 };
    cogvideo_status status;

    CV_TRY(cv_output_open(&output, path, err));
    CV_TRY(cv_json_put(json, indented, &output, err));
    CV_TRY(cv_output_commit(&output, err));
done:
    cv_output_abandon(&output);
    return status;
}
