/* The golden checkpoints, as large as the original in grid and codes, through the lines that a person would type:
 * pixels to codes and back, super-resolution, and a clip from a prompt through every stage. Without the goldens, or
 * with sanitizers, nothing runs here. */
#include "support/check.h"
#include "support/clip.h"
#include "support/models.h"
#include "support/program.h"

#include <signal.h>

#define PROMPT "一个红色的圆形向左移动"

static int absent(void)
{
    return CHECK_SANITIZED || !check_golden("checkpoints");
}

static cv_store *open_golden(const char *name)
{
    cogvideo_error err;
    cv_store *store = NULL;

    CHECK_OK(cv_store_open(&store, check_data(name), &err), err);
    return store;
}

static int import_all(void **state)
{
    (void)state;
    if (!absent())
        models_import_golden("MODEL");
    return 0;
}

/* Codes equal wherever the two best are more than `margin` apart. */
static void check_codes(const char *name, const int32_t *golden, const float *margins, double margin, int frames,
                        int grid)
{
    cogvideo_tokens clip = clip_load_codes(name, grid, frames);
    int near = 0, count = frames * grid * grid;

    for (int i = 0; i < count; i++) {
        near += (double)margins[i] <= margin;
        if ((double)margins[i] > margin && clip.codes[i] != golden[i])
            fail_msg("%s: code %d is %d, not %d", name, i, (int)clip.codes[i], (int)golden[i]);
    }
    print_message("    %s: %d codes equal, %d near ties aside\n", name, count - near, near);
    cogvideo_tokens_free(&clip);
}

static void pictures_become_the_originals_codes(void **state)
{
    static const int rates[] = { 4, 8, 16 };
    cogvideo_error err;
    cogvideo_video video;
    cv_store *golden;

    (void)state;
    if (absent())
        skip();
    golden = open_golden("image_tokenizer/forced.safetensors");
    CHECK_OK(cogvideo_video_alloc(&video, 160, 160, 1, 0, &err), err);
    memcpy(video.pixels, check_tensor(golden, "image.u8")->data, 160 * 160 * 3);
    CHECK_OK(cogvideo_video_write(&video, check_temp_path("picture.ppm"), NULL, &err), err);
    cogvideo_video_free(&video);
    for (int i = 0; i < 3; i++) {
        char tokens[40], margin[40], file[40];

        snprintf(tokens, sizeof tokens, "encode.r%d.tokens", rates[i]);
        snprintf(margin, sizeof margin, "encode.r%d.margin", rates[i]);
        snprintf(file, sizeof file, "codes%d.jsonl", rates[i]);
        program_ok("encode --model MODEL --rate %d picture.ppm -o %s", rates[i], file);
        check_codes(file, check_i32(golden, tokens), check_f32(golden, margin), 1e-3, 1, 160 / rates[i]);
    }
    cv_store_close(&golden);
}

static void codes_become_the_originals_pictures(void **state)
{
    cogvideo_error err;
    cogvideo_video video;
    cv_store *golden;
    const float *rgb;

    (void)state;
    if (absent())
        skip();
    golden = open_golden("image_tokenizer/forced.safetensors");
    rgb = check_f32(golden, "decode.r8.rgb");
    clip_save_codes("codes.jsonl", check_i32(golden, "decode.r8.tokens"), 20, 1);
    program_ok("decode --model MODEL codes.jsonl --size 160 -o frame-%%04d.ppm");
    CHECK_OK(cogvideo_video_read(&video, check_temp_path("frame-0000.ppm"), NULL, &err), err);
    assert_int_equal(video.width, 160);
    assert_int_equal(video.height, 160);
    /* A pixel is within 1e-3, and half a step of rounding, of the original's. */
    for (int i = 0; i < 160 * 160 * 3; i++)
        CHECK_CLOSE(video.pixels[i], 255 * fmin(fmax((double)rgb[i], 0), 1), 0.5 + 0.255);
    cogvideo_video_free(&video);
    cv_store_close(&golden);
}

static void super_resolution_gives_the_originals_codes(void **state)
{
    cv_store *golden;
    const int32_t *text;
    char ids[200] = "";

    (void)state;
    if (absent())
        skip();
    golden = open_golden("upscaler/forced.safetensors");
    text = check_i32(golden, "text");
    for (size_t i = 0, used = 0; i < check_tensor(golden, "text")->count; i++)
        used += (size_t)snprintf(ids + used, sizeof ids - used, "%s%d", i ? "," : "", (int)text[i]);
    clip_save_codes("low.jsonl", check_i32(golden, "frames"), 20, 2);
    program_ok("upscale --model MODEL --greedy --text-ids %s low.jsonl -o high.jsonl --json", ids);
    assert_non_null(strstr(program_output(), "\"files\":[{\"file\":\"high.jsonl\",\"frames\":2,\"grid\":60,"));
    check_codes("high.jsonl", check_i32(golden, "argmax"), check_f32(golden, "margin"), 1e-2, 2, 60);
    cv_store_close(&golden);
}

static void super_resolution_goes_on(void **state)
{
#define UPSCALE "upscale -q --model MODEL --text-ids 20009,20044 --seed 3 low.jsonl -o "
    (void)state;
    if (absent())
        skip();
    program_ok(UPSCALE "straight.jsonl --threads 2");
    /* At the settings and the rows of the first of two frames: a frame's rows all come near its end. */
    program_interrupt(SIGKILL, "killed.journal", 61, UPSCALE "killed.jsonl --threads 1");
    program_ok(UPSCALE "killed.jsonl --threads 2 --resume");
    program_equal_files("killed.jsonl", "straight.jsonl");
}

static void a_prompt_becomes_a_clip(void **state)
{
    cogvideo_error err;
    cogvideo_video video;
    cogvideo_tokens codes;
    int film = cogvideo_video_check_path(check_temp_path("clip.mp4"), NULL) == COGVIDEO_OK;

    (void)state;
    if (absent())
        skip();
    program_ok("generate --model MODEL \"" PROMPT "\" --seed 1 --threads 2 -o %s", film ? "clip.mp4" : "clip.mjpeg");
    CHECK_OK(cogvideo_video_read(&video, check_temp_path(film ? "clip.mp4" : "clip.mjpeg"), NULL, &err), err);
    assert_int_equal(video.frames, 33);
    assert_int_equal(video.width, 480);
    assert_int_equal(video.height, 480);
    cogvideo_video_free(&video);
    codes = clip_load_codes("clip.jsonl", 60, 33);
    cogvideo_tokens_free(&codes);
    program_check("tokens show clip.interpolated.jsonl", 0, "33 frames of 20x20 codes");
    program_check("tokens show clip.keyframes.jsonl", 0, "5 frames of 20x20 codes");
    program_check("tokens show --json clip.jsonl", 0, PROMPT);
    /* Another number of threads and another batch: the same codes. */
    program_ok("interpolate -q --model MODEL clip.keyframes.jsonl --seed 1 --threads 1 --batch 4 --rounds 1 "
               "-o a.jsonl");
    program_ok("interpolate -q --model MODEL clip.keyframes.jsonl --seed 1 --threads 2 --batch 8 --rounds 1 "
               "-o b.jsonl");
    program_equal_files("a.jsonl", "b.jsonl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_become_the_originals_codes),
        cmocka_unit_test(codes_become_the_originals_pictures),
        cmocka_unit_test(super_resolution_gives_the_originals_codes),
        cmocka_unit_test(super_resolution_goes_on),
        cmocka_unit_test(a_prompt_becomes_a_clip),
    };

    return cmocka_run_group_tests(tests, import_all, NULL);
}
