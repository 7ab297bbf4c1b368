/* Status, memory, files, JSON and random numbers. */
#include "support/check.h"

#include "base/cgroup.h"
#include "base/cores.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/json.h"
#include "base/map.h"
#include "base/order.h"
#include "base/output.h"
#include "base/parallel.h"
#include "base/path.h"
#include "base/rng.h"
#include "base/utf8.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file below the test's folder, its own folders made. */
static void put(const char *path, const char *text)
{
    char command[2048];

    snprintf(command, sizeof command, "mkdir -p \"$(dirname '%s')\"", check_temp_path(path));
    assert_int_equal(system(command), 0);
    check_write(check_temp_path(path), text, strlen(text));
}

static void containers_have_limits(void **state)
{
    char root[1024];

    (void)state;
    snprintf(root, sizeof root, "%s", check_temp_path("none"));
    assert_int_equal(cv_cgroup_cpus(root), 0);
    assert_true(cv_cgroup_memory(root) == -1);
    /* Version 2: the strictest group on the way up counts, and pages of files can be dropped. */
    snprintf(root, sizeof root, "%s", check_temp_path("v2"));
    put("v2/proc/self/cgroup", "0::/outer/inner\n");
    put("v2/sys/fs/cgroup/outer/cpu.max", "250000 100000\n");
    put("v2/sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n");
    put("v2/sys/fs/cgroup/outer/memory.max", "max\n");
    put("v2/sys/fs/cgroup/outer/inner/memory.max", "1000\n");
    put("v2/sys/fs/cgroup/outer/inner/memory.current", "700\n");
    put("v2/sys/fs/cgroup/outer/inner/memory.stat", "anon 500\nfile 900\nactive_file 150\ninactive_file 50\n");
    assert_int_equal(cv_cgroup_cpus(root), 3);
    assert_true(cv_cgroup_memory(root) == 500);
    /* Version 1, seen from within a container that does not know its own path. */
    snprintf(root, sizeof root, "%s", check_temp_path("v1"));
    put("v1/proc/self/cgroup", "9:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/\nbroken\n");
    put("v1/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
    put("v1/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    put("v1/sys/fs/cgroup/memory/memory.limit_in_bytes", "5000\n");
    put("v1/sys/fs/cgroup/memory/memory.usage_in_bytes", "6000\n");
    put("v1/sys/fs/cgroup/memory/memory.stat",
        "cache 1\ntotal_cache 700\ntotal_active_file 100\ntotal_inactive_file 400\n");
    assert_int_equal(cv_cgroup_cpus(root), 2);
    assert_true(cv_cgroup_memory(root) == 0);
    put("v1/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    put("v1/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(cv_cgroup_cpus(root), 0);
    assert_true(cv_cgroup_memory(root) == -1);
}

static void hyper_threads_of_a_core_count_once(void **state)
{
    static const char *const lists[] = { "0,4\n", "1,5\n", "2,6\n", "3", "0,4\n", "1,5\n", "2,6\n" },
                             *const broken[] = {
                                 "", "x", "-1", "3-1", "1,", "1,,2", "2-", "1;2", "99999999999999999999", "0-1024"
                             };
    char root[1024], path[200];
    cpu_set_t set;

    (void)state;
    assert_true(cv_cpu_list("0-2,64,66-66\n", &set));
    assert_int_equal(CPU_COUNT(&set), 5);
    assert_true(CPU_ISSET(66, &set) && !CPU_ISSET(65, &set));
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        if (cv_cpu_list(broken[i], &set) || CPU_COUNT(&set) != 0)
            fail_msg("'%s' was taken for a list of processors", broken[i]);

    snprintf(root, sizeof root, "%s", check_temp_path("cores"));
    assert_true(cv_cpu_list("0-7", &set));
    assert_int_equal(cv_cores(root, &set), 8); /* nothing is told */
    for (int i = 0; i < 7; i++) {
        snprintf(path, sizeof path, "cores/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", i);
        put(path, lists[i]);
    }
    assert_int_equal(cv_cores(root, &set), 5); /* 0+4, 1+5, 2+6, 3, and 7, of which nothing is told */
    assert_true(cv_cpu_list("1,5", &set));
    assert_int_equal(cv_cores(root, &set), 1);
    assert_true(cv_cpu_list("4-6", &set)); /* one of each core */
    assert_int_equal(cv_cores(root, &set), 3);
    put("cores/sys/devices/system/cpu/cpu5/topology/thread_siblings_list", "damaged");
    assert_int_equal(cv_cores(root, &set), 3);
    assert_in_range(cv_thread_count(), 1, CPU_SETSIZE);
}

static void errors_escape_control_characters(void **state)
{
    cogvideo_error err;

    (void)state;
    assert_int_equal(cv_fail(&err, COGVIDEO_ERROR_FORMAT, "bad '%s'", "a\x1b[31m\n\xc2\x9b\x9b\xe4\xb8\x80\xe4\xb8"),
                     COGVIDEO_ERROR_FORMAT);
    assert_string_equal(err.message, "bad 'a\\x1b[31m\\x0a\\x9b\\x9b\xe4\xb8\x80\\xe4\\xb8'");
    cv_fail_prefix(&err, COGVIDEO_ERROR_FORMAT, "file");
    assert_string_equal(err.message, "file: bad 'a\\x1b[31m\\x0a\\x9b\\x9b\xe4\xb8\x80\\xe4\\xb8'");
    assert_int_equal(cv_fail(NULL, COGVIDEO_ERROR_IO, "x"), COGVIDEO_ERROR_IO);
}

static void long_errors_are_cut_between_characters(void **state)
{
    cogvideo_error err;
    char text[3001];

    (void)state;
    for (int i = 0; i < 3000; i += 3)
        memcpy(text + i, "\xe4\xb8\x80", 3);
    text[3000] = '\0';
    cv_fail(&err, COGVIDEO_ERROR_IO, "%s", text);
    assert_true(strlen(err.message) < sizeof err.message);
    assert_int_equal(strlen(err.message) % 3, 0);
    cv_fail(&err, COGVIDEO_ERROR_IO, "a%s", text);
    assert_true(strlen(err.message) < sizeof err.message);
    assert_int_equal(strlen(err.message) % 3, 1);
    assert_null(strchr(err.message, '\\'));
}

static void sizes_are_checked(void **state)
{
    cogvideo_error err;
    size_t out = 7;

    (void)state;
    assert_true(cv_size_mul(SIZE_MAX, 1, &out) && out == SIZE_MAX);
    assert_true(cv_size_mul(0, SIZE_MAX, &out) && out == 0);
    assert_false(cv_size_mul(SIZE_MAX / 2 + 1, 2, &out));
    assert_true(cv_size_add(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
    assert_false(cv_size_add(SIZE_MAX, 1, &out));
    assert_null(cv_alloc(SIZE_MAX / 4, 8, &err));
    assert_int_equal(err.status, COGVIDEO_ERROR_MEMORY);
    assert_null(cv_alloc(SIZE_MAX - 8, 1, &err));
}

static void arrays_grow_by_one(void **state)
{
    int *items = NULL;
    cogvideo_error err;

    (void)state;
    for (int i = 0; i < 100; i++) {
        items = cv_grow(items, (size_t)i, sizeof *items, &err);
        assert_non_null(items);
        items[i] = i;
    }
    for (int i = 0; i < 100; i++)
        assert_int_equal(items[i], i);
    cv_free(items);
    assert_null(cv_grow(NULL, (SIZE_MAX >> 1) + 1, 2, &err));
    assert_int_equal(err.status, COGVIDEO_ERROR_MEMORY);
}

static void memory_is_aligned_and_zero(void **state)
{
    cogvideo_error err;
    unsigned char *block = cv_alloc(100, 1, &err), *grown;

    (void)state;
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % 64, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(block[i], 0);
    memset(block, 5, 100);
    grown = cv_realloc(block, 100, 200, 1, &err);
    assert_int_equal(grown[99], 5);
    assert_int_equal(grown[199], 0);
    cv_free(grown);
}

static void output_appears_only_when_whole(void **state)
{
    cogvideo_error err;
    cv_output out;
    cv_buffer text = { 0 };
    char path[200];

    (void)state;
    snprintf(path, sizeof path, "%s", check_temp_path("out.txt"));
    CHECK_OK(cv_output_open(&out, path, &err), err);
    CHECK_OK(cv_output_write(&out, "hello", 5, &err), err);
    assert_false(cv_path_exists(path));
    cv_output_abandon(&out);
    assert_false(cv_path_exists(path));
    CHECK_OK(cv_output_open(&out, path, &err), err);
    CHECK_OK(cv_output_write(&out, "hello", 5, &err), err);
    CHECK_OK(cv_output_commit(&out, &err), err);
    CHECK_OK(cv_file_read(&text, path, 100, &err), err);
    assert_string_equal(text.data, "hello");
    cv_buffer_free(&text);
    CHECK_FAILS(cv_file_read(&text, path, 4, &err), COGVIDEO_ERROR_FORMAT, "larger than the 4 bytes", err);
    CHECK_FAILS(cv_file_read(&text, check_temp_path("none"), 4, &err), COGVIDEO_ERROR_IO, "none", err);
    CHECK_FAILS(cv_output_open(&out, check_temp(), &err), COGVIDEO_ERROR_IO, "is a directory", err);
    CHECK_FAILS(cv_output_open(&out, "/no/such/folder/x", &err), COGVIDEO_ERROR_IO, "No such file", err);
    snprintf(path, sizeof path, "%s", check_temp_path("pipe"));
    assert_int_equal(mkfifo(path, 0600), 0);
    CHECK_FAILS(cv_output_open(&out, path, &err), COGVIDEO_ERROR_IO, "is a device or a pipe", err);
}

/* A second run that would write the same file leaves the first one's alone, and may write it afterwards. */
static void outputs_are_written_by_one_run(void **state)
{
    cogvideo_error err;
    cv_output first = { 0 }, second = { 0 };
    cv_buffer text = { 0 };
    char path[1200];

    (void)state;
    snprintf(path, sizeof path, "%s", check_temp_path("shared"));
    CHECK_OK(cv_output_open(&first, path, &err), err);
    CHECK_OK(cv_output_write(&first, "first", 5, &err), err);
    for (int force = 0; force < 2; force++)
        CHECK_FAILS(cv_output_check(path, force, &err), COGVIDEO_ERROR_IO, "another run is writing it", err);
    CHECK_FAILS(cv_output_open(&second, path, &err), COGVIDEO_ERROR_IO, "another run is writing it", err);
    CHECK_OK(cv_output_commit(&first, &err), err);
    CHECK_OK(cv_file_read(&text, path, 100, &err), err);
    assert_string_equal(text.data, "first");
    cv_buffer_free(&text);

    CHECK_OK(cv_output_open(&second, path, &err), err);
    cv_output_keep_partial(&second);
    CHECK_FAILS(cv_output_check_new(path, false, &err), COGVIDEO_ERROR_IO, "already exists", err);
    unlink(path);
    CHECK_FAILS(cv_output_check(path, false, &err), COGVIDEO_ERROR_IO, "is what an interrupted run", err);
    CHECK_OK(cv_output_check(path, true, &err), err);
    unlink(check_temp_path("shared.partial"));
    assert_int_equal(mkdir(check_temp_path("shared.partial"), 0777), 0);
    CHECK_FAILS(cv_output_check(path, true, &err), COGVIDEO_ERROR_IO, "shared.partial: is not a regular file", err);
    rmdir(check_temp_path("shared.partial"));
    /* What was finished is kept where something has come to be in its way. */
    CHECK_OK(cv_output_open(&first, path, &err), err);
    assert_int_equal(mkdir(path, 0777), 0);
    CHECK_FAILS(cv_output_commit(&first, &err), COGVIDEO_ERROR_IO, "shared.partial: is complete and stays there", err);
    assert_int_equal(access(check_temp_path("shared.partial"), F_OK), 0);
    unlink(check_temp_path("shared.partial"));
    rmdir(path);
}

/* A link that somebody planted where the partial file goes, and what it points to stays as it is. */
static void links_are_not_written_through(void **state)
{
    cogvideo_error err;
    cv_output out = { 0 };
    cv_buffer file = { 0 };

    (void)state;
    check_write(check_temp_path("victim"), "kept", 4);
    assert_int_equal(symlink("victim", check_temp_path("planted.partial")), 0);
    CHECK_FAILS(cv_output_open(&out, check_temp_path("planted"), &err), COGVIDEO_ERROR_IO, "planted.partial: is not a",
                err);
    CHECK_FAILS(cv_output_check(check_temp_path("planted"), true, &err), COGVIDEO_ERROR_IO, "planted.partial: is not a",
                err);
    CHECK_OK(cv_file_read(&file, check_temp_path("victim"), 100, &err), err);
    assert_string_equal(file.data, "kept");
    cv_buffer_free(&file);
}

static void full_disk_is_an_error(void **state)
{
    cogvideo_error err;
    cv_output out = { 0 };

    (void)state;
    if (access("/dev/full", W_OK) != 0)
        skip();
    out.stream = fopen("/dev/full", "wb");
    out.path = cv_strdup("/dev/full", &err);
    if (cv_output_write(&out, "x", 1, &err) == COGVIDEO_OK)
        assert_int_equal(cv_output_commit(&out, &err), COGVIDEO_ERROR_IO);
    cv_output_abandon(&out);
}

static void mapping_refuses_what_is_no_file(void **state)
{
    cogvideo_error err;
    cv_mapping mapping = { 0 };

    (void)state;
    CHECK_FAILS(cv_map_open(&mapping, check_temp(), &err), COGVIDEO_ERROR_IO, "a directory", err);
    CHECK_FAILS(cv_map_open(&mapping, "/dev/zero", &err), COGVIDEO_ERROR_IO, "regular file", err);
    assert_int_equal(mkfifo(check_temp_path("fifo"), 0600), 0);
    CHECK_FAILS(cv_map_open(&mapping, check_temp_path("fifo"), &err), COGVIDEO_ERROR_IO, "regular file", err);
    check_write(check_temp_path("empty"), "", 0);
    CHECK_OK(cv_map_open(&mapping, check_temp_path("empty"), &err), err);
    assert_int_equal(mapping.size, 0);
    cv_map_close(&mapping);
}

static cogvideo_status parse(cv_json **json, const char *text, cogvideo_error *err)
{
    return cv_json_parse(json, text, strlen(text), "x.json", err);
}

static void mappings_are_found_by_address(void **state)
{
    enum { MANY = 100 }; /* more than are remembered */
    static cv_mapping mappings[MANY];
    cogvideo_error err;
    char byte;

    (void)state;
    check_write(check_temp_path("mapped"), "0123456789", 10);
    assert_null(cv_map_name(&byte));
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++)
            CHECK_OK(cv_map_open(&mappings[i], check_temp_path("mapped"), &err), err);
        assert_string_equal(cv_map_name(mappings[0].data + 9), check_temp_path("mapped"));
        assert_null(cv_map_name(mappings[0].data + 10));
        for (int i = 0; i < MANY; i++) {
            const unsigned char *data = mappings[i].data;

            cv_map_close(&mappings[i]);
            assert_null(cv_map_name(data));
        }
    }
}

static void what_can_be_had_is_tried(void **state)
{
    (void)state;
    assert_int_equal(cv_threads_possible(1), 1);
    assert_int_equal(cv_threads_possible(3), 3);
    assert_true(cv_can_map(2, 1 << 20));
    assert_false(cv_can_map(1, (size_t)1 << 60));
    assert_false(cv_can_map(100000, 1));
}

/* What a limit of the process leaves is no more than the limit, and is no memory beyond it. */
static void limits_of_the_process_count_as_memory(void **state)
{
    const long long limit = (long long)1 << 50; /* sanitizers take terabytes */
    struct rlimit before, lower;
    long long left, free_memory;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    lower = (struct rlimit){ (rlim_t)limit, before.rlim_max };
    if (setrlimit(RLIMIT_AS, &lower) != 0)
        skip();
    left = cv_address_space_left();
    free_memory = cv_memory_available();
    setrlimit(RLIMIT_AS, &before);
    if (left < 0)
        skip();
    assert_true(left > 0 && left < limit && free_memory <= left);
}

static void json_getters_name_key_and_range(void **state)
{
    cogvideo_error err;
    cv_json *json = NULL;
    int64_t number = 3;
    const char *text;

    (void)state;
    CHECK_OK(parse(&json, "{\"a\":5,\"b\":\"x\",\"c\":1.5} ", &err), err);
    CHECK_OK(cv_json_int(json, "a", 0, 10, &number, "x.json", &err), err);
    assert_int_equal(number, 5);
    CHECK_FAILS(cv_json_int(json, "a", 6, 10, &number, "x.json", &err), COGVIDEO_ERROR_FORMAT, "from 6 to 10", err);
    CHECK_FAILS(cv_json_int(json, "c", 0, 10, &number, "x.json", &err), COGVIDEO_ERROR_FORMAT, "whole number", err);
    CHECK_FAILS(cv_json_int(json, "b", 0, 10, &number, "x.json", &err), COGVIDEO_ERROR_FORMAT, "'b' must be", err);
    CHECK_FAILS(cv_json_string(json, "z", &text, "x.json", &err), COGVIDEO_ERROR_FORMAT, "'z' is missing", err);
    CHECK_OK(cv_json_optional_int(json, "z", 0, 10, &number, "x.json", &err), err);
    assert_int_equal(number, 5);
    cv_json_free(&json);
}

static void json_refuses_what_is_not_one_value(void **state)
{
    static const char *const bad[] = { "",    "{",    "{\"a\":1}x", "{\"a\":1,\"a\":2}", "{\"b\":{\"a\":1,\"a\":2}}",
                                       "nul", "[1,2", "<html>" };
    cogvideo_error err;
    cv_json *json = NULL;
    char *deep = malloc(100001);

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(parse(&json, bad[i], &err), COGVIDEO_ERROR_FORMAT);
    CHECK_FAILS(parse(&json, "<html>", &err), COGVIDEO_ERROR_FORMAT, "HTML", err);
    memset(deep, '[', 100000);
    deep[100000] = '\0';
    assert_int_equal(parse(&json, deep, &err), COGVIDEO_ERROR_FORMAT);
    free(deep);
}

/* Numbers are numbers, within their range; text is UTF-8; nesting is bounded. */
static void json_refuses_what_it_only_resembles(void **state)
{
    static const char *const values[] = { "NaN", "1e400", "-1e400", "\"5\"", "null", "true",
                                          "[5]", "{}",    "4",      "-5",    "11",   "5.5" };
    static const char *const broken[] = { "{\"a\":\"\x9b\"}", "{\"a\":\"\x1b[2J\"}", "\x1d{\"a\":5}",
                                          "{\"\xed\xa0\x80\":5}", "{\"a\":5,}" };
    cogvideo_error err;
    cv_json *json = NULL;
    char text[100000];
    int64_t value = 7;

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        cogvideo_status status;

        snprintf(text, sizeof text, "{\"a\":%s}", values[i]);
        if ((status = cv_json_parse(&json, text, strlen(text), "x", &err)) == COGVIDEO_OK) {
            status = cv_json_int(json, "a", 5, 10, &value, "x", &err);
            cv_json_free(&json);
        }
        if (status != COGVIDEO_ERROR_FORMAT || value != 7)
            fail_msg("%s is taken", text);
    }
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        CHECK_FAILS(cv_json_parse(&json, broken[i], strlen(broken[i]), "x", &err), COGVIDEO_ERROR_FORMAT, "x: ", err);
    memset(text, '[', sizeof text);
    CHECK_FAILS(cv_json_parse(&json, text, sizeof text, "x", &err), COGVIDEO_ERROR_FORMAT, "not valid JSON", err);
}

static void json_is_written_and_read_back(void **state)
{
    cogvideo_error err;
    cv_json *json = cv_json_new_object(), *back = NULL;
    int32_t ids[] = { 1, 2, 3 }, *read;
    size_t count;
    char *text;

    (void)state;
    cv_json_set_int(json, "n", 1);
    cv_json_set_int(json, "n", 7);
    cv_json_set_ints(json, "ids", ids, 3);
    cv_json_set_string(cv_json_set_object(json, "o"), "s", "\xe4\xb8\x80\n");
    text = cv_json_print(json, false, &err);
    assert_string_equal(text, "{\"n\":7,\"ids\":[1,2,3],\"o\":{\"s\":\"\xe4\xb8\x80\\n\"}}");
    CHECK_OK(parse(&back, text, &err), err);
    CHECK_OK(cv_json_int_array(cv_json_get(back, "ids"), 0, 3, &read, &count, "ids", &err), err);
    assert_int_equal(count, 3);
    assert_int_equal(read[2], 3);
    cv_free(read);
    CHECK_FAILS(cv_json_int_array(cv_json_get(back, "ids"), 0, 2, &read, &count, "ids", &err), COGVIDEO_ERROR_FORMAT,
                "number 3", err);
    cv_free(text);
    cv_json_free(&back);
    cv_json_free(&json);
}

static void json_keeps_values_to_the_last_bit(void **state)
{
    static const char text[] = "{\"a\":[9007199254740991,4503599627370497,-2147483649,7,0.1],\"b\":true}";
    static const char *const others[] = {
        "{\"a\":[9007199254740990,4503599627370497,-2147483649,7,0.1],\"b\":true}",
        "{\"a\":[9007199254740991,4503599627370497,-2147483649,7,0.10000000000000002],\"b\":true}",
        "{\"a\":[9007199254740991,4503599627370497,-2147483649,7],\"b\":true}",
        "{\"a\":[9007199254740991,4503599627370497,-2147483649,7,0.1],\"b\":false}",
        "{\"a\":[9007199254740991,4503599627370497,-2147483649,7,0.1],\"c\":true}",
    };
    cogvideo_error err;
    cv_json *json = NULL, *other = NULL;
    char *printed;

    (void)state;
    CHECK_OK(parse(&json, text, &err), err);
    printed = cv_json_print(json, false, &err);
    assert_string_equal(printed, text);
    CHECK_OK(parse(&other, printed, &err), err);
    assert_true(cv_json_equal(json, other) && !cv_json_equal(json, NULL));
    cv_json_free(&other);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        CHECK_OK(parse(&other, others[i], &err), err);
        assert_false(cv_json_equal(json, other));
        cv_json_free(&other);
    }
    CHECK_FAILS(parse(&other, "{\"a\":\"x\\u0000y\"}", &err), COGVIDEO_ERROR_FORMAT,
                "the character \\u0000 in a string, at byte 7", err);
    CHECK_OK(parse(&other, "{\"a\":\"x\\\\u0000y\"}", &err), err); /* a backslash and letters */
    cv_json_free(&other);
    cv_free(printed);
    cv_json_free(&json);
}

static void marks_of_texts_are_known(void **state)
{
    (void)state;
    assert_int_equal(cv_utf8_mark("\xef\xbb\xbf{", 4), 3);
    assert_int_equal(cv_utf8_mark("\xef\xbb", 2), 0);
    assert_string_equal(cv_utf8_other("\xff\xfe", 2), "UTF-16");
    assert_string_equal(cv_utf8_other("\xfe\xff\0a", 4), "UTF-16");
    assert_string_equal(cv_utf8_other("a\0b\0", 4), "UTF-16LE");
    assert_string_equal(cv_utf8_other("\0a\0b", 4), "UTF-16BE");
    assert_string_equal(cv_utf8_other("a\0\0\0", 4), "UTF-32LE");
    assert_false(cv_utf8_other("a\0b\n", 4) || cv_utf8_other("\0\0\0\0", 4) || cv_utf8_other("abcd", 4) ||
                 cv_utf8_other("", 0));
}

/* Known answers of Philox 4x32-10 from the authors' Random123 library. */
static void random_numbers_are_philox(void **state)
{
    uint32_t out[4];

    (void)state;
    cv_rng_block(out, 0, (uint32_t[4]){ 0, 0, 0, 0 });
    assert_int_equal(out[0], 0x6627e8d5);
    assert_int_equal(out[1], 0xe169c58d);
    assert_int_equal(out[2], 0xbc57ac4c);
    assert_int_equal(out[3], 0x9b00dbd8);
    cv_rng_block(out, 0x299f31d0a4093822, (uint32_t[4]){ 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 });
    assert_int_equal(out[0], 0xd16cfe09);
    assert_int_equal(out[1], 0x94fdcceb);
    assert_int_equal(out[2], 0x5001e420);
    assert_int_equal(out[3], 0x24126ea1);
    assert_true(cv_rng_unit(0xffffffff, 0xffffffff) < 1.0);
    CHECK_CLOSE(cv_rng_unit(0x80000000, 0), 0.5, 0);
}

/* Each stands before all that follow it. */
static void names_are_in_natural_order(void **state)
{
    static const char *const names[] = {
        "",
        "-5",
        "0",
        "00",
        "0.5",
        "000.ppm",
        "001",
        "01",
        "1",
        "1-a",
        "01.ppm",
        "1.ppm",
        "2.ppm",
        "9",
        "9.ppm",
        "10.ppm",
        "11.ppm",
        "99999999999999999998.ppm",
        "99999999999999999999",
        "100000000000000000000",
        "a",
        "a-1",
        "a.2",
        "a01b2",
        "a1b2",
        "a1b10",
        "a2b1",
        "aB",
        "a\xe5\x9b\xbe"
        "2",
        "a\xe5\x9b\xbe"
        "10",
        "frame-09.ppm",
        "frame-9.ppm",
        "frame-010.ppm",
        "frame-100.ppm",
        "frame-99999999999999999999999999.ppm",
        "frame-100000000000000000000000000.ppm",
        "frames",
    };
    const size_t count = sizeof names / sizeof *names;

    (void)state;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++) {
            int order = cv_natural_compare(names[i], names[k]);

            if ((order < 0) != (i < k) || (order > 0) != (i > k))
                fail_msg("'%s' and '%s' compare as %d", names[i], names[k], order);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_grow_by_one),
        cmocka_unit_test(names_are_in_natural_order),
        cmocka_unit_test(containers_have_limits),
        cmocka_unit_test(hyper_threads_of_a_core_count_once),
        cmocka_unit_test(errors_escape_control_characters),
        cmocka_unit_test(long_errors_are_cut_between_characters),
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(memory_is_aligned_and_zero),
        cmocka_unit_test(output_appears_only_when_whole),
        cmocka_unit_test(outputs_are_written_by_one_run),
        cmocka_unit_test(links_are_not_written_through),
        cmocka_unit_test(full_disk_is_an_error),
        cmocka_unit_test(mapping_refuses_what_is_no_file),
        cmocka_unit_test(mappings_are_found_by_address),
        cmocka_unit_test(what_can_be_had_is_tried),
        cmocka_unit_test(limits_of_the_process_count_as_memory),
        cmocka_unit_test(json_getters_name_key_and_range),
        cmocka_unit_test(json_refuses_what_is_not_one_value),
        cmocka_unit_test(json_refuses_what_it_only_resembles),
        cmocka_unit_test(json_is_written_and_read_back),
        cmocka_unit_test(json_keeps_values_to_the_last_bit),
        cmocka_unit_test(marks_of_texts_are_known),
        cmocka_unit_test(random_numbers_are_philox),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
