/* C-ViViT without goldens: what a latent frame and a picture may depend on, codes and their vectors, batches, threads,
 * weights of any type, sizes as text and off a file, and the decoder's gradients against slopes. */
#include "support/gradient.h"
#include "support/narrowed.h"
#include "support/phenaki_golden.h"

#include "family/phenaki/network/quantizer_train.h"
#include "nn/blas.h"

enum { HEIGHT = 2, WIDTH = 3, PLACES = HEIGHT * WIDTH, PATCH_H = 4, PATCH_W = 2, PT = 2, LONGEST = 4, CODES = 37 };
enum { PICTURE = HEIGHT * PATCH_H * WIDTH * PATCH_W, FRAMES = 1 + (LONGEST - 1) * PT, CLIP = 3 * FRAMES * PICTURE };

/* Switches of our own. */
static cv_cvivit_config own(void)
{
    return (cv_cvivit_config){ .width = 12,
                               .heads = 3,
                               .head_width = 5,
                               .spatial_layers = 1,
                               .temporal_layers = 2,
                               .patch_height = PATCH_H,
                               .patch_width = PATCH_W,
                               .patch_frames = PT,
                               .quantizer = CV_QUANTIZER_COSINE,
                               .codes = CODES,
                               .code_width = 6,
                               .projected = true,
                               .temporal_peg = CV_PEG_TRUE,
                               .peg_causal = true,
                               .causal = true,
                               .cosine = true,
                               .mean = { 0.5f, 0.25f, 0.375f },
                               .std = { 0.5f, 0.25f, 0.75f } };
}

static cv_cvivit_config lookup_free(void)
{
    cv_cvivit_config config = own();

    config.quantizer = CV_QUANTIZER_LFQ;
    config.codes = 1 << config.code_width;
    config.patch_norm = true;
    return config;
}

typedef struct fixture {
    cv_exec exec;
    cv_store *weights;
    cv_cvivit *network;
} fixture;

static void set_up(fixture *f, const cv_cvivit_config *config, int threads)
{
    cogvideo_error err;

    *f = (fixture){ .exec = { .threads = threads } };
    check_kernels(&f->exec.kernels);
    f->weights = phenaki_seeded_store(phenaki_bind_cvivit, config, 7);
    CHECK_OK(cv_cvivit_open(&f->network, config, f->weights, &err), err);
}

static void tear_down(fixture *f)
{
    cv_cvivit_close(&f->network);
    cv_store_close(&f->weights);
}

/* A clip of smooth noise, or some. */
static void fill_clips(float *pixels, size_t count)
{
    gradient_fill(pixels, count, 3, 0.5f);
    for (size_t i = 0; i < count; i++)
        pixels[i] += 0.5f;
}

/* The first frames of a clip [3][FRAMES][PICTURE]. */
static void cut(float *out, const float *clip, int frames)
{
    for (int c = 0; c < 3; c++)
        memcpy(out + c * frames * PICTURE, clip + c * FRAMES * PICTURE, (size_t)(frames * PICTURE) * sizeof *out);
}

static void keep_z(void *user, const char *name, const float *x, size_t numbers)
{
    if (strcmp(name, "z") == 0)
        memcpy(user, x, numbers * sizeof *x);
}

static cv_arena arena_of(const fixture *f, const cv_cvivit_box *box)
{
    cogvideo_error err;
    cv_arena arena;

    CHECK_OK(cv_arena_create(&arena, cv_cvivit_scratch(&f->exec, f->network, box), &err), err);
    return arena;
}

/* The codes, and what they were compared by in z, of T latent frames of each clip. */
static void encode(const fixture *f, int batch, int T, int32_t *codes, float *z, const float *pixels)
{
    const cv_cvivit_box box = { batch, T, HEIGHT, WIDTH };
    cv_arena arena = arena_of(f, &box);
    const size_t capacity = arena.capacity;

    cv_cvivit_encode(&f->exec, f->network, &box, codes, NULL, pixels, z ? keep_z : NULL, z, &arena);
    assert_true(arena.peak <= capacity && arena.used == 0);
    cv_arena_free(&arena);
}

