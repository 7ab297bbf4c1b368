/* Published checkpoints of Phenaki and T5, imported: every tensor is the one that its seed makes; and hostile ones. */
#include "support/check.h"
#include "support/phenaki_seeded.h"

#include "base/map.h"
#include "base/path.h"
#include "tensor/store.h"
#include "tensor/store_write.h"

#include <cogvideo/import.h>
#include <cogvideo/quantize.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "phenaki/checkpoints/"

static cogvideo_status import_to(const char *folder, const cogvideo_import_source *sources, int count,
                                 cogvideo_error *err)
{
    const cogvideo_import_options options = { .sources = sources,
                                              .source_count = count,
                                              .output = check_temp_path(folder),
                                              .force = 1 };

    return cogvideo_import(&options, err);
}

/* All tensors of a part are those of the seed. */
static void check_part(const char *folder, const char *file, int seed)
{
    char path[200];
    cogvideo_error err;
    cv_store *store;

    snprintf(path, sizeof path, "%s/%s", folder, file);
    CHECK_OK(cv_store_open(&store, check_temp_path(path), &err), err);
    assert_true(cv_store_count(store) > 0);
    for (size_t i = 0; i < cv_store_count(store); i++) {
        const cv_tensor *tensor = cv_store_at(store, i);
        float *expected = cv_alloc(tensor->count, sizeof *expected, &err);

        assert_non_null(expected);
        phenaki_seeded_values(seed, tensor->name, tensor->rank, tensor->shape, 0, tensor->count, expected);
        if (memcmp(expected, tensor->data, tensor->count * sizeof *expected) != 0)
            fail_msg("%s: tensor '%s' is not that of seed %d", path, tensor->name, seed);
        cv_free(expected);
    }
    print_message("%s: %zu tensors\n", path, cv_store_count(store));
    cv_store_close(&store);
}

