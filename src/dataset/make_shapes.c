/* A dataset of the shapes world. */
#include "dataset/dataset.h"
#include "dataset/shapes.h"

#include "base/mem.h"
#include "base/rng.h"

#include <stdio.h>
#include <string.h>

static cogvideo_status no_such_motion(const cv_shapes *world, const char *name, size_t length, cogvideo_error *err)
{
    cv_buffer names = { 0 };
    cogvideo_status status;

    for (int m = 0; m < world->motions; m++)
        CV_TRY(cv_buffer_printf(&names, err, "%s%s", m ? ", " : "", world->motion[m].word.name));
    status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "'%.*s' is no motion of this world, which has %s",
                     length < 40 ? (int)length : 40, name, names.data);
done:
    cv_buffer_free(&names);
    return status;
}

/* Marks the motions of a list of names. */
static cogvideo_status read_motions(const cv_shapes *world, const char *names, bool wanted[CV_SHAPES_MOST],
                                    cogvideo_error *err)
{
    bool more = names != NULL;

    for (int m = 0; m < world->motions; m++)
        wanted[m] = !names;
    while (more) {
        size_t length = strcspn(names, ",");
        int m = 0;

        while (m < world->motions &&
               (strlen(world->motion[m].word.name) != length || memcmp(world->motion[m].word.name, names, length) != 0))
            m++;
        if (m == world->motions)
            return no_such_motion(world, names, length, err);
        wanted[m] = true;
        more = names[length] == ',';
        names += length + 1;
    }
    return COGVIDEO_OK;
}

/* The combinations that are wanted, shuffled (Fisher and Yates) by the seed. */
static int choose(const cv_shapes *world, bool held_out, const bool motions[CV_SHAPES_MOST], uint64_t seed, int *out)
{
    int count = 0;

    for (int i = 0; i < cv_shapes_count(world); i++)
        if (cv_shapes_held_out(world, i) == held_out && motions[world->combinations[i].motion])
            out[count++] = i;
    for (int i = count - 1; i > 0; i--) {
        uint32_t random[4];
        int j, kept = out[i];

        cv_rng_block(random, seed, (uint32_t[4]){ (uint32_t)i, 0, 0, 1 });
        j = (int)(cv_rng_unit(random[0], random[1]) * (i + 1));
        out[i] = out[j];
        out[j] = kept;
    }
    return count;
}

static cogvideo_status add_clip(cv_dataset_writer *writer, const cv_shapes *world, int index, int number,
                                const cogvideo_shapes_options *options, uint8_t *pixels, cogvideo_error *err)
{
    cv_shapes_language language = options->language == COGVIDEO_CHINESE ? CV_SHAPES_CHINESE : CV_SHAPES_ENGLISH;
    cv_shapes_combination c = cv_shapes_at(world, index);
    int32_t labels[CV_SHAPES_ATTRIBUTES];
    char caption[CV_SHAPES_CAPTION], source[96], how[32] = "";
    uint32_t random[4];
    uint64_t seed;

    cv_rng_block(random, options->seed, (uint32_t[4]){ (uint32_t)number, 0, 0, 2 });
    seed = (uint64_t)random[0] << 21 | random[1] >> 11; /* 53 bits, so that every reader of JSON holds it exactly */
    if (options->language == COGVIDEO_BOTH_LANGUAGES)
        language = (cv_shapes_language)(random[2] % CV_SHAPES_LANGUAGES);
    cv_shapes_caption(world, index, language, caption);
    if (options->context > 0) {
        const int before = cv_shapes_render_after(world, index, seed, options->context, pixels);

        if (before < 0)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "in this world no clip can go on as '%.200s'", caption);
        snprintf(how, sizeof how, " after %d", before);
    } else if (options->poses) {
        if (!cv_shapes_render_poses(world, index, seed, pixels))
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "in this world no frame has room for '%.200s' in any pose",
                           caption);
        snprintf(how, sizeof how, " in poses");
    } else {
        cv_shapes_render(world, index, seed, pixels);
    }
    for (int a = 0; a < CV_SHAPES_ATTRIBUTES; a++)
        labels[a] = *cv_shapes_value(&c, a);
    snprintf(source, sizeof source, "shapes %d%s, seed %llu", index, how, (unsigned long long)seed);
    return cv_dataset_writer_clip(writer,
                                  &(cogvideo_dataset_clip){ .frames = world->frames,
                                                            .caption = caption,
                                                            .source = source,
                                                            .pixels = pixels,
                                                            .labels = labels,
                                                            .label_count = CV_SHAPES_ATTRIBUTES },
                                  err);
}

cogvideo_status cogvideo_dataset_shapes(const char *output, const cogvideo_shapes_options *options,
                                        const cogvideo_dataset_callbacks *callbacks, cogvideo_error *err)
{
    cv_shapes *world = NULL;
    cv_dataset_writer *writer = NULL;
    uint8_t *pixels = NULL;
    int *chosen = NULL, count, clips;
    bool motions[CV_SHAPES_MOST];
    cogvideo_dataset_info about;
    cogvideo_status status;

    CV_TRY(cv_shapes_open(&world, options->world, err));
    if (options->context < 0 || options->context >= world->frames) {
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a clip of %d frames can begin with 0 to %d of another, not %d",
                         world->frames, world->frames - 1, options->context);
        goto done;
    }
    if (options->context > 0 && options->poses) {
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "pictures of poses go on from no clip: leave the context out");
        goto done;
    }
    CV_TRY(read_motions(world, options->motions, motions, err));
    CV_NEW(chosen, cv_shapes_count(world), err);
    CV_NEW(pixels, world->frames * world->side * world->side * 3, err);
    count = choose(world, options->held_out != 0, motions, options->seed, chosen);
    clips = options->clips > 0 ? options->clips : count;
    if (count == 0) {
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "this world has no combination that is %s",
                         options->held_out ? "held out" : "trained on");
        goto done;
    }
    about = (cogvideo_dataset_info){ .size = world->side,
                                     .fps = world->fps,
                                     .context = options->context,
                                     .poses = options->poses != 0 };
    CV_TRY(cv_dataset_writer_open(&writer, output, &about, options->force != 0, err));
    for (int i = 0; i < clips; i++) {
        CV_TRY(add_clip(writer, world, chosen[i % count], i, options, pixels, err));
        CV_TRY(cv_dataset_progress(callbacks, "clips", i + 1, clips, err));
    }
    CV_TRY(cv_dataset_writer_commit(&writer, err));
done:
    cv_dataset_writer_abandon(&writer);
    cv_free(pixels);
    cv_free(chosen);
    cv_shapes_close(&world);
    return status;
}
