/* Token streams, training rows and NumPy arrays: written, read back, and refused when they lie. */
#include "support/check.h"

#include "base/file.h"
#include "base/path.h"
#include "tokens/growing.h"
#include "tokens/npy.h"

#include <cogvideo/tokens.h>

#define HEAD "{\"format\":\"cogvideo-tokens\",\"version\":1,\"grid\":2}\n"
#define SHAPE "{\"format\":\"cogvideo-tokens\",\"version\":1,"
#define NEWER "{\"format\":\"cogvideo-tokens\",\"version\":2,\"grid\":2}"

static void make_shape(cogvideo_tokens *clip, int height, int width, int frames, const char *header)
{
    cogvideo_error err;

    CHECK_OK(cogvideo_tokens_alloc(clip, height, width, 8, frames, &err), err);
    assert_int_equal(clip->frames_per_code, 1);
    for (int i = 0; i < frames * height * width; i++)
        clip->codes[i] = (int32_t)((i * 2654435761u) >> 1);
    for (int i = 0; i < frames; i++)
        clip->times[i] = i * 0.1;
    clip->header = header ? cv_strdup(header, &err) : NULL;
}

static void make_clip(cogvideo_tokens *clip, int grid, int frames, const char *header)
{
    make_shape(clip, grid, grid, frames, header);
}

static void check_same(const cogvideo_tokens *a, const cogvideo_tokens *b)
{
    cogvideo_tokens_difference difference;
    cogvideo_error err;

    CHECK_OK(cogvideo_tokens_compare(a, b, &difference, &err), err);
    assert_int_equal(difference.different, 0);
    assert_int_equal(difference.first_frame, -1);
    assert_true(difference.same_shape);
}

static cogvideo_status load_text(cogvideo_tokens *out, const char *text, size_t size, cogvideo_error *err)
{
    check_write(check_temp_path("text.jsonl"), text, size);
    return cogvideo_tokens_load(out, check_temp_path("text.jsonl"), err);
}

static void streams_round_trip(void **state)
{
    cogvideo_error err;
    cogvideo_tokens clip, back = { 0 };

    (void)state;
    make_clip(&clip, 5, 4, "{\"prompt\":\"\xe7\xba\xa2\",\"big\":12345678901234567890123,\"x\":{\"a\":[1,\"}\"]}}");
    clip.rate = 16;
    CHECK_OK(cogvideo_tokens_save(&clip, check_temp_path("a.jsonl"), &err), err);
    assert_false(cv_path_exists(check_temp_path("a.jsonl.partial")));
    CHECK_OK(cogvideo_tokens_load(&back, check_temp_path("a.jsonl"), &err), err);
    check_same(&clip, &back);
    assert_int_equal(back.rate, 16);
    assert_string_equal(back.header, clip.header);
    for (int i = 0; i < clip.frames; i++)
        assert_true(clip.times[i] == back.times[i]);
    cogvideo_tokens_free(&back);
    assert_null(back.codes);
    cogvideo_tokens_free(&back);
    cogvideo_tokens_free(&clip);
}

/* Clips that only "grid" can tell of, and others, each with the header line that is written for it. */
static void every_shape_round_trips(void **state)
{
    static const struct {
        int height, width, frames_per_code;
        const char *line;
    } shapes[] = {
        { 3, 3, 1, "\"grid\":3,\"rate\":8,\"a\":1}\n" },
        { 2, 5, 1, "\"grid\":[2,5],\"rate\":[1,8,8],\"a\":1}\n" },
        { 5, 1, 2, "\"grid\":[5,1],\"rate\":[2,8,8],\"a\":1}\n" },
        { 3, 3, 64, "\"grid\":[3,3],\"rate\":[64,8,8],\"a\":1}\n" },
    };
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        cogvideo_tokens clip, back = { 0 };
        cv_buffer text = { 0 };
        char head[200];

        make_shape(&clip, shapes[i].height, shapes[i].width, 3,
                   "{\"a\":1,\"grid\":9,\"width\":9,\"frames_per_code\":9}");
        clip.frames_per_code = shapes[i].frames_per_code;
        CHECK_OK(cogvideo_tokens_save(&clip, check_temp_path("s.jsonl"), &err), err);
        CHECK_OK(cv_file_read(&text, check_temp_path("s.jsonl"), 10000, &err), err);
        snprintf(head, sizeof head, "{\"format\":\"cogvideo-tokens\",\"version\":1,%s", shapes[i].line);
        assert_memory_equal(text.data, head, strlen(head));
        CHECK_OK(cogvideo_tokens_load(&back, check_temp_path("s.jsonl"), &err), err);
        check_same(&clip, &back);
        assert_int_equal(back.height, shapes[i].height);
        assert_int_equal(back.width, shapes[i].width);
        assert_int_equal(back.frames_per_code, shapes[i].frames_per_code);
        assert_int_equal(cogvideo_tokens_per_frame(&back), shapes[i].height * shapes[i].width);
        assert_int_equal(cogvideo_tokens_video_frames(&back), 1 + 2 * shapes[i].frames_per_code);
        assert_string_equal(back.header, "{\"a\":1}");
        cv_buffer_free(&text);
        cogvideo_tokens_free(&back);
        cogvideo_tokens_free(&clip);
        assert_int_equal(cogvideo_tokens_video_frames(&clip), 0);
    }
}

