/* Weights that are no numbers: refused by import and quantize, and where a model holds them all the same, an error that
 * names the weight in place of codes, probabilities or pixels - for every kind of tensor of every network, stored in
 * every type. */
#include "support/check.h"
#include "support/damage.h"
#include "support/models.h"
#include "support/networks.h"
#include "support/program.h"

#include "base/path.h"

#include <cogvideo/cogvideo.h>
#include <cogvideo/quantize.h>

/* An upscaler for the small model, in its description and its folder. */
static void add_upscaler(const char *model)
{
    static const char section[] =
        "{\"layers\":2,\"hidden\":64,\"heads\":4,\"mlp\":256,\"vocabulary\":1600,\"image_codes\":1024,\"start_of_image\":1526,\"grid\":8,"
        "\"upscaled_grid\":24,\"text_places\":64,\"pad\":0,\"positions\":1024,\"low_position\":513,\"cross_kernel\":5,\"own_kernel\":9,"
        "\"norm_epsilon\":1e-5}";
    seeded_list list = { 0 };

    networks_upscaler(&list, 61, 2, 64, 1600, 1024, 24 * 24);
    models_add_part(model, "upscaler", &list, CV_F16, section);
}

static int start(void **state)
{
    (void)state;
    setenv("COGVIDEO_TEST_TEMP", check_temp(), 1);
    models_write_small(check_temp());
    models_import_small("f16", "f16");
    add_upscaler("f16");
    program_ok("quantize f16 f32 --type f32 -q");
    program_ok("quantize f16 q8 --type q8 -q");
    program_ok("quantize f16 q4 --type q4 -q");
    return 0;
}

/* --- what is tried with a damaged model ----------------------------------------------------------------------- */

typedef cogvideo_status use_fn(const cogvideo_model *model, cogvideo_error *err);

static cogvideo_generate_options greedy(const cogvideo_model *model)
{
    cogvideo_generate_options options;
    cogvideo_error err;

    cogvideo_generate_defaults(model, &options);
    options.prompt = "一个红色的圆形";
    CHECK_OK(cogvideo_set_sampling(&options, "greedy", 1, &err), err);
    return options;
}

static void some_codes(cogvideo_tokens *clip, int frames)
{
    cogvideo_error err;

    CHECK_OK(cogvideo_tokens_alloc(clip, 8, 8, 8, frames, &err), err);
    for (int i = 0; i < frames * 64; i++)
        clip->codes[i] = i * 37 % 1024;
    for (int f = 0; f < frames; f++)
        clip->times[f] = f;
}

static cogvideo_status draw_keyframes(const cogvideo_model *model, cogvideo_error *err)
{
    cogvideo_generate_options options = greedy(model);
    cogvideo_value out = { 0 };
    cogvideo_status status;

    options.keyframes = 2;
    status = cogvideo_run_step(model, "keyframes", &options, NULL, &out, err);
    cogvideo_value_free(&out);
    return status;
}

static cogvideo_status draw_between(const cogvideo_model *model, cogvideo_error *err)
{
    cogvideo_generate_options options = greedy(model);
    cogvideo_value in = { .kind = COGVIDEO_KIND_CODES }, out = { 0 };
    cogvideo_status status;

    options.batch = 1;
    some_codes(&in.codes, 5);
    status = cogvideo_run_step(model, "interpolate", &options, &in, &out, err);
    cogvideo_value_free(&in);
    cogvideo_value_free(&out);
    return status;
}

static cogvideo_status draw_finer(const cogvideo_model *model, cogvideo_error *err)
{
    const cogvideo_generate_options options = greedy(model);
    cogvideo_value in = { .kind = COGVIDEO_KIND_CODES }, out = { 0 };
    cogvideo_status status;

    some_codes(&in.codes, 1);
    status = cogvideo_run_step(model, "upscale", &options, &in, &out, err);
    cogvideo_value_free(&in);
    cogvideo_value_free(&out);
    return status;
}

