/* A run with --resume never takes for its own what was made, or begun, with other settings: pairs of settings that
 * differ in one option, for every command that draws codes, against a finished result and against the journal of one
 * that is not. */
#include "support/check.h"
#include "support/models.h"
#include "support/program.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#define PROMPT "一个红色的圆形向左移动"
#define OTHER "海浪拍打着沙滩"

/* Sanitizers watch over a twelfth of the pairs: the others go the same ways. */
enum { EVERY = CHECK_SANITIZED ? 12 : 1 };

/* A command and what it is given in all its runs. */
typedef struct maker {
    const char *command, *arguments;
} maker;

static const maker makers[] = {
    { "keyframes", "-o r.jsonl" },
    { "interpolate", "-o r.jsonl" },
    { "upscale", "-o r.jsonl" },
    { "generate", "-o r.y4m" },
};

enum {
    KEYFRAMES = 1,
    INTERPOLATE = 2,
    UPSCALE = 4,
    GENERATE = 8,
    ALL = 15,
    GUIDED = KEYFRAMES | INTERPOLATE | GENERATE
};

/* Two settings of one option. The rest of the command line is the same: PROMPT, --seed 5, key frames that are given to
 * those who need some. */
typedef struct pair {
    int commands;
    const char *a, *b, *words; /* the words name the first difference */
} pair;

static const pair pairs[] = {
    { ALL, PROMPT, OTHER, "\"prompt\":\"" PROMPT "\" and not \"prompt\":\"" OTHER "\"" },
    { ALL, "", "--text-ids 1530,1531", "\"prompt\":\"" PROMPT "\" and not \"prompt\":null" },
    { ALL, "--text-ids 1530,1531", "--text-ids 1530,1532",
      "\"text_ids\":[1530,1531] and not \"text_ids\":[1530,1532]" },
    { GUIDED, "", "--guide-ids 1530", "\"guide_ids\":null and not \"guide_ids\":[1530]" },
    { GUIDED, "", "--guidance 2.5", "\"guidance\":3 and not \"guidance\":2.5" },
    { GUIDED, "--guidance 2.5", "--guidance 0", "\"guidance\":2.5 and not \"guidance\":0" },
    { GUIDED, "", "--text-weight 0", "\"text_weight\":1.4 and not \"text_weight\":0" },
    { ALL, "", "--seed 6", "\"seed\":5 and not \"seed\":6" },
    { ALL, "--seed 9007199254740990", "--seed 9007199254740991",
      "\"seed\":9007199254740990 and not \"seed\":9007199254740991" },
    { ALL, "", "--first-sample 1", "\"sample\":0 and not \"sample\":1" },
    { ALL, "", "--greedy", "\"greedy\":false and not \"greedy\":true" },
    { ALL, "", "--temperature 0.9", "\"temperature\":1 and not \"temperature\":0.9" },
    { ALL, "--temperature 0.9", "--temperature 0.90000001", "\"temperature\":0.9 and not \"temperature\":0.90000001" },
    { ALL, "", "--clusters 3", "\"clusters\":16 and not \"clusters\":3" },
    { ALL, "", "--clusters 0", "\"clusters\":16 and not \"clusters\":0" },
    { ALL, "", "--code-temperature 0.5", "\"code_temperature\":0.89 and not \"code_temperature\":0.5" },
    { ALL, "--top-k 9", "--top-k 10", "\"top_k\":9 and not \"top_k\":10" },
    { ALL, "--top-p 0.5", "--top-p 0.6", "\"top_p\":0.5 and not \"top_p\":0.6" },
    { KEYFRAMES | GENERATE, "", "--seconds 3", "\"seconds\":4 and not \"seconds\":3" },
    { KEYFRAMES, "", "--count 3", "\"keyframes\":5 and not \"keyframes\":3" },
    { KEYFRAMES, "", "--first key.jsonl", "\"input\":null and not \"input\":{" },
    { INTERPOLATE | GENERATE, "--rounds 1", "--rounds 2", "\"rounds\":1 and not \"rounds\":2" },
    { GENERATE, "", "--no-upscale",
      "\"steps\":[\"keyframes\",\"interpolate\",\"upscale\",\"decode\"] and not \"steps\":[\"keyframes\",\"interpolate\",\"decode\"]" },
    { ALL, "", "--activations f32", "\"activations\":\"q8\" and not \"activations\":\"f32\"" },
    { ALL, "", "--cache f32", "\"cache\":\"f16\" and not \"cache\":\"f32\"" },
    { ALL, "", "--model n", "\"model\":\"small\" and not \"model\":\"other\"" },
    { ALL, "", "--model p", "\"changed\":1000000000 and not \"changed\":1000000007" },
    { INTERPOLATE, "key.jsonl", "key2.jsonl", "\"codes\":" },
    { UPSCALE, "key.jsonl", "key2.jsonl", "\"codes\":" },
};

