/* cogvideo train - trains a part of a model. */
#include "commands.h"
#include "json_out.h"
#include "options.h"
#include "progress.h"
#include "interrupt.h"
#include "say.h"

#include "base/clock.h"

#include <cogvideo/train.h>
#include <math.h>
#include <string.h>

#define REPEAT 10.0 /* seconds between two lines of progress */

typedef struct settings {
    const char *model, *recipe, *held_out, *output;
    int resume, finetune, force, steps, threads, quiet, json;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "model", 'm', "DIR", "the model directory that the part is written into", ARG_TEXT, FIELD(model), 0, 0, 0, NULL },
    { "recipe", 0, "FILE", "how to train, a JSON file (configs/README.md)", ARG_TEXT, FIELD(recipe), 0, 0, 0, NULL },
    { "held-out", 0, "DATA", "data of the same kind for evaluation, which is never trained on", ARG_TEXT,
      FIELD(held_out), 0, 0, 0, NULL },
    { "output", 'o', "RUN", "folder of the run: its checkpoint and its log", ARG_TEXT, FIELD(output), 0, 0, 0, NULL },
    { "resume", 0, NULL, "continue from the run's checkpoint, bit for bit", ARG_FLAG, FIELD(resume), 0, 0, 0, NULL },
    { "finetune", 0, NULL, "start from the weights that DIR has of this part, not from new ones", ARG_FLAG,
      FIELD(finetune), 0, 0, 0, NULL },
    { "force", 'f', NULL, "start over and replace this part, although DIR has it", ARG_FLAG, FIELD(force), 0, 0, 0,
      NULL },
    { "steps", 0, "N", "stop after step N, before the recipe's end", ARG_INT, FIELD(steps), 1, 1000000000, 0, NULL },
    { "threads", 't', "N", CLI_THREADS_HELP, ARG_INT, FIELD(threads), 1, 1024, 0, NULL },
    { "json", 0, NULL, "print the final state of the training as a JSON object", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
    { "quiet", 'q', NULL, "no progress", ARG_FLAG, FIELD(quiet), 0, 0, 0, NULL },
    { 0 },
};

typedef struct train_view {
    int quiet, first_step; /* of this call; 0 = not known yet */
    const char *unit;      /* what the part learns from: "pictures", "clips", "codes" */
    double started, shown;
    cogvideo_train_progress last; /* step 0: nothing was left to do */
} train_view;

static int on_progress(void *user, const cogvideo_train_progress *p)
{
    train_view *view = user;
    double now = cv_clock();

    if (p->step == view->last.step) /* in the middle of a step */
        return cli_interrupted();
    view->last = *p;
    if (view->first_step == 0)
        view->first_step = p->step;
    if (!view->quiet && (now - view->shown >= REPEAT || p->step == p->steps)) {
        double each = (now - view->started) / (p->step - view->first_step + 1);
        char held_out[40] = "";

        if (p->held_out > 0)
            snprintf(held_out, sizeof held_out, ", held out %.4f", p->held_out);
        cli_say("step %d of %d, loss %.4f%s, learning rate %.2g, %.0f %s/s, %.0f s left", p->step, p->steps, p->loss,
                held_out, p->learning_rate, p->samples_per_second, view->unit, each * (p->steps - p->step));
        view->shown = now;
    }
    return cli_interrupted();
}

static void on_message(void *user, cogvideo_log_level level, const char *text)
{
    cli_message(((const train_view *)user)->quiet, level, text);
}

static void print_json(const settings *s, const char *part, const cogvideo_train_progress *last)
{
    json_out json = { .stream = stdout, .first = 1 };

    json_begin(&json, NULL);
    json_string(&json, "part", part);
    json_string(&json, "model", s->model);
    json_string(&json, "run", s->output);
    if (last->step > 0) {
        json_integer(&json, "step", last->step);
        json_integer(&json, "steps", last->steps);
        json_number(&json, "loss", last->loss, 7);
        json_number(&json, "held_out", last->held_out > 0 ? last->held_out : NAN, 7);
    }
    json_end(&json);
    putchar('\n');
}

static const char *unit_of(const char *part)
{
    if (strncmp(part, "metric-", 7) == 0)
        return "clips";
    return strcmp(part, "image-tokenizer") == 0 ? "pictures" : "codes";
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    const settings *s = given;
    train_view view = { .quiet = s->quiet, .started = cv_clock(), .unit = unit_of(arguments->values[0]) };
    cogvideo_train_options options = {
        .part = arguments->values[0],
        .recipe = s->recipe,
        .model = s->model,
        .data = (const char *const *)arguments->values + 1,
        .data_count = arguments->count - 1,
        .held_out = s->held_out,
        .output = s->output,
        .resume = s->resume,
        .finetune = s->finetune,
        .force = s->force,
        .steps = s->steps,
        .threads = s->threads,
        .log = { on_message, &view },
        .progress = on_progress,
        .user = &view,
    };
    cogvideo_error err;
    cogvideo_status status;

    if (!s->model || !s->recipe || !s->output)
        return cli_usage_error(command, "%s is missing",
                               !s->model    ? "--model DIR"
                               : !s->recipe ? "--recipe FILE"
                                            : "-o RUN");
    status = cogvideo_train(&options, &err);
    if (status == COGVIDEO_OK) {
        if (s->json)
            print_json(s, options.part, &view.last);
        return CLI_OK;
    }
    if (status == COGVIDEO_ERROR_CANCELLED && cli_interrupted()) {
        cli_say("cogvideo: %s", err.message);
        return 128 + cli_interrupted();
    }
    return cli_error("%s", err.message);
}

static const arg_group groups[] = { { "Options", table, 0 }, { 0 } };

const cli_command cmd_train = {
    .name = "train",
    .summary = "train a part of a model on your own data",
    .usage = "PART [OPTIONS] DATA... --recipe FILE --model DIR -o RUN",
    .details =
        "PART of CogVideo: image-tokenizer (DATA: datasets), image (the trunk, on text and one frame; DATA: training\n"
        "rows), coglm (the trunk as CogLM, which also tells texts from pictures and fills holes; rows), stage1 or stage2\n"
        "(the second channel, with the trunk frozen; rows). Of Phenaki: video-tokenizer (datasets), masked (rows), critic\n"
        "(the same rows). Of metrics of the shapes world, on datasets of it: metric-i3d (clips and what is in them) and\n"
        "metric-clip (clips and captions).\n"
        "Each writes its file into the model directory. A signal saves a checkpoint and stops; --resume continues from it\n"
        "and warns if the recipe has changed.",
    .examples =
        "  cogvideo train image-tokenizer data --held-out data-held-out --recipe configs/shapes-train.json --model "
        "MODEL \\\n"
        "      -o run-tokenizer\n"
        "  cogvideo train stage1 stage1.rows --recipe configs/shapes-train.json --model MODEL -o run-stage1 --resume\n"
        "  cogvideo train stage1 mine.rows --finetune --recipe recipe.json --model MODEL -o run-mine",
    .min_arguments = 2,
    .max_arguments = 9,
    .choices = "image-tokenizer|image|coglm|stage1|stage2|metric-i3d|metric-clip|video-tokenizer|masked|critic",
    .missing = "a part and its data are missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