/* A story of two scenes, of which the second was given a frame: all that its lines tell comes back. */
static void stories_round_trip(void **state)
{
    static const int scenes[] = { 0, 0, 1, 1 };
    static const uint8_t given[] = { 0, 0, 1, 0 };
    int first, frames, taken;
    cogvideo_tokens clip, back = { 0 };
    cogvideo_error err;

    (void)state;
    make_shape(&clip, 2, 3, 4, "{\"scenes\":[{\"prompt\":\"a\"},{\"prompt\":\"b\"}]}");
    clip.frames_per_code = 4;
    clip.rate_across = 4;
    CHECK_OK(cogvideo_tokens_add_scenes(&clip, 1, &err), err);
    memcpy(clip.scenes, scenes, sizeof scenes);
    memcpy(clip.given, given, sizeof given);
    for (int i = 0; i < 24; i++) {
        clip.settled[i] = i / 6 == 2 ? -1 : i;
        clip.confidence[i] = (float)i / 32.0f;
    }
    CHECK_OK(cogvideo_tokens_save(&clip, check_temp_path("story.jsonl"), &err), err);
    CHECK_OK(cogvideo_tokens_load(&back, check_temp_path("story.jsonl"), &err), err);
    check_same(&clip, &back);
    assert_int_equal(back.rate, 8);
    assert_int_equal(cogvideo_tokens_rate_across(&back), 4);
    assert_memory_equal(back.scenes, scenes, sizeof scenes);
    assert_memory_equal(back.given, given, sizeof given);
    assert_memory_equal(back.settled, clip.settled, 24 * sizeof *clip.settled);
    for (int i = 0; i < 24; i++)
        CHECK_CLOSE(back.confidence[i], clip.confidence[i], 5.1e-4);
    assert_int_equal(cogvideo_tokens_scene(&back, 1, &first, &frames, &taken), 1);
    assert_true(first == 2 && frames == 2 && taken == 1);
    assert_int_equal(cogvideo_tokens_scene(&back, 2, &first, &frames, &taken), 0);
    assert_int_equal(cogvideo_tokens_video_frames(&back), 5 + 4);
    cogvideo_tokens_free(&clip);
    cogvideo_tokens_free(&back);
}

static void unknown_keys_and_loose_forms_are_accepted(void **state)
{
    static const char text[] = "\n{ \"\\u0066ormat\" : \"cogvideo-tokens\", "
                               "\"later\" : 7 ,\"version\":1,\"grid\":2,\"rate\":4 , \"s\":\"a,\\\"}b\" }\r\n"
                               "\r\n{\"codes\":[1, 2, 3, 2147483647],\"new\":{}}\n"
                               "  \n{\"codes\":[0,0,0,1e1],\"time\":0.5,\"frame\":1}\n\n{\"codes\":[0,0,0,0]}";
    cogvideo_error err;
    cogvideo_tokens clip = { 0 };

    (void)state;
    CHECK_OK(load_text(&clip, text, sizeof text - 1, &err), err);
    assert_int_equal(clip.frames, 3);
    assert_int_equal(clip.rate, 4);
    assert_int_equal(clip.codes[3], INT32_MAX);
    assert_int_equal(clip.codes[7], 10);
    assert_true(clip.times[0] == 0 && clip.times[1] == 0.5 && clip.times[2] == 1.0);
    assert_string_equal(clip.header, "{\"later\" : 7,\"s\":\"a,\\\"}b\"}");
    cogvideo_tokens_free(&clip);
    CHECK_OK(load_text(&clip, HEAD "{\"codes\":[1,2,3,4]}\n{\"codes\":[1,2,3,4]}", strlen(HEAD) + 39, &err), err);
    assert_null(clip.header);
    assert_int_equal(clip.rate, 8);
    assert_true(clip.times[1] == 1);
    cogvideo_tokens_free(&clip);
}

static void a_cut_file_is_an_error_or_a_shorter_clip(void **state)
{
    cogvideo_error err;
    cogvideo_tokens clip, back = { 0 };
    cv_buffer text = { 0 };
    int shorter = 0;

    (void)state;
    make_clip(&clip, 2, 3, "{\"prompt\":\"x\"}");
    CHECK_OK(cogvideo_tokens_save(&clip, check_temp_path("b.jsonl"), &err), err);
    CHECK_OK(cv_file_read(&text, check_temp_path("b.jsonl"), 10000, &err), err);
    for (size_t size = 0; size < text.size; size++) {
        if (load_text(&back, text.data, size, &err) != COGVIDEO_OK) {
            assert_null(back.codes);
            continue;
        }
        assert_in_range(back.frames, 1, 3);
        assert_memory_equal(back.codes, clip.codes, (size_t)back.frames * 4 * sizeof *clip.codes);
        shorter++;
        cogvideo_tokens_free(&back);
    }
    assert_int_equal(shorter, 5); /* after each frame, with and without its line break; the whole text has one more */
    cv_buffer_free(&text);
    cogvideo_tokens_free(&clip);
}

