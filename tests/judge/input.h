/* input.h - what the judge reads: lists, captions, clips. What is wrong is printed. */
#ifndef TESTS_JUDGE_INPUT_H
#define TESTS_JUDGE_INPUT_H

#include "dataset/shapes.h"

#include <cogvideo/video.h>

#include <stdio.h>

enum { JUDGE_LINE = 16384, JUDGE_FIELDS = 33 };

/* NULL after an error. */
FILE *judge_open_list(const char *path);
/* Reads the next line into `line`, [size], and cuts it at its tabs. Returns how many fields it has, 0 at the end; the
 * last of JUDGE_FIELDS has all that follows. */
int judge_next_line(FILE *file, char *line, int size, char *fields[JUDGE_FIELDS]);
/* The combination that a caption or a number names; -1 after an error. */
int judge_expected(const cv_shapes *world, const char *text);
/* A clip in the world's size; free it. */
cogvideo_status judge_read_clip(cogvideo_video *out, const cv_shapes *world, const char *path, cogvideo_error *err);

#endif
