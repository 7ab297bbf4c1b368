/* progress.h - reports the progress of a run on stderr: a bar that is redrawn on a terminal (except a dumb one),
 * elsewhere a line every few seconds. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <cogvideo/common.h>

typedef struct cli_progress {
    int quiet;
    int terminal;           /* stderr is a terminal that can redraw a line */
    int open;               /* a bar is on the current line */
    int running;            /* a stage has begun */
    char what[80];          /* the stage */
    double began;           /* when the stage did, seconds */
    long long first;        /* what was done at the stage's first report */
    double shown;           /* when something was last printed */
    cogvideo_progress last; /* report */
    int estimated;          /* whether the time that the stage will take was reported */
} cli_progress;

void cli_progress_init(cli_progress *progress, int quiet);
/* Takes a report of the library; returns the signal that ends the run, or 0. */
int cli_progress_report(cli_progress *progress, const cogvideo_progress *report);
/* Clears the bar, so that a sentence can be printed. */
void cli_progress_clear(cli_progress *progress);
/* Ends the stage with a line that says how long it took. */
void cli_progress_end(cli_progress *progress);

#endif
