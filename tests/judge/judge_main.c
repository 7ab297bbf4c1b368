/* judge - says what clips of the shapes world show, and whether that is what was asked for.
 *
 *     judge CLIP [--expect CAPTION|INDEX] [--json] [--world FILE]
 *     judge --list FILE [--json] [--world FILE]      lines of "CLIP<tab>CAPTION|INDEX"; counts at the end
 *     judge --stories FILE [--world FILE]            lines of "CLIP<tab>CAPTION<tab>CAPTION..", a caption a scene; does
 *                                                    the object stay the same, and does it jump at a seam?
 *     judge --data DATASET [--through MODEL] [--json] [--world FILE]
 *                                                    a dataset's clips against their captions, as they are or after
 *                                                    MODEL's image tokenizer has encoded and decoded them
 *
 * Any file that cogvideo_video_read knows; other sizes are fitted to the world's. Exit code: 0 all as expected (or
 * nothing was), 1 some not, 2 an error. */
#include "judge/input.h"
#include "judge/story.h"

#include <cogvideo/dataset.h>
#include <cogvideo/generate.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct arguments {
    const char *clip, *expected, *list, *stories, *world, *data, *through;
    bool json;
} arguments;

/* Of a list: clips, those right in each aspect, in all five, and those that never jump. */
typedef struct counts {
    int clips, right[JUDGE_ASPECTS], all, moving, smooth;
} counts;

static int usage(void)
{
    fputs("usage: judge CLIP [--expect CAPTION|INDEX] [--json] [--world FILE]\n"
          "       judge --list FILE [--json] [--world FILE]\n"
          "       judge --stories FILE [--world FILE]\n"
          "       judge --data DATASET [--through MODEL] [--json] [--world FILE]\n",
          stderr);
    return 2;
}

static int parse(int argc, char **argv, arguments *out)
{
    for (int i = 1; i < argc; i++) {
        const char **value = strcmp(argv[i], "--expect") == 0    ? &out->expected
                             : strcmp(argv[i], "--list") == 0    ? &out->list
                             : strcmp(argv[i], "--stories") == 0 ? &out->stories
                             : strcmp(argv[i], "--world") == 0   ? &out->world
                             : strcmp(argv[i], "--data") == 0    ? &out->data
                             : strcmp(argv[i], "--through") == 0 ? &out->through
                                                                 : NULL;

        if (strcmp(argv[i], "--json") == 0)
            out->json = true;
        else if (value && i + 1 < argc)
            *value = argv[++i];
        else if (value || argv[i][0] == '-' || out->clip)
            return usage();
        else
            out->clip = argv[i];
    }
    return (out->clip != NULL) + (out->list != NULL) + (out->stories != NULL) + (out->data != NULL) != 1 ||
                   (out->expected && !out->clip) || (out->through && !out->data) || (out->json && out->stories)
               ? usage()
               : 0;
}

static cogvideo_status look_at_file(judge *j, const cv_shapes *world, const char *path, judge_verdict *out,
                                    cogvideo_error *err)
{
    cogvideo_video fitted = { 0 };
    cogvideo_status status;

    CV_TRY(judge_read_clip(&fitted, world, path, err));
    judge_look(j, fitted.pixels, fitted.frames, out);
done:
    cogvideo_video_free(&fitted);
    return status;
}

static void print_json(const cv_shapes *world, const judge_verdict *v, const cv_shapes_combination *expected)
{
    bool all = true;

    printf("{");
    for (int a = 0; a < JUDGE_ASPECTS; a++)
        printf("\"%s\":\"%s\",", judge_aspects[a], judge_name(world, a, judge_aspect(&v->seen, a)));
    printf("\"frames\":%d,\"visible\":%d,\"jump\":%.3f,\"radius\":%.3f,\"shape_margin\":%.3g,\"motion_margin\":%.3g",
           v->frames, v->visible, v->jump, v->radius, v->shape_margin, v->motion_margin);
    if (expected) {
        printf(",\"right\":{");
        for (int a = 0; a < JUDGE_ASPECTS; a++) {
            bool right = judge_aspect(&v->seen, a) == judge_aspect(expected, a);

            printf("\"%s\":%s,", judge_aspects[a], right ? "true" : "false");
            all = all && right;
        }
        printf("\"all\":%s}", all ? "true" : "false");
    }
    printf("}\n");
}

