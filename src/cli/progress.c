#include "progress.h"

#include "interrupt.h"
#include "say.h"

#include "base/clock.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REDRAW 0.1 /* seconds between two bars */
#define REPEAT 5.0 /* seconds between two lines */
#define BAR 24
#define ESTIMATE_AFTER 2.0 /* after so many seconds of a stage the rest is estimated */
#define SOON 30.0          /* shorter times, in seconds, are not reported */

/* Where a line can be cleared and written again: a terminal that is not a dumb one. */
static int can_redraw(void)
{
    const char *kind = getenv("TERM");

    return isatty(STDERR_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0;
}

void cli_progress_init(cli_progress *progress, int quiet)
{
    *progress = (cli_progress){ .quiet = quiet, .terminal = can_redraw() };
}

void cli_progress_clear(cli_progress *progress)
{
    if (progress->open)
        fputs("\r\033[K", stderr);
    progress->open = 0;
}

static int is_bytes(const cogvideo_progress *report)
{
    return strcmp(report->unit, "bytes") == 0;
}

/* "interpolation, round 2 of 3: frame 4 of 8" */
static void describe(char *out, size_t size, const cogvideo_progress *p)
{
    int n = snprintf(out, size, "%.60s", p->what);

    if (p->rounds > 1 && n >= 0 && (size_t)n < size)
        n += snprintf(out + n, size - (size_t)n, ", round %d of %d", p->round + 1, p->rounds);
    if (p->frames > 0 && n >= 0 && (size_t)n < size)
        n += snprintf(out + n, size - (size_t)n, ": frame %d of %d", p->frame < p->frames ? p->frame + 1 : p->frames,
                      p->frames);
    else if (p->frame > 0 && n >= 0 && (size_t)n < size)
        n += snprintf(out + n, size - (size_t)n, ": frame %d", p->frame);
    if (p->sequences > 1 && n >= 0 && (size_t)n < size)
        snprintf(out + n, size - (size_t)n, " (%d at once)", p->sequences);
}

/* Columns of the terminal, less one: a line that fills the last one is followed by another on some. */
static int columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col - 1 : 79;
}

/* Draws the line of a terminal over the one before. What does not fit is left out: first the bar, then the end. */
static void draw_line(cli_progress *progress, const char *what, double share, const char *speed)
{
    const int room = columns(), text = (int)(strlen(what) + strlen(speed)) + (share < 0 ? 0 : 6);
    char bar[BAR + 4] = "", line[400];

    if (share >= 0 && text + BAR + 3 <= room) {
        memset(bar, '.', sizeof bar - 1);
        memset(bar + 2, '#', (size_t)(share * BAR));
        memcpy(bar, " [", 2);
        bar[BAR + 2] = ']';
    }
    if (share < 0)
        snprintf(line, sizeof line, "%s%s", what, speed);
    else
        snprintf(line, sizeof line, "%s%s %3.0f %%%s", what, bar, 100 * share, speed);
    if ((int)strlen(line) > room)
        line[room] = '\0';
    fputs("\r\033[K", stderr);
    cli_print_text(stderr, line);
    fflush(stderr);
    progress->open = 1;
}

/* `share` is from 0 to 1, or negative if it is unknown. */
static void draw(cli_progress *progress, const char *what, double share, const char *speed)
{
    if (share > 1)
        share = 1;
    if (progress->terminal)
        draw_line(progress, what, share, speed);
    else if (share < 0)
        cli_say("%s%s", what, speed);
    else
        cli_say("%s, %.0f %%%s", what, 100 * share, speed);
}

static int due(cli_progress *progress, double now)
{
    if (progress->quiet || now - progress->shown < (progress->terminal ? REDRAW : REPEAT))
        return 0;
    progress->shown = now;
    return 1;
}

static void begin_stage(cli_progress *progress, const cogvideo_progress *report, long long done)
{
    progress->running = 1;
    snprintf(progress->what, sizeof progress->what, "%s", report->what);
    progress->began = cv_clock();
    progress->first = done;
    progress->estimated = 0;
    if (progress->shown == 0)
        progress->shown = progress->began;
}

