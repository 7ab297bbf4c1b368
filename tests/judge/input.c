#include "judge/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int judge_next_line(FILE *file, char *line, int size, char *fields[JUDGE_FIELDS])
{
    int count = 0;

    if (!fgets(line, size, file))
        return 0;
    line[strcspn(line, "\r\n")] = '\0';
    while (line && count < JUDGE_FIELDS) {
        fields[count++] = line;
        if ((line = strchr(line, '\t')) && count < JUDGE_FIELDS)
            *line++ = '\0';
    }
    return count;
}

FILE *judge_open_list(const char *path)
{
    FILE *file = fopen(path, "r");

    if (!file)
        fprintf(stderr, "judge: %s: cannot be opened: %s\n", path, strerror(errno));
    return file;
}

int judge_expected(const cv_shapes *world, const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);
    int index = *text && !*end ? (number >= 0 && number < cv_shapes_count(world) ? (int)number : -1)
                               : cv_shapes_find(world, text);

    if (index < 0)
        fprintf(stderr, "judge: '%s' is neither a caption nor the number of a combination\n", text);
    return index;
}

cogvideo_status judge_read_clip(cogvideo_video *out, const cv_shapes *world, const char *path, cogvideo_error *err)
{
    cogvideo_video video = { 0 };
    cogvideo_status status;

    CV_TRY(cogvideo_video_read(&video, path, NULL, err));
    CV_TRY(cogvideo_video_fit(out, &video, world->side, world->side, err));
done:
    cogvideo_video_free(&video);
    return status;
}