static void checkpoints_are_imported(void **state)
{
    static const struct {
        const char *source, *file, *part, *patch;
        int seed;
    } files[] = {
        { "video-tokenizer", "vae.1000.pt", "video_tokenizer", NULL, 101 },
        { "video-tokenizer", "vae.1000.ema.pt", "video_tokenizer", "8x4", 102 },
        { "video-tokenizer", "trainer.pt", "video_tokenizer", "8x4", 102 },
        { "video-tokenizer", "model-1.pt", "video_tokenizer", NULL, 101 },
        { "video-tokenizer", "model-2.pt", "video_tokenizer", NULL, 101 },
        { "video-tokenizer", "CViViT/pytorch_model.bin", "video_tokenizer", NULL, 103 },
        { "video-tokenizer", "CViViT", "video_tokenizer", NULL, 103 },
        { "masked", "model-1.pt", "masked", NULL, 111 },
        { "masked", "model-2.pt", "masked", NULL, 111 },
        { "critic", "model-1.pt", "critic", NULL, 113 },
        { "critic", "model-2.pt", "critic", NULL, 114 },
        { "text-encoder", "t5-tiny", "text_encoder", NULL, 121 },
        { "text-encoder", "t5-tiny-encoder", "text_encoder", NULL, 121 },
        { "text-encoder", "t5-relu-sharded", "text_encoder", NULL, 122 },
        { "text-encoder", "t5-relu-sharded/model.safetensors.index.json", "text_encoder", NULL, 122 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[200], part[80];
        const char *golden;
        cogvideo_error err;

        snprintf(path, sizeof path, FOLDER "%s", files[i].file);
        if (!(golden = check_golden(path)))
            skip();
        snprintf(path, sizeof path, "%s", golden);
        CHECK_OK(import_to("m",
                           (const cogvideo_import_source[]){ { files[i].source, path },
                                                             { "patch", files[i].patch },
                                                             { "masked", files[i].seed == 114 ? path : NULL } },
                           3, &err),
                 err);
        snprintf(part, sizeof part, "%s.safetensors", files[i].part);
        print_message("%s: ", files[i].file);
        check_part("m", part, files[i].seed);
    }
}

/* --- types -------------------------------------------------------------------------------------------------------- */

static void check_same_file(const char *a, const char *b)
{
    cogvideo_error err;
    cv_mapping left, right;

    CHECK_OK(cv_map_open(&left, check_temp_path(a), &err), err);
    CHECK_OK(cv_map_open(&right, check_temp_path(b), &err), err);
    if (left.size != right.size || memcmp(left.data, right.data, left.size) != 0)
        fail_msg("%s and %s differ", a, b);
    cv_map_close(&left);
    cv_map_close(&right);
}

/* What is narrowed while it is imported is what `quantize` makes of what is not. */
static void narrowed_parts_are_those_of_quantize(void **state)
{
    static const char *const types[] = { "f16", "bf16", "q8", "q4" };
    static const char *const files[] = { "video_tokenizer", "masked", "critic", "text_encoder" };
    char model[500], text[500], whole[500], folder[500];
    cogvideo_error err;

    (void)state;
    if (!check_golden(FOLDER "model-1.pt"))
        skip();
    snprintf(model, sizeof model, "%s", check_golden(FOLDER "model-1.pt"));
    snprintf(text, sizeof text, "%s", check_golden(FOLDER "t5-tiny"));
    snprintf(whole, sizeof whole, "%s", check_temp_path("whole"));
    snprintf(folder, sizeof folder, "%s", check_temp_path("quantized"));
    for (int t = -1; t < 4; t++) {
        const cogvideo_import_source sources[] = { { "video-tokenizer", model },
                                                   { "masked", model },
                                                   { "critic", model },
                                                   { "text-encoder", text } };
        const cogvideo_import_options options = { .sources = sources,
                                                  .source_count = 4,
                                                  .type = t < 0 ? NULL : types[t],
                                                  .output = check_temp_path(t < 0 ? "whole" : "narrow"),
                                                  .force = 1 };
        const cogvideo_quantize_options quantize = { .input = whole,
                                                     .output = folder,
                                                     .type = t < 0 ? NULL : types[t],
                                                     .force = 1 };

        CHECK_OK(cogvideo_import(&options, &err), err);
        if (t < 0)
            continue;
        CHECK_OK(cogvideo_quantize(&quantize, &err), err);
        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
            char a[100], b[100];

            snprintf(a, sizeof a, "narrow/%s.safetensors", files[i]);
            snprintf(b, sizeof b, "quantized/%s.safetensors", files[i]);
            check_same_file(a, b);
        }
    }
}

/* --- tensors that do not belong ----------------------------------------------------------------------------------- */

/* A tensor in place of one of that name, or beside the others: of rank 0 it is left out. */
typedef struct change {
    const char *name;
    cv_dtype dtype; /* F32, F64 or I64 */
    int rank;
    size_t shape[3];
    double first, ratio; /* its numbers: each is the one before times `ratio` */
    const char *words;   /* of the error; NULL = it is imported */
} change;

static size_t count_of(const change *c)
{
    size_t count = 1;

    for (int i = 0; i < c->rank; i++)
        count *= c->shape[i];
    return count;
}

static void write_numbers(cv_store_writer *writer, const change *c)
{
    double value = c->first;
    cogvideo_error err;

    for (size_t i = 0; i < count_of(c); i++, value *= c->ratio) {
        const float single = (float)value;
        const int64_t whole = (int64_t)value;

        CHECK_OK(cv_store_writer_data(writer,
                                      c->dtype == CV_F32   ? (const void *)&single
                                      : c->dtype == CV_F64 ? (const void *)&value
                                                           : (const void *)&whole,
                                      cv_dtype_size(c->dtype), &err),
                 err);
    }
}