static void print_text(const cv_shapes *world, const judge_verdict *v, const cv_shapes_combination *expected)
{
    for (int a = 0; a < JUDGE_ASPECTS; a++) {
        int seen = judge_aspect(&v->seen, a), wanted = expected ? judge_aspect(expected, a) : seen;

        printf("%-11s %s", judge_aspects[a], judge_name(world, a, seen));
        if (seen != wanted)
            printf(" (%s was expected)", judge_name(world, a, wanted));
        printf("\n");
    }
    printf("%-11s %d of %d frames; the centre moves by at most %.1f pixels between neighbours\n", "object in",
           v->visible, v->frames, v->jump);
}

/* Prints what a clip shows and counts it. 0, or 1 where it is not as expected. */
static int count_verdict(const cv_shapes *world, judge_verdict verdict, int index, bool json, counts *total)
{
    cv_shapes_combination wanted = index >= 0 ? cv_shapes_at(world, index) : verdict.seen;
    int right = 0;

    (json ? print_json : print_text)(world, &verdict, index >= 0 ? &wanted : NULL);
    for (int a = 0; a < JUDGE_ASPECTS; a++) {
        bool same = judge_aspect(&wanted, a) == judge_aspect(&verdict.seen, a);

        total->right[a] += same;
        right += same;
    }
    total->clips++;
    total->all += right == JUDGE_ASPECTS;
    /* The kinds up to this one move the centre; the others turn, grow or stand still. */
    if (world->motion[wanted.motion >= 0 ? wanted.motion : 0].kind <= CV_SHAPES_BOUNCE) {
        total->moving++;
        total->smooth += verdict.jump <= 4;
    }
    return right == JUDGE_ASPECTS ? 0 : 1;
}

/* Judges one clip. 0, 1 where it is not as expected, 2 after an error. */
static int judge_one(judge *j, const cv_shapes *world, const char *path, const char *expect, bool json, counts *total)
{
    judge_verdict verdict = { 0 };
    cogvideo_error err;
    int index = -1;

    if (expect && (index = judge_expected(world, expect)) < 0)
        return 2;
    if (look_at_file(j, world, path, &verdict, &err) != COGVIDEO_OK) {
        fprintf(stderr, "judge: %s\n", err.message);
        return 2;
    }
    return count_verdict(world, verdict, index, json, total);
}

static void print_counts(const counts *c, bool json)
{
    if (json) {
        printf("{\"clips\":%d,", c->clips);
        for (int a = 0; a < JUDGE_ASPECTS; a++)
            printf("\"%s\":%.4f,", judge_aspects[a], (double)c->right[a] / c->clips);
        printf("\"all\":%.4f,\"moving\":%d,\"smooth\":%.4f}\n", (double)c->all / c->clips, c->moving,
               c->moving ? (double)c->smooth / c->moving : 1);
        return;
    }
    printf("\n%d clips, right in:\n", c->clips);
    for (int a = 0; a < JUDGE_ASPECTS; a++)
        printf("%-11s %5.1f %%\n", judge_aspects[a], 100.0 * c->right[a] / c->clips);
    printf("%-11s %5.1f %%\n", "all five", 100.0 * c->all / c->clips);
    printf("Of %d in which the object was to move, %d never move by more than 4 pixels between frames.\n", c->moving,
           c->smooth);
}

static int judge_list(judge *j, const cv_shapes *world, const arguments *a)
{
    char line[JUDGE_LINE], *fields[JUDGE_FIELDS];
    counts total = { 0 };
    int worst = 0, count;
    FILE *file = judge_open_list(a->list);

    if (!file)
        return 2;
    while (worst < 2 && (count = judge_next_line(file, line, sizeof line, fields)) > 0) {
        int status = 2;

        if (count != 2) {
            fprintf(stderr, "judge: %s: '%.80s': a clip, a tab and a caption were expected\n", a->list, line);
        } else {
            if (!a->json)
                printf("%s: %s\n", fields[0], fields[1]);
            status = judge_one(j, world, fields[0], fields[1], a->json, &total);
        }
        worst = status > worst ? status : worst;
    }
    fclose(file);
    if (worst < 2 && total.clips)
        print_counts(&total, a->json);
    return worst;
}