static void decode(const fixture *f, int batch, int T, float *pixels, const int32_t *codes)
{
    const cv_cvivit_box box = { batch, T, HEIGHT, WIDTH };
    cv_arena arena = arena_of(f, &box);
    const size_t capacity = arena.capacity;

    cv_cvivit_decode(&f->exec, f->network, &box, pixels, codes, NULL, NULL, &arena);
    assert_true(arena.peak <= capacity && arena.used == 0);
    cv_arena_free(&arena);
}

static void check_close(const float *found, const float *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        CHECK_CLOSE((double)found[i], (double)expected[i], 2e-5);
}

/* --- what depends on what ----------------------------------------------------------------------------------------- */

/* A picture is a clip of one frame. */
static void a_longer_clip_begins_with_the_codes_of_a_shorter_one(void **state)
{
    const cv_cvivit_config configs[] = { own(), lookup_free() };
    static float clip[CLIP], shorter[CLIP], z[LONGEST * PLACES * 6], other[LONGEST * PLACES * 6];
    int32_t codes[LONGEST * PLACES], others[LONGEST * PLACES];

    (void)state;
    fill_clips(clip, CLIP);
    for (int kind = 0; kind < 2; kind++) {
        fixture f;

        set_up(&f, &configs[kind], 2);
        encode(&f, 1, LONGEST, codes, z, clip);
        for (int T = 1; T < LONGEST; T++) {
            cut(shorter, clip, 1 + (T - 1) * PT);
            encode(&f, 1, T, others, other, shorter);
            check_close(other, z, (size_t)(T * PLACES * 6));
            assert_memory_equal(others, codes, (size_t)(T * PLACES) * sizeof *codes);
        }
        tear_down(&f);
    }
}

static int latent_of(int frame)
{
    return (frame + PT - 1) / PT;
}

static void a_frame_changes_no_earlier_latent_frame(void **state)
{
    const cv_cvivit_config config = own();
    static float clip[CLIP], z[LONGEST * PLACES * 6], other[LONGEST * PLACES * 6];
    int32_t codes[LONGEST * PLACES];
    fixture f;

    (void)state;
    set_up(&f, &config, 2);
    fill_clips(clip, CLIP);
    encode(&f, 1, LONGEST, codes, z, clip);
    for (int frame = 0; frame < FRAMES; frame++) {
        const size_t before = (size_t)(latent_of(frame) * PLACES * config.code_width);

        for (int c = 0; c < 3; c++)
            for (int i = 0; i < PICTURE; i++)
                clip[(c * FRAMES + frame) * PICTURE + i] = 0.125f * (float)(i % 7);
        encode(&f, 1, LONGEST, codes, other, clip);
        check_close(other, z, before);
        assert_memory_not_equal(other + before, z + before, (size_t)(PLACES * config.code_width) * sizeof *z);
        fill_clips(clip, CLIP);
    }
    tear_down(&f);
}

static void a_latent_frame_changes_no_earlier_picture(void **state)
{
    const cv_cvivit_config config = own();
    static float clip[CLIP], other[CLIP];
    int32_t codes[LONGEST * PLACES];
    fixture f;

    (void)state;
    set_up(&f, &config, 2);
    for (int i = 0; i < LONGEST * PLACES; i++)
        codes[i] = i * 11 % CODES;
    decode(&f, 1, LONGEST, clip, codes);
    for (int t = 0; t < LONGEST; t++) {
        const int first = t == 0 ? 0 : 1 + (t - 1) * PT; /* its first picture */

        codes[t * PLACES] = (codes[t * PLACES] + 1) % CODES;
        decode(&f, 1, LONGEST, other, codes);
        codes[t * PLACES] = (codes[t * PLACES] + CODES - 1) % CODES;
        for (int c = 0; c < 3; c++)
            check_close(other + c * FRAMES * PICTURE, clip + c * FRAMES * PICTURE, (size_t)(first * PICTURE));
        assert_memory_not_equal(other + first * PICTURE, clip + first * PICTURE, PICTURE * sizeof *clip);
    }
    tear_down(&f);
}

