#include "journal.h"

#include "output.h"
#include "progress.h"
#include "say.h"
#include "settings.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BYTES ((off_t)1 << 28) /* of a journal: 64 clips of 33 frames of 80x80 codes take a third */
#define SYNC_SECONDS 1.0           /* how much of the work a power cut may take */

char *cli_journal_path(const char *output)
{
    char *stem = cli_stem(output), *path = cli_format("%s.journal", stem);

    free(stem);
    return path;
}

/* --- lines --------------------------------------------------------------------------------------------- */

uint32_t cli_checksum(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint32_t sum = 2166136261u;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ at[i]) * 16777619u;
    return sum;
}

/* Puts a line's checksum and its end behind it, all at once into the file. */
static int append(cli_journal *journal, const char *line, size_t length)
{
    char *whole = cli_format("%.*s #%08x\n", (int)length, line, (unsigned)cli_checksum(line, length));
    size_t size = strlen(whole), done = 0;

    while (done < size) {
        ssize_t wrote = write(journal->file, whole + done, size - done);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            free(whole);
            return cli_error("%s: cannot be written: %s; what it holds is kept, and --resume goes on from it", journal->path,
                             strerror(errno));
        }
        done += (size_t)wrote;
    }
    free(whole);
    return CLI_OK;
}

/* The end of the line at `text` if its checksum is right; NULL otherwise. *length is what the checksum covers. */
static const char *check_line(const char *text, const char *end, size_t *length)
{
    const char *line_end = memchr(text, '\n', (size_t)(end - text));
    char sum[16];

    if (!line_end || line_end - text < 10 || memchr(text, 0, (size_t)(line_end - text)))
        return NULL;
    *length = (size_t)(line_end - text) - 10;
    snprintf(sum, sizeof sum, " #%08x", (unsigned)cli_checksum(text, *length));
    return memcmp(text + *length, sum, 10) == 0 ? line_end + 1 : NULL;
}

/* The next number of a line, which ends at `end`; false where there is none. */
static int next_number(const char **at, const char *end, long *out)
{
    char *behind;

    if (*at >= end)
        return 0;
    *out = strtol(*at, &behind, 10);
    if (behind == *at || behind > end || *out < 0 || *out > INT32_MAX)
        return 0;
    *at = behind;
    return 1;
}

/* --- reading ------------------------------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const cogvideo_row *a = left, *b = right;
    const int differences[] = { (int)a->stage - (int)b->stage, a->round - b->round, a->sample - b->sample, a->frame - b->frame,
                                a->row - b->row };

    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++)
        if (differences[i] != 0)
            return differences[i];
    return 0;
}

static void *grow(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    *room = *room ? 2 * *room : 1024;
    items = realloc(items, *room * size);
    if (!items) {
        cli_error("out of memory");
        exit(CLI_FAILED);
    }
    return items;
}

/* A row's line; the checksum was right, so that only a program with other rows could have written anything else. */
static int read_row(cli_journal *journal, const char *line, size_t length, size_t *row_room, size_t *code_room)
{
    const char *end = line + length;
    cli_journal_row row = { .codes = journal->code_count };
    long head[5], code;

    for (size_t i = 0; i < 5; i++)
        if (!next_number(&line, end, &head[i]))
            return 0;
    row.at = (cogvideo_row){ (cogvideo_stage)head[0], (int)head[1], (int)head[2], (int)head[3], (int)head[4], 0 };
    while (next_number(&line, end, &code)) {
        journal->codes = grow(journal->codes, journal->code_count, code_room, sizeof *journal->codes);
        journal->codes[journal->code_count++] = (int32_t)code;
        row.at.count++;
    }
    journal->rows = grow(journal->rows, journal->row_count, row_room, sizeof *journal->rows);
    journal->rows[journal->row_count++] = row;
    return line == end;
}

