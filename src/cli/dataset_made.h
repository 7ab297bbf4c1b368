/* dataset_made.h - shared by the commands that make datasets: progress, and what was made. */
#ifndef CLI_DATASET_MADE_H
#define CLI_DATASET_MADE_H

#include "session.h"

#include <cogvideo/dataset.h>

/* Progress and messages of a session. */
cogvideo_dataset_callbacks cli_dataset_callbacks(cli_session *session);

/* Prints a dataset's description as a JSON object on stdout. */
void cli_dataset_json(const cogvideo_dataset_info *info);
/* Reports the dataset that was made, as a sentence or as JSON. */
int cli_dataset_made(const char *folder, int quiet, int json);

#endif
