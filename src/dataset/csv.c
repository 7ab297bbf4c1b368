#include "dataset/csv.h"

#include "base/file.h"
#include "base/utf8.h"

#include <string.h>
#include <strings.h>

#define MAX_CSV ((size_t)256 << 20)
#define MAX_SHOWN 300 /* bytes of a first line that an error shows */

/* --- lines ---------------------------------------------------------------------------------------------------- */

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

static const char *pass_line_end(const char *at, const char *end)
{
    return at + (*at == '\r' && end - at > 1 && at[1] == '\n' ? 2 : 1);
}

/* The number of the line that is read next. */
static long line_number(cv_csv *csv)
{
    while (csv->counted < csv->at) {
        bool ends = is_line_end(*csv->counted);

        csv->counted = ends ? pass_line_end(csv->counted, csv->end) : csv->counted + 1;
        csv->line += ends;
    }
    return csv->line;
}

static bool is_blank(const cv_csv *csv, char c)
{
    return c != csv->separator && (c == ' ' || c == '\t');
}

/* Takes the next field into csv->field, without its quotes and the blanks around it; *more: the line goes on behind it.
 * A quote that never closes is an error without words. */
static cogvideo_status take_field(cv_csv *csv, bool *more, cogvideo_error *err)
{
    const char *p = csv->at, *end = csv->end;
    size_t solid = 0; /* up to the last byte that is no blank, or is quoted */
    cogvideo_status status;
    bool quoted;

    csv->field.size = 0;
    CV_TRY(cv_buffer_append(&csv->field, "", 0, err));
    while (p < end && is_blank(csv, *p))
        p++;
    quoted = p < end && *p == '"';
    p += quoted;
    for (; p < end && (quoted || (*p != csv->separator && !is_line_end(*p))); p++) {
        if (quoted && *p == '"' && (end - p < 2 || p[1] != '"')) {
            quoted = false;
            continue;
        }
        p += quoted && *p == '"'; /* of two quotes, one counts */
        CV_TRY(cv_buffer_append(&csv->field, p, 1, err));
        if (quoted || !is_blank(csv, *p))
            solid = csv->field.size;
    }
    if (quoted)
        return COGVIDEO_ERROR_FORMAT;
    csv->field.size = solid;
    csv->field.data[solid] = '\0';
    *more = p < end && *p == csv->separator;
    csv->at = *more ? p + 1 : p < end ? pass_line_end(p, end) : end;
done:
    return status;
}

/* --- the first line ------------------------------------------------------------------------------------------- */

/* What the first line is under one separator. */
typedef struct header {
    bool closed; /* no quote is left open */
    int fields, found;
    int columns[CV_CSV_COLUMNS]; /* -1: none of that name */
    int twice;                   /* the wanted name that stands twice, or -1 */
    const char *behind;
} header;

/* Reads the first line from csv->at on, which stays there. */
static cogvideo_status try_header(header *out, cv_csv *csv, char separator, const char *const *names,
                                  cogvideo_error *err)
{
    const char *start = csv->at;
    cogvideo_status status = COGVIDEO_OK;
    bool more = true;

    *out = (header){ .columns = { -1, -1 }, .twice = -1 };
    csv->separator = separator;
    while (more && (status = take_field(csv, &more, err)) == COGVIDEO_OK) {
        for (int i = 0; i < CV_CSV_COLUMNS; i++)
            if (strcasecmp(csv->field.data, names[i]) == 0) {
                out->twice = out->columns[i] >= 0 ? i : out->twice;
                out->found += out->columns[i] < 0;
                out->columns[i] = out->fields;
            }
        out->fields++;
    }
    out->closed = status == COGVIDEO_OK;
    out->behind = csv->at;
    csv->at = start;
    return status == COGVIDEO_ERROR_FORMAT ? COGVIDEO_OK : status;
}

/* "sep=;", with which spreadsheets are told what they would not guess; 0 where the file does not begin so. */
static char told_separator(cv_csv *csv)
{
    const char *p = csv->at;
    char separator;

    if (csv->end - p < 6 || strncasecmp(p, "sep=", 4) != 0 || is_line_end(p[4]) || !is_line_end(p[5]))
        return 0;
    separator = p[4];
    csv->at = pass_line_end(p + 5, csv->end);
    return separator;
}

/* `"path", "text" (separated by commas)`: the first line as it is read. */
static cogvideo_status describe(cv_buffer *out, cv_csv *csv, cogvideo_error *err)
{
    const char *between = csv->separator == ','    ? "commas"
                          : csv->separator == ';'  ? "semicolons"
                          : csv->separator == '\t' ? "tabs"
                                                   : "";
    cogvideo_status status = COGVIDEO_OK;
    bool more = true;
    int fields = 0;

    for (; more; fields++) {
        CV_TRY(take_field(csv, &more, err));
        if (out->size > MAX_SHOWN) {
            CV_TRY(cv_buffer_printf(out, err, ", .."));
            break;
        }
        CV_TRY(cv_buffer_printf(out, err, "%s\"%.*s\"", fields ? ", " : "",
                                (int)cv_utf8_prefix(csv->field.data,
                                                    csv->field.size < MAX_SHOWN ? csv->field.size : MAX_SHOWN),
                                csv->field.data));
    }
    if (fields > 1 && *between)
        CV_TRY(cv_buffer_printf(out, err, " (separated by %s)", between));
done:
    return status;
}

