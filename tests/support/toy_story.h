/* toy_story.h - a family that tells stories without a network: boxes of codes, filled in steps, scene after scene. */
#ifndef TESTS_TOY_STORY_H
#define TESTS_TOY_STORY_H

#include "family/family.h"

enum {
    TOY_STORY_HEIGHT = 2, /* codes of a frame; each stands for 4 pixels downwards and 2 across, and 2 pictures */
    TOY_STORY_WIDTH = 3,
    TOY_STORY_CODES = 4,
    TOY_STORY_NEW = 2, /* latent frames that a scene has behind its first one, or those that it takes over */
    TOY_STORY_CONTEXT = 3,
    TOY_STORY_STEPS = 3,
};

/* "fill" draws scenes, from pixels where they are given, and "decode" makes grey pictures of them. */
extern const cv_family cv_family_toy_story;

#endif