static cogvideo_status decode(const cogvideo_model *model, cogvideo_error *err)
{
    cogvideo_tokens in = { 0 };
    cogvideo_video out = { 0 };
    cogvideo_status status = COGVIDEO_OK;

    some_codes(&in, 1);
    for (in.rate = 4; in.rate <= 16 && status == COGVIDEO_OK; in.rate *= 2) { /* each has a decoder of its own */
        status = cogvideo_decode(model, NULL, &in, &out, err);
        cogvideo_video_free(&out);
    }
    cogvideo_tokens_free(&in);
    return status;
}

static cogvideo_status encode(const cogvideo_model *model, cogvideo_error *err)
{
    cogvideo_video in = { 0 };
    cogvideo_tokens out = { 0 };
    cogvideo_status status = COGVIDEO_OK;

    CHECK_OK(cogvideo_video_alloc(&in, 32, 32, 1, 8, err), *err);
    for (int i = 0; i < 32 * 32 * 3; i++)
        in.pixels[i] = (uint8_t)(i * 7);
    for (int rate = 4; rate <= 16 && status == COGVIDEO_OK; rate *= 2) {
        status = cogvideo_encode(model, &in, rate, NULL, &out, err);
        cogvideo_tokens_free(&out);
    }
    cogvideo_video_free(&in);
    return status;
}

/* One of them meets every part of the network; the error of the first that fails is kept. */
static cogvideo_status encode_and_decode(const cogvideo_model *model, cogvideo_error *err)
{
    cogvideo_status status = encode(model, err);

    return status == COGVIDEO_OK ? decode(model, err) : status;
}

/* A tensor's name without its numbers: "transformer.layers..mlp.dense_h_to_h.bias". */
static void kind_of(char out[200], const char *name)
{
    size_t n = 0;

    for (; *name && n < 199; name++)
        if (*name < '0' || *name > '9')
            out[n++] = *name;
    out[n] = '\0';
}

static bool first_of_its_kind(const cv_store *store, size_t index)
{
    char kind[200], other[200];

    kind_of(kind, cv_store_at(store, index)->name);
    for (size_t i = 0; i < index; i++) {
        kind_of(other, cv_store_at(store, i)->name);
        if (strcmp(kind, other) == 0)
            return false;
    }
    return true;
}

static void check_named(cogvideo_status status, const cogvideo_error *err, const char *tensor, float value)
{
    if (status != COGVIDEO_ERROR_MODEL || !strstr(err->message, tensor) || !strstr(err->message, "damaged"))
        fail_msg("%s = %g: status %d, '%s'", tensor, (double)value, status, status == COGVIDEO_OK ? "" : err->message);
}

static void try_use(const char *model, cogvideo_cache cache, use_fn *use, const char *tensor, float value)
{
    const cogvideo_model_options options = { .cache = cache };
    cogvideo_model *opened = NULL;
    cogvideo_error err;

    CHECK_OK(cogvideo_model_open(&opened, check_temp_path(model), &options, &err), err);
    check_named(use(opened, &err), &err, tensor, value);
    cogvideo_model_close(&opened);
}

static void try_quantize(const char *model, const char *type, const char *tensor, float value)
{
    char input[600], output[600];
    const cogvideo_quantize_options options = { .input = input, .output = output, .type = type };
    cogvideo_error err;

    snprintf(input, sizeof input, "%s", check_temp_path(model));
    snprintf(output, sizeof output, "%s", check_temp_path("copy"));
    check_named(cogvideo_quantize(&options, &err), &err, tensor, value);
    assert_false(cv_path_exists(output));
}

