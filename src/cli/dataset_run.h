/* dataset_run.h - what the commands that make datasets share: progress in clips, warnings, how a run ends. */
#ifndef CLI_DATASET_RUN_H
#define CLI_DATASET_RUN_H

#include "session.h"

#include <cogvideo/dataset.h>

typedef struct cli_dataset_run {
    cli_session session;
    const char *what; /* is being made: "clips", "videos" */
    double shown;     /* when progress was last printed */
} cli_dataset_run;

/* Progress and messages on stderr; notes and progress only unless quiet. */
cogvideo_dataset_callbacks cli_dataset_callbacks(cli_dataset_run *run, const char *what);

/* What a dataset holds, as a JSON object on stdout. */
void cli_dataset_json(const cogvideo_dataset_info *info);
/* Says what dataset was made, or prints that. */
int cli_dataset_made(const char *folder, int quiet, int json);

#endif