static void scrambled_places_are_those_of_a_picture(void **state)
{
    cv_cvivit_config config = own();
    float pixels[2][3 * PICTURE];
    static float clip[2][CLIP];
    int32_t codes[2 * PLACES];
    fixture f;

    (void)state;
    for (int i = 0; i < 2 * PLACES; i++)
        codes[i] = i * 5 % CODES;
    for (int scrambled = 0; scrambled < 2; scrambled++) {
        config.temporal_peg = scrambled ? CV_PEG_SCRAMBLED : CV_PEG_TRUE;
        set_up(&f, &config, 1);
        decode(&f, 1, 1, pixels[scrambled], codes);
        decode(&f, 1, 2, clip[scrambled], codes);
        tear_down(&f);
    }
    assert_memory_equal(pixels[0], pixels[1], sizeof pixels[0]);
    assert_memory_not_equal(clip[0], clip[1], 3 * (1 + PT) * PICTURE * sizeof(float));
}

static void batches_and_threads_change_nothing(void **state)
{
    const cv_cvivit_config configs[] = { own(), lookup_free() };
    static float clips[2 * CLIP], z[2 * LONGEST * PLACES * 6], alone_z[LONGEST * PLACES * 6], pixels[2 * CLIP],
        alone[CLIP];
    int32_t codes[2 * LONGEST * PLACES], alone_codes[LONGEST * PLACES];

    (void)state;
    fill_clips(clips, 2 * CLIP);
    for (int kind = 0; kind < 2; kind++) {
        fixture f;

        set_up(&f, &configs[kind], 2);
        encode(&f, 2, LONGEST, codes, z, clips);
        decode(&f, 2, LONGEST, pixels, codes);
        f.exec.threads = 1;
        for (int b = 0; b < 2; b++) {
            encode(&f, 1, LONGEST, alone_codes, alone_z, clips + b * CLIP);
            decode(&f, 1, LONGEST, alone, alone_codes);
            assert_memory_equal(alone_z, z + b * LONGEST * PLACES * 6, sizeof alone_z);
            assert_memory_equal(alone_codes, codes + b * LONGEST * PLACES, sizeof alone_codes);
            assert_memory_equal(alone, pixels + b * CLIP, sizeof alone);
        }
        tear_down(&f);
    }
}

/* --- codes and vectors -------------------------------------------------------------------------------------------- */

static void every_code_has_signs_of_its_own(void **state)
{
    const cv_cvivit_config config = lookup_free();
    float vectors[64][6], margins[64];
    int32_t codes[64];
    fixture f;

    (void)state;
    set_up(&f, &config, 1);
    assert_int_equal(config.codes, 64);
    for (int k = 0; k < 64; k++)
        cv_quantize_vector(f.network, vectors[k], k);
    cv_quantize_codes(&f.exec, f.network, codes, margins, vectors[0], 64, NULL);
    for (int k = 0; k < 64; k++) {
        assert_int_equal(codes[k], k);
        assert_true(margins[k] == 1 && vectors[k][0] == (k < 32 ? -1 : 1));
    }
    vectors[0][2] = NAN;
    cv_quantize_codes(&f.exec, f.network, codes, margins, vectors[0], 64, NULL);
    assert_int_equal(codes[0], -1);
    tear_down(&f);
}

/* Vectors of any length have the code of their direction, and of two that are equal the first; a code of zeros is none,
 * even where all others point away. */
static void a_code_is_a_direction(void **state)
{
    const cv_cvivit_config config = own();
    const size_t width = (size_t)config.code_width;
    float y[CODES * 6], margins[CODES], *embed;
    cogvideo_error err;
    int32_t codes[CODES];
    cv_arena arena;
    fixture f;

    (void)state;
    set_up(&f, &config, 2);
    embed = cv_tensor_values(check_tensor(f.weights, "vq._codebook.embed"));
    memcpy(embed + 30 * width, embed + 4 * width, width * sizeof *embed);
    for (size_t i = 0; i < CODES * width; i++)
        y[i] = embed[i] * (0.1f + (float)(i / width));
    CHECK_OK(cv_arena_create(&arena, cv_quantize_scratch(&f.exec, f.network), &err), err);
    cv_quantize_codes(&f.exec, f.network, codes, margins, y, CODES, &arena);
    for (int k = 0; k < CODES; k++) {
        assert_int_equal(codes[k], k == 30 ? 4 : k);
        assert_true(k == 30 || k == 4 ? margins[k] == 0 : margins[k] > 0);
    }
    memset(embed, 0, width * sizeof *embed);
    for (size_t i = 0; i < width; i++) { /* all codes but the first two are the third */
        for (size_t k = 3; k < CODES; k++)
            embed[k * width + i] = embed[2 * width + i];
        embed[width + i] = 0;
        y[i] = -embed[2 * width + i];
    }
    cv_quantize_codes(&f.exec, f.network, codes, NULL, y, 1, &arena);
    assert_int_equal(codes[0], 2);
    cv_arena_free(&arena);
    tear_down(&f);
}

