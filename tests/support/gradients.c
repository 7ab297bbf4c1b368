#include "support/gradients.h"

#include "support/check.h"

#include "base/json.h"

static const cv_tensor *gradient_of(const cv_store *const *stores, int count, const char *name)
{
    const cv_tensor *tensor = NULL;

    for (int s = 0; s < count && !tensor; s++)
        tensor = cv_store_find(stores[s], name);
    if (!tensor)
        fail_msg("there is no gradient of '%s'", name);
    return tensor;
}

static double norm_of(const cv_tensor *tensor)
{
    const float *values = tensor->data;
    double sum = 0;

    for (size_t i = 0; i < tensor->count; i++)
        sum += (double)values[i] * (double)values[i];
    return sqrt(sum);
}

/* Every `every`-th row element by element. */
static void check_rows(const cv_tensor *mine, const cv_tensor *golden, size_t every)
{
    const float *values = golden->data, *gradient = mine->data;
    const size_t width = mine->rank > 1 ? mine->count / mine->shape[0] : 1, rows = golden->count / width;
    const double near = 1e-6 + 1e-3 * norm_of(mine) / sqrt((double)mine->count);

    assert_int_equal(rows, (mine->count / width + every - 1) / every);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < width; i++)
            CHECK_CLOSE(gradient[r * every * width + i], values[r * width + i], near);
}

int gradients_check(const cv_store *const *stores, int count, const cv_store *golden, const char *prefix)
{
    cogvideo_error err;
    cv_json *names = NULL;
    char label[200];
    const char *text;
    const double *norms;
    double worst = 0;
    int i = 0;

    snprintf(label, sizeof label, "%sgrad_norm_names", prefix);
    text = cv_store_metadata(golden, label);
    assert_non_null(text);
    snprintf(label, sizeof label, "%sgrad_norm", prefix);
    norms = check_tensor(golden, label)->data;
    CHECK_OK(cv_json_parse(&names, text, strlen(text), "names", &err), err);
    for (const cv_json *name = cv_json_first(names); name; name = cv_json_next(name), i++) {
        double mine = norm_of(gradient_of(stores, count, cv_json_text(name)));
        double off = fabs(mine - norms[i]) / fmax(norms[i], 1e-12);

        if (!(off <= 1e-3))
            fail_msg("%s: gradient norm %.9g, %.9g in the golden", cv_json_text(name), mine, norms[i]);
        worst = fmax(worst, off);
    }
    print_message("    %d gradient norms within %.1e of the golden's\n", i, worst);
    cv_json_free(&names);
    snprintf(label, sizeof label, "%sgrad.", prefix);
    for (size_t t = 0; t < cv_store_count(golden); t++) {
        const cv_tensor *tensor = cv_store_at(golden, t);
        char name[200], *every;

        if (strncmp(tensor->name, label, strlen(label)) != 0)
            continue;
        snprintf(name, sizeof name, "%s", tensor->name + strlen(label));
        if ((every = strstr(name, "::")))
            *every = '\0';
        check_rows(gradient_of(stores, count, name), tensor, every ? strtoul(every + 2, NULL, 10) : 1);
    }
    return i;
}
