/* Pixels through the program: a clip from a prompt in several forms, its record, pictures to codes and back. */
#include "support/check.h"
#include "support/clip.h"
#include "support/program.h"
#include "support/models.h"

#include "base/json.h"

#include <unistd.h>

#define PROMPT "一个红色的圆形向左移动"
#define FRAMES 9
#define SIZE 64 /* pixels, of the small model's frames */

static int can_write(const char *name)
{
    return cogvideo_video_check_path(check_temp_path(name), NULL) == COGVIDEO_OK;
}

static int exists(const char *name)
{
    return access(check_temp_path(name), F_OK) == 0;
}

static void check_y4m(const char *name, int frames, int size)
{
    cv_buffer bytes = clip_bytes(name);
    const char *line = memchr(bytes.data, '\n', bytes.size);
    char words[40];

    snprintf(words, sizeof words, " W%d H%d ", size, size);
    assert_non_null(line);
    assert_memory_equal(bytes.data, "YUV4MPEG2", 9);
    if (!strstr(bytes.data, words) || strstr(bytes.data, words) > line)
        fail_msg("%s is not of %d pixels", name, size);
    assert_int_equal(bytes.size - (size_t)(line + 1 - bytes.data), frames * (6 + 3 * size * size));
    cv_buffer_free(&bytes);
}

static cogvideo_video read_video(const char *name, int frames, int size)
{
    cogvideo_error err;
    cogvideo_video video;

    CHECK_OK(cogvideo_video_read(&video, check_temp_path(name), NULL, &err), err);
    assert_int_equal(video.frames, frames);
    assert_int_equal(video.width, size);
    assert_int_equal(video.height, size);
    return video;
}

/* --- generate ------------------------------------------------------------------------------------------------- */

static void generate_leaves_codes_and_a_record(void **state)
{
    cogvideo_error err;
    cv_json *record = NULL;
    cogvideo_tokens codes;
    int64_t number;

    (void)state;
    check_y4m("clip.y4m", FRAMES, SIZE);
    codes = clip_load_codes("clip.jsonl", 8, FRAMES);
    for (int i = 0; i < FRAMES; i++)
        CHECK_CLOSE(codes.times[i], 4.0 * i / (FRAMES - 1), 1e-9);
    cogvideo_tokens_free(&codes);
    assert_true(exists("clip.keyframes.jsonl"));
    assert_false(exists("clip.jsonl.partial") || exists("clip.keyframes.jsonl.partial"));
    CHECK_OK(cv_json_read(&record, check_temp_path("clip.json"), 1 << 20, &err), err);
    assert_string_equal(cv_json_text(cv_json_get(record, "prompt")), PROMPT);
    CHECK_OK(cv_json_int(record, "seed", 1, 1, &number, "clip.json", &err), err);
    CHECK_OK(cv_json_int(record, "frames", FRAMES, FRAMES, &number, "clip.json", &err), err);
    cv_json_free(&record);
    program_check("generate --model m " PROMPT " --seed 1 --rounds 1 --no-upscale -o clip.y4m" STDERR, 1, "--force");
}

/* The record's own command makes the same files. */
static void a_record_makes_its_clip_again(void **state)
{
    cogvideo_error err;
    cv_json *record = NULL;
    char arguments[2000] = "";
    size_t used = 0;

    (void)state;
    CHECK_OK(cv_json_read(&record, check_temp_path("clip.json"), 1 << 20, &err), err);
    for (const cv_json *word = cv_json_next(cv_json_first(cv_json_get(record, "command"))); word;
         word = cv_json_next(word))
        used += (size_t)snprintf(arguments + used, sizeof arguments - used, " '%s'", cv_json_text(word));
    cv_json_free(&record);
    assert_int_equal(rename(check_temp_path("clip.jsonl"), check_temp_path("old.jsonl")), 0);
    assert_int_equal(rename(check_temp_path("clip.y4m"), check_temp_path("old.y4m")), 0);
    program_ok("%s --force -q", arguments);
    program_equal_files("old.jsonl", "clip.jsonl");
    program_equal_files("old.y4m", "clip.y4m");
}

static void names_may_hold_percent_signs(void **state)
{
    (void)state;
    program_ok("decode -q --model m clip.jsonl -o '50%% off.y4m'");
    program_equal_files("50% off.y4m", "clip.y4m");
    program_ok("decode -q --model m clip.jsonl -o 100%%done.y4m");
    program_equal_files("100%done.y4m", "clip.y4m");
    program_ok("decode -q --model m clip.jsonl -o '100%%%%-%%02d.ppm'");
    assert_true(exists("100%-00.ppm"));
    program_ok("generate -q --model m " PROMPT " --seed 1 --rounds 1 --no-upscale --samples 2 -o '100%%%% %%d.y4m'");
    assert_true(exists("100% 1.y4m") && exists("100% 1.jsonl"));
    program_check("decode -q --model m clip.jsonl -o 100%d.y4m" STDERR, 1,
                  "a .y4m file holds all frames, so its name must not have a number");
    program_check("keyframes -q --model m " PROMPT " -o key-%d.jsonl" STDERR, 2,
                  "so its name takes no number, as 'key-%d.jsonl' has");
    program_check("interpolate -q --model m clip.keyframes.jsonl -o key-%d.jsonl" STDERR, 2, "takes no number");
}