/* Writes ", 12.3 codes/s, 2 min 10 s left" once there is enough to estimate from; the time left only if `all` is
 * known. */
static void format_speed(const cli_progress *progress, double now, long long done, long long all, const char *unit,
                         char *out, size_t size)
{
    double elapsed = now - progress->began, rate = elapsed > 0 ? (double)(done - progress->first) / elapsed : 0;
    char left[CV_UNITS];

    out[0] = '\0';
    if (elapsed < 0.5 || rate <= 0)
        return;
    cv_units_seconds(left, (double)(all - done) / rate);
    snprintf(out, size, ", %.*f %s/s%s%s%s", rate < 100 ? 1 : 0, rate, unit, all > 0 ? ", " : "", all > 0 ? left : "",
             all > 0 ? " left" : "");
}

/* Reports once in each stage how long it and, at most, the run will take. Codes of later stages take less time each,
 * since more of them are drawn at once and without guidance. */
static void report_estimate(cli_progress *progress, double now, const cogvideo_progress *report)
{
    const double elapsed = now - progress->began, codes = (double)(report->done - progress->first);
    double stage, run;
    char first[CV_UNITS], second[CV_UNITS];

    if (progress->estimated || progress->quiet || elapsed < ESTIMATE_AFTER || codes <= 0)
        return;
    progress->estimated = 1;
    stage = elapsed / codes * (double)(report->total - report->done);
    run = elapsed / codes * (double)(report->run_total - report->run_done);
    if (stage < SOON && run < SOON)
        return;
    cli_progress_clear(progress);
    cv_units_seconds(first, stage);
    cv_units_seconds(second, run);
    if (run > stage)
        fprintf(stderr, "%s: about %s; all codes of the run: at most about %s\n", report->what, first, second);
    else
        fprintf(stderr, "%s: about %s\n", report->what, first);
}

/* Whether another stage has begun. The parts of a file are one. */
static int is_new(const cli_progress *progress, const cogvideo_progress *report)
{
    return !is_bytes(report) && (strcmp(progress->what, report->what) != 0 || progress->last.round != report->round);
}

int cli_progress_report(cli_progress *progress, const cogvideo_progress *report)
{
    const int bytes = is_bytes(report);
    const long long done = bytes ? report->done / 1000000 : report->done,
                    total = bytes ? report->total / 1000000 : report->total;
    const double now = cv_clock();

    if (progress->running && is_new(progress, report))
        cli_progress_end(progress);
    if (!progress->running)
        begin_stage(progress, report, done);
    progress->last = *report;
    progress->last.what = progress->what;
    if (!bytes)
        report_estimate(progress, now, report);
    if (due(progress, now)) {
        char what[160], speed[80];

        describe(what, sizeof what, report);
        format_speed(progress, now, done, total, bytes ? "MB" : report->unit, speed, sizeof speed);
        draw(progress, what, report->total > 0 ? (double)report->done / (double)report->total : -1, speed);
    }
    if (!bytes && report->total > 0 && report->done == report->total)
        cli_progress_end(progress);
    return cli_interrupted();
}

void cli_progress_end(cli_progress *progress)
{
    char took[CV_UNITS], what[160];
    cogvideo_progress last = progress->last;

    cli_progress_clear(progress);
    if (!progress->running)
        return;
    progress->running = 0;
    if (progress->quiet || is_bytes(&last))
        return;
    cv_units_seconds(took, cv_clock() - progress->began);
    last.frame = last.frames = 0;
    describe(what, sizeof what, &last);
    if (cli_interrupted())
        fprintf(stderr, "%s: stopped after %s\n", what, took);
    else if (progress->last.frames == 0 && progress->last.total > 0)
        fprintf(stderr, "%s: %lld %s in %s\n", what, progress->last.done, progress->last.unit, took);
    else
        fprintf(stderr, "%s: %d frame%s in %s\n", what, progress->last.frames, progress->last.frames == 1 ? "" : "s",
                took);
}