static cogvideo_status fail_header(cv_csv *csv, const header *best, bool closed, const char *const *names,
                                   cogvideo_error *err)
{
    cv_buffer shown = { 0 };
    cogvideo_status status;

    if (best->twice >= 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: its first line names the column %s twice; keep one", csv->path,
                       names[best->twice]);
    if (!closed)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: a quote in its first line never closes", csv->path);
    CV_TRY(describe(&shown, csv, err));
    status =
        cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: the columns %s and %s were expected in its first line; it holds %s",
                csv->path, names[0], names[1], shown.data);
done:
    cv_buffer_free(&shown);
    return status;
}

/* The separator is the one under which the first line has most of the wanted names, or else most fields. */
static cogvideo_status read_header(cv_csv *csv, const char *const *names, cogvideo_error *err)
{
    const char told[2] = { told_separator(csv), '\0' }, *separators = told[0] ? told : ",;\t";
    header best = { 0 };
    cogvideo_status status = COGVIDEO_OK;
    bool closed = true;
    char separator = *separators;

    for (const char *s = separators; *s; s++) {
        header tried;

        CV_TRY(try_header(&tried, csv, *s, names, err));
        closed = closed && tried.closed;
        if (tried.closed && (tried.found > best.found || (tried.found == best.found && tried.fields > best.fields))) {
            best = tried;
            separator = *s;
        }
    }
    csv->separator = separator;
    if (best.found < CV_CSV_COLUMNS || best.twice >= 0)
        return fail_header(csv, &best, closed, names, err);
    memcpy(csv->columns, best.columns, sizeof best.columns);
    csv->width = best.fields;
    csv->at = best.behind;
done:
    return status;
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

cogvideo_status cv_csv_open(cv_csv *out, const char *path, const char *const names[CV_CSV_COLUMNS], cogvideo_error *err)
{
    cv_csv csv = { .path = path, .line = 1 };
    cogvideo_status status;
    const char *other;

    CV_TRY(cv_file_read(&csv.text, path, MAX_CSV, err));
    if ((other = cv_utf8_other(csv.text.data, csv.text.size))) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: " CV_UTF8_EXPECTED, path, other, other);
        goto done;
    }
    csv.counted = csv.text.data;
    csv.end = csv.text.data + csv.text.size;
    csv.at = csv.text.data + cv_utf8_mark(csv.text.data, csv.text.size);
    if (csv.at == csv.end) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT,
                         "%s: is empty; a first line that names the columns %s and %s was expected", path, names[0],
                         names[1]);
        goto done;
    }
    CV_TRY(read_header(&csv, names, err));
    *out = csv;
    return COGVIDEO_OK;
done:
    cv_csv_close(&csv);
    return status;
}

void cv_csv_close(cv_csv *csv)
{
    cv_buffer_free(&csv->text);
    cv_buffer_free(&csv->field);
}

static cogvideo_status take_line(cv_csv *csv, cv_buffer fields[CV_CSV_COLUMNS], cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    bool more = true;

    csv->wider = false;
    for (int i = 0; i < CV_CSV_COLUMNS; i++) {
        fields[i].size = 0;
        CV_TRY(cv_buffer_append(&fields[i], "", 0, err));
    }
    for (int column = 0; more; column++) {
        CV_TRY(take_field(csv, &more, err));
        csv->wider = csv->wider || (column >= csv->width && csv->field.size > 0);
        for (int i = 0; i < CV_CSV_COLUMNS; i++)
            if (csv->columns[i] == column)
                CV_TRY(cv_buffer_append(&fields[i], csv->field.data, csv->field.size, err));
    }
done:
    return status;
}

cogvideo_status cv_csv_next(cv_csv *csv, cv_buffer fields[CV_CSV_COLUMNS], long *line, bool *found, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    *found = false;
    while (csv->at < csv->end && !*found) {
        *line = line_number(csv);
        if ((status = take_line(csv, fields, err)) == COGVIDEO_ERROR_FORMAT)
            return cv_fail(err, status, "%s: the quote that opens on line %ld or behind it never closes", csv->path,
                           *line);
        if (status != COGVIDEO_OK)
            return status;
        for (int i = 0; i < CV_CSV_COLUMNS; i++)
            *found = *found || fields[i].size;
    }
    return COGVIDEO_OK;
}
