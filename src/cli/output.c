#include "output.h"

#include "say.h"

#include "base/output.h"
#include "base/path.h"
#include "base/pattern.h"

#include <cogvideo/video.h>

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

int cli_check_new(const char *path, int force)
{
    cogvideo_error err;

    return cv_output_check_new(path, force, &err) == COGVIDEO_OK ? CLI_OK : cli_error("%s", err.message);
}

int cli_check_video(const char *path, int force)
{
    cogvideo_error err;

    return cogvideo_video_check_new(path, force, &err) == COGVIDEO_OK ? CLI_OK : cli_error("%s", err.message);
}
