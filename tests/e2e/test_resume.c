/* A run that is killed, interrupted or out of room goes on from its journal and ends with the files of one that was
 * not. */
#include "support/check.h"
#include "support/models.h"
#include "support/program.h"

#include "base/file.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROMPT "一个红色的圆形向左移动"
#define GENERATE "generate -q --model m " PROMPT " --seed 5 --rounds 2 --no-metadata "

static bool is_there(const char *name)
{
    return access(check_temp_path(name), F_OK) == 0;
}

static void remove_run(void)
{
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && rm -f r.* r-*"), 0);
}

static void equal_runs(const char *a, const char *b)
{
    static const char *const endings[] = { "y4m", "jsonl", "keyframes.jsonl" };

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char first[60], second[60];

        snprintf(first, sizeof first, "%s.%s", a, endings[i]);
        snprintf(second, sizeof second, "%s.%s", b, endings[i]);
        program_equal_files(first, second);
    }
    assert_false(is_there("r.journal"));
}

/* Killed at one row after another, each time with other threads and batches, and then let through to its end. */
static void killed_runs_go_on(void **state)
{
    /* of the lines that the journal comes to have, so that the kill meets a run that still draws */
    enum { LAST = 110 };
    int kills = 0;

    (void)state;
    for (int run = 0; run < (CHECK_SANITIZED ? 1 : 3); run++) { /* sanitizers take their time */
        remove_run();
        for (int lines = 1 + run; lines < LAST; lines += 9 + lines / 3, kills++)
            program_interrupt(SIGKILL, "r.journal", lines, GENERATE "--threads %d --batch %d --resume -o r.y4m",
                              kills % 2 + 1, kills % 3 + 1);
        program_ok(GENERATE "--resume -o r.y4m");
        equal_runs("r", "straight");
    }
}

/* A journal from which `keep` bytes are left and behind them what `more` says. */
static void write_journal(const cv_buffer *journal, size_t keep, const char *more, size_t size)
{
    cv_buffer cut = { 0 };
    cogvideo_error err;

    CHECK_OK(cv_buffer_append(&cut, journal->data, keep, &err), err);
    CHECK_OK(cv_buffer_append(&cut, more, size, &err), err);
    check_write(check_temp_path("r.journal"), cut.data, cut.size);
    cv_buffer_free(&cut);
}

static void check_told(void)
{
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && grep -q '^go on with: .* --resume$' told"), 0);
}

/* What a signal leaves: SIGTERM as soon as the journal has some rows. */
static void read_journal(cv_buffer *out)
{
    cogvideo_error err;

    remove_run();
    program_interrupt(SIGTERM, "r.journal", 12, GENERATE "-o r.y4m --threads 1");
    check_told();
    assert_false(is_there("r.y4m"));
    CHECK_OK(cv_file_read(out, check_temp_path("r.journal"), 1 << 24, &err), err);
}

static void damaged_journals_cost_rows_only(void **state)
{
    static const char zeros[64] = { 0 };
    cv_buffer journal = { 0 };
    const char *first_row;
    size_t begin;

    (void)state;
    read_journal(&journal);
    first_row = strchr(journal.data, '\n');
    assert_non_null(first_row);
    begin = (size_t)(first_row + 1 - journal.data);
    for (int i = 0; i <= 6; i += CHECK_SANITIZED ? 3 : 1) {
        size_t keep = begin + (journal.size - begin) * (size_t)i / 6;

        write_journal(&journal, keep, zeros, i % 2 ? sizeof zeros : 0);
        program_ok(GENERATE "--resume -o r.y4m");
        equal_runs("r", "straight");
        remove_run();
    }
    /* A row that another hand has changed. */
    write_journal(&journal, journal.size, NULL, 0);
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && sed -i '4s/ #/1 #/' r.journal"), 0);
    program_ok(GENERATE "--resume -o r.y4m");
    equal_runs("r", "straight");
    /* Without its settings it is nothing. */
    remove_run();
    write_journal(&journal, begin / 2, NULL, 0);
    program_check(GENERATE "--resume -o r.y4m" STDERR, 1, "r.journal: is not the journal of a run");
    assert_true(is_there("r.journal"));
    remove_run();
    cv_buffer_free(&journal);
}

