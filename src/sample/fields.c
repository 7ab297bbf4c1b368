#include "sample/fields.h"

#include "base/status.h"

#include <math.h>

/* What a description of a model that leaves the field out means; NaN: it must not. */
typedef struct field_row {
    cogvideo_field field;
    double otherwise;
} field_row;

#define AT(field) offsetof(cogvideo_sampling, field)
#define DRAWN (COGVIDEO_BY_RANK | COGVIDEO_BY_CLUSTERS)
static const field_row rows[] = {
    { { "temperature", COGVIDEO_FIELD_NUMBER, AT(temperature), 1e-6, 1000, DRAWN,
        "logits are divided by it: less than 1 prefers likely codes, more than 1 evens out" },
      NAN },
    { { "clusters", COGVIDEO_FIELD_WHOLE, AT(clusters), 0, 1 << 20, COGVIDEO_BY_CLUSTERS,
        "clusters of codes to draw from; 0 turns clusters off" },
      0 },
    { { "code_temperature", COGVIDEO_FIELD_NUMBER, AT(code_temperature), 1e-6, 1000, COGVIDEO_BY_CLUSTERS,
        "temperature inside the drawn cluster" },
      1 },
    { { "top_k", COGVIDEO_FIELD_WHOLE, AT(top_k), 0, 1 << 20, COGVIDEO_BY_RANK,
        "draw from the N best codes, without clusters; 0 = from all" },
      0 },
    { { "top_p", COGVIDEO_FIELD_NUMBER, AT(top_p), 1e-6, 1, COGVIDEO_BY_RANK,
        "draw from the best codes that hold this share of the probability, without clusters; 1 = from all" },
      1 },
    { { "greedy", COGVIDEO_FIELD_FLAG, AT(greedy), 0, 1, COGVIDEO_BY_BEST, "always take the best code" }, 0 },
};
#define ROWS ((int)(sizeof rows / sizeof *rows))

const cogvideo_field *cogvideo_sampling_field(int index)
{
    return index >= 0 && index < ROWS ? &rows[index].field : NULL;
}

double cogvideo_sampling_get(const cogvideo_sampling *sampling, const cogvideo_field *field)
{
    const void *at = (const char *)sampling + field->offset;

    return field->kind == COGVIDEO_FIELD_NUMBER ? *(const double *)at : *(const int *)at;
}

void cogvideo_sampling_set(cogvideo_sampling *sampling, const cogvideo_field *field, double value)
{
    void *at = (char *)sampling + field->offset;

    if (field->kind == COGVIDEO_FIELD_NUMBER)
        *(double *)at = value;
    else
        *(int *)at = (int)value;
}

cogvideo_status cv_sampling_check_field(const cogvideo_field *field, double value, cogvideo_error *err)
{
    if (!(value >= field->min && value <= field->max))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s must be from %.16g to %.16g, not %g", field->name, field->min,
                       field->max, value);
    if (field->kind != COGVIDEO_FIELD_NUMBER && value != floor(value))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s must be a whole number, not %g", field->name, value);
    return COGVIDEO_OK;
}

cogvideo_status cogvideo_sampling_check(const cogvideo_sampling *sampling, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < ROWS; i++)
        CV_TRY(cv_sampling_check_field(&rows[i].field, cogvideo_sampling_get(sampling, &rows[i].field), err));
done:
    return status;
}

/* Version 0.1 took a top_p of 0 for one that is left out. */
static bool is_left_out(const cv_json *section, const field_row *row)
{
    const cv_json *value = cv_json_get(section, row->field.name);

    return !isnan(row->otherwise) &&
           (!value || (row->field.min > 0 && cv_json_is_number(value) && cv_json_number(value) == 0));
}

cogvideo_status cv_sampling_read(cogvideo_sampling *out, const cv_json *section, const char *origin,
                                 cogvideo_error *err)
{
    cogvideo_sampling sampling = { 0 };
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < ROWS; i++) {
        const cogvideo_field *field = &rows[i].field;
        double number;
        int64_t whole;

        if (is_left_out(section, &rows[i])) {
            number = rows[i].otherwise;
        } else if (field->kind == COGVIDEO_FIELD_NUMBER) {
            CV_TRY(cv_json_double(section, field->name, field->min, field->max, &number, origin, err));
        } else {
            CV_TRY(cv_json_int(section, field->name, (int64_t)field->min, (int64_t)field->max, &whole, origin, err));
            number = (double)whole;
        }
        cogvideo_sampling_set(&sampling, field, number);
    }
    *out = sampling;
done:
    return status;
}

static void put(cv_json *object, const cogvideo_sampling *sampling, unsigned ways)
{
    for (int i = 0; i < ROWS; i++) {
        const cogvideo_field *field = &rows[i].field;
        const double value = cogvideo_sampling_get(sampling, field);

        if (!(field->ways & ways))
            continue;
        if (field->kind == COGVIDEO_FIELD_NUMBER)
            cv_json_set_double(object, field->name, value);
        else if (field->kind == COGVIDEO_FIELD_FLAG)
            cv_json_set_bool(object, field->name, value != 0);
        else
            cv_json_set_int(object, field->name, (int64_t)value);
    }
}

void cv_sampling_put(cv_json *object, const cogvideo_sampling *sampling)
{
    put(object, sampling, DRAWN | COGVIDEO_BY_BEST);
}

void cv_sampling_record(cv_json *object, const cogvideo_sampling *sampling)
{
    put(object, sampling,
        sampling->greedy         ? COGVIDEO_BY_BEST
        : sampling->clusters > 0 ? COGVIDEO_BY_CLUSTERS
                                 : COGVIDEO_BY_RANK);
}