static void hostile_lines_are_refused(void **state)
{
    static const struct {
        const char *text, *words;
    } bad[] = {
        { "", "is empty" },
        { "\n\n", "is empty" },
        { HEAD, "no frame" },
        { "[]\n", "line 1: a JSON object" },
        { "<!DOCTYPE html>", "line 1: is an HTML page" },
        { "{\"version\":1,\"grid\":2}", "line 1: 'format' is missing" },
        { "{\"format\":\"other\",\"version\":1,\"grid\":2}", "'format' is 'other'" },
        { "{\"format\":\"cogvideo-tokens\",\"grid\":2}", "'version' is missing" },
        { "{\"format\":\"cogvideo-tokens\",\"version\":1}", "'grid' is missing" },
        { "{\"format\":\"cogvideo-tokens\",\"version\":1,\"grid\":0}", "from 1 to 4096" },
        { "{\"format\":\"cogvideo-tokens\",\"version\":1,\"grid\":4097}", "from 1 to 4096" },
        { "{\"format\":\"cogvideo-tokens\",\"version\":1,\"grid\":1e400}", "from 1 to 4096" },
        { "{\"format\":\"cogvideo-tokens\",\"version\":1,\"grid\":\"2\"}", "must be a number" },
        { "{\"format\":\"cogvideo-tokens\",\"version\":1,\"grid\":2,\"rate\":5}", "4, 8 or 16" },
        { "{\"format\":\"cogvideo-tokens\",\"version\":1,\"grid\":2,\"grid\":2}", "occurs twice" },
        { SHAPE "\"grid\":2,\"height\":2,\"width\":2}", "has 'grid' beside 'height' and 'width'" },
        { SHAPE "\"grid\":2,\"width\":2}", "has 'grid' beside 'height' and 'width'" },
        { SHAPE "\"height\":2}", "'width' is missing" },
        { SHAPE "\"width\":2}", "'height' is missing" },
        { SHAPE "\"height\":2,\"width\":0}", "'width' is 0, it must be" },
        { SHAPE "\"height\":4097,\"width\":2}", "'height' is 4097, it must be" },
        { SHAPE "\"height\":2,\"width\":1e18}", "'width' is 1e+18, it must be" },
        { SHAPE "\"height\":1.5,\"width\":2}", "'height' is 1.5; a whole number was expected" },
        { SHAPE "\"height\":2,\"width\":null}", "'width' must be a number" },
        { SHAPE "\"height\":2,\"width\":2,\"width\":2}", "occurs twice" },
        { SHAPE "\"grid\":[2,2]}", "both must be" },
        { SHAPE "\"grid\":[2],\"rate\":[1,8,8]}", "'grid' has 1 numbers; 2 were expected" },
        { SHAPE "\"grid\":[2,2],\"rate\":[1,8,65]}", "'rate'" },
        { SHAPE "\"grid\":2,\"frames_per_code\":0}", "'frames_per_code' is 0, it must be from 1 to 64" },
        { SHAPE "\"grid\":2,\"frames_per_code\":65}", "'frames_per_code' is 65, it must be from 1 to 64" },
        { SHAPE "\"grid\":2,\"frames_per_code\":\"2\"}", "'frames_per_code' must be a number" },
        { SHAPE "\"height\":2,\"width\":3}\n{\"codes\":[1,2,3,4]}", "has 4 numbers; 6 were expected (2 rows of 3)" },
        { HEAD "{\"codes\":[1,2,3]}", "line 2: 'codes' has 3 numbers; 4" },
        { HEAD "{\"codes\":[1,2,3,4,5]}", "line 2: 'codes' has 5 numbers; 4" },
        { HEAD "{\"codes\":[1,2,3,4]}\n\n{\"codes\":[1,2,3,-1]}", "line 4: number 4 of 'codes'" },
        { HEAD "{\"codes\":[1,2147483648,3,4]}", "number 2 of 'codes'" },
        { HEAD "{\"codes\":[1.5,2,3,4]}", "number 1 of 'codes'" },
        { HEAD "{\"codes\":[1,2,1e400,4]}", "number 3 of 'codes'" },
        { HEAD "{\"codes\":[1,2,\"3\",4]}", "number 3 of 'codes'" },
        { HEAD "{\"codes\":[1,2,null,4]}", "number 3 of 'codes'" },
        { HEAD "{\"codes\":[1,2,[3],4]}", "number 3 of 'codes'" },
        { HEAD "{\"codes\":{}}", "must be an array" },
        { HEAD "{\"frame\":0}", "'codes' is missing" },
        { HEAD "{\"codes\":[1,2,3,4],\"codes\":[1,2,3,4]}", "occurs twice" },
        { HEAD "{\"frame\":1,\"codes\":[1,2,3,4]}", "is frame 1; frame 0" },
        { HEAD "{\"frame\":0,\"codes\":[1,2,3,4]}\n{\"frame\":0,\"codes\":[1,2,3,4]}", "is frame 0; frame 1" },
        { HEAD "{\"frame\":0.5,\"codes\":[1,2,3,4]}", "whole number" },
        { HEAD "{\"time\":1e400,\"codes\":[1,2,3,4]}", "'time'" },
        { HEAD "{\"time\":1,\"codes\":[1,2,3,4]}\n{\"time\":0.5,\"codes\":[1,2,3,4]}", "before the 1" },
        { HEAD "{\"codes\":[1,2,3,4]}{\"codes\":[1,2,3,4]}", "follows the JSON value" },
        { HEAD "[1,2,3,4]", "line 2: a JSON object" },
        { HEAD "{\"codes\":[1,2,3,4", "line 2: is not valid JSON" },
    };
    cogvideo_error err;
    cogvideo_tokens clip = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_FAILS(load_text(&clip, bad[i].text, strlen(bad[i].text), &err), COGVIDEO_ERROR_FORMAT, bad[i].words, err);
        assert_non_null(strstr(err.message, "text.jsonl"));
        assert_null(clip.codes);
    }
    CHECK_FAILS(load_text(&clip, HEAD "{\"codes\":[1,2,3,4]\0}", strlen(HEAD) + 21, &err), COGVIDEO_ERROR_FORMAT,
                "zero byte", err);
    CHECK_FAILS(load_text(&clip, NEWER, strlen(NEWER), &err), COGVIDEO_ERROR_UNSUPPORTED, "reads version 1", err);
    CHECK_FAILS(cogvideo_tokens_load(&clip, check_temp_path("none.jsonl"), &err), COGVIDEO_ERROR_IO, "none.jsonl", err);
    CHECK_FAILS(cogvideo_tokens_load(&clip, check_temp(), &err), COGVIDEO_ERROR_IO, "is a directory", err);
}

