#include "family/cogvideo/steps/lookahead.h"

#define MEMORY (1 / 24.0) /* weight of the newest step in running means */
#define RETRY 24          /* steps after which another width is looked at again */
#define AGE 0.8           /* what is left then of the trust in times: they may have been disturbed */

static const int widths[CV_LOOKAHEAD_WIDTHS] = { 1, 2, 3, 4, 6, 8, 12, 16 };

/* Places of each sequence that a step can look at. */
static int widest(int asked, int sequences, int places)
{
    int most = CV_LOOKAHEAD_ROWS / sequences;

    if (asked >= 0)
        most = asked;
    else if (most > widths[CV_LOOKAHEAD_WIDTHS - 1])
        most = widths[CV_LOOKAHEAD_WIDTHS - 1];
    return most < 1 ? 1 : most < places ? most : places;
}

int cv_lookahead_rows(int asked, int sequences, int places)
{
    const int rows = sequences * widest(asked, sequences, places);

    return rows > CV_REPLAY ? rows : CV_REPLAY;
}

void cv_lookahead_begin(cv_lookahead *ahead, int asked, int kind, int sequences, int live, int places)
{
    const bool known = ahead->kind == kind && ahead->live == live;

    ahead->kind = kind;
    ahead->live = live;
    ahead->most = widest(asked, sequences, places);
    ahead->adapts = asked < 0;
    for (int i = 0; i < CV_LOOKAHEAD_WIDTHS; i++) {
        if (ahead->codes[i] < 1) /* before anything is known, every second guess comes true */
            ahead->codes[i] = 2 - 2.0 / (1 << widths[i]);
        if (!known)
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

/* A width that the loop has room for and whose time is not known; -1: there is none. `few`: of widths that are far
 * enough apart to see at first which is good. */
static int unmeasured(const cv_lookahead *ahead, bool few)
{
    static const int order[CV_LOOKAHEAD_WIDTHS] = { 3, 0, 5, 1, 7, 2, 4, 6 };

    for (int i = 0; i < (few ? 5 : CV_LOOKAHEAD_WIDTHS); i++)
        if (widths[order[i]] <= ahead->most && ahead->seconds[order[i]] == 0)
            return order[i];
    return -1;
}

/* The width that decides most codes a second; -1: no time is known. */
static int best(const cv_lookahead *ahead)
{
    int found = -1;

    for (int i = 0; i < CV_LOOKAHEAD_WIDTHS && widths[i] <= ahead->most; i++)
        if (ahead->seconds[i] > 0 &&
            (found < 0 || ahead->codes[i] * ahead->seconds[found] > ahead->codes[found] * ahead->seconds[i]))
            found = i;
    return found;
}

/* A width beside the best one that is looked at again: one never measured, or one that may have become better, since
 * its time is trusted less and less. */
static int another(cv_lookahead *ahead, int of)
{
    int found = unmeasured(ahead, false);
    double most = 0;

    for (int i = 0; i < CV_LOOKAHEAD_WIDTHS; i++)
        ahead->trust[i] *= AGE;
    if (found >= 0)
        return found;
    for (int i = 0; i < CV_LOOKAHEAD_WIDTHS && widths[i] <= ahead->most; i++) {
        const double hope = ahead->codes[i] / (ahead->seconds[i] * ahead->trust[i]);

        if (i != of && hope > most) {
            most = hope;
            found = i;
        }
    }
    return found < 0 ? of : found;
}

int cv_lookahead_width(cv_lookahead *ahead)
{
    int choice;

    if (ahead->trial && ahead->trial->width)
        return ahead->width = ahead->trial->width(ahead->trial->user, ahead->most);
    if (!ahead->adapts)
        return ahead->width = ahead->most;
    choice = unmeasured(ahead, true);
    if (choice < 0) {
        choice = best(ahead);
        if (++ahead->since >= RETRY) {
            ahead->since = 0;
            choice = another(ahead, choice);
        }
    }
    return ahead->width = widths[choice];
}

int cv_lookahead_decide(int32_t *codes, const int *places, const int32_t *drawn, int count)
{
    int decided = 0;
    bool hit = true;

    for (int i = 0; i < count; i++) {
        int32_t *code = &codes[places ? places[i] : i];

        hit = hit && drawn[i] >= 0;
        decided += hit;
        hit = hit && drawn[i] == *code;
        if (drawn[i] >= 0)
            *code = drawn[i];
    }
    return decided;
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
    ahead->sequence_steps++;
    ahead->looked += looked;
    ahead->decided += decided;
    for (int i = 0; i < CV_LOOKAHEAD_WIDTHS; i++)
        update(&ahead->codes[i], would_decide(ahead, widths[i], looked, decided));
}

void cv_lookahead_time(cv_lookahead *ahead, int rows, double seconds)
{
    const int at = find(ahead);
    double *mean = &ahead->seconds[at];

    if (widths[at] != ahead->width || rows != ahead->live * ahead->width)
        return;
    ahead->trust[at] = 1;
    if (*mean == 0 || seconds < *mean) /* what disturbs a step makes it longer */
        *mean = seconds;
    else
        update(mean, seconds);
}
