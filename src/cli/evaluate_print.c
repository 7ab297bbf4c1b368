#include "evaluate_print.h"

#include "say.h"

#include "base/json.h"

#include <string.h>

static void print_numbers(const cogvideo_metric *m)
{
    cli_print("%-12s %.6g", m->name, m->value);
    if (m->has_deviation)
        cli_print(" +- %.4g", m->deviation);
    if (m->has_interval)
        cli_print(", interval %.6g .. %.6g (95 %%)", m->low, m->high);
    if (m->has_extrapolated)
        cli_print(", extrapolated %.6g", m->extrapolated);
    cli_print("; %d generated", m->generated);
    if (m->real)
        cli_print(", %d real", m->real);
    cli_print(" clip%s", m->generated + m->real == 1 ? "" : "s");
    if (m->left_out)
        cli_print(", %d left out", m->left_out);
    cli_print("\n");
}

/* What stands beside a metric's value: references as lines of their own, the rest in one. */
static void print_details(const cogvideo_metric *m)
{
    const char *group = "";

    for (int i = 0; i < m->detail_count; i++) {
        const cogvideo_metric_detail *d = &m->details[i];

        if (strcmp(d->group, "references") == 0) {
            cli_print("  %-10s %.6g: %d %s\n", d->name, d->value, d->samples,
                      strcmp(d->name, "frozen") == 0
                          ? "real clips whose first frame stands still, against the real ones"
                          : "other real clips against the real ones");
            continue;
        }
        if (strcmp(group, d->group) == 0)
            cli_print(", ");
        else
            cli_print("  %s ", strcmp(d->group, "heads") == 0 ? "each alone:" : "true caption first:");
        group = d->group;
        if (strcmp(d->group, "heads") == 0)
            cli_print("%s %.4g", d->name, d->value);
        else
            cli_print("%s %.1f %%", d->name, 100 * d->value);
        if (i + 1 == m->detail_count)
            cli_print("\n");
    }
}

/* The names of all metrics from `first` on whose text, as `of` gives it, is the same: "fvd, is: ". False where an
 * earlier metric had it already. */
static int print_names(const cogvideo_evaluation *e, int first, const char *(*of)(const cogvideo_metric *metric))
{
    const char *text = of(&e->metrics[first]);

    for (int i = 0; i < first; i++)
        if (strcmp(of(&e->metrics[i]), text) == 0)
            return 0;
    cli_print("%s", e->metrics[first].name);
    for (int i = first + 1; i < e->count; i++)
        if (strcmp(of(&e->metrics[i]), text) == 0)
            cli_print(", %s", e->metrics[i].name);
    cli_print(": ");
    return 1;
}

static const char *protocol_of(const cogvideo_metric *metric)
{
    return metric->protocol;
}

static const char *weights_of(const cogvideo_metric *metric)
{
    return metric->sha256;
}

/* "protocol cogvideo, frames 16, stride 1, ..." */
static void print_protocol(const cogvideo_metric *m)
{
    cv_json *json = NULL;
    const char *between = "protocol";

    if (cv_json_parse(&json, m->protocol, strlen(m->protocol), "protocol", NULL) != COGVIDEO_OK)
        return;
    for (cv_json *item = cv_json_first(json); item; item = cv_json_next(item)) {
        const char *key = cv_json_key(item);

        if (strcmp(key, "name") == 0)
            cli_print("%s %s", between, cv_json_text(item));
        else if (cv_json_is_string(item))
            cli_print("%s %s %s", between, key, cv_json_text(item));
        else
            cli_print("%s %s %.10g", between, key, cv_json_number(item));
        between = ",";
    }
    cli_print("\n");
    cv_json_free(&json);
}

static void print_network(const cogvideo_metric *m)
{
    cli_print("network %s, weights %s (sha256 %s)", m->network, m->origin, m->sha256);
    if (m->vocabulary_sha256[0])
        cli_print(", vocabulary (sha256 %s)", m->vocabulary_sha256);
    if (m->dimension)
        cli_print(", %d dimensions", m->dimension);
    cli_print("\n");
}

void cli_print_evaluation(const cogvideo_evaluation *e)
{
    for (int i = 0; i < e->count; i++) {
        print_numbers(&e->metrics[i]);
        print_details(&e->metrics[i]);
    }
    for (int i = 0; i < e->count; i++)
        if (print_names(e, i, protocol_of))
            print_protocol(&e->metrics[i]);
    for (int i = 0; i < e->count; i++)
        if (print_names(e, i, weights_of))
            print_network(&e->metrics[i]);
    for (int i = 0; i < e->count; i++)
        for (int w = 0; w < e->metrics[i].warning_count; w++)
            cli_print("%s: warning: %s\n", e->metrics[i].name, e->metrics[i].warnings[w]);
}