/* --- weights and sizes -------------------------------------------------------------------------------------------- */

/* They compute what the same numbers in f32 do. */
static void weights_may_have_any_type(void **state)
{
    const cv_cvivit_config config = own();
    static float clip[CLIP], expected[CLIP], found[CLIP];
    int32_t codes[LONGEST * PLACES], others[LONGEST * PLACES];

    (void)state;
    fill_clips(clip, CLIP);
    for (cv_weight_type type = CV_WEIGHT_F32; type <= CV_WEIGHT_Q8; type++) {
        const char *path = check_temp_path("cvivit.safetensors");
        cogvideo_error err;
        fixture f, narrow;

        set_up(&f, &config, 2);
        narrow = f;
        narrowed_write(f.weights, type, path);
        CHECK_OK(cv_store_open(&narrow.weights, path, &err), err);
        CHECK_OK(cv_cvivit_open(&narrow.network, &config, narrow.weights, &err), err);
        CHECK_OK(cv_store_check_claimed(narrow.weights, &err), err);
        assert_int_equal(narrow.network->enc_spatial.layers[0].ff_in.weight.type, type);
        encode(&narrow, 1, LONGEST, others, NULL, clip);
        decode(&narrow, 1, LONGEST, found, others);
        tear_down(&narrow);

        CHECK_OK(cv_store_open(&narrow.weights, path, &err), err);
        narrowed_widen(f.weights, narrow.weights);
        encode(&f, 1, LONGEST, codes, NULL, clip);
        decode(&f, 1, LONGEST, expected, codes);
        assert_memory_equal(others, codes, sizeof codes);
        assert_memory_equal(found, expected, sizeof found);
        cv_store_close(&narrow.weights);
        tear_down(&f);
    }
}

static char *text_of(const cv_cvivit_config *config)
{
    cv_json *section = cv_json_new_object();
    cogvideo_error err;
    char *text;

    cv_cvivit_config_put(section, config);
    text = cv_json_print(section, false, &err);
    assert_non_null(text);
    cv_json_free(&section);
    return text;
}

static cogvideo_status parse(cv_cvivit_config *out, const char *text, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *section = NULL;

    CV_TRY(cv_json_parse(&section, text, strlen(text), "model.json", err));
    CV_TRY(cv_cvivit_config_read(out, section, "model.json", err));
done:
    cv_json_free(&section);
    return status;
}

static void check_same(const cv_cvivit_config *found, const cv_cvivit_config *expected)
{
    char *a = text_of(found), *b = text_of(expected);

    assert_string_equal(a, b);
    cv_free(a);
    cv_free(b);
}

static void sizes_are_written_and_read(void **state)
{
    static const struct {
        const char *from, *to, *words;
    } wrong[] = {
        { "\"width\":12", "\"width\":0", "'width'" },
        { "\"codes\":64", "\"codes\":65", "2^6 codes, not 65" },
        { "\"quantizer\":\"lfq\"", "\"quantizer\":\"l2\"", "'quantizer' is 'l2'; 'lfq' or 'cosine' was expected" },
        { "\"temporal_peg\":\"true\"", "\"temporal_peg\":\"yes\"", "'none', 'true' or 'scrambled'" },
        { "\"projected\":true", "\"projected\":false", "'code_width' is the width, 12, not 6" },
        { "\"causal\":true", "\"casual\":true", "casual" },
    };
    const cv_cvivit_config configs[] = { own(), lookup_free() };

    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        char *text = text_of(&configs[kind]);
        cv_cvivit_config found;
        cogvideo_error err;

        CHECK_OK(parse(&found, text, &err), err);
        check_same(&found, &configs[kind]);
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong && kind == 1; i++) {
            const char *at = strstr(text, wrong[i].from);
            char broken[800];

            assert_non_null(at);
            snprintf(broken, sizeof broken, "%.*s%s%s", (int)(at - text), text, wrong[i].to,
                     at + strlen(wrong[i].from));
            CHECK_FAILS(parse(&found, broken, &err), COGVIDEO_ERROR_FORMAT, wrong[i].words, err);
        }
        cv_free(text);
    }
}

