/* cogvideo dataset shapes - makes captioned clips of the shapes world. */
#include "commands.h"
#include "dataset_made.h"
#include "say.h"

typedef struct settings {
    const char *output, *world, *motions;
    int clips, context, poses, held_out, language, force, quiet, json;
    int64_t seed;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "output", 'o', "DATA", "the folder to make", ARG_TEXT, FIELD(output), 0, 0, 0, NULL },
    { "clips", 'n', "N", "number of clips; default: one of each combination", ARG_INT, FIELD(clips), 1, 10000000, 0,
      NULL },
    { "seed", 's', "N", "seed of the order, the positions and the languages; default 0", ARG_BIG, FIELD(seed), 0,
      9007199254740991.0, 0, NULL },
    { "held-out", 0, NULL, "only the combinations that training never sees, one in twelve; default: only the others",
      ARG_FLAG, FIELD(held_out), 0, 0, 0, NULL },
    { "language", 0, "WHICH", "language of the captions: en, zh or both; default both", ARG_CHOICE, FIELD(language), 0,
      0, COGVIDEO_BOTH_LANGUAGES, "en|zh|both" },
    { "motions", 0, "NAME,...", "only these motions, by their names in the description of the world; default: all",
      ARG_TEXT, FIELD(motions), 0, 0, 0, NULL },
    { "context", 0, "N",
      "begin each clip with the last N frames of another motion, from which it goes on: what a Phenaki model learns "
      "stories from",
      ARG_INT, FIELD(context), 1, 1000000, 0, NULL },
    { "poses", 0, NULL,
      "no motion, which only the caption names: each frame shows the object at any of the world's places, either turned by any angle or 0.7 to 1.3 "
      "times its size: pictures for 'train coglm', by 'dataset tokens --for image'",
      ARG_FLAG, FIELD(poses), 0, 0, 0, NULL },
    { "world", 0, "FILE", "a description of the world; default: the built-in one, configs/shapes.json", ARG_TEXT,
      FIELD(world), 0, 0, 0, NULL },
    { "force", 'f', NULL, "replace an existing dataset", ARG_FLAG, FIELD(force), 0, 0, 0, NULL },
    { "json", 0, NULL, "describe what was made as a JSON object", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
    { "quiet", 'q', NULL, "print neither progress nor notes; warnings and errors remain", ARG_FLAG, FIELD(quiet), 0, 0,
      0, NULL },
    { 0 },
};

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    const settings *s = given;
    const cogvideo_shapes_options options = { .world = s->world,
                                              .clips = s->clips,
                                              .seed = (uint64_t)s->seed,
                                              .held_out = s->held_out,
                                              .language = (cogvideo_language)s->language,
                                              .motions = s->motions,
                                              .context = s->context,
                                              .poses = s->poses,
                                              .force = s->force };
    cli_session session = { 0 };
    cogvideo_dataset_callbacks callbacks = cli_dataset_callbacks(&session);
    cogvideo_error err;

    (void)arguments;
    if (!s->output)
        return cli_usage_error(command, "an output is missing: -o DATA");
    cli_progress_init(&session.progress, s->quiet);
    if (cogvideo_dataset_shapes(s->output, &options, &callbacks, &err) != COGVIDEO_OK)
        return cli_failed(&session, &err);
    return cli_dataset_made(s->output, s->quiet, s->json);
}

static const arg_group groups[] = { { "Options", table, 0 }, { 0 } };

const cli_command cmd_dataset_shapes = {
    .name = "dataset shapes",
    .summary = "generate captioned clips of a world of moving shapes",
    .usage = "[OPTIONS] -o DATA",
    .details = "One object on a plain background: 2 sizes, 8 colours, 4 shapes, 10 motions and 3 backgrounds are 1872\n"
               "combinations, since no circle rotates. Each is used once before any is used again.",
    .examples = "  cogvideo dataset shapes --clips 20 -o shapes\n"
                "  cogvideo dataset shapes --held-out --clips 20 --seed 1 -o shapes-test\n"
                "  cogvideo dataset shapes --context 5 --clips 20 -o second-scenes\n"
                "  cogvideo dataset shapes --poses --clips 20 -o poses\n"
                "  cogvideo dataset shapes --motions left,right,still --clips 20 -o first-turn",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
