#include "pipeline/journal.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/lock.h"
#include "pipeline/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BYTES ((off_t)1 << 28) /* of a journal: 64 clips of 33 frames of 80x80 codes take less than a half */
#define MAX_UNIT ((size_t)1 << 24) /* bytes */
#define SYNC_SECONDS 1.0           /* how much of the work a power cut may take */
#define HEAD 96                    /* bytes that hold a unit's step, sample and index */
#define CHECKSUM 10                /* characters: " #" and eight digits */

/* --- lines ---------------------------------------------------------------------------------------------------- */

/* Puts a line's checksum and its end behind it, and writes all of it at once. The line is empty afterwards. */
static cogvideo_status append(cv_journal *journal, cv_buffer *line, cogvideo_error *err)
{
    cogvideo_status status = cv_buffer_printf(line, err, " #%08x\n", (unsigned)cv_hash32_bytes(line->data, line->size));
    size_t done = 0;

    while (status == COGVIDEO_OK && done < line->size) {
        ssize_t wrote = write(journal->file, line->data + done, line->size - done);

        if (wrote > 0)
            done += (size_t)wrote, journal->bytes += (size_t)wrote;
        else if (wrote == 0 || errno != EINTR)
            status = cv_fail(err, COGVIDEO_ERROR_IO,
                             "%s: cannot be written: %s; what it holds is kept, and --resume goes on from it",
                             journal->path, strerror(errno));
    }
    cv_buffer_free(line);
    return status;
}

/* The end of the line at `text` if its checksum is right; NULL otherwise. *length is what the checksum covers. */
static const char *check_line(const char *text, const char *end, size_t *length)
{
    const char *line_end = memchr(text, '\n', (size_t)(end - text));
    char sum[CHECKSUM + 1];

    if (!line_end || line_end - text < CHECKSUM || memchr(text, 0, (size_t)(line_end - text)))
        return NULL;
    *length = (size_t)(line_end - text) - CHECKSUM;
    snprintf(sum, sizeof sum, " #%08x", (unsigned)cv_hash32_bytes(text, *length));
    return memcmp(text + *length, sum, CHECKSUM) == 0 ? line_end + 1 : NULL;
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* --- reading -------------------------------------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const cv_journal_entry *a = left, *b = right;
    const int order = strcmp(a->step, b->step);

    if (order != 0)
        return order;
    return a->sample != b->sample ? (a->sample > b->sample) - (a->sample < b->sample)
                                  : (a->index > b->index) - (a->index < b->index);
}

static cogvideo_status add_entry(cv_journal *journal, const cv_journal_entry *entry, cogvideo_error *err)
{
    if (journal->count == journal->room) {
        const size_t room = journal->room ? 2 * journal->room : 1024;
        cv_journal_entry *entries = cv_realloc(journal->entries, journal->room, room, sizeof *entries, err);

        if (!entries)
            return COGVIDEO_ERROR_MEMORY;
        journal->entries = entries;
        journal->room = room;
    }
    journal->entries[journal->count++] = *entry;
    return COGVIDEO_OK;
}

