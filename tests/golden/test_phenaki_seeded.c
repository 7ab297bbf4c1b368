/* The seeded weights of Phenaki's goldens: first numbers of some tensors, as the script that made the goldens had them.
 */
#include "support/check.h"
#include "support/phenaki_seeded.h"

#include "base/json.h"

static const struct {
    const char *name; /* in the table */
    int seed, rank;
    size_t shape[5];
} tensors[] = {
    { "to_pixels.0.weight", 101, 2, { 384, 32 } },
    { "enc_temporal_transformer.layers.0.0.dsconv.weight", 101, 5, { 32, 1, 3, 3, 3 } },
    { "enc_spatial_transformer.layers.0.3.0.weight", 101, 1, { 32 } },
    { "enc_spatial_transformer.layers.0.1.norm.gamma", 101, 1, { 32 } },
    { "vq.project_in.bias", 101, 1, { 8 } },
    { "token_emb.weight", 111, 2, { 257, 32 } },
    { "transformer.layers.0.2.null_kv", 111, 3, { 4, 4, 12 } },
    { "103:vq._codebook.embed", 103, 3, { 1, 128, 8 } },
    { "103:vq._codebook.cluster_size", 103, 2, { 1, 128 } },
    { "121:shared.weight", 121, 2, { 384, 24 } },
};

static const char *without_seed(const char *name)
{
    const char *colon = strchr(name, ':');

    return colon ? colon + 1 : name;
}

static void first_numbers_are_the_original_ones(void **state)
{
    const char *path = check_golden("phenaki/tables.json");
    cv_json *tables, *seeded, *list;
    cogvideo_error err;
    size_t checked = 0;

    (void)state;
    if (!path)
        skip();
    CHECK_OK(cv_json_read(&tables, path, 1 << 20, &err), err);
    CHECK_OK(cv_json_object(tables, "seeded", &seeded, "tables.json", &err), err);
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        float values[64];
        size_t at = 0;

        CHECK_OK(cv_json_array(seeded, tensors[i].name, &list, "tables.json", &err), err);
        assert_true(cv_json_count(list) <= 64);
        phenaki_seeded_values(tensors[i].seed, without_seed(tensors[i].name), tensors[i].rank, tensors[i].shape, 0,
                              cv_json_count(list), values);
        for (const cv_json *value = cv_json_first(list); value; value = cv_json_next(value), at++)
            if ((double)values[at] != cv_json_number(value))
                fail_msg("%s: number %zu is %.9g, %.9g was expected", tensors[i].name, at, (double)values[at],
                         cv_json_number(value));
        checked++;
    }
    assert_int_equal(checked, cv_json_count(seeded));
    cv_json_free(&tables);
}

static void sums_of_codes_are_what_they_say(void **state)
{
    const size_t embed[3] = { 1, 6, 4 }, sizes[2] = { 1, 6 };
    float e[24], size[6], sum[24], part[5];

    (void)state;
    phenaki_seeded_values(5, "vq._codebook.embed", 3, embed, 0, 24, e);
    phenaki_seeded_values(5, "vq._codebook.cluster_size", 2, sizes, 0, 6, size);
    phenaki_seeded_values(5, "vq._codebook.embed_avg", 3, embed, 0, 24, sum);
    phenaki_seeded_values(5, "vq._codebook.embed", 3, embed, 7, 5, part);
    assert_memory_equal(part, e + 7, sizeof part);
    for (int k = 0; k < 6; k++) {
        double length = 0;

        for (int i = 4 * k; i < 4 * k + 4; i++) {
            length += pow((double)e[i], 2);
            assert_true(sum[i] == e[i] * size[k]);
        }
        CHECK_CLOSE(length, 1, 1e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_numbers_are_the_original_ones),
        cmocka_unit_test(sums_of_codes_are_what_they_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