/* All but what no file tells. */
static void sizes_are_read_off_a_file(void **state)
{
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        cv_cvivit_config config = kind % 2 ? lookup_free() : own(),
                         found = { .patch_height = PATCH_H, .patch_width = PATCH_W };
        cogvideo_error err;
        cv_store *store;

        for (int c = 0; c < 3; c++) {
            config.mean[c] = 0;
            config.std[c] = 1;
        }
        config.temporal_peg = CV_PEG_SCRAMBLED;
        config.cosine = kind != 2;
        if (kind == 3) {
            config.spatial_peg = CV_PEG_TRUE;
            config.causal = false;
        }
        if (kind >= 4) { /* codes as wide as the network */
            config.code_width = config.width;
            config.projected = false;
            config.codes = kind == 5 ? 1 << config.width : CODES;
        }
        store = phenaki_seeded_store(phenaki_bind_cvivit, &config, 7);
        CHECK_OK(cv_cvivit_measure(&found, store, &err), err);
        check_same(&found, &config);
        found = (cv_cvivit_config){ 0 };
        CHECK_FAILS(cv_cvivit_measure(&found, store, &err), COGVIDEO_ERROR_MODEL, "no square of pixels", err);
        cv_store_close(&store);
    }
}

/* --- training ----------------------------------------------------------------------------------------------------- */

typedef struct lesson {
    fixture f;
    cv_store *gradients;
    cv_cvivit_learner *learner;
    float clips[2 * CLIP];
    int true_T[2];
    int T;
} lesson;

static void set_up_lesson(lesson *l, const cv_cvivit_config *config, bool decoder_only)
{
    const cv_cvivit_learning options = { .box = { 2, LONGEST, HEIGHT, WIDTH },
                                         .commitment = 0.25,
                                         .entropy = 0.1,
                                         .decoder_only = decoder_only };
    cogvideo_error err;

    set_up(&l->f, config, 2);
    CHECK_OK(cv_store_create_like(&l->gradients, "gradients", l->f.weights, &err), err);
    CHECK_OK(cv_cvivit_learner_open(&l->learner, &l->f.exec, l->f.weights, l->gradients, config, &options, &err), err);
    fill_clips(l->clips, 2 * CLIP);
    l->T = 2;
    l->true_T[0] = 2;
    l->true_T[1] = 1;
}

static void tear_down_lesson(lesson *l)
{
    cv_cvivit_learner_close(&l->learner);
    cv_store_close(&l->gradients);
    tear_down(&l->f);
}

static double loss_of(void *user)
{
    lesson *l = user;
    cv_cvivit_losses losses;

    cv_cvivit_learner_measure(l->learner, &losses, l->clips, l->T, l->true_T);
    return losses.loss;
}

static void check_slopes(lesson *l, const char *name)
{
    const cv_tensor *tensor = check_tensor(l->f.weights, name);

    gradient_check(cv_tensor_values(tensor), check_f32(l->gradients, name), tensor->count < 48 ? tensor->count : 48,
                   loss_of, l);
}

/* Along the gradient of a tensor the loss rises by its length. */
static void check_rise(lesson *l, const char *name)
{
    const cv_tensor *tensor = check_tensor(l->f.weights, name);
    const float *gradient = check_f32(l->gradients, name), step = 0x1p-11f;
    float *values = cv_tensor_values(tensor), saved[640];
    double length = 0, loss[2];

    assert_true(tensor->count <= 640);
    for (size_t i = 0; i < tensor->count; i++)
        length += (double)gradient[i] * (double)gradient[i];
    length = sqrt(length);
    assert_true(length > 1e-3);
    memcpy(saved, values, tensor->count * sizeof *saved);
    for (int up = 0; up < 2; up++) {
        for (size_t i = 0; i < tensor->count; i++)
            values[i] = saved[i] + (up ? step : -step) * gradient[i] / (float)length;
        loss[up] = loss_of(l);
    }
    memcpy(values, saved, tensor->count * sizeof *saved);
    if (!(fabs((loss[1] - loss[0]) / (2 * (double)step) - length) <= 1e-2 * length))
        fail_msg("%s: the loss rises by %g, the gradient's length is %g", name,
                 (loss[1] - loss[0]) / (2 * (double)step), length);
}