/* Writes the tensors of `from` with the change as a file of its own. */
static void write_changed(const char *to, const char *from, const change *c)
{
    cv_store_writer *writer;
    cogvideo_error err;
    cv_store *store;

    CHECK_OK(cv_store_open(&store, from, &err), err);
    CHECK_OK(cv_store_writer_create(&writer, to, &err), err);
    for (int declare = 1; declare >= 0; declare--) {
        if (c->rank > 0 && declare)
            CHECK_OK(cv_store_writer_declare(writer, c->name, c->dtype, c->rank, c->shape, &err), err);
        else if (c->rank > 0)
            write_numbers(writer, c);
        for (size_t i = 0; i < cv_store_count(store); i++) {
            const cv_tensor *t = cv_store_at(store, i);

            if (strcmp(t->name, c->name) == 0)
                continue;
            if (declare)
                CHECK_OK(cv_store_writer_declare(writer, t->name, t->dtype, t->rank, t->shape, &err), err);
            else
                CHECK_OK(cv_store_writer_data(writer, t->data, t->count * cv_dtype_size(t->dtype), &err), err);
        }
    }
    CHECK_OK(cv_store_writer_commit(&writer, &err), err);
    cv_store_close(&store);
}

/* Imports the part of a golden with a change. */
static void check_change(const char *source, const char *part, const change *c, const char *type)
{
    char from[500], to[500], output[500];
    cogvideo_error err = { 0 };
    cogvideo_status status;

    snprintf(from, sizeof from, "%s", check_temp_path(part));
    snprintf(to, sizeof to, "%s", check_temp_path("changed.safetensors"));
    snprintf(output, sizeof output, "%s", check_temp_path("y"));
    write_changed(to, from, c);
    status = cogvideo_import(&(cogvideo_import_options){ .sources = &(cogvideo_import_source){ source, to },
                                                         .source_count = 1,
                                                         .type = type,
                                                         .output = output,
                                                         .force = 1 },
                             &err);
    if (!c->words)
        CHECK_OK(status, err);
    else if (status == COGVIDEO_OK)
        fail_msg("a changed '%s' was imported", c->name);
    else if (!strstr(err.message, c->words) || !strstr(err.message, c->name))
        fail_msg("'%s' mentions not '%s' or not '%s'", err.message, c->words, c->name);
}

static void hostile_tensors_are_refused(void **state)
{
#define LAYER "enc_spatial_transformer.layers.0."
    static const change tokenizer[] = {
        { "nothing", CV_F32, 0, { 0 }, 0, 0, NULL },
        { "to_pixels.0.bias", CV_F32, 0, { 0 }, 0, 0, "missing" },
        { LAYER "1.to_q.weight", CV_F32, 0, { 0 }, 0, 0, "missing" },
        { LAYER "1.to_q.weight", CV_F32, 2, { 48, 31 }, 1, 1, "was expected" },
        { "dec_spatial_transformer.norm_out.gamma", CV_F32, 1, { 33 }, 1, 1, "was expected" },
        { "enc_spatial_transformer.layers.9.3.1.weight", CV_F32, 2, { 4, 4 }, 1, 1, "does not belong" },
        { LAYER "1.null_kv", CV_F32, 3, { 4, 2, 12 }, 1, 1, "does not belong" },
        { LAYER "1.norm.beta", CV_F32, 1, { 32 }, 0, 1, NULL },
        { LAYER "1.norm.beta", CV_F32, 1, { 32 }, 0, -1, NULL },
        { LAYER "1.norm.beta", CV_F32, 1, { 32 }, 1e-40, 1, "is not 0" },
        { LAYER "1.norm.beta", CV_F64, 1, { 32 }, -0.5, 1, "is not 0" },
        { "vq.mask", CV_I64, 1, { 8 }, 128, 0.5, NULL },
        { "vq.mask", CV_I64, 1, { 8 }, 1, 2, "bits of 256 codes" },
        { "vq.mask", CV_I64, 1, { 7 }, 64, 0.5, "bits of 256 codes" },
        { "vq.mask", CV_F32, 1, { 8 }, 128, 0.5, "bits of 256 codes" },
    };
    const change large = { "shared.weight", CV_F32, 2, { 230, 24 }, 1e5, 1, "too large for f16" };
    char path[500], text[500];
    cogvideo_error err;

    (void)state;
    if (!check_golden(FOLDER "vae.1000.pt"))
        skip();
    snprintf(path, sizeof path, "%s", check_golden(FOLDER "vae.1000.pt"));
    snprintf(text, sizeof text, "%s", check_golden(FOLDER "t5-tiny"));
    CHECK_OK(import_to("h", (const cogvideo_import_source[]){ { "video-tokenizer", path }, { "text-encoder", text } },
                       2, &err),
             err);
    for (size_t i = 0; i < sizeof tokenizer / sizeof *tokenizer; i++)
        check_change("video-tokenizer", "h/video_tokenizer.safetensors", &tokenizer[i], NULL);
    check_change("text-encoder", "h/text_encoder.safetensors", &large, "f16");
}

