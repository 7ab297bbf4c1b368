#include "judge/story.h"

#include "judge/input.h"

/* Stories, and those whose object stays the same, and never jumps. */
typedef struct story_counts {
    int stories, same, smooth;
} story_counts;

#define SEAM 6 /* pixels from one frame to the next that are no jump */

/* 0, or 2 after an error was printed. */
static int look_at_story(judge *j, const cv_shapes *world, char **fields, int scenes, story_counts *total)
{
    const size_t frame = (size_t)(world->side * world->side) * 3;
    cogvideo_video video = { 0 };
    cogvideo_error err;
    int more, context, status = 2;
    bool same = true, smooth = true;

    if (judge_read_clip(&video, world, fields[0], &err) != COGVIDEO_OK) {
        fprintf(stderr, "judge: %s\n", err.message);
        goto done;
    }
    more = scenes > 1 ? (video.frames - world->frames) / (scenes - 1) : 0;
    context = world->frames - more;
    if (video.frames != world->frames + (scenes - 1) * more || (scenes > 1 && (more < 1 || context < 0))) {
        fprintf(stderr, "judge: %s: %d frames are not %d scenes of %d\n", fields[0], video.frames, scenes,
                world->frames);
        goto done;
    }
    for (int s = 0; s < scenes; s++) {
        const int index = judge_expected(world, fields[1 + s]);
        judge_verdict verdict, seam = { 0 };
        cv_shapes_combination wanted;

        if (index < 0)
            goto done;
        wanted = cv_shapes_at(world, index);
        judge_look(j, video.pixels + frame * (size_t)(s * more), world->frames, &verdict);
        if (s > 0)
            judge_look(j, video.pixels + frame * (size_t)(s * more + context - 1), 2, &seam);
        same = same && verdict.seen.colour == wanted.colour && verdict.seen.shape == wanted.shape;
        smooth = smooth && (s == 0 || (seam.visible == 2 && seam.jump <= SEAM));
        printf("%s, scene %d, %s: %s %s; %.1f pixels where it begins\n", fields[0], s + 1, fields[1 + s],
               judge_name(world, JUDGE_COLOUR, verdict.seen.colour), judge_name(world, JUDGE_SHAPE, verdict.seen.shape),
               seam.jump);
    }
    total->stories++;
    total->same += same;
    total->smooth += smooth;
    status = 0;
done:
    cogvideo_video_free(&video);
    return status;
}

int judge_stories(judge *j, const cv_shapes *world, const char *list)
{
    char line[JUDGE_LINE], *fields[JUDGE_FIELDS];
    story_counts total = { 0 };
    int status = 0, count;
    FILE *file = judge_open_list(list);

    if (!file)
        return 2;
    while (status == 0 && (count = judge_next_line(file, line, sizeof line, fields)) > 0) {
        status = count < 2 ? 2 : look_at_story(j, world, fields, count - 1, &total);
        if (count < 2)
            fprintf(stderr, "judge: %s: '%.80s': a clip and a caption for each scene were expected\n", list, line);
    }
    fclose(file);
    if (status != 0)
        return status;
    printf(
        "\nOf %d stories, %d keep colour and shape through all scenes, and %d have no jump of more than %d pixels where "
        "a scene begins.\n",
        total.stories, total.same, total.smooth, SEAM);
    return total.same < total.stories || total.smooth < total.stories;
}