/* Bytes from `digits`, two for each; false where there is something else. */
static bool read_bytes(unsigned char *bytes, const char *digits, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        const int high = digit(digits[2 * i]), low = digit(digits[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

/* A unit's line. *sound: false where it is of no unit, which only a program with other lines can have written. */
static cogvideo_status read_unit(cv_journal *journal, const char *line, size_t length, bool *sound, cogvideo_error *err)
{
    cv_journal_entry entry = { .at = journal->data.size };
    unsigned char bytes[4096];
    cogvideo_status status;
    char words[HEAD];
    int head = 0;

    *sound = false;
    snprintf(words, sizeof words, "%.*s", (int)(length < HEAD ? length : HEAD - 1),
             line); /* sscanf measures all that it is given */
    if (sscanf(words, "%31[A-Za-z0-9_-] %d %" SCNd64 "%n", entry.step, &entry.sample, &entry.index, &head) != 3 ||
        head < 1 || line[head] != ' ' || (size_t)++head > length || entry.sample < 0 || entry.index < 0 ||
        (length - (size_t)head) % 2 != 0)
        return COGVIDEO_OK;
    entry.size = (length - (size_t)head) / 2;
    for (size_t done = 0; done < entry.size;) {
        const size_t some = entry.size - done < sizeof bytes ? entry.size - done : sizeof bytes;

        if (!read_bytes(bytes, line + head + 2 * done, some))
            return COGVIDEO_OK;
        CV_TRY(cv_buffer_append(&journal->data, bytes, some, err));
        done += some;
    }
    CV_TRY(add_entry(journal, &entry, err));
    *sound = true;
done:
    return status;
}

static cogvideo_status read_lines(cv_journal *journal, const char *text, size_t size, size_t *whole,
                                  cogvideo_error *err)
{
    const char *at = text, *end = text + size, *next;
    cogvideo_status status = COGVIDEO_OK;
    bool sound = true;
    size_t length;

    for (; sound && (next = check_line(at, end, &length)); at = sound ? next : at) {
        if (!journal->settings)
            sound = cv_json_parse(&journal->settings, at, length, journal->path, NULL) == COGVIDEO_OK;
        else
            CV_TRY(read_unit(journal, at, length, &sound, err));
    }
    *whole = (size_t)(at - text);
    if (size > 0 && !journal->settings)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: is not the journal of a run: move it away, or --force replaces it", journal->path);
    if (journal->count > 0)
        qsort(journal->entries, journal->count, sizeof *journal->entries, compare);
done:
    return status;
}

static cogvideo_status read_bytes_of(const cv_journal *journal, char *text, size_t size, cogvideo_error *err)
{
    for (size_t done = 0; done < size;) {
        const ssize_t got = pread(journal->file, text + done, size - done, (off_t)done);

        if (got > 0)
            done += (size_t)got;
        else if (got == 0 || errno != EINTR)
            return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be read: %s", journal->path,
                           got == 0 ? "it became shorter" : strerror(errno));
    }
    return COGVIDEO_OK;
}

/* Reads all whole lines and cuts off what is behind them. */
static cogvideo_status read_journal(cv_journal *journal, size_t size, cogvideo_error *err)
{
    cogvideo_status status;
    char *text = NULL;
    size_t whole;

    CV_NEW(text, size + 1, err);
    CV_TRY(read_bytes_of(journal, text, size, err));
    CV_TRY(read_lines(journal, text, size, &whole, err));
    journal->bytes = whole;
done:
    cv_free(text);
    return status;
}

/* --- the journal ---------------------------------------------------------------------------------------------- */

static cogvideo_status lock_file(cv_journal *journal, struct stat *info, cogvideo_error *err)
{
    const cv_lock lock = cv_file_open_locked(&journal->file, journal->path, O_RDWR | O_APPEND);

    if (journal->file < 0)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be written: %s", journal->path, strerror(errno));
    if (lock == CV_LOCK_BUSY)
        return cv_fail(err, COGVIDEO_ERROR_IO,
                       "%s: another run writes to it; wait until that ends, or choose another -o", journal->path);
    if (lock == CV_LOCK_FAILED)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be locked: %s", journal->path, strerror(errno));
    if (fstat(journal->file, info) != 0 || !S_ISREG(info->st_mode))
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: is not a regular file", journal->path);
    return COGVIDEO_OK;
}

static cogvideo_status open_file(cv_journal *journal, bool resume, bool force, cogvideo_error *err)
{
    cogvideo_status status;
    struct stat info;

    CV_TRY(lock_file(journal, &info, err));
    if (info.st_size == 0)
        return COGVIDEO_OK;
    if (resume && info.st_size > MAX_BYTES)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has %lld bytes, at most %lld were expected", journal->path,
                       (long long)info.st_size, (long long)MAX_BYTES);
    if (resume)
        return read_journal(journal, (size_t)info.st_size, err);
    if (!force)
        return cv_fail(
            err, COGVIDEO_ERROR_IO,
            "%s: is what an interrupted run has drawn; use --resume to go on from there, or --force to start over",
            journal->path);
    journal->kept = true; /* until the run begins */
done:
    return status;
}

cogvideo_status cv_journal_open(cv_journal *journal, const char *path, bool resume, bool force, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_ERROR_MEMORY;

    *journal = (cv_journal)CV_NO_JOURNAL;
    if ((journal->path = cv_strdup(path, err)))
        status = open_file(journal, resume, force, err);
    if (status != COGVIDEO_OK) { /* whatever lies there is not this run's: it stays */
        cv_free(journal->path);
        journal->path = NULL;
        cv_journal_close(journal, false);
    }
    return status;
}

static cogvideo_status begin(cv_journal *journal, const cv_json *settings, cogvideo_error *err)
{
    char *text = cv_json_print(settings, false, err);
    cv_buffer line = { 0 };
    cogvideo_status status = text ? cv_buffer_append(&line, text, strlen(text), err) : COGVIDEO_ERROR_MEMORY;

    cv_free(text);
    return status == COGVIDEO_OK ? append(journal, &line, err) : status;
}

/* Cuts off what is behind the lines that were read: all where none were. */
static cogvideo_status cut(cv_journal *journal, cogvideo_error *err)
{
    if (ftruncate(journal->file, (off_t)journal->bytes) != 0)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be shortened to its whole lines: %s", journal->path,
                       strerror(errno));
    journal->kept = false;
    return COGVIDEO_OK;
}

