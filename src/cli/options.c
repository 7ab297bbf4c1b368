/* options.c - the tables of the options that several commands share. */
#include "options.h"

#include <cogvideo/generate.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MAX_ID 2147483647.0

#define FIELD(field) offsetof(cli_model_options, field)
const arg_option cli_model_table[] = {
    { "model", 'm', "DIR", "the model directory; default: the model that comes with the program, weights/shapes",
      ARG_TEXT, FIELD(model), 0, 0, 0, NULL },
    { "threads", 't', "N", CLI_THREADS_HELP ". The result does not depend on it", ARG_INT, FIELD(threads), 0, 1024, 0,
      NULL },
    { "activations", 0, "TYPE",
      "inputs of layers whose weights are q8 or q4: q8, or f32, which is exact and slower; default q8", ARG_CHOICE,
      FIELD(activations), 0, 0, 0, "q8|f32" },
    { "cache", 0, "TYPE",
      "keys and values of places that are done: f16, q8, which takes half the memory, or f32; default f16", ARG_CHOICE,
      FIELD(cache), 0, 0, 0, "f16|q8|f32" },
    { "mlock", 0, NULL, "read all weights at once and keep them in memory", ARG_FLAG, FIELD(mlock), 0, 0, 0, NULL },
    { "numa", 0, NULL, "spread memory over all NUMA nodes, for machines that have several", ARG_FLAG, FIELD(numa), 0, 0,
      0, NULL },
    { "max-memory", 0, "GB",
      "refuse a stage that needs more to work in; default: what is free, in the machine and its control groups",
      ARG_NUMBER, FIELD(max_memory), 0.001, 1e6, 0, NULL },
    { "quiet", 'q', NULL, "no progress and no notes; warnings and errors remain", ARG_FLAG, FIELD(quiet), 0, 0, 0,
      NULL },
    { 0 },
};
#undef FIELD

#define FIELD(field) offsetof(cli_text_options, field)
const arg_option cli_prompt_table[] = {
    { "prompt", 'p', "TEXT", "the prompt; default: the one in the clip's header", ARG_TEXT, FIELD(prompt), 0, 0, 0,
      NULL },
    { 0 },
};

const arg_option cli_text_table[] = {
    { "text-ids", 0, "ID,ID,...", "text ids in place of all that the prompt would become", ARG_IDS, FIELD(text_ids), 0,
      MAX_ID, 0, NULL },
    { "cut-text", 0, NULL, "cut a text that is longer than the model's room, with a warning, instead of an error",
      ARG_FLAG, FIELD(cut_text), 0, 0, 0, NULL },
    { 0 },
};

/* Key frames and interpolation are guided by different rules. */
#define GUIDE_IDS                                                                                                      \
    {                                                                                                                  \
        "guide-ids", 0, "ID,ID,...", "text ids in place of the guide's text", ARG_IDS, FIELD(guide_ids), 0, MAX_ID, 0, \
            NULL                                                                                                       \
    }
#define GUIDANCE(help)                                                              \
    {                                                                               \
        "guidance", 'g', "X", help, ARG_NUMBER, FIELD(guidance), 0, 1000, NAN, NULL \
    }
#define TEXT_WEIGHT                                                                                       \
    {                                                                                                     \
        "text-weight", 0, "X", "added to the attention scores on text; default: the model's", ARG_NUMBER, \
            FIELD(text_weight), -1000, 1000, NAN, NULL                                                    \
    }

const arg_option cli_guide_table[] = {
    GUIDE_IDS,
    GUIDANCE(
        "strength of guidance of key frames, where 1 and 0 turn it off; default: the model's. Interpolation (stage 2) "
        "is guided only where this is above 1 and --guide-ids are given"),
    TEXT_WEIGHT,
    { 0 },
};

const arg_option cli_text_weight_table[] = { TEXT_WEIGHT, { 0 } };

const arg_option cli_window_guide_table[] = {
    GUIDE_IDS,
    GUIDANCE("strength of guidance; used only where it is above 1 and --guide-ids are given; default: none"),
    TEXT_WEIGHT,
    { 0 },
};
#undef FIELD

#define FIELD(field) offsetof(cli_sampling_options, field)
#define MAX_FIELDS 16
static const arg_option own_sampling_rows[] = {
    { "seed", 's', "N",
      "0 or more makes the run repeatable; -1: random, and printed; default: that of the codes to go on from, else random",
      ARG_BIG, FIELD(seed), -1, COGVIDEO_MAX_SEED, CLI_SEED_NONE, NULL },
    { "first-sample", 0, "N",
      "number of the first clip among the samples of a seed; default 0, or with the seed of a clip that clip's",
      ARG_INT, FIELD(first_sample), 0, CLI_MAX_SAMPLE, 0, NULL },
};
#define OWN_ROWS (sizeof own_sampling_rows / sizeof *own_sampling_rows)
arg_option cli_sampling_table[OWN_ROWS + MAX_FIELDS + 1], cli_candidates_table[MAX_FIELDS + 1],
    cli_steps_table[MAX_FIELDS + 1];

const arg_option cli_lookahead_table[] = {
    { "lookahead", 0, "N",
      "places of each sequence that a step looks at: codes that were guessed right are drawn together. auto (default): as "
      "many as pay off; 0: one. The result is the same",
      ARG_AUTO, FIELD(lookahead), 0, COGVIDEO_MAX_LOOKAHEAD, -1, "auto" },
    { 0 },
};