static void endless_lines_are_refused(void **state)
{
    enum { SIZE = 3000000 };
    cogvideo_error err;
    cogvideo_tokens clip = { 0 };
    char *text = malloc(SIZE);

    (void)state;
    memset(text, ' ', SIZE);
    memcpy(text, HEAD, strlen(HEAD));
    text[SIZE - 1] = '{';
    CHECK_FAILS(load_text(&clip, text, SIZE, &err), COGVIDEO_ERROR_FORMAT, "line 2: is longer", err);
    memset(text + strlen(HEAD), '[', 500000);
    CHECK_FAILS(load_text(&clip, text, strlen(HEAD) + 500000, &err), COGVIDEO_ERROR_FORMAT, "has more than", err);
    memset(text + strlen(HEAD), '[', 10000);
    CHECK_FAILS(load_text(&clip, text, strlen(HEAD) + 10000, &err), COGVIDEO_ERROR_FORMAT, "not valid JSON", err);
    CHECK_FAILS(cogvideo_tokens_load(&clip, "/dev/zero", &err), COGVIDEO_ERROR_FORMAT, "is longer", err);
    free(text);
}

static void frames_are_on_disk_as_they_are_written(void **state)
{
    cogvideo_error err;
    cogvideo_tokens clip, back = { 0 };
    cogvideo_token_writer *writer = NULL;

    (void)state;
    make_clip(&clip, 3, 3, NULL);
    CHECK_OK(cogvideo_token_writer_open(&writer, check_temp_path("w.jsonl"), &clip, &err), err);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(cogvideo_token_writer_frame(writer, clip.times[i], clip.codes + 9 * i, &err), err);
        CHECK_OK(cogvideo_tokens_load(&back, check_temp_path("w.jsonl.partial"), &err), err);
        assert_int_equal(back.frames, i + 1);
        cogvideo_tokens_free(&back);
    }
    assert_false(cv_path_exists(check_temp_path("w.jsonl")));
    cogvideo_token_writer_abandon(&writer, 1);
    assert_null(writer);
    assert_true(cv_path_exists(check_temp_path("w.jsonl.partial")));

    CHECK_OK(cogvideo_token_writer_open(&writer, check_temp_path("w.jsonl"), &clip, &err), err);
    cogvideo_token_writer_abandon(&writer, 0);
    assert_false(cv_path_exists(check_temp_path("w.jsonl.partial")));

    CHECK_OK(cogvideo_token_writer_open(&writer, check_temp_path("w.jsonl"), &clip, &err), err);
    CHECK_OK(cogvideo_token_writer_frame(writer, 0, clip.codes, &err), err);
    CHECK_OK(cogvideo_token_writer_commit(&writer, &err), err);
    assert_null(writer);
    assert_false(cv_path_exists(check_temp_path("w.jsonl.partial")));
    CHECK_OK(cogvideo_tokens_load(&back, check_temp_path("w.jsonl"), &err), err);
    assert_int_equal(back.frames, 1);
    cogvideo_tokens_free(&back);
    cogvideo_tokens_free(&clip);
}

