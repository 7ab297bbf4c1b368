/* csv.h - tables as text, whose first line names the columns: RFC 4180, and what spreadsheets write in its place.
 * Between fields stand commas, semicolons or tabs, whichever of them makes the wanted names of the first line (or what
 * a line "sep=;" before it says); lines end in LF, CRLF or CR; blanks around fields do not count, nor does a byte order
 * mark. */
#ifndef CV_DATASET_CSV_H
#define CV_DATASET_CSV_H

#include "base/mem.h"

#define CV_CSV_COLUMNS 2

typedef struct cv_csv {
    const char *path;
    cv_buffer text, field;
    const char *at, *end; /* of what is not read yet */
    const char *counted;  /* up to here lines are counted */
    long line;            /* that `counted` stands on, from 1 */
    char separator;
    int columns[CV_CSV_COLUMNS]; /* where the wanted ones stand in a line */
    int width;                   /* fields of the first line */
    bool wider; /* whether the line read last has something behind as many: a separator that no quotes hold */
} cv_csv;

/* Reads the file and finds the columns of these names, in any case of letters. `path` must outlive the result. Errors
 * name what stands in the first line in place of them; a column that stands twice is one too, and so is a file in
 * UTF-16. */
cogvideo_status cv_csv_open(cv_csv *out, const char *path, const char *const names[CV_CSV_COLUMNS],
                            cogvideo_error *err);
void cv_csv_close(cv_csv *csv);

/* The next line that has anything in a wanted column: these fields, empty where the line has none, and its number.
 * *found is false where the file has no such line any more. */
cogvideo_status cv_csv_next(cv_csv *csv, cv_buffer fields[CV_CSV_COLUMNS], long *line, bool *found,
                            cogvideo_error *err);

#endif
