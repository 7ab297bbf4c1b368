/* journal.h - every unit of work that a run has finished, on disk at once: what a run with `resume` goes on from.
 *
 * A text file: a line of settings as a JSON object, then a line per unit: step, sample, index, its bytes in
 * hexadecimal, and a checksum of all that. A line that is cut off or damaged, as after a power cut, ends what is read;
 * the units behind it are made again. */
#ifndef CV_PIPELINE_JOURNAL_H
#define CV_PIPELINE_JOURNAL_H

#include "base/json.h"

#include <cogvideo/generate.h>

#define CV_JOURNAL_STEP 32 /* bytes of a step's name, its NUL included; journal.c reads as many */

typedef struct cv_journal_entry {
    char step[CV_JOURNAL_STEP];
    int sample;
    int64_t index;
    size_t at, size; /* of its bytes */
} cv_journal_entry;

/* Begins as CV_NO_JOURNAL. */
typedef struct cv_journal {
    char *path;                /* NULL = there is none */
    cv_json *settings;         /* as an earlier run wrote them; NULL = a new journal */
    int file;                  /* -1 = closed */
    cv_journal_entry *entries; /* of an earlier run, in order */
    cv_buffer data;
    size_t count, room;
    size_t written; /* units of this run */
    double synced;  /* when that was done last */
    bool unsynced;  /* units were written since */
    size_t bytes;   /* of the file */
    bool kept;      /* an older run's lines are still in the file, for this one has not begun */
    bool full;      /* it holds all that is read back: units are no longer written */
} cv_journal;

#define CV_NO_JOURNAL \
    {                 \
        .file = -1    \
    }

/* Opens `path`, which no other run may have open. Where it is there already, `resume` reads it and `force` gives it up;
 * otherwise that is an error. After one the journal is closed, and what lies there stays. */
cogvideo_status cv_journal_open(cv_journal *journal, const char *path, bool resume, bool force, cogvideo_error *err);
/* Writes the settings of a new journal, in place of what `force` gave up, or compares those of an old one: units of
 * other settings would be of no use. Only then an older file is changed. */
cogvideo_status cv_journal_settings(cv_journal *journal, const cv_json *settings, cogvideo_error *err);
/* Writes a unit, unless the journal has become full. */
cogvideo_status cv_journal_add(cv_journal *journal, const cogvideo_unit *unit, const void *data, size_t size,
                               cogvideo_error *err);
/* True and its bytes in `data` where an earlier run made the unit and it has this size. */
bool cv_journal_find(const cv_journal *journal, const cogvideo_unit *unit, void *data, size_t size);
/* Has the units on disk that were written since that was done, if it was a second ago: several may be finished at once
 * and the next only after minutes. */
void cv_journal_sync(cv_journal *journal);
/* Closes it, and removes it where nothing is left to go on from: after a run that went well (`done`), or that made
 * nothing. */
void cv_journal_close(cv_journal *journal, bool done);

#endif