static void what_cannot_be_written_is_refused(void **state)
{
    cogvideo_error err;
    cogvideo_tokens clip, back = { 0 };
    cogvideo_token_writer *writer = NULL;

    (void)state;
    make_clip(&clip, 2, 2, "{\"a\":\n1,\"grid\":9,\"format\":\"z\"}");
    CHECK_OK(cogvideo_tokens_save(&clip, check_temp_path("c.jsonl"), &err), err);
    CHECK_OK(cogvideo_tokens_load(&back, check_temp_path("c.jsonl"), &err), err);
    assert_string_equal(back.header, "{\"a\":1}");
    cogvideo_tokens_free(&back);
    CHECK_OK(cogvideo_token_writer_open(&writer, check_temp_path("d.jsonl"), &clip, &err), err);
    CHECK_FAILS(cogvideo_token_writer_commit(&writer, &err), COGVIDEO_ERROR_ARGUMENT, "at least 1 frame", err);
    clip.codes[5] = -1;
    CHECK_FAILS(cogvideo_tokens_save(&clip, check_temp_path("d.jsonl"), &err), COGVIDEO_ERROR_ARGUMENT,
                "frame 1 has -1", err);
    clip.codes[5] = 1;
    clip.times[1] = NAN;
    CHECK_FAILS(cogvideo_tokens_save(&clip, check_temp_path("d.jsonl"), &err), COGVIDEO_ERROR_ARGUMENT, "finite", err);
    clip.times[1] = 1;
    assert_false(cv_path_exists(check_temp_path("d.jsonl")) || cv_path_exists(check_temp_path("d.jsonl.partial")));
    clip.header[0] = '[';
    assert_int_not_equal(cogvideo_tokens_save(&clip, check_temp_path("d.jsonl"), &err), COGVIDEO_OK);
    CHECK_FAILS(cogvideo_tokens_save(&clip, "/nonexistent/d.jsonl", &err), COGVIDEO_ERROR_FORMAT, "header", err);
    strcpy(clip.header, "{}");
    CHECK_FAILS(cogvideo_tokens_save(&clip, "/nonexistent/d.jsonl", &err), COGVIDEO_ERROR_IO, "/nonexistent/d.jsonl",
                err);
    clip.rate = 7;
    CHECK_FAILS(cogvideo_tokens_save(&clip, check_temp_path("d.jsonl"), &err), COGVIDEO_ERROR_ARGUMENT, "4, 8 or 16",
                err);
    clip.rate = 8;
    clip.frames_per_code = 0;
    CHECK_FAILS(cogvideo_tokens_save(&clip, check_temp_path("d.jsonl"), &err), COGVIDEO_ERROR_ARGUMENT,
                "frames per code must be from 1 to 64, not 0", err);
    clip.frames_per_code = 1;
    CHECK_FAILS(cogvideo_tokens_alloc(&back, 2, 4097, 8, 1, &err), COGVIDEO_ERROR_ARGUMENT, "4097x2", err);
    CHECK_FAILS(cogvideo_tokens_alloc(&back, -1, 4, 8, 1, &err), COGVIDEO_ERROR_ARGUMENT, "4x-1", err);
    CHECK_FAILS(cogvideo_tokens_alloc(&back, 0, 0, 8, 1, &err), COGVIDEO_ERROR_ARGUMENT, "0x0", err);
    CHECK_FAILS(cogvideo_tokens_alloc(&back, 20, 20, 8, 0, &err), COGVIDEO_ERROR_ARGUMENT, "at least 1", err);
    cogvideo_tokens_free(&clip);
}

static void clips_are_compared(void **state)
{
    cogvideo_error err;
    cogvideo_tokens a, b, other;
    cogvideo_tokens_difference difference;

    (void)state;
    make_clip(&a, 3, 4, NULL);
    make_clip(&b, 3, 3, NULL);
    make_clip(&other, 2, 3, NULL);
    b.codes[13] ^= 1;
    b.codes[20] ^= 1;
    CHECK_OK(cogvideo_tokens_compare(&a, &b, &difference, &err), err);
    assert_int_equal(difference.frames, 3);
    assert_int_equal(difference.codes, 27);
    assert_int_equal(difference.different, 2);
    assert_int_equal(difference.first_frame, 1);
    assert_int_equal(difference.first_place, 4);
    assert_false(difference.same_shape);
    CHECK_FAILS(cogvideo_tokens_compare(&a, &other, &difference, &err), COGVIDEO_ERROR_ARGUMENT, "3x3 and 2x2", err);
    cogvideo_tokens_free(&other);
    make_shape(&other, 3, 2, 3, NULL);
    CHECK_FAILS(cogvideo_tokens_compare(&a, &other, &difference, &err), COGVIDEO_ERROR_ARGUMENT, "3x3 and 2x3", err);
    b.frames_per_code = 2;
    CHECK_FAILS(cogvideo_tokens_compare(&a, &b, &difference, &err), COGVIDEO_ERROR_ARGUMENT,
                "for 1 and for 2 video frames", err);
    cogvideo_tokens_free(&a);
    cogvideo_tokens_free(&b);
    cogvideo_tokens_free(&other);
}