/* Networks that were not made for each other, and scenes that they have no room for. */
static void parts_that_do_not_fit_are_refused(void **state)
{
    static const struct {
        cogvideo_import_source sources[4]; /* files of the goldens, but for sizes */
        const char *words[2];
    } bad[] = {
        { { { "video-tokenizer", "vae.1000.ema.pt" }, { "patch", "8x4" }, { "masked", "model-1.pt" } },
          { "has 256 codes", "has 128" } },
        { { { "critic", "model-2.pt" } }, { "self critic", "--masked" } },
        { { { "masked", "vae.1000.pt" } }, { "token_emb.weight", "another network" } },
        { { { "video-tokenizer", "model-1.pt" }, { "masked", "model-1.pt" }, { "size", "32" }, { "frames", "101" } },
          { "101 frames of 32x32", "places for 60" } },
    };

    (void)state;
    if (!check_golden(FOLDER "model-1.pt"))
        skip();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cogvideo_import_source sources[4];
        char name[200], paths[4][500];
        cogvideo_error err;

        for (int s = 0; s < 4; s++) {
            const char *value = bad[i].sources[s].value;

            sources[s] = bad[i].sources[s];
            if (!value || !strstr(value, ".pt"))
                continue;
            snprintf(name, sizeof name, FOLDER "%s", value);
            snprintf(paths[s], sizeof paths[s], "%s", check_golden(name));
            sources[s].value = paths[s];
        }
        if (import_to("x", sources, 4, &err) == COGVIDEO_OK)
            fail_msg("case %zu was imported", i);
        for (int w = 0; w < 2; w++)
            if (!strstr(err.message, bad[i].words[w]))
                fail_msg("'%s' does not mention '%s'", err.message, bad[i].words[w]);
        assert_false(cv_path_exists(check_temp_path("x")));
    }
}

/* --- indices of shards -------------------------------------------------------------------------------------------- */

static void copy_shards(void)
{
    char command[700], path[500];

    snprintf(path, sizeof path, "%s", check_golden(FOLDER "t5-relu-sharded"));
    snprintf(command, sizeof command, "rm -rf '%s' && cp -r '%s' '%s'", check_temp_path("t5"), path,
             check_temp_path("t5"));
    assert_int_equal(system(command), 0);
}

