#include "output.h"

#include "say.h"

#include "base/file.h"
#include "base/pattern.h"

#include <cogvideo/video.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *cli_numbered(const char *pattern, int number)
{
    char *name = NULL;
    cogvideo_error err;

    return cv_pattern_expand(&name, pattern, number, &err) == COGVIDEO_OK ? name : NULL;
}

char *cli_stem(const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
    const size_t folder = (size_t)(base - path);
    char *stem = cli_format("%.*s", (int)(dot && dot > base ? dot - path : (ptrdiff_t)strlen(path)), path), *bare = NULL;
    size_t start, end;

    if (cv_pattern_find(stem, &start, &end)) {
        size_t kept = start; /* without what only parts the number from the name */

        while (kept > folder && strchr("-_.", stem[kept - 1]))
            kept--;
        memmove(stem + kept, stem + start, strlen(stem + start) + 1);
        bare = cli_numbered(stem, -1);
    }
    if (bare) {
        free(stem);
        stem = bare;
    }
    if (!stem[folder]) {
        bare = cli_format("%sclip", stem);
        free(stem);
        stem = bare;
    }
    return stem;
}

char *cli_folder(const char *path)
{
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    return length ? cli_format("%.*s", (int)(length > 1 ? length - 1 : 1), path) : cli_format(".");
}

static int refuse_existing(const char *path, int force)
{
    if (!force && access(path, F_OK) == 0)
        return cli_error("%s: is there already; --force replaces it", path);
    return CLI_OK;
}

int cli_check_output(const char *path, int force)
{
    const char *slash = strrchr(path, '/');
    char *folder, *partial;
    int status = CLI_OK;

    if (strcmp(path, "-") == 0)
        return CLI_OK;
    if (!*path || (slash && !slash[1]))
        return cli_error("'%s': a file name is needed here", path);
    partial = cli_format("%s.partial", path);
    folder = cli_folder(path);
    if (access(folder, W_OK | X_OK) != 0)
        status = cli_error("%s: the folder '%s' cannot be written to: %s", path, folder, strerror(errno));
    free(folder);
    if (status == CLI_OK)
        status = refuse_existing(path, force);
    if (status == CLI_OK && !force && access(partial, F_OK) == 0)
        status = cli_error("%s: is what an interrupted run has finished; move it away, or --force replaces it",
                           partial);
    free(partial);
    return status;
}

int cli_check_video(const char *path, int force)
{
    cogvideo_error err;
    char *first;
    int status;

    if (cogvideo_video_check_path(path, &err) != COGVIDEO_OK)
        return cli_error("%s", err.message);
    if (strcmp(path, "-") == 0)
        return CLI_OK;
    first = cli_numbered(path, 0);
    status = refuse_existing(first ? first : path, force);
    free(first);
    return status;
}

/* --- frames as they are finished ---------------------------------------------------------------------- */

int cli_sink_add(cli_sink *sink, const char *path, const cogvideo_tokens *header)
{
    cogvideo_error err;

    if (strcmp(path, "-") != 0 &&
        cogvideo_token_writer_open(&sink->writers[sink->count], path, header, &err) != COGVIDEO_OK)
        return cli_error("%s", err.message);
    sink->paths[sink->count++] = path;
    return CLI_OK;
}

int cli_sink_frame(cli_sink *sink, int sample, double time, const int32_t *codes)
{
    cogvideo_error err;
    int at = sample - sink->first_sample;

    if (at < 0 || at >= sink->count || !sink->writers[at])
        return 0;
    if (cogvideo_token_writer_frame(sink->writers[at], time, codes, &err) != COGVIDEO_OK)
        return cli_error("%s", err.message);
    sink->frames[at]++;
    return 0;
}

void cli_sink_close(cli_sink *sink, int keep)
{
    for (int i = 0; i < sink->count; i++) {
        int kept = keep && sink->frames[i] > 0;

        if (kept && sink->writers[i])
            cli_say("%s.partial keeps the %d frame%s finished so far", sink->paths[i], sink->frames[i],
                    sink->frames[i] == 1 ? "" : "s");
        cogvideo_token_writer_abandon(&sink->writers[i], kept);
    }
    *sink = (cli_sink){ 0 };
}

FILE *cli_file_open(const char *path)
{
    char *partial = cli_format("%s.partial", path);
    int file = strcmp(path, "-") == 0 ? -1 : open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    FILE *stream = strcmp(path, "-") == 0 ? stdout : file < 0 ? NULL : fdopen(file, "w");

    if (!stream)
        cli_error("%s: cannot be written: %s", path, strerror(errno));
    free(partial);
    return stream;
}

int cli_file_close(FILE *stream, const char *path, int whole)
{
    const int standard = stream == stdout;
    char *partial = cli_format("%s.partial", path);
    int failed = ferror(stream) || fflush(stream) != 0, status = whole ? CLI_OK : CLI_FAILED;

    if (!standard) {
        failed |= !cv_file_sync(fileno(stream));
        failed |= fclose(stream) != 0;
        failed |= whole && !failed && rename(partial, path) != 0;
    }
    if (whole && failed)
        status = cli_error("%s: cannot be written: %s", standard ? "standard output" : path, strerror(errno));
    if (!standard && status != CLI_OK)
        remove(partial);
    free(partial);
    return status;
}
