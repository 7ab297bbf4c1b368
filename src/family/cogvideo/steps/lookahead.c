#include "family/cogvideo/steps/lookahead.h"

#define MEMORY (1 / 24.0) /* weight of the newest step in running means */
#define RETRY 24          /* steps after which a neighbouring width is looked at again */
#define WORTH 0.7         /* and the share of the best rate that it must promise */

static const int widths[CV_LOOKAHEAD_WIDTHS] = { 1, 2, 3, 4, 6, 8, 12, 16 };

int cv_lookahead_room(int asked, int rows)
{
    const int widest = widths[CV_LOOKAHEAD_WIDTHS - 1], most = CV_LOOKAHEAD_ROWS / rows;

    if (asked >= 0)
        return asked > 1 ? asked : 1;
    return most < 1 ? 1 : most < widest ? most : widest;
}

void cv_lookahead_begin(cv_lookahead *ahead, int asked, int rows)
{
    ahead->most = cv_lookahead_room(asked, rows);
    ahead->adapts = asked < 0;
    ahead->width = 0;
    ahead->tried = 0;
    for (int i = 0; i < CV_LOOKAHEAD_WIDTHS; i++) {
        if (ahead->codes[i] < 1) /* before anything is known, every second guess comes true */
            ahead->codes[i] = i == 0 ? 1 : 2 - 2.0 / (1 << widths[i]);
        ahead->seconds[i] = 0;
    }
}

static int find(const cv_lookahead *ahead)
{
    int i = 0;

    while (i + 1 < CV_LOOKAHEAD_WIDTHS && widths[i] < ahead->width)
        i++;
    return i;
}

/* Of each width that the loop has room for: measured, or not yet. */
static int unmeasured(const cv_lookahead *ahead)
{
    static const int order[] = { 3, 0, 5, 1, 7 }; /* the others follow when their neighbours are the best */

    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (widths[order[i]] <= ahead->most && ahead->seconds[order[i]] == 0)
            return order[i];
    return -1;
}

static int best(const cv_lookahead *ahead)
{
    int found = 0;

    for (int i = 1; i < CV_LOOKAHEAD_WIDTHS; i++)
        if (ahead->seconds[i] > 0 && ahead->codes[i] * ahead->seconds[found] > ahead->codes[found] * ahead->seconds[i])
            found = i;
    return found;
}

/* A neighbour of the best width whose time is unknown or old. */
static int neighbour(const cv_lookahead *ahead, int of)
{
    const int other = ahead->steps & 1 ? of + 1 : of - 1;

    if (other < 0 || other >= CV_LOOKAHEAD_WIDTHS || widths[other] > ahead->most)
        return of;
    if (ahead->seconds[other] > 0 &&
        ahead->codes[other] * ahead->seconds[of] < WORTH * ahead->codes[of] * ahead->seconds[other])
        return of;
    return other;
}

int cv_lookahead_width(cv_lookahead *ahead)
{
    int choice;

    if (ahead->trial && ahead->trial->width)
        return ahead->width = ahead->trial->width(ahead->trial->user, ahead->most);
    if (!ahead->adapts)
        return ahead->width = ahead->most;
    choice = unmeasured(ahead);
    if (choice < 0) {
        choice = best(ahead);
        if (++ahead->tried >= RETRY) {
            ahead->tried = 0;
            choice = neighbour(ahead, choice);
        }
    }
    return ahead->width = widths[choice];
}

static void update(double *mean, double value)
{
    *mean += MEMORY * (value - *mean);
}

/* What a step of another width would have decided there. A narrower one would have ended sooner, a wider one at the
 * same miss; where there was none it would have gone on, as far as such steps get on average. */
static double would_decide(const cv_lookahead *ahead, int width, int looked, int decided)
{
    const double luck = ahead->codes[1] - 1; /* of the first guess behind */
    int more = 0;

    if (width <= decided)
        return width;
    if (decided < looked)
        return decided;
    while (more + 1 < CV_LOOKAHEAD_WIDTHS && widths[more + 1] <= width - looked)
        more++;
    return decided + luck * ahead->codes[more];
}

void cv_lookahead_count(cv_lookahead *ahead, int looked, int decided)
{
    ahead->steps++;
    ahead->looked += looked;
    ahead->decided += decided;
    for (int i = 0; i < CV_LOOKAHEAD_WIDTHS; i++)
        update(&ahead->codes[i], would_decide(ahead, widths[i], looked, decided));
}

void cv_lookahead_time(cv_lookahead *ahead, double seconds)
{
    const int at = find(ahead);
    double *mean = &ahead->seconds[at];

    if (widths[at] != ahead->width)
        return;
    if (*mean == 0 || seconds < *mean) /* what disturbs a step makes it longer */
        *mean = *mean == 0 ? seconds : 0.5 * (*mean + seconds);
    else
        update(mean, seconds);
}
