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

char *cli_folder(const char *path)
{
    char *folder = cv_path_folder(path, NULL);

    if (!folder)
        cli_no_memory();
    return folder;
}

int cli_check_output(const char *path, int force)
{
    cogvideo_error err;

    return cv_output_check(path, force, &err) == COGVIDEO_OK ? CLI_OK : cli_error("%s", err.message);
}

int cli_check_video(const char *path, int force)
{
    cogvideo_error err;

    return cogvideo_video_check_new(path, force, &err) == COGVIDEO_OK ? CLI_OK : cli_error("%s", err.message);
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