/* What changes nothing of the codes is the same run, as the model's own values are that are given. */
static const pair equals[] = {
    { ALL, "", "--threads 1", NULL },
    { INTERPOLATE | GENERATE, "", "--batch 1", NULL },
    { ALL, "", "--max-memory 1", NULL },
    { ALL, "", "--cut-text", NULL },
    { GENERATE, "", "--preview p.ppm", NULL },
    { ALL, "", "--model q", NULL },
    { ALL, "", "--quiet", NULL },
    { ALL, "--seed 5", "--seed -1", NULL },
    { GUIDED, "", "--guidance 3", NULL },
    { KEYFRAMES | GENERATE, "", "--seconds 4", NULL },
};

static bool is_there(const char *name)
{
    return access(check_temp_path(name), F_OK) == 0;
}

static void shell(const char *command)
{
    char line[4000];

    snprintf(line, sizeof line, "cd \"$COGVIDEO_TEST_TEMP\" && %s", command);
    if (system(line) != 0)
        fail_msg("%s: failed", command);
}

static bool begins(const char *option, const char *words)
{
    return strncmp(option, words, strlen(words)) == 0;
}

/* A command line: what is usual, but for that which the option replaces. */
static const char *line_of(const maker *m, const char *option)
{
    static char lines[2][1000];
    static int next;
    char *line = lines[next++ % 2];
    const bool takes_codes = m->command[0] == 'i' || m->command[0] == 'u',
               is_prompt = begins(option, PROMPT) || begins(option, OTHER);
    const bool is_codes = begins(option, "key");

    snprintf(line, 1000, "%s %s %s %s %s %s%s %s %s", m->command, begins(option, "--model") ? "" : "--model m",
             begins(option, "--seed") ? "" : "--seed 5",
             takes_codes || m->command[0] == 'k' || begins(option, "--rounds") ? "" : "--rounds 1",
             takes_codes && !is_codes ? "key.jsonl" : "", is_prompt && takes_codes ? "--prompt " : "", option,
             begins(option, "--text-ids") || is_prompt ? ""
             : takes_codes                             ? "--prompt " PROMPT
                                                       : PROMPT,
             m->arguments);
    return line;
}

static void check_pair(const maker *m, const pair *p, const char *said)
{
    char arguments[1200], words[300];

    snprintf(arguments, sizeof arguments, "%s --resume" STDERR, line_of(m, p->b));
    snprintf(words, sizeof words, "%s", p->words);
    program_check(arguments, 1, said);
    if (!strstr(program_output(), words))
        fail_msg("cogvideo %s: said '%s', '%s' was expected", arguments, program_output(), words);
}

/* Makes the result of each first setting once, and asks for the others. */
static void finished_results_are_what_was_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        const maker *m = &makers[i];
        const char *made = NULL;

        for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k += EVERY) {
            if (!(pairs[k].commands & 1 << i))
                continue;
            if (!made || strcmp(made, pairs[k].a) != 0) {
                program_ok("%s -q --force", line_of(m, pairs[k].a));
                made = pairs[k].a;
                shell("rm -rf kept && mkdir kept && cp r.* kept");
            }
            check_pair(m, &pairs[k], "was made with other settings, ");
            shell("for f in kept/*; do cmp $f $(basename $f) || exit 1; done; ! ls *.journal *.partial 2>/dev/null");
        }
        for (size_t k = 0; k < sizeof equals / sizeof *equals; k++) {
            char arguments[1200];

            if (!(equals[k].commands & 1 << i))
                continue;
            if (strcmp(made, equals[k].a) != 0)
                program_ok("%s -q --force", line_of(m, equals[k].a));
            made = equals[k].a;
            snprintf(arguments, sizeof arguments, "%s --resume" STDERR, line_of(m, equals[k].b));
            program_check(arguments, 0, begins(equals[k].b, "--quiet") ? "" : ": is finished");
        }
        shell("rm -f r.* p.ppm");
    }
}

/* The same of runs that were killed when their files grew beyond so many blocks of 512 bytes that the journal has a
 * row. */
