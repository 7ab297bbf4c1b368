/* find_model.h - the models that come with the program. */
#ifndef CLI_FIND_MODEL_H
#define CLI_FIND_MODEL_H

/* Its folder, in fresh memory; NULL where it is not there. */
char *cli_find_model(void);
/* The same of the networks for metrics. */
char *cli_find_metrics(void);

#endif