/* The clip of a dataset as it is, or as it comes back from the model's image tokenizer. */
static cogvideo_status look_at_clip(judge *j, const cogvideo_dataset *data, const cogvideo_model *model, int index,
                                    judge_verdict *out, const char **caption, cogvideo_error *err)
{
    const cogvideo_decode_options options = { 0 };
    cogvideo_video video = { 0 }, decoded = { 0 };
    cogvideo_tokens codes = { 0 };
    cogvideo_model_info about;
    cogvideo_dataset_info info;
    cogvideo_dataset_clip clip;
    cogvideo_status status;

    cogvideo_dataset_get_info(data, &info);
    CV_TRY(cogvideo_dataset_get_clip(data, index, &clip, err));
    *caption = clip.caption;
    CV_TRY(cogvideo_video_alloc(&video, info.size, info.size, clip.frames, info.fps, err));
    memcpy(video.pixels, clip.pixels, (size_t)clip.frames * (size_t)info.size * (size_t)info.size * 3);
    if (model) {
        cogvideo_model_get_info(model, &about);
        CV_TRY(cogvideo_encode(model, &video, about.rate, NULL, &codes, err));
        CV_TRY(cogvideo_decode(model, &options, &codes, &decoded, err));
    }
    judge_look(j, model ? decoded.pixels : video.pixels, clip.frames, out);
done:
    cogvideo_video_free(&video);
    cogvideo_video_free(&decoded);
    cogvideo_tokens_free(&codes);
    return status;
}

static int judge_data(judge *j, const cv_shapes *world, const arguments *a)
{
    cogvideo_model *model = NULL;
    cogvideo_dataset *data = NULL;
    cogvideo_dataset_info info = { 0 };
    cogvideo_status status;
    cogvideo_error err;
    counts total = { 0 };
    int worst = 0;

    CV_TRY(cogvideo_dataset_open(&data, a->data, &err));
    if (a->through)
        CV_TRY(cogvideo_model_open(&model, a->through, NULL, &err));
    cogvideo_dataset_get_info(data, &info);
    if (info.context > 0) {
        fprintf(stderr, "judge: %s: its clips begin with %d frames of another motion, of which no caption tells\n",
                a->data, info.context);
        worst = 2;
    } else if (info.size != world->side) {
        fprintf(stderr, "judge: %s: its frames are of %d pixels, the world's of %d\n", a->data, info.size, world->side);
        worst = 2;
    }
    for (int i = 0; i < info.clips && worst < 2; i++) {
        judge_verdict verdict = { 0 };
        const char *caption;
        int index;

        CV_TRY(look_at_clip(j, data, model, i, &verdict, &caption, &err));
        index = judge_expected(world, caption);
        if (!a->json)
            printf("clip %d: %s\n", i, caption);
        worst = index < 0 ? 2 : count_verdict(world, verdict, index, a->json, &total) > worst ? 1 : worst;
    }
    if (worst < 2)
        print_counts(&total, a->json);
done:
    if (status != COGVIDEO_OK)
        fprintf(stderr, "judge: %s\n", err.message);
    cogvideo_dataset_close(&data);
    cogvideo_model_close(&model);
    return status != COGVIDEO_OK ? 2 : worst;
}

int main(int argc, char **argv)
{
    arguments a = { 0 };
    counts total = { 0 };
    cogvideo_error err;
    cv_shapes *world = NULL;
    judge *j = NULL;
    int status = parse(argc, argv, &a);

    if (status)
        return status;
    if (cv_shapes_open(&world, a.world, &err) != COGVIDEO_OK || judge_open(&j, world, &err) != COGVIDEO_OK) {
        fprintf(stderr, "judge: %s\n", err.message);
        status = 2;
    } else if (a.data) {
        status = judge_data(j, world, &a);
    } else if (a.stories) {
        status = judge_stories(j, world, a.stories);
    } else if (a.list) {
        status = judge_list(j, world, &a);
    } else {
        status = judge_one(j, world, a.clip, a.expected, a.json, &total);
    }
    judge_close(&j);
    cv_shapes_close(&world);
    return status;
}
