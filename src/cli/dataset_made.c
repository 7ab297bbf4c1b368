#include "dataset_made.h"

#include "json_out.h"
#include "say.h"

cogvideo_dataset_callbacks cli_dataset_callbacks(cli_session *session)
{
    return (
        cogvideo_dataset_callbacks){ .log = cli_log(session), .progress = cli_on_progress, .user = &session->progress };
}

void cli_dataset_json(const cogvideo_dataset_info *info)
{
    json_out json = { .stream = stdout, .first = 1 };

    json_begin(&json, NULL);
    json_integer(&json, "clips", info->clips);
    json_integer(&json, "frames", info->frames);
    json_integer(&json, "size", info->size);
    json_number(&json, "fps", info->fps, 6);
    json_integer(&json, "bytes", (long long)info->bytes);
    json_integer(&json, "context", info->context);
    json_integer(&json, "poses", info->poses);
    json_end(&json);
    putchar('\n');
}

int cli_dataset_made(const char *folder, int quiet, int json)
{
    cogvideo_dataset *dataset = NULL;
    cogvideo_dataset_info info;
    cogvideo_error err;

    if (cogvideo_dataset_open(&dataset, folder, &err) != COGVIDEO_OK)
        return cli_error("%s", err.message);
    cogvideo_dataset_get_info(dataset, &info);
    if (json)
        cli_dataset_json(&info);
    else if (!quiet)
        cli_say("%s: %d clip%s, %lld frames of %dx%d pixels, %g a second", folder, info.clips,
                info.clips == 1 ? "" : "s", info.frames, info.size, info.size, info.fps);
    cogvideo_dataset_close(&dataset);
    return CLI_OK;
}
