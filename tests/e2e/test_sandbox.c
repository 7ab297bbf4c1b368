/* --sandbox: what it blocks, tried in a process of its own, and commands that do their work inside. Skipped where the
 * system has no Landlock, which the program then says. */
#include "support/check.h"
#include "support/models.h"
#include "support/phenaki_model.h"
#include "support/program.h"

#include "cli/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool absent(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1;
}

static bool can_open(const char *name, int flags)
{
    int file = open(check_temp_path(name), flags | O_CLOEXEC, 0666);

    if (file >= 0)
        close(file);
    return file >= 0;
}

static bool is_denied(bool succeeded)
{
    return !succeeded && errno == EACCES;
}

/* The number of the first thing that is not as it should be; 0: all is. */
static int look_around(void)
{
    char input[1024], output[1024];
    const char *inputs[2];

    snprintf(input, sizeof input, "%s", check_temp_path("in"));
    snprintf(output, sizeof output, "%s", check_temp_path("out/result"));
    inputs[0] = input;
    inputs[1] = NULL;
    if (!can_open("secret", O_RDONLY) || cli_sandbox(inputs, 2, output) != 0)
        return 1;
    if (!can_open("in/file", O_RDONLY) || !can_open("out/result", O_RDWR | O_CREAT) || access("/etc", R_OK) != 0)
        return 2;
    if (!is_denied(can_open("secret", O_RDONLY)) || !is_denied(can_open("in/link", O_RDONLY)))
        return 3;
    if (!is_denied(can_open("in/file", O_WRONLY)) || !is_denied(can_open("new", O_WRONLY | O_CREAT)))
        return 4;
    if (!is_denied(unlink(check_temp_path("secret")) == 0) || !is_denied(truncate(check_temp_path("secret"), 0) == 0))
        return 5;
    if (!is_denied(socket(AF_INET, SOCK_STREAM, 0) >= 0) || !is_denied(execl("/bin/true", "true", (char *)NULL) >= 0))
        return 6;
#if defined(__x86_64__)
    if (!is_denied(syscall(0x40000000 | SYS_socket, AF_INET, SOCK_STREAM, 0) >= 0)) /* by x32's number */
        return 7;
#endif
    return 0;
}

static void all_else_is_out_of_reach(void **state)
{
    pid_t child;
    int status = 0;

    (void)state;
    if (absent())
        skip();
    assert_int_equal(
        system(
            "cd \"$COGVIDEO_TEST_TEMP\" && mkdir in out && echo x >secret && echo x >in/file && ln -s ../secret in/link"),
        0);
    child = fork();
    if (child == 0)
        _exit(look_around());
    assert_true(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void commands_work_inside(void **state)
{
    (void)state;
    if (absent())
        skip();
    models_write_small(check_temp());
    models_import_small("f32", "m");
    models_import_small("f32", "out/m --sandbox");
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && diff -r m out/m"), 0);

    assert_int_equal(
        system(
            "cd \"$COGVIDEO_TEST_TEMP\" && mkdir videos videos/a && { printf 'P6 64 64 255\\n'; head -c 12288 /dev/zero; } >videos/a/0.ppm && "
            "cp videos/a/0.ppm videos/a/1.ppm && echo black >videos/a.txt"),
        0);
    program_ok("encode -q --model m --sandbox videos/a/%%d.ppm -o out/inside.jsonl");
    program_ok("encode -q --model m videos/a/%%d.ppm -o outside.jsonl");
    program_equal_files("out/inside.jsonl", "outside.jsonl");
    program_ok("dataset build -q --sandbox --size 64 --frames 2 videos -o out/data");
}

/* An index of shards leads to files beside it, and so does a text encoder to its text model. */
static void files_beside_are_within_reach(void **state)
{
    static const char index[] = "{\"weight_map\":{\"shared.weight\":\"t5.safetensors\"}}";

    (void)state;
    if (absent())
        skip();
    phenaki_model_write("phenaki");
    check_write(check_temp_path("phenaki/t5.index.json"), index, strlen(index));
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP/phenaki\" && cp text.model spiece.model"), 0);
    program_ok("import -q --text-encoder phenaki/t5.index.json --sandbox -o out/shards");
    program_ok("import -q --text-encoder phenaki/t5.safetensors --sandbox -o out/whole");
    program_equal_files("out/shards/text_encoder.safetensors", "out/whole/text_encoder.safetensors");
    program_equal_files("out/shards/text.model", "phenaki/text.model");
    program_equal_files("out/whole/text.model", "phenaki/text.model");
}

/* A folder of inputs may hold links that lead out of it. */
static void links_do_not_lead_out(void **state)
{
    (void)state;
    if (absent())
        skip();
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && mkdir part part/1 && echo 1 >part/latest && "
                            "ln -s ../../stage1.pt part/1/mp_rank_00_model_states.pt"),
                     0);
    program_ok("import -q --config '%s' --stage1 part -o out/outside", models_small_config());
    assert_int_equal(program_run("import -q --config '%s' --stage1 part --sandbox -o out/inside" STDERR,
                                 models_small_config()),
                     1);
    assert_non_null(strstr(program_output(), "Permission denied"));
    assert_int_not_equal(access(check_temp_path("out/inside"), F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_else_is_out_of_reach),
        cmocka_unit_test(commands_work_inside),
        cmocka_unit_test(files_beside_are_within_reach),
        cmocka_unit_test(links_do_not_lead_out),
    };

    setenv("COGVIDEO_TEST_TEMP", check_temp(), 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
