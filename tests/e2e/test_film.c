/* A long video through the program: it is read as a stream, so memory stays small, Ctrl-C stops it at once, and each
 * frame keeps its time; and pictures that come through pipes. */
#include "support/check.h"
#include "support/clip.h"
#include "support/models.h"
#include "support/program.h"

#include <sys/resource.h>

#define MODEL "-m m --size 16 -q " /* the small model's tokenizer */

/* "TEMP/name": a frame of 640 x 480, `count` times. */
static void write_film(const char *name, int count)
{
    cogvideo_video one = clip_make(640, 480, 1);
    cogvideo_error err;
    cv_buffer frame, film = { 0 };

    CHECK_OK(cogvideo_video_write(&one, check_temp_path("one.mjpeg"), NULL, &err), err);
    frame = clip_bytes("one.mjpeg");
    for (int i = 0; i < count; i++)
        CHECK_OK(cv_buffer_append(&film, frame.data, frame.size, &err), err);
    check_write(check_temp_path(name), film.data, film.size);
    cv_buffer_free(&frame);
    cv_buffer_free(&film);
    cogvideo_video_free(&one);
}

static int set_up(void **state)
{
    (void)state;
    models_write_small(check_temp());
    models_import_small("f32", "m");
    return 0;
}

/* 300 frames of 640 x 480 are 276 MB. */
static void memory_holds_one_frame(void **state)
{
    struct rusage used;

    (void)state;
    write_film("film.mjpeg", 300);
    program_ok("encode film.mjpeg " MODEL "-o film.jsonl");
    assert_int_equal(program_run("--version >/dev/null; [ $(grep -c codes film.jsonl) = 300 ]"), 0);
    getrusage(RUSAGE_CHILDREN, &used);
    if (!CHECK_SANITIZED && used.ru_maxrss > 250000)
        fail_msg("%ld kB for a frame of 640 x 480", used.ru_maxrss);
}

/* Seconds of processors that all children took. */
static double work_done(void)
{
    struct rusage used;

    getrusage(RUSAGE_CHILDREN, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

/* SIGINT to a run once it has worked for 0.3 seconds of many: it ends by that, and without much more work. A busy
 * machine changes nothing in that. */
static void check_interrupt(const char *arguments)
{
    double before = work_done();

    assert_int_equal(
        program_run("--version >/dev/null; \"$COGVIDEO_PROGRAM\" %s 2>/dev/null & p=$!; "
                    "while read -r stat </proc/$p/stat && set -- $stat && [ ${14} -lt 30 ]; do sleep 0.02; done; "
                    "kill -INT $p; wait $p; [ $? = 130 ]",
                    arguments),
        0);
    assert_true(work_done() - before < (CHECK_SANITIZED ? 10 : 3));
}

static void a_long_read_stops_at_once(void **state)
{
    (void)state;
    write_film("long.mjpeg", 6000);
    check_interrupt("encode long.mjpeg " MODEL "-o long.jsonl");
    assert_int_equal(program_run("--version >/dev/null; ! ls long.jsonl* 2>/dev/null"), 0);
    assert_int_equal(program_run("--version >/dev/null; mkdir long && mv long.mjpeg long && echo words >long/long.txt"),
                     0);
    check_interrupt("dataset build long -q -o data");
    assert_int_equal(program_run("--version >/dev/null; ! ls data/dataset.json 2>/dev/null"), 0);
}

static void each_frame_keeps_its_time(void **state)
{
    cogvideo_video video = clip_make(16, 16, 9);
    const cogvideo_write_options options = { .fps = 12 };
    cogvideo_tokens codes;
    cogvideo_error err;

    (void)state;
    if (cogvideo_video_check_path(check_temp_path("v.mkv"), NULL) == COGVIDEO_OK) {
        CHECK_OK(cogvideo_video_write(&video, check_temp_path("v.mkv"), &options, &err), err);
        program_ok("encode v.mkv " MODEL "-o v.jsonl");
        CHECK_OK(cogvideo_tokens_load(&codes, check_temp_path("v.jsonl"), &err), err);
        assert_int_equal(codes.frames, 9);
        for (int i = 0; i < 9; i++)
            CHECK_CLOSE(codes.times[i], i / 12.0, 0.0006);
        cogvideo_tokens_free(&codes);
    }
    cogvideo_video_free(&video);
}

static void pipes_are_inputs(void **state)
{
    (void)state;
    write_film("two.mjpeg", 2);
    program_ok("encode two.mjpeg " MODEL "-o two.jsonl");
    assert_int_equal(program_run("encode - " MODEL "-o a.jsonl <two.mjpeg && cmp a.jsonl two.jsonl"), 0);
    assert_int_equal(program_run("--version >/dev/null; cat two.mjpeg | \"$COGVIDEO_PROGRAM\" encode /dev/stdin " MODEL
                                 "-o b.jsonl && cmp b.jsonl two.jsonl"),
                     0);
    program_check("encode - " MODEL "-o c.jsonl </dev/null" STDERR, 1, "standard input: is empty");
    /* One that lies in a folder of videos is not waited for. */
    assert_int_equal(program_run("--version >/dev/null; mkdir odd && mkfifo odd/a.mp4 && echo words >odd/a.txt"), 0);
    program_check("dataset build odd -o none" STDERR, 1, "this is a pipe or a device");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_holds_one_frame),
        cmocka_unit_test(a_long_read_stops_at_once),
        cmocka_unit_test(each_frame_keeps_its_time),
        cmocka_unit_test(pipes_are_inputs),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
