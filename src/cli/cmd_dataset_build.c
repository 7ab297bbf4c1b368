/* cogvideo dataset build - makes captioned clips from ordinary videos. */
#include "commands.h"
#include "dataset_made.h"
#include "output.h"
#include "sandbox.h"
#include "say.h"

#include <stdlib.h>
#include <sys/stat.h>

typedef struct settings {
    const char *output;
    int size, frames, force, sandbox, quiet, json;
    double fps;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "output", 'o', "DATA", "the folder to make", ARG_TEXT, FIELD(output), 0, 0, 0, NULL },
    { "size", 0, "N", "frames of N x N pixels, 8 to 1024: the largest centred square, resized; default 160", ARG_INT,
      FIELD(size), 8, 1024, 160, NULL },
    { "fps", 0, "X", "frames per second of the clips; default 8", ARG_NUMBER, FIELD(fps), 0.01, 1000, 8, NULL },
    { "frames", 0, "N", "frames of a clip; a longer video gives several clips, one after another; default 33", ARG_INT,
      FIELD(frames), 1, 1000000, 33, NULL },
    { "force", 'f', NULL, "replace an existing dataset", ARG_FLAG, FIELD(force), 0, 0, 0, NULL },
    CLI_SANDBOX_OPTION,
    { "json", 0, NULL, "describe what was made as a JSON object", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
    { "quiet", 'q', NULL, "print neither progress nor notes; warnings and errors remain", ARG_FLAG, FIELD(quiet), 0, 0,
      0, NULL },
    { 0 },
};

/* A list names videos in its own folder. */
static int enter_sandbox(const char *source, const char *output)
{
    char *folder = cli_folder(source);
    struct stat info;
    const char *const inputs[] = { stat(source, &info) == 0 && !S_ISDIR(info.st_mode) ? folder : source };
    int status;

    status = cli_sandbox_video(inputs, 1, output);
    free(folder);
    return status;
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    const settings *s = given;
    const cogvideo_build_options options = { .size = s->size, .fps = s->fps, .frames = s->frames, .force = s->force };
    cli_session session = { 0 };
    cogvideo_dataset_callbacks callbacks = cli_dataset_callbacks(&session);
    cogvideo_error err;

    if (!s->output)
        return cli_usage_error(command, "an output is missing: -o DATA");
    if (s->sandbox && enter_sandbox(arguments->values[0], s->output) != CLI_OK)
        return CLI_FAILED;
    cli_progress_init(&session.progress, s->quiet);
    if (cogvideo_dataset_build(arguments->values[0], s->output, &options, &callbacks, &err) != COGVIDEO_OK)
        return cli_failed(&session, &err);
    return cli_dataset_made(s->output, s->quiet, s->json);
}

static const arg_group groups[] = { { "Options", table, 0 }, { 0 } };

const cli_command cmd_dataset_build = {
    .name = "dataset build",
    .summary = "make captioned clips of your own videos",
    .usage = "[OPTIONS] SOURCE -o DATA",
    .details =
        "SOURCE is a folder with clip.mp4 and its caption in clip.txt, for any number of clips, or with folders of\n"
        "pictures clip/ (frames in the order of their names, 9 before 10) and clip.txt, or clip/caption.txt. Such "
        "folders\n"
        "are not searched for videos; a video among the pictures is skipped. Or SOURCE is a .csv file whose first "
        "line\n"
        "names the columns video and caption, separated by commas, semicolons or tabs; a caption that contains the\n"
        "separator is quoted. Text is UTF-8. What cannot be read is left out with a warning.\n\n"
        "Picture k of a clip is what its video shows at k / fps seconds, whatever the video's own rate. Videos and\n"
        "pictures are rotated as their files ask. After damage a new clip begins.",
    .examples = "  cogvideo dataset build my-videos -o data\n"
                "  cogvideo dataset build --size 64 --fps 8 --frames 33 list.csv -o small",
    .min_arguments = 1,
    .max_arguments = 1,
    .missing = "a folder of videos or a .csv file is missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
