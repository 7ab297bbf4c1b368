/* journal.h - every row of codes that a run has drawn, on disk as soon as it is finished: what --resume goes on from.
 *
 * A text file: a line of settings as a JSON object, then a line per row: stage, round, sample, frame and row, the codes, and a checksum
 * of all that. A line that is cut off or damaged, as after a power cut, ends what is read; the rows behind it are drawn anew. */
#ifndef CLI_JOURNAL_H
#define CLI_JOURNAL_H

#include "base/json.h"

#include <cogvideo/generate.h>

typedef struct cli_journal_row {
    cogvideo_row at;
    size_t codes; /* index of its first code */
} cli_journal_row;

/* Begins as CLI_NO_JOURNAL. */
typedef struct cli_journal {
    char *path;
    cv_json *settings;     /* as an earlier run wrote them; NULL = a new journal */
    int file;              /* -1 = closed */
    cli_journal_row *rows; /* of an earlier run, in order */
    int32_t *codes;
    size_t row_count, code_count;
    size_t written;        /* rows of this run */
    double synced;         /* when that was done last */
    int unsynced;          /* rows were written since */
} cli_journal;

#define CLI_NO_JOURNAL { .file = -1 }

/* The journal's name, in fresh memory: "clip.journal" for the output "clip.mp4", and for all clips of "clip-%d.mp4". */
char *cli_journal_path(const char *output);
/* Opens `path`, which no other run may have open. Where it is there already, `resume` reads it and `force` empties it; otherwise that is
 * an error. CLI_OK, or another exit code after an error was printed. */
int cli_journal_open(cli_journal *journal, const char *path, int resume, int force);
/* Writes the settings of a new journal, or compares those of an old one: rows of other settings would be of no use. */
int cli_journal_settings(cli_journal *journal, const cv_json *settings);
/* The callbacks of the library: other than 0 (after an error was printed) stops; 1 = known. */
int cli_journal_add(cli_journal *journal, const cogvideo_row *row, const int32_t *codes);
int cli_journal_find(const cli_journal *journal, const cogvideo_row *row, int32_t *codes);
/* Has the rows on disk that were written since that was done, if it was a second ago: several may be finished at once and the next only
 * after minutes. */
void cli_journal_sync(cli_journal *journal);
/* Closes it, and removes it where nothing is left to go on from: after a run that went well (`done`), or that drew nothing. */
void cli_journal_close(cli_journal *journal, int done);

/* FNV-1a. */
uint32_t cli_checksum(const void *bytes, size_t size);

#endif
