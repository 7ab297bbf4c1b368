/* cogvideo dataset info - describes a dataset; writes one of its clips as a video. */
#include "commands.h"
#include "dataset_made.h"
#include "json_out.h"
#include "output.h"
#include "say.h"

#include "base/units.h"

typedef struct settings {
    const char *output;
    int clip, json, force;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "clip", 'n', "N", "describe only this clip, numbered from 0", ARG_INT, FIELD(clip), 0, 10000000, -1, NULL },
    { "output", 'o', "FILE", "write that clip as a video or pictures", ARG_TEXT, FIELD(output), 0, 0, 0, NULL },
    { "force", 'f', NULL, "replace an existing file", ARG_FLAG, FIELD(force), 0, 0, 0, NULL },
    { "json", 0, NULL, "print a JSON object", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
    { 0 },
};

static void print_dataset(const cogvideo_dataset *dataset, const char *folder, int as_json)
{
    cogvideo_dataset_info info;
    char size[CV_UNITS];

    cogvideo_dataset_get_info(dataset, &info);
    if (as_json) {
        cli_dataset_json(&info);
        return;
    }
    cv_units_bytes(size, (double)info.bytes);
    cli_print("%s: %d clip%s, %lld frames of %dx%d pixels, %g a second, %s\n", folder, info.clips,
              info.clips == 1 ? "" : "s", info.frames, info.size, info.size, info.fps, size);
    if (info.context > 0)
        cli_print("the first %d frames of each clip are of what came before it\n", info.context);
    if (info.poses)
        cli_print("its frames are pictures of poses, which make no clips\n");
}

static void print_clip(const cogvideo_dataset_clip *clip, int index, int as_json)
{
    json_out json = { .stream = stdout, .first = 1 };

    if (!as_json) {
        printf("clip %d: %d frame%s: ", index, clip->frames, clip->frames == 1 ? "" : "s");
        cli_print_text(stdout, clip->caption);
        fputs(" (", stdout);
        cli_print_text(stdout, clip->source);
        puts(")");
        return;
    }
    json_begin(&json, NULL);
    json_integer(&json, "clip", index);
    json_integer(&json, "frames", clip->frames);
    json_string(&json, "caption", clip->caption);
    json_string(&json, "source", clip->source);
    json_end(&json);
    putchar('\n');
}

static cogvideo_status write_clip(const cogvideo_dataset *dataset, const cogvideo_dataset_clip *clip, const char *path,
                                  cogvideo_error *err)
{
    cogvideo_video_writer *writer = NULL;
    cogvideo_write_options options = { .comment = clip->caption };
    cogvideo_dataset_info info;
    cogvideo_status status;

    cogvideo_dataset_get_info(dataset, &info);
    status = cogvideo_video_writer_open(&writer, path, info.size, info.size, info.fps, &options, err);
    for (int i = 0; i < clip->frames && status == COGVIDEO_OK; i++)
        status = cogvideo_video_writer_frame(writer,
                                             clip->pixels + (size_t)i * (size_t)info.size * (size_t)info.size * 3, err);
    if (status == COGVIDEO_OK)
        return cogvideo_video_writer_commit(&writer, err);
    cogvideo_video_writer_abandon(&writer);
    return status;
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    const settings *s = given;
    const char *folder = arguments->values[0];
    cogvideo_dataset *dataset = NULL;
    cogvideo_dataset_clip clip;
    cogvideo_error err;
    int status = CLI_OK;

    if (s->output && s->clip < 0)
        return cli_usage_error(command, "-o FILE needs the clip's number: --clip N");
    if (s->output && (status = cli_check_video(s->output, s->force)) != CLI_OK)
        return status;
    if (cogvideo_dataset_open(&dataset, folder, &err) != COGVIDEO_OK)
        return cli_error("%s", err.message);
    if (s->clip < 0)
        print_dataset(dataset, folder, s->json);
    else if (cogvideo_dataset_get_clip(dataset, s->clip, &clip, &err) != COGVIDEO_OK)
        status = cli_error("%s: %s", folder, err.message);
    else if (s->output && write_clip(dataset, &clip, s->output, &err) != COGVIDEO_OK)
        status = cli_error("%s", err.message);
    else
        print_clip(&clip, s->clip, s->json);
    cogvideo_dataset_close(&dataset);
    return status;
}

static const arg_group groups[] = { { "Options", table, 0 }, { 0 } };

const cli_command cmd_dataset_info = {
    .name = "dataset info",
    .summary = "check a dataset and describe it",
    .usage = "[OPTIONS] DATA",
    .examples = "  cogvideo dataset info shapes\n"
                "  cogvideo dataset info shapes --clip 7 -o seven.mp4",
    .min_arguments = 1,
    .max_arguments = 1,
    .missing = "a dataset is missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
