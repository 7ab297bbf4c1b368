#include "sample/fields.h"

#include "base/status.h"

#include <math.h>
#include <string.h>

/* What a description of a model that leaves the field out means; NaN: it must not. */
typedef struct field_row {
    cogvideo_field field;
    double otherwise;
} field_row;

#define AT(field) offsetof(cogvideo_sampling, field)
#define DRAWN (COGVIDEO_BY_RANK | COGVIDEO_BY_CLUSTERS)
#define UNMASKED COGVIDEO_BY_UNMASKING
static const field_row rows[] = {
    { { "temperature", COGVIDEO_FIELD_NUMBER, AT(temperature), 1e-6, 1000, DRAWN | UNMASKED,
        "logits are divided by it: less than 1 prefers likely codes, more than 1 evens out", NULL },
      NAN },
    { { "clusters", COGVIDEO_FIELD_WHOLE, AT(clusters), 0, 1 << 20, COGVIDEO_BY_CLUSTERS,
        "clusters of codes to draw from; 0 turns clusters off", NULL },
      0 },
    { { "code_temperature", COGVIDEO_FIELD_NUMBER, AT(code_temperature), 1e-6, 1000, COGVIDEO_BY_CLUSTERS,
        "temperature inside the drawn cluster", NULL },
      1 },
    { { "top_k", COGVIDEO_FIELD_WHOLE, AT(top_k), 0, 1 << 20, COGVIDEO_BY_RANK,
        "draw from the N best codes, without clusters; 0 = from all", NULL },
      0 },
    { { "top_p", COGVIDEO_FIELD_NUMBER, AT(top_p), 1e-6, 1, COGVIDEO_BY_RANK,
        "draw from the best codes that hold this share of the probability, without clusters; 1 = from all", NULL },
      1 },
    { { "sampler", COGVIDEO_FIELD_WORD, AT(sampler), 0, 2, UNMASKED,
        "how the places that are drawn again are chosen, of a model that fills all side by side",
        "confidence|critic|maskgit" },
      COGVIDEO_SAMPLER_CONFIDENCE },
    { { "steps", COGVIDEO_FIELD_WHOLE, AT(steps), 0, 1000, UNMASKED, "steps in which such a model fills a scene",
        NULL },
      18 },
    { { "choice_temperature", COGVIDEO_FIELD_NUMBER, AT(choice_temperature), 0, 1000, UNMASKED,
        "noise on the choice of the codes that stay, with the sampler maskgit", NULL },
      4 },
    { { "critic_noise", COGVIDEO_FIELD_NUMBER, AT(critic_noise), 0, 1000, UNMASKED, "noise on the scores of the critic",
        NULL },
      1 },
    { { "critic_anneal", COGVIDEO_FIELD_WORD, AT(critic_anneal), 0, 2, UNMASKED,
        "how that noise changes over the steps", "decay|fixed|increase" },
      COGVIDEO_ANNEAL_DECAY },
    { { "candidates", COGVIDEO_FIELD_WHOLE, AT(candidates), 0, 64, COGVIDEO_BY_CANDIDATES,
        "draw each frame in between N times, in as much memory, and keep at each place the code most like the others; 2 is as 1",
        NULL },
      1 },
    { { "greedy", COGVIDEO_FIELD_FLAG, AT(greedy), 0, 1, COGVIDEO_BY_BEST, "always take the best code", NULL }, 0 },
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

/* Word `index` of "a|b|c". */
static void word_at(const char *words, int index, char *out, size_t size)
{
    size_t length;

    for (; index > 0 && strchr(words, '|'); index--)
        words = strchr(words, '|') + 1;
    length = strcspn(words, "|");
    length = length < size ? length : size - 1;
    memcpy(out, words, length);
    out[length] = '\0';
}

static cogvideo_status read_word(const cv_json *section, const cogvideo_field *field, double *out, const char *origin,
                                 cogvideo_error *err)
{
    const char *given;
    cogvideo_status status;
    char word[32];

    CV_TRY(cv_json_string(section, field->name, &given, origin, err));
    for (int i = 0; i <= (int)field->max; i++) {
        word_at(field->words, i, word, sizeof word);
        if (strcmp(word, given) == 0) {
            *out = i;
            return COGVIDEO_OK;
        }
    }
    return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%s' is '%.40s'; one of %s was expected", origin, field->name,
                   given, field->words);
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

cogvideo_status cv_sampling_read(cogvideo_sampling *out, const cv_json *section, unsigned ways, const char *origin,
                                 cogvideo_error *err)
{
    cogvideo_sampling sampling = { .temperature = 1, .code_temperature = 1, .top_p = 1 };
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < ROWS; i++) {
        const cogvideo_field *field = &rows[i].field;
        double number;
        int64_t whole;

        if (!(field->ways & ways))
            continue;
        if (is_left_out(section, &rows[i])) {
            number = rows[i].otherwise;
        } else if (field->kind == COGVIDEO_FIELD_WORD) {
            CV_TRY(read_word(section, field, &number, origin, err));
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

void cv_sampling_put(cv_json *object, const cogvideo_sampling *sampling, unsigned ways)
{
    char word[32];

    for (int i = 0; i < ROWS; i++) {
        const cogvideo_field *field = &rows[i].field;
        const double value = cogvideo_sampling_get(sampling, field);

        if (!(field->ways & ways))
            continue;
        if (field->kind == COGVIDEO_FIELD_WORD) {
            word_at(field->words, (int)value, word, sizeof word);
            cv_json_set_string(object, field->name, word);
        } else if (field->kind == COGVIDEO_FIELD_NUMBER)
            cv_json_set_double(object, field->name, value);
        else if (field->kind == COGVIDEO_FIELD_FLAG)
            cv_json_set_bool(object, field->name, value != 0);
        else
            cv_json_set_int(object, field->name, (int64_t)value);
    }
}

int cv_sampling_candidates(const cogvideo_sampling *sampling)
{
    return sampling->greedy || sampling->candidates < 1 ? 1 : sampling->candidates;
}

void cv_sampling_put_drawn(cv_json *object, const cogvideo_sampling *sampling, unsigned ways)
{
    unsigned read = sampling->greedy         ? COGVIDEO_BY_BEST
                    : sampling->clusters > 0 ? COGVIDEO_BY_CLUSTERS
                                             : COGVIDEO_BY_RANK;

    if (cv_sampling_candidates(sampling) > 1)
        read |= COGVIDEO_BY_CANDIDATES;
    cv_sampling_put(object, sampling, read & ways);
}