static void rows_round_trip(void **state)
{
    static const int32_t ids[] = { 20009, 20044, 20100 };
    cogvideo_error err;
    cogvideo_tokens clip, back = { 0 };
    unsigned char bytes[3 * 4 * (6 + 12)] = { 0 };

    (void)state;
    make_clip(&clip, 2, 3, NULL);
    CHECK_OK(cogvideo_tokens_save_row(&clip, check_temp_path("r.bin"), ids, 3, 6, 20003, &err), err);
    CHECK_OK(cogvideo_tokens_load_row(&back, check_temp_path("r.bin"), 0, 2, 3, 6, 20003, &err), err);
    check_same(&clip, &back);
    assert_string_equal(back.header, "{\"text_ids\":[20009,20044,20100]}");
    cogvideo_tokens_free(&back);
    CHECK_FAILS(cogvideo_tokens_save_row(&clip, check_temp_path("r2.bin"), ids, 3, 2, 0, &err), COGVIDEO_ERROR_ARGUMENT,
                "3 ids, but a row has room for 2", err);
    CHECK_FAILS(cogvideo_tokens_load_row(&back, check_temp_path("r.bin"), 1, 2, 3, 6, 0, &err), COGVIDEO_ERROR_ARGUMENT,
                "has 1 rows", err);
    CHECK_FAILS(cogvideo_tokens_load_row(&back, check_temp_path("r.bin"), -1, 2, 3, 6, 0, &err),
                COGVIDEO_ERROR_ARGUMENT, "numbered from 0", err);
    CHECK_FAILS(cogvideo_tokens_load_row(&back, check_temp_path("r.bin"), 0, 2, 3, 5, 0, &err), COGVIDEO_ERROR_FORMAT,
                "whole number of rows", err);
    CHECK_FAILS(cogvideo_tokens_load_row(&back, check_temp_path("r.bin"), 0, 2, 0, 6, 0, &err), COGVIDEO_ERROR_ARGUMENT,
                "frames", err);
    CHECK_FAILS(cogvideo_tokens_load_row(&back, check_temp_path("r.bin"), 0, 2, 3, -1, 0, &err),
                COGVIDEO_ERROR_ARGUMENT, "text ids, not 3 and -1", err);
    CHECK_FAILS(cogvideo_tokens_load_row(&back, check_temp_path("none.bin"), 0, 2, 3, 6, 0, &err), COGVIDEO_ERROR_IO,
                "cannot be opened", err);

    clip.frames_per_code = 2;
    CHECK_FAILS(cogvideo_tokens_save_row(&clip, check_temp_path("r3.bin"), ids, 3, 6, 0, &err), COGVIDEO_ERROR_ARGUMENT,
                "r3.bin: a training row has square frames", err);
    clip.frames_per_code = 1;
    clip.height = 1;
    CHECK_FAILS(cogvideo_tokens_save_row(&clip, check_temp_path("r3.bin"), ids, 3, 6, 0, &err), COGVIDEO_ERROR_ARGUMENT,
                "frames of 2x1 codes", err);
    clip.height = 2;

    /* Pads are taken out wherever they stand: row 1 of three has one inside its text. */
    bytes[72] = 5;
    bytes[80] = 6;
    check_write(check_temp_path("r.bin"), bytes, sizeof bytes);
    CHECK_OK(cogvideo_tokens_load_row(&back, check_temp_path("r.bin"), 1, 2, 3, 6, 0, &err), err);
    assert_string_equal(back.header, "{\"text_ids\":[5,6]}");
    cogvideo_tokens_free(&back);
    memset(bytes + 72 + 4 * 8, 0xff, 4);
    check_write(check_temp_path("r.bin"), bytes, sizeof bytes);
    CHECK_FAILS(cogvideo_tokens_load_row(&back, check_temp_path("r.bin"), 1, 2, 3, 6, 0, &err), COGVIDEO_ERROR_FORMAT,
                "row 1 contains -1", err);
    cogvideo_tokens_free(&clip);
}

static void arrays_round_trip(void **state)
{
    cogvideo_error err;
    cogvideo_tokens clip, back = { 0 };
    cv_buffer text = { 0 };
    cv_npy array = { 0 };

    (void)state;
    make_clip(&clip, 3, 2, NULL);
    CHECK_OK(cogvideo_tokens_save_npy(&clip, check_temp_path("a.npy"), &err), err);
    CHECK_OK(cogvideo_tokens_load_npy(&back, check_temp_path("a.npy"), &err), err);
    check_same(&clip, &back);
    CHECK_OK(cv_file_read(&text, check_temp_path("a.npy"), 10000, &err), err);
    assert_int_equal(text.size, 128 + 2 * 9 * 4);
    assert_non_null(strstr(text.data + 10, "'shape': (2, 3, 3), }"));
    for (size_t size = 0; size < text.size; size++) {
        check_write(check_temp_path("cut.npy"), text.data, size);
        assert_int_equal(cogvideo_tokens_load_npy(&back, check_temp_path("cut.npy"), &err), COGVIDEO_ERROR_FORMAT);
    }
    CHECK_OK(cv_npy_write(check_temp_path("b.npy"), 1, (size_t[]){ 18 }, clip.codes, &err), err);
    CHECK_OK(cv_npy_read(&array, check_temp_path("b.npy"), 0, INT32_MAX, &err), err);
    assert_int_equal(array.rank, 1);
    assert_int_equal(array.count, 18);
    assert_memory_equal(array.values, clip.codes, 18 * sizeof *clip.codes);
    cv_npy_free(&array);
    CHECK_FAILS(cogvideo_tokens_load_npy(&back, check_temp_path("b.npy"), &err), COGVIDEO_ERROR_FORMAT, "shape", err);
    cv_buffer_free(&text);
    cogvideo_tokens_free(&back);
    cogvideo_tokens_free(&clip);
}

