/* --json: every command that has a result, each beginning with what others have made, gives JSON objects on standard
 * output and nothing else there. The model is the one that ships. */
#include "support/check.h"
#include "support/program.h"

#include "base/json.h"

#include <cogvideo/model.h>

#include <sys/stat.h>

typedef struct call {
    const char *command, *arguments;
    const char *member; /* that its object has */
    int lines;          /* of standard output: an object each; 0 where only the member counts */
} call;

/* In an order that gives each what it needs. MODEL is the shipped model, METRICS the shipped networks, SOURCE the
 * source's folder. */
static const call calls[] = {
    { "dataset shapes", "--clips 2 -o data", "clips", 1 },
    { "dataset info", "data --clip 0 -o videos/a/%04d.ppm", "caption", 1 },
    { "dataset info", "data", "clips", 1 },
    { "dataset build", "videos --size 64 -o built", "clips", 1 },
    { "dataset tokens", "data --model MODEL --for image -o image.rows", "rows", 1 },
    { "dataset tokens", "data --model MODEL --check --clips 1", "patterns_kept", 1 },
    { "import", "--config SOURCE/configs/shapes-model.json --text-tokenizer SOURCE/tokenizer/shapes.model -o my",
      "files", 1 },
    { "train", "image-tokenizer data --recipe recipe.json --model my -o run", "loss", 1 },
    { "quantize", "MODEL --type q8 small", "files", 1 },
    { "info", "small", "parameters", 1 },
    { "tokenize", "--model MODEL \"a large red star\"", "ids", 1 },
    { "tokenize", "--model MODEL --decode 4100,4101", "text", 1 },
    { "tokenize", "--model MODEL --name-of 7,4100", "pieces", 1 },
    { "tokenize", "--model MODEL --id-of '<image_7>'", "ids", 1 },
    { "encode", "--model MODEL videos/a/0000.ppm -o encoded.jsonl", "files", 1 },
    { "keyframes",
      "--model MODEL \"a large red star moves left on a white background\" --count 3 --seed 1 -o key.jsonl", "files",
      1 },
    { "interpolate", "--model MODEL key.jsonl --rounds 1 -o clip.jsonl", "seed", 1 },
    { "decode", "--model MODEL clip.jsonl -o clip.y4m", "frames", 1 },
    { "generate",
      "--model MODEL \"a large red star moves left on a white background\" --seed 1 --rounds 1 -o whole.y4m", "clips",
      1 },
    { "generate",
      "--model MODEL \"a large red star moves left on a white background\" --seed 1 --rounds 1 --resume -o whole.y4m",
      "clips", 1 },
    { "picture", "--model MODEL \"a large red star on a white background\" --seed 1 -o star.ppm", "clips", 1 },
    { "score", "--model MODEL key.jsonl", "logprob", 2 },
    { "score", "--model MODEL --first-frame key.jsonl", "logprob", 3 },
    { "compare", "MODEL small key.jsonl", "divergence", 1 },
    { "tokens show", "clip.jsonl", "header", 1 },
    { "tokens show", "--model MODEL clip.jsonl", "inspected", 1 },
    { "tokens show", "--model MODEL --frame 1 clip.jsonl", "entropy", 1 },
    { "tokens report", "--model MODEL clip.jsonl -o report.html", "attention", 1 },
    { "tokens convert", "clip.jsonl -o clip.npy", "frames", 1 },
    { "tokens compare", "clip.jsonl clip.npy", NULL, 0 }, /* .npy is none of its kinds: nothing on standard output */
    { "tokens compare", "clip.jsonl clip.jsonl", "equal", 1 },
    { "evaluate", "data --real data --metric fvd --few --metrics METRICS --bootstrap 4", "metrics", 1 },
    { "rank", "videos/a --prompt \"a large red star moves left on a white background\" --metrics METRICS", "clips", 1 },
    { "bench", "--hidden 64 --rounds 1", "rows", 1 },
    { "help", "", "commands", 1 },
    { "help", "tokens show", "options", 1 },
    { "help", "exit-codes", "exit_codes", 1 },
};

/* A model with super-resolution is only there with the large goldens (test_original.c); a completion is a shell's
 * text. */
static const char *const elsewhere[] = { "upscale", "refine", "completion" };

/* `text` with MODEL, METRICS and SOURCE as paths. */
static void fill_in(char *out, size_t room, const char *text)
{
    static const struct {
        const char *word, *variable, *within;
    } paths[] = { { "MODEL", "COGVIDEO_WEIGHTS", "shapes" },
                  { "METRICS", "COGVIDEO_WEIGHTS", "shapes-metrics" },
                  { "SOURCE", "COGVIDEO_CONFIGS", ".." } };
    size_t used = 0;

    out[0] = '\0';
    while (*text) {
        size_t i = 0, count = sizeof paths / sizeof *paths;

        while (i < count && strncmp(text, paths[i].word, strlen(paths[i].word)) != 0)
            i++;
        used += (size_t)(i < count
                             ? snprintf(out + used, room - used, "'%s'/%s", getenv(paths[i].variable), paths[i].within)
                             : snprintf(out + used, room - used, "%c", *text));
        assert_true(used < room);
        text += i < count ? strlen(paths[i].word) : 1;
    }
}

