#include "support/phenaki_golden.h"

#include "support/phenaki_seeded.h"

cv_json *phenaki_metadata(const cv_store *golden, const char *key)
{
    const char *text = cv_store_metadata(golden, key);
    cogvideo_error err;
    cv_json *object;

    assert_non_null(text);
    CHECK_OK(cv_json_parse(&object, text, strlen(text), "metadata", &err), err);
    return object;
}

int phenaki_number(const cv_json *object, const char *key)
{
    int64_t value = 0;
    cogvideo_error err;

    CHECK_OK(cv_json_int(object, key, 0, INT32_MAX, &value, "metadata", &err), err);
    return (int)value;
}

void phenaki_pair(const cv_json *object, const char *key, int out[2])
{
    cogvideo_error err;
    const cv_json *item;
    cv_json *array;

    CHECK_OK(cv_json_array(object, key, &array, "metadata", &err), err);
    item = cv_json_first(array);
    out[0] = (int)cv_json_number(item);
    out[1] = (int)cv_json_number(cv_json_next(item));
}

cv_cvivit_config phenaki_cvivit_config(const cv_json *network)
{
    cv_cvivit_config c = { .width = phenaki_number(network, "dim"),
                           .heads = phenaki_number(network, "heads"),
                           .head_width = phenaki_number(network, "dh"),
                           .spatial_layers = phenaki_number(network, "sd"),
                           .temporal_layers = phenaki_number(network, "td"),
                           .patch_frames = phenaki_number(network, "tp"),
                           .codes = phenaki_number(network, "V"),
                           .quantizer = CV_QUANTIZER_COSINE,
                           .temporal_peg = CV_PEG_SCRAMBLED,
                           .peg_causal = true,
                           .causal = true,
                           .cosine = true,
                           .patch_norm = true,
                           .std = { 1, 1, 1 } };
    const char *kind;
    cogvideo_error err;
    int patch[2];

    phenaki_pair(network, "patch", patch);
    c.patch_height = patch[0];
    c.patch_width = patch[1];
    c.code_width = cv_json_get(network, "cd") ? phenaki_number(network, "cd") : c.width;
    CHECK_OK(cv_json_string(network, "kind", &kind, "metadata", &err), err);
    if (strcmp(kind, "lfq") == 0) {
        c.quantizer = CV_QUANTIZER_LFQ;
        for (c.code_width = 0; 1 << c.code_width < c.codes;)
            c.code_width++;
    } else if (strcmp(kind, "obvious") == 0) {
        c.spatial_peg = CV_PEG_TRUE;
        c.causal = false;
    } else if (strcmp(kind, "own") == 0) {
        c.patch_norm = false;
        c.temporal_peg = CV_PEG_TRUE;
    } else {
        assert_string_equal(kind, "cosine");
    }
    c.projected = c.code_width != c.width;
    return c;
}

cogvideo_status phenaki_bind_cvivit(cv_store *plan, const void *config, cogvideo_error *err)
{
    cv_cvivit *network = NULL;
    cogvideo_status status = cv_cvivit_open(&network, config, plan, err);

    cv_cvivit_close(&network);
    return status;
}

cv_store *phenaki_seeded_store(cogvideo_status (*bind)(cv_store *plan, const void *config, cogvideo_error *err),
                               const void *config, int seed)
{
    cogvideo_error err;
    cv_store *plan, *store;

    CHECK_OK(cv_store_plan(&plan, "a seeded network", &err), err);
    CHECK_OK(bind(plan, config, &err), err);
    CHECK_OK(cv_store_create_like(&store, "a seeded network", plan, &err), err);
    cv_store_close(&plan);
    phenaki_seeded_fill(store, "", seed);
    return store;
}

void phenaki_check(const char *name, const cv_tensor *expected, const float *values)
{
    const float *numbers = expected->data;
    double low = INFINITY, high = -INFINITY, worst = 0;

    for (size_t i = 0; i < expected->count; i++) {
        low = fmin(low, (double)numbers[i]);
        high = fmax(high, (double)numbers[i]);
        worst = fmax(worst, fabs((double)numbers[i] - (double)values[i]));
        assert_false(isnan(values[i]));
    }
    if (!(worst <= 1e-4 * (high - low)))
        fail_msg("%s: off by %.3g of %.3g", name, worst, high - low);
    print_message("%s: off by %.2g of its spread\n", name, worst / (high - low));
}