/* One number of each kind of tensor in a file is NaN, then infinite. */
static void try_file(const char *model, const char *file, use_fn *use)
{
    static const float values[] = { NAN, INFINITY };
    cogvideo_error err;
    cv_store *store = NULL;
    char path[600];

    snprintf(path, sizeof path, "%s/%s", check_temp_path(model), file);
    CHECK_OK(cv_store_open(&store, path, &err), err);
    for (size_t i = 0; i < cv_store_count(store); i++) {
        const cv_tensor *tensor = cv_store_at(store, i);

        if (!cv_dtype_is_real(tensor->dtype) || !first_of_its_kind(store, i))
            continue;
        for (int v = 0; v < 2; v++) {
            damage d = damage_put(model, file, tensor->name, tensor->count > 5 ? 5 : 0, values[v]);

            /* An infinite mix is the share 1 of one channel, which draws as it should. */
            if (v == 0 || !strstr(tensor->name, "attn_distribution"))
                try_use(model, v ? COGVIDEO_CACHE_Q8 : COGVIDEO_CACHE_F16, use, tensor->name, values[v]);
            if (tensor->dtype == CV_F16 && strcmp(model, "f16") == 0)
                try_quantize(model, v ? "f16" : "q8", tensor->name, values[v]);
            damage_undo(&d);
        }
    }
    cv_store_close(&store);
}

static void transformers_draw_nothing(void **state)
{
    static const char *const models[] = { "f16", "f32", "q8", "q4" };

    (void)state;
    for (int m = CHECK_SANITIZED ? 2 : 0; m < 4; m += CHECK_SANITIZED ? 4 : 1) { /* one type under sanitizers */
        try_file(models[m], "trunk.safetensors", draw_keyframes);
        try_file(models[m], "stage1.safetensors", draw_keyframes);
        try_file(models[m], "stage2.safetensors", draw_between);
        try_file(models[m], "upscaler.safetensors", draw_finer);
    }
}

static void image_tokenizers_make_nothing(void **state)
{
    (void)state;
    try_file("f16", "image_tokenizer.safetensors", encode_and_decode);
}

/* The program's sentence: stage, frame and row, the weight and the way out. */
static void the_program_says_where(void **state)
{
    damage d = damage_put("f16", "trunk.safetensors", "transformer.layers.1.mlp.dense_4h_to_h.bias", 7, NAN);

    (void)state;
    program_check("keyframes --model f16 --seed 1 -q 海浪 -o none.jsonl" STDERR, 1,
                  "first frame, frame 0, row 0: the network gives NaN");
    program_check(
        "keyframes --model f16 --seed 1 -q 海浪 -o none2.jsonl" STDERR, 1,
        "trunk.safetensors: tensor 'transformer.layers.1.mlp.dense_4h_to_h.bias' holds NaN or an infinite number as element 7");
    assert_false(cv_path_exists(check_temp_path("none.jsonl")));
    damage_undo(&d);
    program_ok("keyframes --model f16 --seed 1 -q 海浪 --count 2 -o key.jsonl");
    d = damage_put("f16", "stage1.safetensors", "mixins.attention_plus.dense.1.bias", 7, INFINITY);
    program_check("score --model f16 --stage 1 key.jsonl" STDERR, 1, "scoring, frame 1, row 0: the network gives NaN");
    program_check("keyframes --model f16 --seed 1 -q 海浪 --first key.jsonl -o none.jsonl" STDERR, 1,
                  "key frames, frame 1, row 0: the network");
    program_check("generate --model f16 --seed 1 -q 海浪 --no-upscale -o clip.y4m" STDERR, 1,
                  "key frames, frame 1, row 0: the network");
    damage_undo(&d);
    d = damage_put("f16", "image_tokenizer.safetensors", "decs.1.conv_out.bias", 1, NAN);
    program_check("decode --model f16 key.jsonl -q -o none.ppm" STDERR, 1, "decoding, frame 0: the network gives NaN");
    damage_undo(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transformers_draw_nothing),
        cmocka_unit_test(image_tokenizers_make_nothing),
        cmocka_unit_test(the_program_says_where),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