static void check_lines(const call *c)
{
    char *copy = strdup(program_output()), *rest = copy, *line;
    int lines = 0;

    while ((line = strsep(&rest, "\n")) && *line) {
        cv_json *json = NULL;
        cogvideo_error err;

        CHECK_OK(cv_json_parse(&json, line, strlen(line), c->command, &err), err);
        if (!cv_json_is_object(json) || !c->member || !cv_json_get(json, c->member))
            fail_msg("%s %s --json: has no '%s': %s", c->command, c->arguments, c->member, line);
        cv_json_free(&json);
        lines++;
    }
    free(copy);
    if (lines != c->lines)
        fail_msg("%s %s --json: gives %d lines, %d were expected", c->command, c->arguments, lines, c->lines);
}

static void every_result_is_json(void **state)
{
    static const char recipe[] =
        "{\"format\":\"cogvideo-recipe\",\"version\":1,\"image-tokenizer\":{\"steps\":1,\"batch\":1,\"samples\":0}}";

    (void)state;
    check_write(check_temp_path("recipe.json"), recipe, sizeof recipe - 1);
    assert_int_equal(mkdir(check_temp_path("videos"), 0777), 0);
    assert_int_equal(mkdir(check_temp_path("videos/a"), 0777), 0);
    check_write(check_temp_path("videos/a/caption.txt"), "a star", 6);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char arguments[3000];

        fill_in(arguments, sizeof arguments, calls[i].arguments);
        assert_int_equal(program_run("%s %s --json 2>chatter || { cat chatter >&2; false; }", calls[i].command,
                                     arguments),
                         calls[i].lines == 0);
        check_lines(&calls[i]);
    }
}

static void no_command_is_left_out(void **state)
{
    cogvideo_error err;
    cv_json *tables = NULL;

    (void)state;
    program_ok("help --json");
    CHECK_OK(cv_json_parse(&tables, program_output(), strlen(program_output()), "help", &err), err);
    for (cv_json *command = cv_json_first(cv_json_get(tables, "commands")); command; command = cv_json_next(command)) {
        const char *name = cv_json_text(cv_json_get(command, "name"));
        bool found = false;

        for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
            found = found || strcmp(calls[i].command, name) == 0;
        for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
            found = found || strcmp(elsewhere[i], name) == 0;
        if (!found)
            fail_msg("no call of '%s' stands in this test", name);
    }
    cv_json_free(&tables);
}

/* Every row under its name, once, beside the members that models of all families have. */
static void info_has_the_rows_of_the_library(void **state)
{
    enum { COMMON = 12, FILES = 1 };
    cogvideo_model *model = NULL;
    cogvideo_property row;
    char folder[3000], arguments[3000];
    cv_json *json = NULL;
    cogvideo_error err;
    int rows = 0;

    (void)state;
    snprintf(folder, sizeof folder, "%s/shapes", getenv("COGVIDEO_WEIGHTS") ? getenv("COGVIDEO_WEIGHTS") : "weights");
    fill_in(arguments, sizeof arguments, "info MODEL --json");
    program_ok("%s", arguments);
    CHECK_OK(cv_json_parse(&json, program_output(), strlen(program_output()), "info", &err), err);
    CHECK_OK(cogvideo_model_open(&model, folder, NULL, &err), err);
    for (; cogvideo_model_property(model, rows, &row); rows++) {
        const cv_json *member = cv_json_get(json, row.name);

        if (!member || !*row.title)
            fail_msg("the row '%s' has no member or no title", row.name);
        if (row.kind == COGVIDEO_PROPERTY_WHOLE || row.kind == COGVIDEO_PROPERTY_NUMBER)
            assert_true(cv_json_number(member) == row.number && cogvideo_model_number(model, row.name) == row.number);
        else if (row.kind == COGVIDEO_PROPERTY_TEXT)
            assert_string_equal(cv_json_text(member), row.text);
        else
            assert_true(row.kind == COGVIDEO_PROPERTY_FLAG && !cv_json_is_number(member) && !cv_json_is_string(member));
    }
    assert_int_equal(cv_json_count(json), COMMON + rows + FILES);
    assert_true(cogvideo_model_number(model, "layers") == 6 && cogvideo_model_number(model, "upscaler") == 0);
    assert_true(cogvideo_model_number(model, "seconds") == 4 && cogvideo_model_number(model, "shared_trunk") == 1);
    cogvideo_model_close(&model);
    cv_json_free(&json);
}

/* Errors are sentences on standard error; the exit code tells. */
static void errors_leave_standard_output_empty(void **state)
{
    (void)state;
    program_check("tokens show none.jsonl --json", 1, "");
    assert_int_equal(program_output()[0], '\0');
    program_check("tokens convert a.jsonl -o - --json" STDERR, 2, "--json and -o - cannot be combined");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_result_is_json),
        cmocka_unit_test(no_command_is_left_out),
        cmocka_unit_test(info_has_the_rows_of_the_library),
        cmocka_unit_test(errors_leave_standard_output_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
