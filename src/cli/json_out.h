/* json_out.h - writes JSON results to a stream: members in order, strings escaped, commas added. */
#ifndef CLI_JSON_OUT_H
#define CLI_JSON_OUT_H

#include "base/json.h"

#include <cogvideo/tokens.h>

#include <stdint.h>
#include <stdio.h>

typedef struct json_out {
    FILE *stream;
    int first; /* no comma before the next member */
} json_out;

/* Begins an object; `key` is NULL for the outermost one and inside arrays. */
void json_begin(json_out *json, const char *key);
void json_end(json_out *json);
void json_begin_array(json_out *json, const char *key);
void json_end_array(json_out *json);

/* Adds a member to the open object or array; `key` is NULL in an array. Bytes that are not UTF-8 become U+FFFD. */
void json_string(json_out *json, const char *key, const char *value); /* NULL is written as null */
void json_integer(json_out *json, const char *key, long long value);
/* NaN and infinities are written as null */
void json_number(json_out *json, const char *key, double value, int digits);
void json_null(json_out *json, const char *key);
void json_bool(json_out *json, const char *key, int value);
void json_ints(json_out *json, const char *key, const int32_t *values, size_t count);
/* Adds a value that is JSON text already, such as a token stream's header; raw control characters in it are escaped. */
void json_raw(json_out *json, const char *key, const char *text);
/* The members of a clip's shape, as its token stream has them. */
void json_shape(json_out *json, const cogvideo_tokens *clip);
void json_value(json_out *json, const char *key, const cv_json *value);

/* Returns the object whose members `put` writes as a tree; free it with cv_json_free. */
cv_json *json_object(void (*put)(json_out *json, const void *what), const void *what);

#endif