static void hostile_indices_are_refused(void **state)
{
    static const struct {
        const char *index, *words;
    } bad[] = {
        { "{", "model.safetensors.index.json" },
        { "{\"weight_map\":{}}", "is empty" },
        { "{\"weight_map\":[]}", "weight_map" },
        { "{\"weight_map\":{\"shared.weight\":\"../x.safetensors\"}}", "a file in the same folder was expected" },
        { "{\"weight_map\":{\"shared.weight\":7}}", "a file in the same folder was expected" },
        { "{\"weight_map\":{\"shared.weight\":\"gone.safetensors\"}}", "gone.safetensors" },
        { "{\"weight_map\":{\"no.weight\":\"model-00001-of-00002.safetensors\"}}", "where the index has it" },
    };
    char folder[500];

    (void)state;
    if (!check_golden(FOLDER "t5-relu-sharded"))
        skip();
    copy_shards();
    snprintf(folder, sizeof folder, "%s", check_temp_path("t5"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cogvideo_error err;

        check_write(check_temp_path("t5/model.safetensors.index.json"), bad[i].index, strlen(bad[i].index));
        if (import_to("x", (const cogvideo_import_source[]){ { "text-encoder", folder } }, 1, &err) == COGVIDEO_OK)
            fail_msg("%s: was imported", bad[i].index);
        if (!strstr(err.message, bad[i].words))
            fail_msg("'%s' does not mention '%s'", err.message, bad[i].words);
        assert_false(cv_path_exists(check_temp_path("x")));
    }
}

/* Shards that have a tensor twice, or are cut off. */
static void hostile_shards_are_refused(void **state)
{
    char first[500], second[500], folder[500];
    cogvideo_error err;

    (void)state;
    if (!check_golden(FOLDER "t5-relu-sharded"))
        skip();
    copy_shards();
    snprintf(folder, sizeof folder, "%s", check_temp_path("t5"));
    snprintf(first, sizeof first, "%s", check_temp_path("t5/model-00001-of-00002.safetensors"));
    snprintf(second, sizeof second, "%s", check_temp_path("t5/model-00002-of-00002.safetensors"));
    assert_int_equal(truncate(second, 1000), 0);
    assert_int_not_equal(import_to("x", (const cogvideo_import_source[]){ { "text-encoder", folder } }, 1, &err),
                         COGVIDEO_OK);
    assert_non_null(strstr(err.message, "model-00002-of-00002.safetensors"));
    assert_int_equal(unlink(second), 0);
    assert_int_equal(link(first, second), 0);
    assert_int_not_equal(import_to("x", (const cogvideo_import_source[]){ { "text-encoder", folder } }, 1, &err),
                         COGVIDEO_OK);
    assert_non_null(strstr(err.message, "is both in"));
}

static void wrong_values_are_refused(void **state)
{
    static const struct {
        const char *name, *value, *words;
    } bad[] = {
        { "patch", "8x", "'patch'" },  { "patch", "0", "'patch'" }, { "size", "33", "no multiple" },
        { "size", "99999", "'size'" }, { "frames", "4", "3 or 5" }, { "frames", "x", "'frames'" },
        { "fps", "-1", "'fps'" },      { "fps", "1x", "'fps'" },    { "patch", "4x4", "patch" },
    };
    char path[500];

    (void)state;
    if (!check_golden(FOLDER "vae.1000.pt"))
        skip();
    snprintf(path, sizeof path, "%s", check_golden(FOLDER "vae.1000.pt"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const bool size = strcmp(bad[i].name, "size") == 0;
        cogvideo_error err;

        if (import_to("x",
                      (const cogvideo_import_source[]){ { "video-tokenizer", path },
                                                        { bad[i].name, bad[i].value },
                                                        { size ? "fps" : "size", size ? NULL : "32" } },
                      3, &err) == COGVIDEO_OK)
            fail_msg("%s %s: was imported", bad[i].name, bad[i].value);
        if (!strstr(err.message, bad[i].words))
            fail_msg("'%s' does not mention '%s'", err.message, bad[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoints_are_imported),    cmocka_unit_test(narrowed_parts_are_those_of_quantize),
        cmocka_unit_test(hostile_tensors_are_refused), cmocka_unit_test(parts_that_do_not_fit_are_refused),
        cmocka_unit_test(hostile_indices_are_refused), cmocka_unit_test(hostile_shards_are_refused),
        cmocka_unit_test(wrong_values_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
