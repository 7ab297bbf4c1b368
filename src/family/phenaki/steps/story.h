/* story.h - how long the scenes of a story are, and what of each is given. */
#ifndef CV_FAMILY_PHENAKI_STEPS_STORY_H
#define CV_FAMILY_PHENAKI_STEPS_STORY_H

#include "family/phenaki/model/model.h"

#include <cogvideo/generate.h>

typedef struct cv_scene {
    const char *text; /* belongs to the options */
    int T, given;     /* latent frames of its box; of these, those that the scene before gives */
    int first;        /* number of its first latent frame in the story */
    int frames;       /* of video, without those that are given */
} cv_scene;

typedef struct cv_story {
    cv_scene *scenes;
    int count;
    int T;            /* latent frames of all boxes */
    int longest;      /* of the largest box */
    long long frames; /* of video */
} cv_story;

/* Latent frames that begin a scene behind `frames` frames of video, of which the last `context` count: as many as a
 * clip of its own can have; 0 where there are no frames. */
int cv_story_given(const cv_phenaki *model, int context, long long frames);
/* The scenes of the options; `first_frames` of video stand before the first one. Lengths and a context that do not fit
 * the model are errors that name the nearest that do. Free with cv_story_free. */
cogvideo_status cv_story_plan(cv_story *out, const cv_phenaki *model, const cogvideo_generate_options *options,
                              int first_frames, cogvideo_error *err);
void cv_story_free(cv_story *story);

#endif
