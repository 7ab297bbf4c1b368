/* story.h - whether an object stays the same through the scenes of a story. */
#ifndef TESTS_JUDGE_STORY_H
#define TESTS_JUDGE_STORY_H

#include "judge/judge.h"

/* Looks at the stories of a list, lines of "CLIP<tab>CAPTION<tab>CAPTION..", a caption a scene, prints what they show and
 * counts. Scenes have the world's frames, and each begins with the last frames of the one before. 0: in all of them
 * the object keeps its colour and shape and never jumps by more than 6 pixels where a scene begins; 1: not; 2: an
 * error. How it moves is not asked: a scene does not begin where its motion usually begins. */
int judge_stories(judge *j, const cv_shapes *world, const char *list);

#endif