static void wide_frames_are_arrays_too(void **state)
{
    cogvideo_error err;
    cogvideo_tokens clip, back = { 0 };

    (void)state;
    make_shape(&clip, 2, 5, 3, NULL);
    CHECK_OK(cogvideo_tokens_save_npy(&clip, check_temp_path("w.npy"), &err), err);
    CHECK_OK(cogvideo_tokens_load_npy(&back, check_temp_path("w.npy"), &err), err);
    assert_int_equal(back.height, 2);
    assert_int_equal(back.width, 5);
    check_same(&clip, &back);
    cogvideo_tokens_free(&back);
    CHECK_OK(cv_npy_write(check_temp_path("w.npy"), 2, (size_t[]){ 3, 10 }, clip.codes, &err), err);
    CHECK_FAILS(cogvideo_tokens_load_npy(&back, check_temp_path("w.npy"), &err), COGVIDEO_ERROR_FORMAT, "square", err);
    cogvideo_tokens_free(&clip);
}

static cogvideo_status load_npy(const char *header, int version, size_t length, const void *data, size_t size,
                                cogvideo_tokens *out, cogvideo_error *err)
{
    unsigned char file[1024] = { 0 };
    size_t prefix = version > 1 ? 12 : 10;

    memcpy(file, "\x93NUMPY", 6);
    file[6] = (unsigned char)version;
    for (size_t i = 8; i < prefix; i++)
        file[i] = (unsigned char)(length >> 8 * (i - 8));
    memcpy(file + prefix, header, strlen(header));
    memcpy(file + prefix + strlen(header), data, size);
    check_write(check_temp_path("bad.npy"), file, prefix + strlen(header) + size);
    return cogvideo_tokens_load_npy(out, check_temp_path("bad.npy"), err);
}

static void wide_arrays_are_narrowed(void **state)
{
    static const char head[] = "{\"shape\":(1,4),'fortran_order':False,'descr':'<i8'} \n";
    int64_t wide[4] = { 0, 1, 2, INT32_MAX };
    cogvideo_error err;
    cogvideo_tokens clip = { 0 };

    (void)state;
    CHECK_OK(load_npy(head, 2, strlen(head), wide, sizeof wide, &clip, &err), err);
    assert_int_equal(clip.height, 2);
    assert_int_equal(clip.width, 2);
    assert_int_equal(clip.codes[3], INT32_MAX);
    cogvideo_tokens_free(&clip);
    wide[2] = INT64_C(1) << 31;
    CHECK_FAILS(load_npy(head, 1, strlen(head), wide, sizeof wide, &clip, &err), COGVIDEO_ERROR_FORMAT,
                "number 2 is 2147483648", err);
    wide[2] = -1;
    CHECK_FAILS(load_npy(head, 3, strlen(head), wide, sizeof wide, &clip, &err), COGVIDEO_ERROR_FORMAT,
                "number 2 is -1", err);
    CHECK_FAILS(load_npy(head, 4, strlen(head), wide, sizeof wide, &clip, &err), COGVIDEO_ERROR_FORMAT, "version 4",
                err);
    CHECK_FAILS(load_npy(head, 2, 0xffffffff, wide, sizeof wide, &clip, &err), COGVIDEO_ERROR_FORMAT, "does not fit",
                err);
    CHECK_FAILS(load_npy(head, 1, 200, wide, sizeof wide, &clip, &err), COGVIDEO_ERROR_FORMAT, "does not fit", err);
    CHECK_FAILS(load_npy(head, 1, strlen(head) - 4, wide, sizeof wide, &clip, &err), COGVIDEO_ERROR_FORMAT,
                "dictionary", err);
}