static void check_zero(const lesson *l, const char *name)
{
    const cv_tensor *gradient = check_tensor(l->gradients, name);

    for (size_t i = 0; i < gradient->count; i++)
        assert_true(cv_tensor_values(gradient)[i] == 0);
}

/* Of the weights behind the quantizer, which is flat where its codes stay the same. */
static void gradients_are_slopes(void **state)
{
    const cv_cvivit_config config = own();
    cv_cvivit_losses losses;
    static lesson l;

    (void)state;
    for (int decoder_only = 0; decoder_only < 2; decoder_only++) {
        set_up_lesson(&l, &config, decoder_only);
        cv_cvivit_learner_run(l.learner, &losses, l.clips, l.T, l.true_T);
        CHECK_CLOSE(losses.loss, loss_of(&l), 1e-12);
        CHECK_CLOSE(losses.loss, losses.reconstruction + losses.auxiliary, 1e-12);
        assert_true(losses.auxiliary > 0);
        assert_int_equal(cv_cvivit_learner_rows(l.learner), 3 * PLACES);
        check_slopes(&l, "to_pixels.0.weight");
        check_slopes(&l, "to_pixels_first_frame.0.bias");
        check_slopes(&l, "dec_spatial_transformer.layers.0.1.norm.gamma");
        check_slopes(&l, "dec_temporal_transformer.layers.1.1.to_kv.weight");
        check_slopes(&l, "dec_temporal_transformer.layers.0.0.dsconv.bias");
        check_slopes(&l, "vq.project_out.weight");
        check_zero(&l, "vq._codebook.embed");
        if (decoder_only) {
            check_zero(&l, "vq.project_in.weight");
            check_zero(&l, "enc_spatial_transformer.norm_out.gamma");
            check_zero(&l, "spatial_rel_pos_bias.net.0.0.weight");
        }
        tear_down_lesson(&l);
    }
}

/* Without codes all is smooth, from pixels to pixels. */
static void gradients_without_codes_are_slopes(void **state)
{
    cv_cvivit_config config = own();
    cv_cvivit_losses losses;
    static lesson l;

    (void)state;
    for (int norm = 0; norm < 2; norm++) {
        config.patch_norm = norm;
        set_up_lesson(&l, &config, false);
        cv_cvivit_learner_quantize(l.learner, false);
        cv_cvivit_learner_run(l.learner, &losses, l.clips, l.T, l.true_T);
        assert_true(losses.auxiliary == 0);
        check_rise(&l, norm ? "to_patch_emb.2.weight" : "to_patch_emb.1.weight");
        check_rise(&l, "to_patch_emb_first_frame.1.bias");
        check_rise(&l, "enc_spatial_transformer.layers.0.1.to_q.weight");
        check_rise(&l, "enc_temporal_transformer.layers.0.3.4.weight");
        check_rise(&l, "spatial_rel_pos_bias.net.1.0.weight");
        check_rise(&l, "vq.project_in.weight");
        check_rise(&l, "vq.project_out.bias");
        tear_down_lesson(&l);
    }
}

/* With one clip alone a picture: nothing of its padding is in the loss, but its own codes and pixels. */
static void losses_are_of_true_frames_alone(void **state)
{
    const cv_cvivit_config config = own();
    static lesson l;
    double before;

    (void)state;
    set_up_lesson(&l, &config, false);
    before = loss_of(&l);
    for (int c = 0; c < 3; c++) /* the second clip's frames behind its first, which cannot look ahead */
        for (int i = 0; i < PT * PICTURE; i++)
            l.clips[((3 + c) * (1 + PT) + 1) * PICTURE + i] = 0.25f;
    CHECK_CLOSE(loss_of(&l), before, 1e-6);
    l.true_T[1] = 2;
    assert_true(fabs(loss_of(&l) - before) > 1e-3);
    tear_down_lesson(&l);
}