cogvideo_status cv_journal_settings(cv_journal *journal, const cv_json *settings, cogvideo_error *err)
{
    cv_buffer difference = { 0 };
    cogvideo_status status;

    if (!journal->settings) {
        CV_TRY(cut(journal, err));
        return begin(journal, settings, err);
    }
    CV_TRY(cv_settings_compare(journal->settings, settings, &difference, err));
    if (difference.size > 0)
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                         "%s: was begun with other settings, %s; give those, or use --force to start over",
                         journal->path, difference.data);
    else
        status = cut(journal, err);
done:
    cv_buffer_free(&difference);
    return status;
}

cogvideo_status cv_journal_add(cv_journal *journal, const cogvideo_unit *unit, const void *data, size_t size,
                               cogvideo_error *err)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    cv_buffer line = { 0 };
    cogvideo_status status;

    if (size > MAX_UNIT || strlen(unit->step) >= CV_JOURNAL_STEP)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "a unit of the step '%s' has %zu bytes, a journal holds units of %zu", unit->step, size,
                       MAX_UNIT);
    CV_TRY(cv_buffer_printf(&line, err, "%s %d %lld ", unit->step, unit->sample, (long long)unit->index));
    for (size_t i = 0; i < size; i++)
        CV_TRY(cv_buffer_append(&line, (const char[2]){ digits[bytes[i] >> 4], digits[bytes[i] & 15] }, 2, err));
    if (journal->bytes + line.size + CHECKSUM + 1 > (size_t)MAX_BYTES) {
        journal->full = true;
        goto done;
    }
    CV_TRY(append(journal, &line, err));
    journal->written++;
    journal->unsynced = true;
    cv_journal_sync(journal);
done:
    cv_buffer_free(&line);
    return status;
}

void cv_journal_sync(cv_journal *journal)
{
    double now;

    if (!journal->unsynced || (now = cv_clock()) - journal->synced < SYNC_SECONDS)
        return;
    fdatasync(journal->file); /* where that fails the next line will say so */
    journal->synced = now;
    journal->unsynced = false;
}

bool cv_journal_find(const cv_journal *journal, const cogvideo_unit *unit, void *data, size_t size)
{
    cv_journal_entry key = { .sample = unit->sample, .index = unit->index };
    const cv_journal_entry *found;

    snprintf(key.step, sizeof key.step, "%s", unit->step);
    found = journal->count ? bsearch(&key, journal->entries, journal->count, sizeof key, compare) : NULL;
    if (!found || found->size != size)
        return false;
    memcpy(data, journal->data.data + found->at, size);
    return true;
}

void cv_journal_close(cv_journal *journal, bool done)
{
    if (journal->path && !journal->kept && (done || journal->count + journal->written == 0))
        unlink(journal->path);
    if (journal->file >= 0) {
        fdatasync(journal->file);
        close(journal->file);
    }
    cv_free(journal->path);
    cv_json_free(&journal->settings);
    cv_free(journal->entries);
    cv_buffer_free(&journal->data);
    *journal = (cv_journal)CV_NO_JOURNAL;
}
