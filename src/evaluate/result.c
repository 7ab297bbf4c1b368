#include "evaluate/result.h"

#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

cogvideo_status cv_metric_add_detail(cogvideo_metric *m, const char *group, const char *name, double value, int samples,
                                     cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    CV_GROW(m->details, m->detail_count, err);
    m->details[m->detail_count++] = (cogvideo_metric_detail){ group, name, value, samples };
done:
    return status;
}

cogvideo_status cv_metric_warn(cogvideo_metric *m, cogvideo_error *err, const char *format, ...)
{
    char text[400];
    va_list list;
    cogvideo_status status = COGVIDEO_OK;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    CV_GROW(m->warnings, m->warning_count, err);
    if (!(m->warnings[m->warning_count] = cv_strdup(text, err)))
        return COGVIDEO_ERROR_MEMORY;
    m->warning_count++;
done:
    return status;
}

void cv_metric_free(cogvideo_metric *m)
{
    for (int i = 0; i < m->warning_count; i++)
        cv_free(m->warnings[i]);
    cv_free(m->warnings);
    cv_free(m->details);
    cv_free(m->protocol);
    cv_free(m->origin);
    *m = (cogvideo_metric){ 0 };
}

cogvideo_status cv_evaluation_add_file(cogvideo_evaluation *e, char *file, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    if (!file)
        return COGVIDEO_OK;
    for (int i = 0; i < e->file_count; i++)
        if (strcmp(e->files[i], file) == 0)
            goto done;
    CV_GROW(e->files, e->file_count, err);
    e->files[e->file_count++] = file;
    return COGVIDEO_OK;
done:
    cv_free(file);
    return status;
}

void cogvideo_evaluation_free(cogvideo_evaluation *e)
{
    for (int i = 0; e->metrics && i < e->count; i++)
        cv_metric_free(&e->metrics[i]);
    for (int i = 0; i < e->file_count; i++)
        cv_free(e->files[i]);
    cv_free(e->metrics);
    cv_free(e->files);
    *e = (cogvideo_evaluation){ 0 };
}

/* --- as JSON -------------------------------------------------------------------------------------------------- */

/* The details of one group as an object. */
static void write_details(cv_json *json, const cogvideo_metric *m, const char *group)
{
    cv_json *object = NULL;

    for (int i = 0; i < m->detail_count; i++) {
        if (strcmp(m->details[i].group, group) != 0)
            continue;
        if (!object)
            object = cv_json_set_object(json, group);
        cv_json_set_double(object, m->details[i].name, m->details[i].value);
    }
}

static void write_metric(cv_json *json, const cogvideo_metric *m)
{
    static const char *const groups[] = { "references", "heads", "attributes" };
    cv_json *part, *protocol = NULL;

    cv_json_set_string(json, "name", m->name);
    cv_json_set_double(json, "value", m->value);
    if (m->has_interval) {
        part = cv_json_set_array(json, "interval");
        cv_json_add_double(part, m->low);
        cv_json_add_double(part, m->high);
        cv_json_set_double(json, "confidence", 0.95);
    }
    if (m->has_extrapolated)
        cv_json_set_double(json, "extrapolated", m->extrapolated);
    if (m->has_deviation)
        cv_json_set_double(json, "deviation", m->deviation);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        write_details(json, m, groups[i]);
    if (m->dimension)
        cv_json_set_int(json, "dimension", m->dimension);
    part = cv_json_set_object(json, "samples");
    cv_json_set_int(part, "generated", m->generated);
    if (m->real)
        cv_json_set_int(part, "real", m->real);
    cv_json_set_int(part, "left_out", m->left_out);
    if (cv_json_parse(&protocol, m->protocol, strlen(m->protocol), "protocol", NULL) == COGVIDEO_OK)
        cv_json_set_copy(json, "protocol", protocol);
    cv_json_free(&protocol);
    cv_json_set_string(json, "network", m->network);
    part = cv_json_set_object(json, "weights");
    cv_json_set_string(part, "sha256", m->sha256);
    if (m->vocabulary_sha256[0])
        cv_json_set_string(part, "vocabulary_sha256", m->vocabulary_sha256);
    cv_json_set_string(part, "origin", m->origin);
    part = cv_json_set_array(json, "warnings");
    for (int i = 0; i < m->warning_count; i++)
        cv_json_add_string(part, m->warnings[i]);
}

cogvideo_status cogvideo_evaluation_json(const cogvideo_evaluation *e, char **text, cogvideo_error *err)
{
    cv_json *json = cv_json_new_object(), *part;

    cv_json_set_string(json, "format", "cogvideo-evaluation");
    cv_json_set_int(json, "version", 1);
    part = cv_json_set_array(json, "metrics");
    for (int i = 0; i < e->count; i++)
        write_metric(cv_json_add_object(part), &e->metrics[i]);
    *text = cv_json_print(json, false, err);
    cv_json_free(&json);
    return *text ? COGVIDEO_OK : COGVIDEO_ERROR_MEMORY;
}