static void journals_are_guarded(void **state)
{
    cv_buffer journal = { 0 };

    (void)state;
    read_journal(&journal);
    program_check(GENERATE "-o r.y4m" STDERR, 1,
                  "r.journal: is what an interrupted run has drawn; use --resume to go on from there");
    program_check(GENERATE "--greedy --resume -o r.y4m" STDERR, 1,
                  "was begun with other settings, \"greedy\":false and not \"greedy\":true");
    program_check(GENERATE "--force --resume -o r.y4m" STDERR, 2, "cannot be combined");
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && flock r.journal \"$COGVIDEO_PROGRAM\" " GENERATE
                            "--resume -o r.y4m 2>told; "
                            "[ $? = 1 ] && grep -q 'r.journal: another run writes to it' told"),
                     0);
    /* Without a seed it is that of the journal. */
    program_ok("generate -q --model m " PROMPT " --rounds 2 --no-metadata --resume -o r.y4m");
    equal_runs("r", "straight");
    program_check("generate --model m " PROMPT " --rounds 2 --no-metadata --resume -o r.y4m" STDERR, 0,
                  "r.y4m: is finished");
    cv_buffer_free(&journal);
}

/* A file may not grow beyond some size here, as on a disk that is full. */
static void a_full_disk_costs_rows_only(void **state)
{
    (void)state;
    remove_run();
    for (int blocks = 4; blocks <= 8; blocks += 2) { /* of 512 bytes */
        char command[1024];

        snprintf(command, sizeof command,
                 "cd \"$COGVIDEO_TEST_TEMP\" && ulimit -f %d && \"$COGVIDEO_PROGRAM\" " GENERATE
                 "--resume -o r.y4m 2>told; [ $? = 1 ] && ! [ -e r.y4m ]",
                 blocks);
        assert_int_equal(system(command), 0);
        assert_true(is_there("r.journal"));
    }
    program_ok(GENERATE "--resume -o r.y4m");
    equal_runs("r", "straight");
}

/* A run that ends in the midst of a write, when its journal would grow beyond some blocks of 512 bytes. */
static void end_at_block(int blocks, const char *arguments)
{
    char command[1024];

    snprintf(command, sizeof command,
             "cd \"$COGVIDEO_TEST_TEMP\" && (ulimit -f %d; exec \"$COGVIDEO_PROGRAM\" %s) 2>/dev/null; [ $? = 1 ] && "
             "[ -e r.journal ]",
             blocks, arguments);
    assert_int_equal(system(command), 0);
}

/* A stage alone, ended and interrupted in turn, with threads and batches that differ from those of the straight run. */
static void single_stages_go_on(void **state)
{
#define KEYFRAMES "keyframes -q --model m " PROMPT " --seed 5 --samples 2 -o "
#define INTERPOLATE "interpolate -q --model m straight.keyframes.jsonl --rounds 2 -o "
    (void)state;
    remove_run();
    program_ok(KEYFRAMES "key-%%d.jsonl");
    end_at_block(4, KEYFRAMES "r-%d.jsonl --threads 1");
    program_interrupt(SIGINT, "r.journal", 30, KEYFRAMES "r-%%d.jsonl --threads 2 --resume");
    check_told();
    program_check(KEYFRAMES "r-%d.jsonl" STDERR, 1, "r.journal: is what an interrupted run has drawn");
    program_check(KEYFRAMES "r-%d.jsonl --count 3 --resume" STDERR, 1,
                  "was begun with other settings, \"keyframes\":5 and not \"keyframes\":3");
    program_ok("keyframes -q --model m " PROMPT " --samples 2 --resume -o r-%%d.jsonl");
    program_equal_files("r-0.jsonl", "key-0.jsonl");
    program_equal_files("r-1.jsonl", "key-1.jsonl");
    program_check("keyframes --model m " PROMPT " --samples 2 --resume -o r-%d.jsonl --json 2>&1", 0,
                  "\"file\":\"r-1.jsonl\",\"frames\":5");
    program_check(KEYFRAMES "- --samples 1 --resume" STDERR, 2, "so -o must be a file name");

    program_ok(INTERPOLATE "middle.jsonl --threads 2 --batch 4");
    end_at_block(4, INTERPOLATE "r.jsonl --threads 1 --batch 1");
    program_interrupt(SIGTERM, "r.journal", 30, INTERPOLATE "r.jsonl --threads 2 --batch 4 --resume");
    check_told();
    program_check("interpolate --model m key-1.jsonl --seed 5 --first-sample 0 --rounds 2 --resume -o r.jsonl" STDERR,
                  1, "r.journal: was begun with other settings");
    program_ok(INTERPOLATE "r.jsonl --threads 1 --batch 1 --resume");
    program_equal_files("r.jsonl", "middle.jsonl");
    program_equal_files("r.jsonl", "straight.jsonl");
    assert_false(is_there("r.journal"));
    program_check("interpolate --model m straight.keyframes.jsonl --rounds 2 --resume -o r.jsonl" STDERR, 0,
                  "r.jsonl: is finished");
}