static void unfinished_runs_are_what_was_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        const maker *m = &makers[i];
        const char *begun = NULL;

        for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k += EVERY) {
            char command[1200];

            if (!(pairs[k].commands & 1 << i))
                continue;
            if (!begun || strcmp(begun, pairs[k].a) != 0) {
                snprintf(
                    command, sizeof command,
                    "ulimit -c 0; for blocks in 4 5 6 7 8 9; do rm -f r.*; (ulimit -f $blocks; exec \"$COGVIDEO_PROGRAM\" %s -q) 2>/dev/null; "
                    "[ $? = 1 ] && [ $(wc -l <r.journal) -ge 2 ] && exit 0; done; exit 1",
                    line_of(m, pairs[k].a));
                shell(command);
                begun = pairs[k].a;
                shell("sed '$d' r.journal >kept.journal"); /* the last line is cut off */
            }
            check_pair(m, &pairs[k], "r.journal: was begun with other settings, ");
            shell("head -n $(wc -l <kept.journal) r.journal | cmp - kept.journal");
        }
        shell("rm -f r.* kept.journal");
    }
}

#define CLIP "generate --model m " PROMPT " --seed 5 --rounds 1 --no-upscale --resume "

/* The video follows from the codes: where only it is missing, or made in another way, no code is drawn. */
static void videos_are_made_of_codes_that_are_there(void **state)
{
    static const char *const options[] = { "--size 80", "--fps 3", "--normalize minmax" };

    (void)state;
    program_ok(CLIP "-q -o v.y4m");
    shell("cp v.y4m first.y4m && cp v.jsonl first.jsonl && rm v.y4m");
    program_check(CLIP "-o v.y4m" STDERR, 0, "v.y4m: 9 frames of 64x64 pixels");
    program_equal_files("v.y4m", "first.y4m");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        char arguments[600];

        snprintf(arguments, sizeof arguments, CLIP "%s -o v.y4m" STDERR, options[i]);
        program_check(arguments, 0, "v.y4m: was made with other options of the picture, ");
        assert_null(strstr(program_output(), "codes to draw"));
        program_check(arguments, 0, "v.y4m: is finished");
        shell("! cmp -s v.y4m first.y4m");
        program_ok(CLIP "-q -o v.y4m");
        program_equal_files("v.y4m", "first.y4m");
    }
    program_check(CLIP "-o v.mjpeg" STDERR, 0, "v.mjpeg: 9 frames");
    program_check(CLIP "-o v.mjpeg" STDERR, 0, "v.mjpeg: is finished");
    program_check(CLIP "-o v.y4m" STDERR, 0, "v.y4m: is finished");
    program_check(CLIP "-o v-%02d.ppm" STDERR, 0, "v-%02d.ppm: 9 frames");
    shell("rm v-05.ppm");
    program_check(CLIP "-o v-%02d.ppm" STDERR, 0, "v-%02d.ppm: 9 frames");
    assert_true(is_there("v-05.ppm"));
    program_equal_files("v.jsonl", "first.jsonl");
    shell("echo mine >v.ppm");
    program_check(CLIP "-o v.ppm" STDERR, 1, "v.ppm: is there, but v.json does not tell of it");
    shell("grep -q mine v.ppm");
}

static void what_is_there_but_unknown_is_not_taken(void **state)
{
    (void)state;
    program_ok(CLIP "-q -o u.y4m");
    shell("cp u.jsonl kept.jsonl && cp u.json kept.json && cp u.y4m u2.y4m");
    program_check(CLIP "-o u2.y4m" STDERR, 1, "u2.y4m: already exists; use --force to replace it");
    /* Codes that another hand has put there, or taken away. */
    program_ok("generate -q --model m " OTHER " --seed 5 --rounds 1 --no-upscale -o other.y4m");
    shell("cp other.jsonl u.jsonl");
    program_check(CLIP "-o u.y4m" STDERR, 1, "u.jsonl: holds other codes than those that u.json tells of");
    shell("rm u.jsonl");
    program_check(CLIP "-o u.y4m" STDERR, 0, "u.jsonl: 9 frames");
    program_equal_files("u.jsonl", "kept.jsonl");
    /* A record of a version that did not say as much, none at all, and what is no record. */
    shell("sed -i 's/\"made_by\":\"generate\",//' u.json");
    program_check(CLIP "-o u.y4m" STDERR, 1,
                  "u.json: was written by an earlier version and does not say all that its codes follow from");
    shell("rm u.json");
    program_check(CLIP "-o u.y4m" STDERR, 1, "u.jsonl: is there, but not u.json, which would say how it was made");
    shell("echo text >u.json");
    program_check(CLIP "-o u.y4m" STDERR, 1, "u.json: is not valid JSON");
    program_ok("%s", "generate --model m " PROMPT " --seed 5 --rounds 1 --no-upscale -q --force -o u.y4m");
    program_equal_files("u.jsonl", "kept.jsonl");
}