static void lying_arrays_are_refused(void **state)
{
    static const struct {
        const char *header, *words;
    } bad[] = {
        { "{'descr':'<i4','fortran_order':False,'shape':(1,3,3),}", "truncated or padded" },
        { "{'descr':'<i4','fortran_order':False,'shape':(1,1,1),}", "truncated or padded" },
        { "{'descr':'<i4','fortran_order':False,'shape':(4294967296,4294967296),}", "truncated or padded" },
        { "{'descr':'<i4','fortran_order':False,'shape':(4611686018427387905,4),}", "truncated or padded" },
        { "{'descr':'<i4','fortran_order':False,'shape':(99999999999999999999999,4),}", "dictionary" },
        { "{'descr':'<i4','fortran_order':False,'shape':(-1,4),}", "dictionary" },
        { "{'descr':'<i4','fortran_order':False,'shape':(1,1,1,1,4),}", "at most 4" },
        { "{'descr':'<i4','fortran_order':False,'shape':(1 4),}", "dictionary" },
        { "{'descr':'<i4','fortran_order':False,'shape':(0,4),}", "no numbers" },
        { "{'descr':'<i4','fortran_order':False,'shape':(),}", "single number" },
        { "{'descr':'<i4','fortran_order':False,'shape':(4,),}", "has another" },
        { "{'descr':'<i4','fortran_order':False,'shape':(2,2),}", "has another" },
        { "{'descr':'<i4','fortran_order':False,'shape':(1,2,2,1),}", "has another" },
        { "{'descr':'<i4','fortran_order':True,'shape':(1,4),}", "Fortran" },
        { "{'descr':'>i4','fortran_order':False,'shape':(1,4),}", "'>i4'" },
        { "{'descr':'<f4','fortran_order':False,'shape':(1,4),}", "'<f4'" },
        { "{'descr':'|O','fortran_order':False,'shape':(1,4),}", "'|O'" },
        { "{'descr':[('a','<i4')],'fortran_order':False,'shape':(1,4),}", "dictionary" },
        { "{'descr':'<i4','fortran_order':False}", "dictionary" },
        { "{'descr':'<i4','descr':'<i4','fortran_order':False,'shape':(1,4)}", "dictionary" },
        { "{'descr':'<i4','fortran_order':False,'shape':(1,4),'x':1}", "dictionary" },
        { "{'descr':'<i4','fortran_order':False,'shape':(1,4)", "dictionary" },
        { "{'descr':'<i4','fortran_order':False,'shape':(1,4)}}", "dictionary" },
        { "", "dictionary" },
    };
    static const int32_t data[4];
    cogvideo_error err;
    cogvideo_tokens clip = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_FAILS(load_npy(bad[i].header, 1, strlen(bad[i].header), data, sizeof data, &clip, &err),
                    COGVIDEO_ERROR_FORMAT, bad[i].words, err);
        assert_null(clip.codes);
    }
    check_write(check_temp_path("zip.npy"), "PK\003\004............", 16);
    CHECK_FAILS(cogvideo_tokens_load_npy(&clip, check_temp_path("zip.npy"), &err), COGVIDEO_ERROR_FORMAT,
                "a zip archive", err);
}

/* A clip that grows has room for what was announced at once, keeps what it has, and stays as short as a file that can
 * be read. */
static void growing_clips_have_bounds(void **state)
{
    const cogvideo_tokens shape = { .height = 2, .width = 2, .rate = 8, .frames_per_code = 1 },
                          wide = { .height = 4096, .width = 4096, .rate = 8, .frames_per_code = 1 };
    cv_growing_clip growing;
    cogvideo_error err;

    (void)state;
    CHECK_OK(cv_growing_open(&growing, &shape, 100, true, 5, &err), err);
    for (int frame = 0; frame < 40; frame++) {
        CHECK_OK(cv_growing_room(&growing, 1, &err), err);
        assert_true(frame >= 5 || growing.capacity == 5);
        for (int i = 0; i < 4; i++)
            growing.clip.codes[4 * frame + i] = 4 * frame + i;
        growing.clip.times[frame] = frame;
        growing.clip.scenes[frame] = frame / 10;
        growing.clip.given[frame] = 0;
        growing.clip.frames++;
    }
    for (int i = 0; i < 160; i++)
        assert_int_equal(growing.clip.codes[i], i);
    assert_int_equal(growing.clip.scenes[39], 3);
    cogvideo_tokens_free(&growing.clip);
    CHECK_FAILS(cv_growing_open(&growing, &wide, 20000, false, 12, &err), COGVIDEO_ERROR_ARGUMENT,
                "12 frames of 4096x4096 codes are more than the 10 that a file of codes holds", err);
    CHECK_OK(cv_growing_open(&growing, &wide, 20000, false, 0, &err), err);
    CHECK_FAILS(cv_growing_room(&growing, 11, &err), COGVIDEO_ERROR_ARGUMENT, "encode fewer", err);
    cogvideo_tokens_free(&growing.clip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growing_clips_have_bounds),
        cmocka_unit_test(streams_round_trip),
        cmocka_unit_test(every_shape_round_trips),
        cmocka_unit_test(stories_round_trip),
        cmocka_unit_test(unknown_keys_and_loose_forms_are_accepted),
        cmocka_unit_test(a_cut_file_is_an_error_or_a_shorter_clip),
        cmocka_unit_test(hostile_lines_are_refused),
        cmocka_unit_test(endless_lines_are_refused),
        cmocka_unit_test(frames_are_on_disk_as_they_are_written),
        cmocka_unit_test(what_cannot_be_written_is_refused),
        cmocka_unit_test(clips_are_compared),
        cmocka_unit_test(rows_round_trip),
        cmocka_unit_test(arrays_round_trip),
        cmocka_unit_test(wide_frames_are_arrays_too),
        cmocka_unit_test(wide_arrays_are_narrowed),
        cmocka_unit_test(lying_arrays_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