static void generate_writes_every_form(void **state)
{
    static const char *const videos[] = { "v.mp4", "w.webm", "k.mkv", "g.gif" };
    cogvideo_error err;
    cogvideo_video video;

    (void)state;
    program_ok("generate -q --model m " PROMPT " --seed 1 --rounds 1 --no-upscale --columns 3 -o sheet.jpg");
    CHECK_OK(cogvideo_video_read(&video, check_temp_path("sheet.jpg"), NULL, &err), err);
    assert_int_equal(video.frames, 1);
    assert_true(video.width >= 3 * SIZE && video.height >= 3 * SIZE);
    cogvideo_video_free(&video);
    assert_true(exists("sheet.jsonl") && exists("sheet.json"));
    program_ok("decode -q --model m sheet.jsonl -o clip.mjpeg");
    video = read_video("clip.mjpeg", 9, SIZE);
    cogvideo_video_free(&video);
    program_ok("decode -q --model m sheet.jsonl --size 100 -o f-%%02d.jpg");
    video = read_video("f-%02d.jpg", 9, 100);
    cogvideo_video_free(&video);
    for (size_t i = 0; i < sizeof videos / sizeof *videos; i++) {
        char command[200];

        snprintf(command, sizeof command, "decode -q --model m clip.jsonl -o %s" STDERR, videos[i]);
        if (!can_write(videos[i])) {
            program_check(command, 1, "FFmpeg");
            continue;
        }
        program_ok("%s", command);
        video = read_video(videos[i], FRAMES, SIZE);
        cogvideo_video_free(&video);
    }
}

static void generate_writes_mp4(void **state)
{
    cogvideo_video video;

    (void)state;
    if (!can_write("film.mp4"))
        skip();
    program_ok("generate -q --model m " PROMPT " --seed 1 --rounds 1 --no-upscale -o film.mp4");
    video = read_video("film.mp4", FRAMES, SIZE);
    cogvideo_video_free(&video);
    program_check("tokens compare -q film.jsonl clip.jsonl", 0, "");
    assert_true(exists("film.json"));
}

/* --- encode and decode ---------------------------------------------------------------------------------------- */

static void pictures_become_codes_and_pictures(void **state)
{
    static const int rates[] = { 4, 8, 16 };
    cogvideo_video back;

    (void)state;
    for (int i = 0; i < 3; i++) {
        cogvideo_tokens codes;
        char name[40];

        snprintf(name, sizeof name, "codes%d.jsonl", rates[i]);
        program_ok("encode -q --model m --rate %d in-%%02d.ppm -f -o %s", rates[i], name);
        codes = clip_load_codes(name, SIZE / rates[i], 3);
        assert_int_equal(codes.rate, rates[i]);
        cogvideo_tokens_free(&codes);
        program_ok("decode -q --model m %s -f -o out-%%04d.ppm", name);
        back = read_video("out-%04d.ppm", 3, SIZE);
        cogvideo_video_free(&back);
    }
    /* Codes do not depend on how many frames go together, nor on threads. */
    program_ok("encode -q --model m --frames 1 in-%%02d.ppm -o first.jsonl");
    program_equal_files("one.jsonl", "first.jsonl");
    /* A picture of the right size is not changed, whatever the rule; of another size it is made in another way. */
    program_ok("encode -q --model m --resize icetk in-00.ppm -o same.jsonl");
    program_check("tokens compare -q one.jsonl same.jsonl", 0, "");
    program_ok("encode -q --model m --size 112 in-00.ppm -o area.jsonl");
    program_ok("encode -q --model m --size 112 --resize icetk in-00.ppm -o icetk.jsonl");
    program_check("tokens compare -q area.jsonl icetk.jsonl", 1, "");
    program_check("encode -q --model m --size 128 in-00.ppm -o - | head -n 1", 0, "\"grid\":16");
    program_check("encode -q --model m clip.jsonl -o no.jsonl" STDERR, 1, "clip.jsonl");
}

/* A picture given as the first frame is that picture's codes. */
static void a_picture_can_be_the_first_frame(void **state)
{
    cogvideo_tokens picture, clip;

    (void)state;
    program_ok("keyframes -q --model m " PROMPT " --seed 2 --first in-00.ppm -o picture.jsonl");
    program_ok("keyframes -q --model m " PROMPT " --seed 2 --first one.jsonl -o given.jsonl");
    program_check("tokens compare -q picture.jsonl given.jsonl", 0, "");
    picture = clip_load_codes("one.jsonl", 8, 1);
    clip = clip_load_codes("picture.jsonl", 8, 5);
    assert_memory_equal(clip.codes, picture.codes, 64 * sizeof *clip.codes);
    cogvideo_tokens_free(&picture);
    cogvideo_tokens_free(&clip);
}