/* Field `index` of the library as an option. What is out of its range is what it holds where it is not given. */
static arg_option sampling_row(int index, const cogvideo_field *field)
{
    static char names[MAX_FIELDS][32], helps[MAX_FIELDS][200];
    const bool flag = field->kind == COGVIDEO_FIELD_FLAG, number = field->kind == COGVIDEO_FIELD_NUMBER,
               word = field->kind == COGVIDEO_FIELD_WORD;

    snprintf(names[index], sizeof names[index], "%s", field->name);
    for (char *c = names[index]; (c = strchr(c, '_'));)
        *c = '-';
    snprintf(helps[index], sizeof helps[index], "%s%s%s%s", field->meaning, word ? ": " : "", word ? field->words : "",
             flag                                    ? ""
             : field->ways == COGVIDEO_BY_CANDIDATES ? "; default: the model's"
                                                     : "; default: the model's, for each step");
    return (arg_option){
        .name = names[index],
        .letter = strcmp(field->name, "temperature") == 0 ? 'T' : 0,
        .value = flag     ? NULL
                 : number ? "X"
                 : word   ? "WORD"
                          : "N",
        .help = helps[index],
        .kind = flag     ? ARG_FLAG
                : number ? ARG_NUMBER
                : word   ? ARG_CHOICE
                         : ARG_INT,
        .offset = FIELD(given) + field->offset,
        .min = field->min,
        .max = field->max,
        .initial = flag     ? 0
                   : number ? NAN
                            : field->min - 1,
        .choices = field->words,
    };
}

void cli_sampling_rows(void)
{
    arg_option *one_by_one = cli_sampling_table + OWN_ROWS, *between = cli_candidates_table,
               *in_steps = cli_steps_table;
    const cogvideo_field *field;

    memcpy(cli_sampling_table, own_sampling_rows, sizeof own_sampling_rows);
    for (int i = 0; i < MAX_FIELDS && (field = cogvideo_sampling_field(i)); i++)
        *(field->ways == COGVIDEO_BY_UNMASKING    ? in_steps++
          : field->ways == COGVIDEO_BY_CANDIDATES ? between++
                                                  : one_by_one++) = sampling_row(i, field);
}
#undef FIELD

#define FIELD(field) offsetof(cli_output_options, field)
#define OUTPUT(help)                                                        \
    {                                                                       \
        "output", 'o', "FILE", help, ARG_TEXT, FIELD(output), 0, 0, 0, NULL \
    }
#define ANYWHERE "where the result goes; - is standard output"
#define FORCE                                                                                             \
    {                                                                                                     \
        "force", 'f', NULL, "replace files that are there already", ARG_FLAG, FIELD(force), 0, 0, 0, NULL \
    }
#define JSON                                                                                                        \
    {                                                                                                               \
        "json", 0, NULL, "what was made, as a JSON object on standard output", ARG_FLAG, FIELD(json), 0, 0, 0, NULL \
    }

#define RESUME                                                                                                       \
    {                                                                                                                \
        "resume", 0, NULL,                                                                                           \
            "go on where a run of the same settings was interrupted, leave what it has finished; begin where there " \
            "was none",                                                                                              \
            ARG_FLAG, FIELD(resume), 0, 0, 0, NULL                                                                   \
    }

const arg_option cli_output_table[] = { OUTPUT(ANYWHERE), FORCE, JSON, { 0 } };
const arg_option cli_codes_output_table[] = { OUTPUT(ANYWHERE), FORCE, RESUME, JSON, { 0 } };
const arg_option cli_clip_output_table[] = {
    OUTPUT("where the result goes; its codes are kept beside it"), FORCE, RESUME, JSON, { 0 }
};
#undef FIELD

#define FIELD(field) offsetof(cli_score_options, field)
const arg_option cli_score_table[] = {
    { "stage", 0, "N", "1: each key frame given those before it; 2: odd frames given the even ones; default 1", ARG_INT,
      FIELD(stage), 1, 2, 1, "1|2" },
    { "first-frame", 0, NULL, "score frame 0 too (stage 1)", ARG_FLAG, FIELD(first_frame), 0, 0, 0, NULL },
    { "masked-share", 0, "X",
      "of a model that fills all places side by side: the share of a scene that is hidden at once, above 0 and up to 1; "
      "default: each code alone",
      ARG_NUMBER, FIELD(masked_share), 1e-6, 1, 0, NULL },
    { 0 },
};
#undef FIELD

#define FIELD(field) offsetof(cli_picture_options, field)
const arg_option cli_picture_table[] = {
    { "size", 0, "N", "enlarge smaller pictures to N x N pixels; 0 = never; default: the model's", ARG_INT, FIELD(size),
      0, 16384, -1, NULL },
    { "fps", 0, "X", "frames per second; default: from the times of the frames", ARG_NUMBER, FIELD(fps), 0.01, 1000, 0,
      NULL },
    { "normalize", 0, "HOW",
      "clamp: as decoded; minmax: stretch each picture to its own range, as the original does, which "
      "flickers; default clamp",
      ARG_CHOICE, FIELD(normalize), 0, 0, 0, "clamp|minmax" },
    { "quality", 0, "N", "of JPEG and the like, 1 to 100; default 90", ARG_INT, FIELD(quality), 1, 100, 0, NULL },
    { "columns", 0, "N", "of a contact sheet; default: chosen for its shape", ARG_INT, FIELD(columns), 1, 1000, 0,
      NULL },
    { "no-metadata", 0, NULL, "leave out of the video how it was made", ARG_FLAG, FIELD(no_metadata), 0, 0, 0, NULL },
    { 0 },
};
