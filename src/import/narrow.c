#include "import/narrow.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define CHUNK ((size_t)1 << 20) /* numbers held at once, unless a row has more */

cogvideo_status cv_narrow_type_read(cv_weight_type *out, const char *name, cogvideo_error *err)
{
    if (name && cv_weight_type_parse(out, name))
        return COGVIDEO_OK;
    return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "unknown weight type '%.40s'; supported: f32, f16, bf16, q8, q4",
                   name ? name : "");
}

bool cv_keep_parse(cv_keep *out, char *text)
{
    char *equal = strrchr(text, '=');

    if (!equal || equal == text || !cv_weight_type_parse(&out->type, equal + 1))
        return false;
    *equal = '\0';
    out->pattern = text;
    return true;
}

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);

    return length >= tail && strcmp(name + length - tail, end) == 0;
}

/* Tables of positions and of codes are matrices of numbers that are added, not multiplied; vectors and convolutions
 * have other ranks. */
static bool is_matrix(const char *name, int rank)
{
    static const char *const tables[] = { "position_embeddings", "token_emb.", "pos_emb.", "relative_attention_bias." };

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strstr(name, tables[i]))
            return false;
    return rank == 2 && ends_with(name, ".weight");
}

cv_weight_type cv_narrow_type(const cv_narrowing *narrowing, const char *name, int rank, const size_t *shape,
                              cv_dtype from)
{
    cv_weight_type type = narrowing->type;

    if (type == CV_WEIGHT_Q4 && strstr(name, "word_embeddings"))
        type = CV_WEIGHT_Q8;
    for (size_t i = narrowing->keep_count; i > 0; i--)
        if (fnmatch(narrowing->keeps[i - 1].pattern, name, 0) == 0)
            type = narrowing->keeps[i - 1].type;
    if (type < CV_WEIGHT_Q8)
        return type;
    if (!is_matrix(name, rank))
        return (cv_weight_type)from;
    return cv_weight_type_fits(type, shape[1]) ? type : CV_WEIGHT_Q8;
}

int cv_narrow_order(cv_weight_type type)
{
    return type == CV_WEIGHT_F32 ? 0 : type < CV_WEIGHT_Q8 ? 1 : 2;
}

cogvideo_status cv_narrow_declare(cv_store_writer *writer, const char *name, cv_weight_type type, int rank,
                                  const size_t *shape, cogvideo_error *err)
{
    cogvideo_status status;
    char scale_name[300];
    size_t scales[2] = { shape[0], 0 }, values[2] = { shape[0], 0 };

    if (type < CV_WEIGHT_Q8)
        return cv_store_writer_declare(writer, name, (cv_dtype)type, rank, shape, err);
    snprintf(scale_name, sizeof scale_name, "%s_scale", name);
    scales[1] = shape[1] / CV_Q4_GROUP;
    values[1] = cv_weight_row_bytes(type, shape[1]);
    if (type == CV_WEIGHT_Q8)
        CV_TRY(cv_store_writer_declare(writer, scale_name, CV_F32, 1, scales, err));
    else
        CV_TRY(cv_store_writer_declare(writer, scale_name, CV_F16, 2, scales, err));
    CV_TRY(cv_store_writer_declare(writer, name, type == CV_WEIGHT_Q8 ? CV_I8 : CV_U8, 2, values, err));
done:
    return status;
}

/* Buffers for some rows, in f32 and as they are written, and for the scales of all rows, which are computed once. */
typedef struct rows {
    size_t count;
    float *wide;
    char *data, *scales;
} rows;

static void rows_free(rows *r)
{
    cv_free(r->wide);
    cv_free(r->data);
    cv_free(r->scales);
}

static cogvideo_status rows_alloc(rows *r, cv_weight_type type, size_t N, size_t K, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    r->count = K < CHUNK ? CHUNK / K : 1;
    r->count = r->count < N ? r->count : N;
    CV_NEW(r->wide, r->count * K, err);
    CV_NEW(r->data, r->count * cv_weight_row_bytes(type, K), err);
    CV_NEW(r->scales, N * cv_weight_scale_bytes(type, K) + 1, err);
done:
    return status;
}

