/* seen.h - what came of a picture or a video that was read as a stream. */
#ifndef TEST_SEEN_H
#define TEST_SEEN_H

#include <cogvideo/video.h>

#include <stdbool.h>

#define SEEN_MOST 400

typedef struct seen {
    int frames, width, height, gaps, polls, stop; /* stop: after so many frames, or polls where negative; 0 = never */
    double times[SEEN_MOST], last_duration, aspect;
    uint8_t first[4][3]; /* the corners of the first: top left, top right, bottom left, bottom right */
    char log[1000];
} seen;

/* Reads `path`, with `stop` as in the struct. Warnings are in the log, a line each. */
cogvideo_status see(seen *s, const char *path, int stop, cogvideo_error *err);

/* Whether FFmpeg's libraries are built in. */
bool have_ffmpeg(void);

#endif
