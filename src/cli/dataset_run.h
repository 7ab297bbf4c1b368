/* dataset_run.h - shared by the commands that make datasets: progress in clips, warnings, the end of a run. */
#ifndef CLI_DATASET_RUN_H
#define CLI_DATASET_RUN_H

#include "session.h"

#include <cogvideo/dataset.h>

typedef struct cli_dataset_run {
    cli_session session;
    const char *what; /* what is being made: "clips", "videos" */
    double shown;     /* when progress was last printed */
} cli_dataset_run;

/* Prints progress and messages on stderr; if quiet, only warnings. */
cogvideo_dataset_callbacks cli_dataset_callbacks(cli_dataset_run *run, const char *what);

/* Prints a dataset's description as a JSON object on stdout. */
void cli_dataset_json(const cogvideo_dataset_info *info);
/* Reports the dataset that was made, as a sentence or as JSON. */
int cli_dataset_made(const char *folder, int quiet, int json);

#endif