/* An element in text form: "12", or "[3, 5]" in a matrix. */
typedef struct place {
    char text[60];
} place;

static place place_of(size_t element, size_t K)
{
    place p;

    if (K > 1)
        snprintf(p.text, sizeof p.text, "[%zu, %zu]", element / K, element % K);
    else
        snprintf(p.text, sizeof p.text, "%zu", element);
    return p;
}

cogvideo_status cv_narrow_check(const char *name, size_t K, cv_dtype dtype, const void *weights, size_t first,
                                size_t count, cogvideo_error *err)
{
    size_t at = cv_dtype_not_finite(dtype, weights, count);
    float value;

    if (at == count)
        return COGVIDEO_OK;
    cv_to_f32(&value, (const char *)weights + at * cv_dtype_size(dtype), dtype, 1);
    return cv_fail(err, COGVIDEO_ERROR_MODEL,
                   "tensor '%s' has %s as element %s: the weights are damaged, or their training diverged; use an "
                   "earlier or another copy of them",
                   name, isnan(value) ? "NaN" : "an infinite number", place_of(first + at, K).text);
}

/* A value that is too large for f16 would silently become infinite, and a quantized row takes its scale from its
 * largest number, so both are checked. */
static cogvideo_status check_values(const char *name, cv_weight_type type, size_t K, const float *values, size_t first,
                                    size_t count, cogvideo_error *err)
{
    size_t at = 0;
    cogvideo_status status = cv_narrow_check(name, K, CV_F32, values, first, count, err);

    if (status != COGVIDEO_OK || cv_weight_type_holds(type, values, count))
        return status;
    while (cv_weight_type_holds(type, values + at, 1))
        at++;
    return cv_fail(err, COGVIDEO_ERROR_MODEL,
                   "tensor '%s' has values that are too large for %s, first %g as element %s; store it as f32", name,
                   cv_weight_type_name(type), (double)values[at], place_of(first + at, K).text);
}

/* Makes one pass over the rows: writes their scales, or their values. */
static cogvideo_status write_pass(cv_store_writer *writer, const char *name, cv_weight_type type, size_t N, size_t K,
                                  bool scales, const rows *r, cv_row_source *source, void *user, cogvideo_error *err)
{
    const size_t row = cv_weight_row_bytes(type, K), scale = cv_weight_scale_bytes(type, K);
    cogvideo_status status = COGVIDEO_OK;

    for (size_t first = 0, count; first < N; first += count) {
        char *own = r->scales + first * scale;

        count = N - first < r->count ? N - first : r->count;
        CV_TRY(source(user, first, count, r->wide, err));
        CV_TRY(check_values(name, type, K, r->wide, first * K, count * K, err));
        for (size_t n = 0; n < count; n++)
            if (scales)
                cv_weight_scales(own + n * scale, type, r->wide + n * K, K);
            else
                cv_weight_values(r->data + n * row, own + n * scale, type, r->wide + n * K, K);
        CV_TRY(cv_store_writer_data(writer, scales ? own : r->data, count * (scales ? scale : row), err));
    }
done:
    return status;
}

cogvideo_status cv_narrow_write(cv_store_writer *writer, const char *name, cv_weight_type type, size_t N, size_t K,
                                cv_row_source *source, void *user, cogvideo_error *err)
{
    cogvideo_status status;
    rows r = { 0 };

    CV_TRY(rows_alloc(&r, type, N, K, err));
    if (type >= CV_WEIGHT_Q8)
        CV_TRY(write_pass(writer, name, type, N, K, true, &r, source, user, err));
    CV_TRY(write_pass(writer, name, type, N, K, false, &r, source, user, err));
done:
    rows_free(&r);
    return status;
}
