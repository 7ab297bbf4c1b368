#include "support/metrics_model.h"
#include "support/check.h"
#include "support/clip.h"
#include "support/seeded.h"

#include "base/file.h"
#include "family/metrics/network/c3d.h"
#include "family/metrics/network/clip_network.h"
#include "family/metrics/network/i3d.h"
#include "family/metrics/network/inception.h"

#include <sys/stat.h>

#define DIVISOR 16

static void divide(cv_convnet_config *net)
{
    for (int u = 0; u < CV_CONVNET_UNITS; u++)
        net->widths[u] = net->widths[u] / DIVISOR > 0 ? net->widths[u] / DIVISOR : net->widths[u] > 0;
}

static const char *path_in(const char *folder, const char *file)
{
    char path[500];

    snprintf(path, sizeof path, "%s/%s", folder, file);
    return check_temp_path(path);
}

/* Seeded numbers for all that was claimed of a plan. */
static void write_part(cv_store **plan, const char *folder, const char *file, int seed)
{
    seeded_list list = { 0 };

    seeded_add_store(&list, seed, *plan);
    seeded_write(&list, path_in(folder, file), CV_F32);
    seeded_list_free(&list);
    cv_store_close(plan);
}

static cv_store *new_plan(void)
{
    cogvideo_error err;
    cv_store *plan;

    CHECK_OK(cv_store_plan(&plan, "plan", &err), err);
    return plan;
}

static void write_convnets(const char *folder, int seed)
{
    cv_i3d_config i3d_config;
    cv_c3d_config c3d_config;
    cv_inception_config inception_config;
    cv_i3d i3d;
    cv_c3d c3d;
    cv_inception inception;
    cv_store *plan = new_plan();
    cogvideo_error err;

    cv_i3d_published(&i3d_config);
    divide(&i3d_config.net);
    i3d_config.classes = 10;
    CHECK_OK(cv_i3d_bind(&i3d, plan, &i3d_config, &err), err);
    write_part(&plan, folder, "i3d.safetensors", seed);
    plan = new_plan();
    cv_c3d_published(&c3d_config);
    divide(&c3d_config.net);
    c3d_config.widths[0] = c3d_config.widths[1] = 24;
    c3d_config.widths[2] = 7;
    CHECK_OK(cv_c3d_bind(&c3d, plan, &c3d_config, &err), err);
    write_part(&plan, folder, "c3d.safetensors", seed);
    plan = new_plan();
    cv_inception_published(&inception_config);
    divide(&inception_config.net);
    inception_config.classes = 9;
    CHECK_OK(cv_inception_bind(&inception, plan, &inception_config, &err), err);
    write_part(&plan, folder, "inception.safetensors", seed);
}

static void write_clip(const char *folder, int seed)
{
    const cv_clip_config config = {
        .image = { .width = 12, .layers = 1, .heads = 3, .mlp = 20 },
        .text = { .width = 12, .layers = 1, .heads = 2, .mlp = 16 },
        .resolution = 16,
        .patch = 8,
        .context = 77,
        .vocabulary = 710,
        .end = -1,
        .embed = 8,
    };
    cv_store *plan = new_plan();
    cogvideo_error err;
    cv_buffer vocabulary = { 0 };
    cv_clip *clip;

    CHECK_OK(cv_clip_open(&clip, plan, &config, &err), err);
    write_part(&plan, folder, "clip.safetensors", seed);
    cv_clip_close(&clip);
    CHECK_OK(cv_file_read(&vocabulary, check_data("text/bpe_small.txt.gz"), 1 << 20, &err), err);
    check_write(path_in(folder, "bpe.txt.gz"), vocabulary.data, vocabulary.size);
    cv_buffer_free(&vocabulary);
}

void metrics_model_write(const char *folder, int seed)
{
    static const char description[] =
        "{\"format\":\"cogvideo-model\",\"version\":1,\"family\":\"metrics\",\"name\":\"small\",\"parts\":{"
        "\"i3d\":{\"file\":\"i3d.safetensors\"},\"c3d\":{\"file\":\"c3d.safetensors\"},"
        "\"inception\":{\"file\":\"inception.safetensors\"},"
        "\"clip\":{\"file\":\"clip.safetensors\",\"act\":\"gelu\",\"image_heads\":3,\"text_heads\":2,"
        "\"mean\":[0.5,0.5,0.5],\"deviation\":[0.5,0.25,0.5]},"
        "\"clip_vocabulary\":{\"file\":\"bpe.txt.gz\"}}}";

    mkdir(check_temp_path(folder), 0777);
    write_convnets(folder, seed);
    write_clip(folder, seed);
    check_write(path_in(folder, "model.json"), description, sizeof description - 1);
}
