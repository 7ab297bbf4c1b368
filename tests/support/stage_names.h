/* stage_names.h - the tensors of the two CogVideo stages, for seeded goldens. */
#ifndef TESTS_STAGE_NAMES_H
#define TESTS_STAGE_NAMES_H

#include "model/cogvideo/config.h"
#include "support/seeded.h"

/* The trunk's "transformer.*". */
void names_trunk(seeded_list *list, int seed, const cv_cogvideo_config *config);
/* A stage's own "mixins.*". */
void names_mixins(seeded_list *list, int seed, const cv_cogvideo_config *config);

#endif