/* Reads all whole lines and cuts off what is behind them. */
static int read_journal(cli_journal *journal, size_t size)
{
    char *text = cli_alloc(size + 1, 1);
    const char *at = text, *end = text + size, *next;
    size_t row_room = 0, code_room = 0, length, done = 0;
    int status = CLI_OK;

    while (done < size) {
        ssize_t got = pread(journal->file, text + done, size - done, (off_t)done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    if (done < size)
        status = cli_error("%s: cannot be read: %s", journal->path, strerror(errno));
    for (; status == CLI_OK && (next = check_line(at, end, &length)); at = next) {
        if (!journal->settings && cv_json_parse(&journal->settings, at, length, journal->path, NULL) != COGVIDEO_OK)
            break;
        else if (at > text && !read_row(journal, at, length, &row_room, &code_room))
            break;
    }
    if (status == CLI_OK && size > 0 && !journal->settings)
        status = cli_error("%s: is no journal of a run: move it away, or --force replaces it", journal->path);
    if (status == CLI_OK && ftruncate(journal->file, at - text) != 0)
        status = cli_error("%s: cannot be shortened to its whole lines: %s", journal->path, strerror(errno));
    if (journal->row_count > 0)
        qsort(journal->rows, journal->row_count, sizeof *journal->rows, compare);
    free(text);
    return status;
}

/* --- the journal --------------------------------------------------------------------------------------- */

/* Opens and locks the file that bears the name. A run that ends between the two takes the name away from what was opened: rows written
 * there would be lost, and a third run would find nothing locked. */
static int lock_file(cli_journal *journal, struct stat *info)
{
    struct stat named;
    cv_lock lock;

    for (;;) {
        journal->file = open(journal->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (journal->file < 0)
            return cli_error("%s: cannot be written: %s", journal->path, strerror(errno));
        lock = cv_file_lock(journal->file, false); /* none where the file system knows none */
        if (lock == CV_LOCK_BUSY)
            return cli_error("%s: another run writes to it", journal->path);
        if (lock == CV_LOCK_FAILED)
            return cli_error("%s: cannot be locked: %s", journal->path, strerror(errno));
        if (fstat(journal->file, info) != 0 || !S_ISREG(info->st_mode))
            return cli_error("%s: is no plain file", journal->path);
        if (lstat(journal->path, &named) == 0 && named.st_dev == info->st_dev && named.st_ino == info->st_ino)
            return CLI_OK;
        close(journal->file);
        journal->file = -1;
    }
}

static int open_file(cli_journal *journal, int resume, int force)
{
    struct stat info;

    if (lock_file(journal, &info) != CLI_OK)
        return CLI_FAILED;
    if (info.st_size == 0)
        return CLI_OK;
    if (resume && info.st_size > MAX_BYTES)
        return cli_error("%s: has %lld bytes, at most %lld were expected", journal->path, (long long)info.st_size, (long long)MAX_BYTES);
    if (resume)
        return read_journal(journal, (size_t)info.st_size);
    if (!force)
        return cli_error("%s: is what an interrupted run has drawn; --resume goes on from there, --force begins anew", journal->path);
    return ftruncate(journal->file, 0) == 0 ? CLI_OK : cli_error("%s: cannot be emptied: %s", journal->path, strerror(errno));
}

int cli_journal_open(cli_journal *journal, const char *path, int resume, int force)
{
    int status;

    *journal = (cli_journal){ .path = cli_format("%s", path), .file = -1 };
    status = open_file(journal, resume, force);
    if (status != CLI_OK) { /* whatever lies there is not this run's: it stays */
        free(journal->path);
        journal->path = NULL;
        cli_journal_close(journal, 0);
    }
    return status;
}

static int begin(cli_journal *journal, const cv_json *settings)
{
    char *line = cv_json_print(settings, false, NULL);
    int status;

    if (!line)
        cli_no_memory();
    status = append(journal, line, strlen(line));
    cv_free(line);
    return status;
}

int cli_journal_settings(cli_journal *journal, const cv_json *settings)
{
    char *difference;

    if (!journal->settings)
        return begin(journal, settings);
    if (cli_settings_compare(journal->settings, settings, &difference) == CLI_OK)
        return CLI_OK;
    cli_error("%s: was begun with other settings, %s; give those, or --force begins anew", journal->path, difference);
    free(difference);
    return CLI_FAILED;
}

int cli_journal_add(cli_journal *journal, const cogvideo_row *row, const int32_t *codes)
{
    char *line = NULL;
    size_t size;
    FILE *out = open_memstream(&line, &size);
    int status;

    if (!out)
        return cli_error("out of memory");
    fprintf(out, "%d %d %d %d %d", (int)row->stage, row->round, row->sample, row->frame, row->row);
    for (int i = 0; i < row->count; i++)
        fprintf(out, " %d", (int)codes[i]);
    if (fclose(out) != 0) {
        free(line);
        return cli_error("out of memory");
    }
    status = append(journal, line, size);
    free(line);
    journal->written += status == CLI_OK;
    journal->unsynced = 1;
    cli_journal_sync(journal);
    return status;
}

void cli_journal_sync(cli_journal *journal)
{
    double now;

    if (!journal->unsynced || (now = cli_clock()) - journal->synced < SYNC_SECONDS)
        return;
    fdatasync(journal->file); /* where that fails the next line will say so */
    journal->synced = now;
    journal->unsynced = 0;
}

int cli_journal_find(const cli_journal *journal, const cogvideo_row *row, int32_t *codes)
{
    const cli_journal_row *found =
        journal->row_count ? bsearch(row, journal->rows, journal->row_count, sizeof *journal->rows, compare) : NULL;

    if (!found || found->at.count != row->count)
        return 0;
    memcpy(codes, journal->codes + found->codes, (size_t)row->count * sizeof *codes);
    return 1;
}

void cli_journal_close(cli_journal *journal, int done)
{
    if (journal->path && (done || journal->row_count + journal->written == 0))
        unlink(journal->path);
    if (journal->file >= 0) {
        fdatasync(journal->file);
        close(journal->file);
    }
    free(journal->path);
    cv_json_free(&journal->settings);
    free(journal->rows);
    free(journal->codes);
    *journal = (cli_journal)CLI_NO_JOURNAL;
}
