/* evaluate_print.h - an evaluation as text. */
#ifndef CLI_EVALUATE_PRINT_H
#define CLI_EVALUATE_PRINT_H

#include <cogvideo/evaluate.h>

/* A line a metric, then what it was computed with, then warnings; on standard output. */
void cli_print_evaluation(const cogvideo_evaluation *evaluation);

#endif