static void the_newest_frame_can_be_seen(void **state)
{
    (void)state;
    remove_run();
    program_ok(GENERATE "--preview r.ppm -o r.y4m");
    equal_runs("r", "straight");
    program_ok("decode -q --model m straight.jsonl -o frame-%%02d.ppm");
    program_equal_files("r.ppm", "frame-16.ppm");
    program_check(GENERATE "--force --preview nowhere/r.ppm -o r.y4m" STDERR, 1,
                  "nowhere/r.ppm: the folder 'nowhere' does not exist");
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    remove_run();
    program_check("generate --model m " PROMPT " --seed 5 --max-memory 0.001 -o r.y4m" STDERR, 1,
                  "are allowed; fewer --samples");
    program_check("generate --model m " PROMPT " --seed 5 --max-memory 0.05 --size 2000 -o r.ppm" STDERR, 1,
                  "decoding, 33 frames of 2000x2000 pixels: ");
    program_check("generate --model m " PROMPT " --seed 5 --size 4000 --columns 5 -o r.ppm" STDERR, 1,
                  "would be 20000 x 28000 pixels");
    program_check("generate --model m " PROMPT " --seed 5 --preview p.txt -o r.y4m" STDERR, 1,
                  "p.txt: unknown output format '.txt'");
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && ! ls r.*"), 0);
}

/* Each step adds words of its own to the prompt: all are made, and refused, before the first code is drawn. */
static void texts_without_room_are_refused_at_once(void **state)
{
    static const struct {
        int tokens;
        const char *options, *words;
    } texts[] = {
        { 62, "", "tokens and the first frame adds " },
        { 57, "", "tokens and stage 1 (key frames) adds " },
        { 57, "--guidance 1", "tokens and stage 2 (interpolation) adds " },
    };
    char prompt[400] = "", arguments[1000];

    (void)state;
    remove_run();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        prompt[0] = '\0';
        for (int k = 1; k < texts[i].tokens; k++) /* and one at the beginning, a space */
            strcat(prompt, k % 2 ? "红" : "向");
        snprintf(arguments, sizeof arguments, "generate --model m %s --seed 5 %s -o r.y4m" STDERR, prompt,
                 texts[i].options);
        program_check(arguments, 1, texts[i].words);
        assert_null(strstr(program_output(), "first frame:"));
        assert_non_null(strstr(program_output(), "--cut-text"));
        assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && ! ls r.* 2>/dev/null"), 0);
    }
    snprintf(arguments, sizeof arguments, "interpolate -q --model m straight.keyframes.jsonl -p %s -o r.jsonl" STDERR,
             prompt);
    program_check(arguments, 1, "stage 2 (interpolation) adds ");
    snprintf(arguments, sizeof arguments,
             "generate --model m %s --seed 5 --guidance 1 --rounds 1 --cut-text -o r.y4m" STDERR, prompt);
    program_check(arguments, 0, "was cut to the model's 64");
    remove_run();
}

/* A disk of 100 kB, mounted where no one else sees it. */
static void what_a_disk_cannot_hold_is_refused(void **state)
{
#define SMALL_DISK \
    "cd \"$COGVIDEO_TEST_TEMP\" && mkdir -p disk && unshare -rm sh -c 'mount -t tmpfs -o size=100k none disk && "
    (void)state;
    if (system(SMALL_DISK "true' 2>/dev/null") != 0)
        skip();
    assert_int_equal(
        system(
            SMALL_DISK
            "! \"$COGVIDEO_PROGRAM\" " GENERATE "-o disk/r.y4m 2>told && ! ls disk/r.*' 2>/dev/null && "
            "grep -q \"disk/r.y4m: about .* of disk are needed and .* kB are free there; make room, or give -o on another \" told"),
        0);
    assert_int_equal(system(SMALL_DISK "\"$COGVIDEO_PROGRAM\" keyframes -q --model m " PROMPT
                                       " --seed 5 -o disk/r.jsonl && "
                                       "cmp disk/r.jsonl straight.keyframes.jsonl'"),
                     0);
}

static int start(void **state)
{
    (void)state;
    setenv("COGVIDEO_TEST_TEMP", check_temp(), 1);
    models_write_small(check_temp());
    models_import_small("f32", "m");
    program_ok(GENERATE "--threads 2 -o straight.y4m");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_runs_go_on),
        cmocka_unit_test(damaged_journals_cost_rows_only),
        cmocka_unit_test(journals_are_guarded),
        cmocka_unit_test(a_full_disk_costs_rows_only),
        cmocka_unit_test(single_stages_go_on),
        cmocka_unit_test(the_newest_frame_can_be_seen),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(texts_without_room_are_refused_at_once),
        cmocka_unit_test(what_a_disk_cannot_hold_is_refused),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
