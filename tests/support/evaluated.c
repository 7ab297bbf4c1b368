#include "support/evaluated.h"

#include <stdlib.h>
#include <sys/stat.h>

cogvideo_model *evaluated_networks, *evaluated_others, *evaluated_shapes, *evaluated_mixed;
char evaluated_warnings[4000];

/* --- what they look at ------------------------------------------------------------------------------------------ */

static void hear(void *user, cogvideo_log_level level, const char *text)
{
    const size_t used = strlen(evaluated_warnings);

    (void)user;
    if (level == COGVIDEO_LOG_WARNING)
        snprintf(evaluated_warnings + used, sizeof evaluated_warnings - used, "%s\n", text);
}

/* A plain colour, which differs from clip to clip and from frame to frame. */
void evaluated_paint(uint8_t *pixels, int clip, int frame, int shift)
{
    for (int i = 0; i < EVALUATED_SIDE * EVALUATED_SIDE; i++) {
        pixels[3 * i] = (uint8_t)(40 + 30 * (clip % 5) + shift);
        pixels[3 * i + 1] = (uint8_t)(200 - 17 * (clip % 7) - frame * (clip % 3));
        pixels[3 * i + 2] = (uint8_t)(20 + (29 * clip * clip) % 97 + frame + shift);
    }
}

static void write_picture(const char *path, int clip, int frame, int shift)
{
    uint8_t pixels[EVALUATED_SIDE * EVALUATED_SIDE * 3];
    cogvideo_video video = { .width = EVALUATED_SIDE, .height = EVALUATED_SIDE, .frames = 1, .pixels = pixels };
    cogvideo_error err;

    evaluated_paint(pixels, clip, frame, shift);
    CHECK_OK(cogvideo_video_write(&video, path, NULL, &err), err);
}

/* "TEMP/FOLDER/clip-N/frame-M.ppm", with a prompt beside each. */
void evaluated_write(const char *folder, int clips, int frames, int shift)
{
    char name[200];

    mkdir(check_temp_path(folder), 0777);
    for (int c = 0; c < clips; c++) {
        snprintf(name, sizeof name, "%s/clip-%02d", folder, c);
        mkdir(check_temp_path(name), 0777);
        for (int f = 0; f < frames; f++) {
            snprintf(name, sizeof name, "%s/clip-%02d/frame-%d.ppm", folder, c, f);
            write_picture(check_temp_path(name), c, f, shift);
        }
        snprintf(name, sizeof name, "%s/clip-%02d.txt", folder, c);
        check_write(check_temp_path(name), c % 2 ? "green\n" : "red and blue\n", c % 2 ? 6 : 13);
    }
}

static cogvideo_model *open_model(const char *name, char digit, int of_shapes)
{
    char description[400], path[200], weights[65];
    cogvideo_model *model = NULL;
    cogvideo_error err;

    memset(weights, digit, 64);
    weights[64] = '\0';
    mkdir(check_temp_path(name), 0777);
    snprintf(path, sizeof path, "%s/model.json", name);
    snprintf(
        description, sizeof description,
        "{\"format\":\"cogvideo-model\",\"version\":1,\"family\":\"toy-networks\",\"name\":\"%s\",\"weights\":\"%s\","
        "\"shapes\":%d}",
        name, weights, of_shapes);
    check_write(check_temp_path(path), description, strlen(description));
    CHECK_OK(cogvideo_model_open(&model, check_temp_path(name), NULL, &err), err);
    return model;
}

int evaluated_start(void **state)
{
    (void)state;
    evaluated_networks = open_model("networks", 'a', 0);
    evaluated_others = open_model("others", 'b', 0);
    evaluated_shapes = open_model("shapes", 'c', 1);
    evaluated_mixed = open_model("mixed", 'd', 2);
    evaluated_write("made", EVALUATED_CLIPS, EVALUATED_FRAMES, 0);
    evaluated_write("real", EVALUATED_CLIPS + 2, EVALUATED_FRAMES, 7);
    return 0;
}

int evaluated_stop(void **state)
{
    (void)state;
    cogvideo_model_close(&evaluated_networks);
    cogvideo_model_close(&evaluated_others);
    cogvideo_model_close(&evaluated_shapes);
    cogvideo_model_close(&evaluated_mixed);
    return 0;
}

cogvideo_evaluate_options evaluated_options(const char *metrics)
{
    static char generated[1000], real[1000];
    cogvideo_evaluate_options options;

    snprintf(generated, sizeof generated, "%s", check_temp_path("made"));
    snprintf(real, sizeof real, "%s", check_temp_path("real"));
    cogvideo_evaluate_defaults(&options);
    options.generated = generated;
    options.real = real;
    options.metrics = metrics;
    options.networks = evaluated_networks;
    options.few = 1;
    options.log = (cogvideo_log){ hear, NULL };
    evaluated_warnings[0] = '\0';
    return options;
}

/* The result as JSON, which is freed with free. */
char *evaluated_json(const cogvideo_evaluate_options *options)
{
    cogvideo_evaluation result = { 0 };
    cogvideo_error err;
    char *text, *copy;

    CHECK_OK(cogvideo_evaluate(options, &result, &err), err);
    CHECK_OK(cogvideo_evaluation_json(&result, &text, &err), err);
    copy = strdup(text);
    cogvideo_free(text);
    cogvideo_evaluation_free(&result);
    return copy;
}

void evaluated_refused(const cogvideo_evaluate_options *options, cogvideo_status status, const char *words)
{
    cogvideo_evaluation result = { 0 };
    cogvideo_error err;

    CHECK_FAILS(cogvideo_evaluate(options, &result, &err), status, words, err);
    assert_null(result.metrics);
    assert_int_equal(result.count, 0);
}
