/* cogvideo tokens convert - converts between token streams, training rows and NumPy arrays. */
#include "commands.h"
#include "json_out.h"
#include "output.h"
#include "prompt.h"
#include "result.h"
#include "say.h"

#include "base/json.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>

enum { FORM_STREAM, FORM_ROWS, FORM_NPY, FORM_BY_NAME };
#define FORMS "jsonl|rows|npy"

typedef struct settings {
    cli_output_options output;
    int from, to, row, grid, frames, text_places, pad;
    arg_ids text_ids;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "from", 0, "FORM",
      "format of the input: jsonl, rows or npy; default: by the file's ending (.rows and .bin are rows)", ARG_CHOICE,
      FIELD(from), 0, 0, FORM_BY_NAME, FORMS },
    { "to", 0, "FORM", "format of the output: jsonl, rows or npy; default: by its ending", ARG_CHOICE, FIELD(to), 0, 0,
      FORM_BY_NAME, FORMS },
    { 0 },
};
static const arg_option rows_table[] = {
    { "row", 0, "N", "the row to read, numbered from 0; default 0", ARG_INT, FIELD(row), 0, 2147483647, 0, NULL },
    { "grid", 0, "N", "codes on one side of a frame in a row; default 20", ARG_INT, FIELD(grid), 1, 4096, 20, NULL },
    { "frames", 0, "N", "frames in a row; default 5", ARG_INT, FIELD(frames), 1, 65536, 5, NULL },
    { "text-places", 0, "N", "text ids in a row; default 64", ARG_INT, FIELD(text_places), 0, 65536, 64, NULL },
    { "pad", 0, "ID", "the id that pads the text; default 20003", ARG_INT, FIELD(pad), -2147483648.0, 2147483647, 20003,
      NULL },
    { "text-ids", 0, "ID,ID,...", "the text of a row that is written; default: the ids in the clip's header", ARG_IDS,
      FIELD(text_ids), 0, 2147483647, 0, NULL },
    { 0 },
};

static int form_of(const char *path, int given)
{
    if (given != FORM_BY_NAME)
        return given;
    if (cv_path_ends_in(path, ".npy"))
        return FORM_NPY;
    return cv_path_ends_in(path, ".rows") || cv_path_ends_in(path, ".bin") ? FORM_ROWS : FORM_STREAM;
}

static cogvideo_status load(const settings *s, const char *path, cogvideo_tokens *clip, cogvideo_error *err)
{
    switch (form_of(path, s->from)) {
    case FORM_NPY:
        return cogvideo_tokens_load_npy(clip, path, err);
    case FORM_ROWS:
        return cogvideo_tokens_load_row(clip, path, s->row, s->grid, s->frames, s->text_places, s->pad, err);
    default:
        return cogvideo_tokens_load(clip, path, err);
    }
}

/* Reads the ids of the text from the header; none if it has none. */
static cogvideo_status header_ids(const cogvideo_tokens *clip, arg_ids *out, cogvideo_error *err)
{
    cv_json *header = cli_header(clip);
    const cv_json *ids = cv_json_get(header, "text_ids");
    cogvideo_status status = ids ? cv_json_int_array(ids, INT32_MIN, INT32_MAX, &out->values, &out->count,
                                                     "text_ids in the clip's header", err)
                                 : COGVIDEO_OK;

    cv_json_free(&header);
    return status;
}

static cogvideo_status save(const settings *s, const cogvideo_tokens *clip, cogvideo_error *err)
{
    int form = form_of(s->output.output, s->to);
    arg_ids found = { 0 };
    cogvideo_status status;

    if (form == FORM_NPY) {
        if (clip->frames_per_code != 1)
            cli_warning("%s: holds the codes alone, not that each stands for %d video frames, nor where scenes begin",
                        s->output.output, clip->frames_per_code);
        return cogvideo_tokens_save_npy(clip, s->output.output, err);
    }
    if (form == FORM_STREAM)
        return cogvideo_tokens_save(clip, s->output.output, err);
    if (!s->text_ids.values && (status = header_ids(clip, &found, err)) != COGVIDEO_OK)
        return status;
    status = cogvideo_tokens_save_row(clip, s->output.output, found.values ? found.values : s->text_ids.values,
                                      found.values ? found.count : s->text_ids.count, s->text_places, s->pad, err);
    free(found.values);
    return status;
}

static void print_json(const char *file, const cogvideo_tokens *clip)
{
    json_out json = { .stream = stdout, .first = 1 };

    json_begin(&json, NULL);
    json_string(&json, "file", file);
    json_integer(&json, "frames", clip->frames);
    json_shape(&json, clip);
    json_integer(&json, "rate", clip->rate);
    json_end(&json);
    putchar('\n');
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    const settings *s = given;
    const char *input = arguments->values[0];
    cogvideo_tokens clip = { 0 };
    cogvideo_error err;
    int status;

    if ((status = cli_need_output(command, &s->output)) != CLI_OK ||
        (status = cli_check_output(s->output.output, s->output.force)) != CLI_OK)
        return status;
    if (load(s, input, &clip, &err) != COGVIDEO_OK || save(s, &clip, &err) != COGVIDEO_OK)
        status = cli_error("%s", err.message);
    else if (s->output.json)
        print_json(s->output.output, &clip);
    cogvideo_tokens_free(&clip);
    return status;
}

static const arg_group groups[] = {
    { "Options", table, 0 },
    { "Output", cli_output_table, offsetof(settings, output) },
    { "Training rows", rows_table, 0 },
    { 0 },
};

const cli_command cmd_tokens_convert = {
    .name = "tokens convert",
    .summary = "convert codes from one file format to another",
    .usage = "[OPTIONS] CODES -o FILE",
    .details =
        "File formats: token streams (.jsonl), NumPy arrays (.npy) of int32 or int64 [frames, height, width], and the\n"
        "original's training rows (.rows, .bin): int32 without a header, text ids and then frames of codes.",
    .examples = "  cogvideo tokens convert clip.jsonl -o clip.npy\n"
                "  cogvideo tokens convert key.jsonl --text-places 48 --pad 387 -o key.rows\n"
                "  cogvideo tokens convert key.rows --row 0 --grid 8 --text-places 48 --pad 387 -o row.jsonl",
    .min_arguments = 1,
    .max_arguments = 1,
    .missing = "a file of codes is missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
