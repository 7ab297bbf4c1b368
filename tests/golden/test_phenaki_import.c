/* Published checkpoints of Phenaki and T5, imported: every tensor is the one that its seed makes; and hostile ones. */
#include "support/check.h"
#include "support/phenaki_seeded.h"

#include "base/file.h"
#include "tensor/store.h"

#include <cogvideo/import.h>

#include <stdlib.h>
#include <sys/stat.h>

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
        cmocka_unit_test(checkpoints_are_imported),
        cmocka_unit_test(hostile_indices_are_refused),
        cmocka_unit_test(wrong_values_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
