/* score.c - how likely a clip's codes are: log-probabilities of a teacher-forced pass, at temperature 1. */
#include "family/cogvideo/steps/steps.h"
#include "family/cogvideo/steps/forced.h"
#include "sample/sampler.h"

#include <string.h>

typedef struct scores {
    int places, codes; /* of a frame; in the network's head */
    double *logprob;
    int *scored;
} scores;

static void see(void *user, int frame, int place, float *const logits[CV_FORCED_MODELS], int32_t code)
{
    const scores *s = user;

    s->logprob[(size_t)frame * (size_t)s->places + (size_t)place] = cv_log_probability(logits[0], s->codes, code);
    s->scored[frame] = 1;
}

cogvideo_status cv_cogvideo_score(const cogvideo_model *head, const cogvideo_generate_options *options,
                                  const cogvideo_score_options *what, const cogvideo_tokens *clip, double *logprob,
                                  int *scored, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const cv_cogvideo_config *config = &model->description.network;
    const cv_cogvideo *const models[CV_FORCED_MODELS] = { model, NULL };
    const cogvideo_generate_options *const all_options[CV_FORCED_MODELS] = { options, NULL };
    scores s = { cv_cogvideo_places(config), config->image_codes, logprob, scored };
    const cv_forced_viewer viewer = { .see = see, .user = &s };
    cogvideo_status status;

    CV_TRY(cv_forced_check(model, options, clip, err));
    memset(scored, 0, (size_t)clip->frames * sizeof *scored);
    return cv_forced_walk(models, 1, all_options, what, clip, &viewer, err);
done:
    return status;
}