static void minmax_stretches_each_picture(void **state)
{
    cogvideo_video video, clamped;
    size_t bytes = (size_t)SIZE * SIZE * 3;

    (void)state;
    program_ok("decode -q --model m codes8.jsonl --normalize minmax -o mm-%%d.ppm");
    program_ok("decode -q --model m codes8.jsonl --normalize clamp -o cl-%%d.ppm");
    video = read_video("mm-%d.ppm", 3, SIZE);
    clamped = read_video("cl-%d.ppm", 3, SIZE);
    assert_memory_not_equal(video.pixels, clamped.pixels, 3 * bytes);
    for (int f = 0; f < 3; f++) {
        int least = 255, most = 0;

        for (size_t i = 0; i < bytes; i++) {
            int value = video.pixels[(size_t)f * bytes + i];

            least = value < least ? value : least;
            most = value > most ? value : most;
        }
        assert_int_equal(least, 0);
        assert_int_equal(most, 255);
    }
    cogvideo_video_free(&video);
    cogvideo_video_free(&clamped);
}

/* --- text ----------------------------------------------------------------------------------------------------- */

static void text_goes_both_ways(void **state)
{
    (void)state;
    program_ok("tokenize --model m " PROMPT " | tr -d '\\n' > ids; '%s' tokenize --model m --decode \"$(cat ids)\"",
               getenv("COGVIDEO_PROGRAM"));
    assert_string_equal(program_output(), PROMPT "\n");
    program_check("info m", 0, "small");
}

static void pieces_are_looked_up_and_discouraged(void **state)
{
    static const char *const avoided[] = { "--discourage '▁一个红色的圆形向'", "--discourage-ids 400" };

    (void)state;
    program_ok("tokenize -q --model m " PROMPT);
    assert_string_equal(program_output(), "1424,1143,1073,1046\n");
    for (size_t i = 0; i < 2; i++) {
        program_ok("tokenize -q --model m %s " PROMPT, avoided[i]);
        assert_string_equal(program_output(), "1228,1519,1143,1073,1046\n");
    }
    program_ok("tokenize -q --model m --id-of '<image_7>' --id-of '<n>' --id-of nothing");
    assert_string_equal(program_output(), "7,1028,1024\n");
    program_ok("tokenize -q --model m --name-of 7,1028");
    assert_string_equal(program_output(), "<image_7>\n<n>\n");
    program_ok("tokenize -q --model m --name-of 7,1028 --pieces");
    assert_string_equal(program_output(), "7\t<image_7>\n1028\t<n>\n");
    program_check("tokenize -q --model m --name-of 7,5000 --json" STDERR, 1, "id 5000 has no name");
    program_check("tokenize -q --model m --id-of '<image_3000000000>'" STDERR, 1, "is no token");
    program_check("tokenize -q --model m --discourage nothing x" STDERR, 1, "'nothing' cannot be discouraged");
    program_check("tokenize -q --model m --discourage-ids 505 x" STDERR, 1, "piece 505 cannot be discouraged");
}

static void prompts_that_say_nothing_are_refused(void **state)
{
    static const char *const blanks[] = { "''", "' '", "'\343\200\200'", "' \343\200\200\t'" };
    char arguments[200];

    (void)state;
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
        snprintf(arguments, sizeof arguments, "keyframes -q --model m %s --count 1 -o no.jsonl" STDERR, blanks[i]);
        program_check(arguments, 1, "the prompt is empty");
    }
    program_check("keyframes -q --model m '\346\265\267\377' --count 1 -o no.jsonl" STDERR, 1,
                  "the prompt is not UTF-8 text, from byte 3 on");
    program_check("keyframes -q --model m --text-ids 1025 '\377' --count 1 -o no.jsonl" STDERR, 1, "not UTF-8");
    assert_int_not_equal(access(check_temp_path("no.jsonl"), F_OK), 0);
}

/* The model, a clip of it, and pictures with the codes that it makes of them. */
static int start(void **state)
{
    cogvideo_video video = clip_make(96, 80, 3);
    cogvideo_error err;

    (void)state;
    models_write_small(check_temp());
    models_import_small("f16", "m");
    program_ok("generate --model m " PROMPT " --seed 1 --rounds 1 --no-upscale -o clip.y4m 2>chatter");
    CHECK_OK(cogvideo_video_write(&video, check_temp_path("in-%02d.ppm"), NULL, &err), err);
    cogvideo_video_free(&video);
    program_ok("encode -q --model m --rate 8 in-%%02d.ppm -o codes8.jsonl");
    program_ok("encode -q --model m --threads 3 in-00.ppm -o one.jsonl");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generate_leaves_codes_and_a_record),
        cmocka_unit_test(a_record_makes_its_clip_again),
        cmocka_unit_test(names_may_hold_percent_signs),
        cmocka_unit_test(generate_writes_every_form),
        cmocka_unit_test(generate_writes_mp4),
        cmocka_unit_test(pictures_become_codes_and_pictures),
        cmocka_unit_test(a_picture_can_be_the_first_frame),
        cmocka_unit_test(minmax_stretches_each_picture),
        cmocka_unit_test(text_goes_both_ways),
        cmocka_unit_test(pieces_are_looked_up_and_discouraged),
        cmocka_unit_test(prompts_that_say_nothing_are_refused),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