/* 0.1 (mean entropy - entropy of the mean) + 0.25 mean (y - sign y)^2, over all codes as they are written. */
static double plain_losses(const double *y, int rows, int n)
{
    const int V = 1 << n;
    double mean[64] = { 0 }, each = 0, together = 0, squares = 0;

    for (int r = 0; r < rows; r++) {
        double p[64], sum = 0;

        for (int k = 0; k < V; k++) {
            p[k] = 0;
            for (int b = 0; b < n; b++)
                p[k] += 200 * y[r * n + b] * (k >> (n - 1 - b) & 1 ? 1 : -1);
            p[k] = exp(p[k]);
            sum += p[k];
        }
        for (int k = 0; k < V; k++) {
            each -= p[k] / sum * log(fmax(p[k] / sum, 1e-5)) / rows;
            mean[k] += p[k] / sum / rows;
        }
        for (int b = 0; b < n; b++)
            squares += pow(y[r * n + b] - (y[r * n + b] > 0 ? 1 : -1), 2) / (rows * n);
    }
    for (int k = 0; k < V; k++)
        together -= mean[k] * log(fmax(mean[k], 1e-5));
    return 0.1 * (each - together) + 0.25 * squares;
}

static void losses_of_signs_are_the_formulas(void **state)
{
    enum { ROWS = 70, N = 6 };
    const cv_cvivit_config config = lookup_free();
    const cv_cvivit_learning options = { .commitment = 0.25, .entropy = 0.1 };
    float y[ROWS * N], vectors[ROWS * N], dy[ROWS * N];
    double exact[ROWS * N], most = 0;
    int32_t codes[ROWS];
    cogvideo_error err;
    cv_arena arena;
    fixture f;

    (void)state;
    set_up(&f, &config, 2);
    CHECK_OK(cv_arena_create(&arena, cv_lfq_losses_scratch(&f.exec, &config), &err), err);
    gradient_fill(y, ROWS * N, 5, 0.01f);
    for (int i = 0; i < ROWS * N; i++)
        exact[i] = (double)y[i];
    cv_quantize_codes(&f.exec, f.network, codes, NULL, y, ROWS, NULL);
    for (int r = 0; r < ROWS; r++)
        cv_quantize_vector(f.network, vectors + r * N, codes[r]);
    CHECK_CLOSE(cv_quantizer_losses(&f.exec, f.network, &options, y, vectors, NULL, ROWS, dy, &arena),
                plain_losses(exact, ROWS, N), 1e-6);
    for (int i = 0; i < ROWS * N; i++)
        most = fmax(most, fabs((double)dy[i]));
    for (int i = 0; i < ROWS * N; i++) {
        const double saved = exact[i];
        double slope;

        exact[i] = saved + 1e-7;
        slope = plain_losses(exact, ROWS, N);
        exact[i] = saved - 1e-7;
        slope = (slope - plain_losses(exact, ROWS, N)) / 2e-7;
        exact[i] = saved;
        if (fabs(saved) > 1e-6)
            CHECK_CLOSE((double)dy[i], slope, 1e-4 * most);
    }
    cv_arena_free(&arena);
    tear_down(&f);
}

/* A softmax does not see what is added to all scores. */
static void the_last_bias_of_distances_does_not_learn(void **state)
{
    const cv_cvivit_config config = lookup_free();
    static lesson l;
    cv_cvivit_losses losses;

    (void)state;
    set_up_lesson(&l, &config, false);
    cv_cvivit_learner_run(l.learner, &losses, l.clips, l.T, NULL);
    for (int h = 0; h < config.heads; h++) {
        CHECK_CLOSE((double)check_f32(l.gradients, "spatial_rel_pos_bias.net.2.bias")[h], 0, 1e-6);
        assert_true(fabsf(check_f32(l.gradients, "spatial_rel_pos_bias.net.2.weight")[h]) > 1e-6f);
    }
    tear_down_lesson(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_longer_clip_begins_with_the_codes_of_a_shorter_one),
        cmocka_unit_test(a_frame_changes_no_earlier_latent_frame),
        cmocka_unit_test(a_latent_frame_changes_no_earlier_picture),
        cmocka_unit_test(scrambled_places_are_those_of_a_picture),
        cmocka_unit_test(batches_and_threads_change_nothing),
        cmocka_unit_test(every_code_has_signs_of_its_own),
        cmocka_unit_test(a_code_is_a_direction),
        cmocka_unit_test(weights_may_have_any_type),
        cmocka_unit_test(sizes_are_written_and_read),
        cmocka_unit_test(sizes_are_read_off_a_file),
        cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(gradients_without_codes_are_slopes),
        cmocka_unit_test(losses_of_signs_are_the_formulas),
        cmocka_unit_test(losses_are_of_true_frames_alone),
        cmocka_unit_test(the_last_bias_of_distances_does_not_learn),
    };

    cv_blas_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