/* Samples that are there stay what they are when more are asked for. */
static void more_samples_can_be_asked_for(void **state)
{
#define KEYS "keyframes --model m " PROMPT " --seed 5 -o s-%d.jsonl --resume "
    (void)state;
    program_check(KEYS "--samples 2" STDERR, 0, "s-1.jsonl: 5 frames");
    shell("cp s-0.jsonl zero && cp s-1.jsonl one");
    program_check(KEYS "--samples 3" STDERR, 0, "s-2.jsonl: 5 frames");
    program_equal_files("s-0.jsonl", "zero");
    program_equal_files("s-1.jsonl", "one");
    program_check(KEYS "--samples 2" STDERR, 0, "s-%d.jsonl: is finished");
    program_check("keyframes --model m " OTHER " --seed 5 -o s-%d.jsonl --resume --samples 4" STDERR, 1,
                  "s-0.jsonl: was made with other settings, \"prompt\"");
    assert_false(is_there("s-3.jsonl"));
}

static int start(void **state)
{
    const struct utimbuf then = { 1000000000, 1000000000 }, later = { 1000000007, 1000000007 };

    (void)state;
    setenv("COGVIDEO_TEST_TEMP", check_temp(), 1);
    models_write_small(check_temp());
    models_import_small("f32", "m");
    models_add_upscaler("m");
    utime(check_temp_path("m/stage1.safetensors"), &then);
    utime(check_temp_path("m/upscaler.safetensors"), &then);
    shell("cp -rp m n && sed -i 's/\"small\"/\"other\"/' n/model.json && cp -rp m p && cp -rp m q");
    utime(check_temp_path("p/stage1.safetensors"), &later);
    program_ok("keyframes -q --model m " PROMPT " --seed 5 --count 3 -o key.jsonl");
    program_ok("keyframes -q --model m " PROMPT " --seed 6 --count 3 -o key2.jsonl");
    return 0;
}

/* Files of the same names that belong to no run, or to another, stay. */
static void foreign_files_stay(void **state)
{
    (void)state;
    shell("rm -f f.* f-*");
    program_ok(CLIP "-q -o f.y4m");
    shell("rm f.jsonl && echo precious >f.mjpeg");
    program_check(CLIP "-o f.mjpeg" STDERR, 1, "f.mjpeg: already exists");
    shell("grep -q precious f.mjpeg && rm f.*");
    /* Numbered pictures, whatever their numbers. */
    shell("echo precious >f-0007.ppm");
    program_check("generate --model m " PROMPT " --seed 5 --rounds 1 --no-upscale -o f-%04d.ppm" STDERR, 1,
                  "f-%04d.ppm: pictures of that name already exist");
    shell("grep -q precious f-0007.ppm && rm f-*");
    /* The record of another result. */
    program_ok(CLIP "-q -o f.y4m");
    program_check("keyframes --model m " PROMPT " --seed 9 -o f.key" STDERR, 1, "f.json: already exists");
    /* A video that is cut, or codes of another shape, are not what was asked. */
    shell("cp f.y4m whole && head -c 1000 whole >f.y4m");
    program_check(CLIP "-o f.y4m" STDERR, 1, "f.y4m: has another size");
    shell("mv whole f.y4m && sed -i '1s/\"rate\":8/\"rate\":16/' f.jsonl");
    program_check(CLIP "-o f.y4m" STDERR, 1, "f.jsonl: holds other codes");
    shell("rm f.*");
    /* A run that is refused takes nothing of one that was interrupted. */
    program_interrupt(SIGTERM, "f.journal", 8, "generate -q --model m " PROMPT " --seed 5 --rounds 2 -o f.y4m");
    shell("cp f.journal kept.journal");
    program_check("generate --model m " PROMPT " --seed 5 --rounds 2 -o f.y4m --force --max-memory 0.001" STDERR, 1,
                  "are allowed");
    shell("cmp f.journal kept.journal && sed -i '4s/ #/1 #/' f.journal && cp f.journal kept.journal");
    program_check("generate --model m " PROMPT " --seed 6 --rounds 2 -o f.y4m --resume" STDERR, 1,
                  "was begun with other settings");
    shell("cmp f.journal kept.journal && rm f.* kept.journal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finished_results_are_what_was_asked),
        cmocka_unit_test(unfinished_runs_are_what_was_asked),
        cmocka_unit_test(videos_are_made_of_codes_that_are_there),
        cmocka_unit_test(what_is_there_but_unknown_is_not_taken),
        cmocka_unit_test(more_samples_can_be_asked_for),
        cmocka_unit_test(foreign_files_stay),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
