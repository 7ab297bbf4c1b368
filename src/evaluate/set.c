#include "evaluate/set.h"

#include "base/file.h"
#include "base/path.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "dataset/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LIST (1u << 30)
#define MAX_DEPTH 8
#define DRAWN_SEEDS 0x5e7u /* of cv_rng_block, where `dataset shapes` has 2 */

void cv_set_free(cv_set *set)
{
    for (int i = 0; set->items && i < set->count; i++) {
        cv_free(set->items[i].path);
        cv_free(set->items[i].name);
        cv_free(set->items[i].prompt);
    }
    cv_free(set->items);
    cv_free(set->path);
    cv_free(set->name);
    cv_free(set->order);
    cogvideo_dataset_close(&set->dataset);
    cv_shapes_close(&set->world);
    *set = (cv_set){ 0 };
}

/* Adds an item with copies of its texts. */
static cogvideo_status add(cv_set *set, cv_item_kind kind, const char *path, const char *name, const char *prompt,
                           int index, cogvideo_error *err)
{
    cv_item *item;
    cogvideo_status status = COGVIDEO_OK;

    CV_GROW(set->items, set->count, err);
    item = &set->items[set->count++];
    *item = (cv_item){ .kind = kind, .index = index };
    if ((path && !(item->path = cv_strdup(path, err))) || !(item->name = cv_strdup(name, err)) ||
        (prompt && !(item->prompt = cv_strdup(prompt, err))))
        status = COGVIDEO_ERROR_MEMORY;
done:
    return status;
}

/* --- one clip ------------------------------------------------------------------------------------------------- */

/* Adds what lies at `path`: a folder of pictures, a token stream, or what is read as a video. */
static cogvideo_status add_path(cv_set *set, const char *path, const char *name, const char *prompt, bool prompts,
                                cogvideo_error *err)
{
    const cv_item_kind kind = cv_path_is_dir(path)              ? CV_ITEM_PICTURES
                              : cv_path_ends_in(path, ".jsonl") ? CV_ITEM_CODES
                                                                : CV_ITEM_VIDEO;
    char *beside = NULL;
    cogvideo_status status = COGVIDEO_OK;

    if (!cv_path_exists(path)) /* known at once, not after hours */
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: does not exist, or is a link to nothing", path);
    if (prompts && !prompt)
        CV_TRY(cv_prompt_beside(&beside, path, err));
    if (prompts && !prompt && !beside && kind == CV_ITEM_CODES)
        CV_TRY(cv_prompt_of_codes(&beside, path, err));
    CV_TRY(add(set, kind, path, name, prompt ? prompt : beside, 0, err));
done:
    cv_free(beside);
    return status;
}

/* --- a folder ------------------------------------------------------------------------------------------------- */

/* Whether `names` have clip.jsonl beside a name such as clip.keyframes.jsonl, which is a step on the way to it. */
static bool is_step(const char *name, char *const *names, size_t count)
{
    const char *dot = strchr(name, '.');
    char whole[512];

    if (!dot || strcmp(dot, ".jsonl") == 0)
        return false;
    snprintf(whole, sizeof whole, "%.*s.jsonl", (int)(dot - name), name);
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], whole) == 0)
            return true;
    return false;
}

static cogvideo_status walk(cv_set *set, const char *folder, const char *within, int depth, bool prompts, bool codes,
                            cogvideo_error *err);

/* What a folder holds under one name. */
static cogvideo_status walk_name(cv_set *set, const char *folder, const char *within, const char *name, int depth,
                                 bool prompts, bool codes, cogvideo_error *err)
{
    cv_buffer path = { 0 }, inside = { 0 };
    char **pictures = NULL;
    size_t count = 0;
    cogvideo_status status;

    CV_TRY(cv_buffer_printf(&path, err, "%s/%s", folder, name));
    CV_TRY(cv_buffer_printf(&inside, err, "%s%s%s", within, *within ? "/" : "", name));
    if (cv_path_is_dir(path.data)) {
        CV_TRY(cv_picture_names(&pictures, &count, path.data, err));
        if (count == 0)
            CV_TRY(walk(set, path.data, inside.data, depth + 1, prompts, codes, err));
        else if (!codes)
            CV_TRY(add_path(set, path.data, inside.data, NULL, prompts, err));
    } else if (codes ? cv_name_ends(name, ".jsonl") : cv_may_be_video(name)) {
        CV_TRY(add_path(set, path.data, inside.data, NULL, prompts, err));
    }
done:
    cv_folder_names_free(&pictures, count);
    cv_buffer_free(&path);
    cv_buffer_free(&inside);
    return status;
}

/* Adds the videos, or the clips of codes, of a folder and of those in it. */
static cogvideo_status walk(cv_set *set, const char *folder, const char *within, int depth, bool prompts, bool codes,
                            cogvideo_error *err)
{
    char **names = NULL;
    size_t count = 0;
    cogvideo_status status;

    if (depth > MAX_DEPTH)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: folders are nested more than %d deep", folder, MAX_DEPTH);
    CV_TRY(cv_folder_names(&names, &count, folder, err));
    for (size_t i = 0; i < count; i++)
        if (!codes || !is_step(names[i], names, count))
            CV_TRY(walk_name(set, folder, within, names[i], depth, prompts, codes, err));
done:
    cv_folder_names_free(&names, count);
    return status;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const cv_item *)a)->name, ((const cv_item *)b)->name);
}

static cogvideo_status find_in_folder(cv_set *set, const char *folder, bool prompts, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(walk(set, folder, "", 0, prompts, false, err));
    if (set->count == 0)
        CV_TRY(walk(set, folder, "", 0, prompts, true, err));
    if (set->count == 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: holds no video, no folder of pictures and no clip of codes",
                       folder);
    qsort(set->items, (size_t)set->count, sizeof *set->items, compare);
    set->pictures = true;
    for (int i = 0; i < set->count; i++)
        set->pictures = set->pictures && set->items[i].kind == CV_ITEM_VIDEO && cv_is_picture_name(set->items[i].name);
done:
    return status;
}

/* --- a dataset, a list ---------------------------------------------------------------------------------------- */

static cogvideo_status find_in_dataset(cv_set *set, const char *folder, cogvideo_error *err)
{
    cogvideo_dataset_info info;
    cogvideo_status status;

    CV_TRY(cogvideo_dataset_open(&set->dataset, folder, err));
    cogvideo_dataset_get_info(set->dataset, &info);
    for (int i = 0; i < info.clips; i++) {
        cogvideo_dataset_clip clip;
        char name[32];

        CV_TRY(cogvideo_dataset_get_clip(set->dataset, i, &clip, err));
        snprintf(name, sizeof name, "clip %d", i);
        CV_TRY(add(set, CV_ITEM_DATASET, NULL, name, clip.caption[0] ? clip.caption : NULL, i, err));
    }
done:
    return status;
}

/* One line, which is changed in place. */
static cogvideo_status add_line(cv_set *set, const char *list, char *line, int number, bool prompts,
                                cogvideo_error *err)
{
    const char *slash = strrchr(list, '/');
    char *tab = strchr(line, '\t');
    cv_buffer path = { 0 }, where = { 0 };
    cogvideo_status status;

    if (tab)
        *tab++ = '\0';
    if (!*line)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: line %d: has no path before its tab", list, number);
    CV_TRY(cv_buffer_printf(&path, err, "%.*s%s", *line == '/' || !slash ? 0 : (int)(slash - list) + 1, list, line));
    CV_TRY(cv_buffer_printf(&where, err, "%s: line %d", list, number));
    status = add_path(set, path.data, line, tab && cv_trim_line(tab) ? tab : NULL, prompts, err);
    if (status != COGVIDEO_OK)
        cv_fail_prefix(err, status, where.data);
done:
    cv_buffer_free(&path);
    cv_buffer_free(&where);
    return status;
}

/* Lines keep their order, which the list's maker chose. */
static cogvideo_status find_in_list(cv_set *set, const char *path, bool prompts, cogvideo_error *err)
{
    cv_buffer text = { 0 };
    char *line, *rest;
    int number = 0;
    cogvideo_status status;

    CV_TRY(cv_file_read(&text, path, MAX_LIST, err));
    if (!text.data || cv_utf8_prefix(text.data, text.size) < text.size || strlen(text.data) < text.size) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is %s; lines of path, tab and prompt were expected", path,
                         text.data ? "no UTF-8 text" : "empty");
        goto done;
    }
    rest = text.data + cv_utf8_mark(text.data, text.size);
    while ((line = strsep(&rest, "\n"))) {
        const size_t length = strlen(line);

        number++;
        if (length && line[length - 1] == '\r')
            line[length - 1] = '\0';
        if (*line)
            CV_TRY(add_line(set, path, line, number, prompts, err));
    }
    if (set->count == 0)
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: names no clip", path);
done:
    cv_buffer_free(&text);
    return status;
}

/* --- all ------------------------------------------------------------------------------------------------------ */

/* The last part of a path without its ending. */
static cogvideo_status name_set(cv_set *set, const char *path, cogvideo_error *err)
{
    size_t end = strlen(path), start;
    char *dot;

    while (end > 1 && path[end - 1] == '/')
        end--;
    for (start = end; start > 0 && path[start - 1] != '/';)
        start--;
    if (!(set->path = cv_strdup(path, err)) || !(set->name = cv_strdup(path + start, err)))
        return COGVIDEO_ERROR_MEMORY;
    set->name[end - start] = '\0';
    dot = strrchr(set->name, '.');
    if (dot && dot > set->name && !cv_path_is_dir(path))
        *dot = '\0';
    return COGVIDEO_OK;
}

static bool is_dataset(const char *folder)
{
    char *path = cv_path_join(folder, "dataset.json", NULL);
    const bool is = path && cv_path_exists(path);

    cv_free(path);
    return is;
}

cogvideo_status cv_set_find(cv_set *out, const char *path, bool prompts, cogvideo_error *err)
{
    cv_set set = { 0 };
    cogvideo_status status;

    CV_TRY(name_set(&set, path, err));
    if (cv_path_is_dir(path)) {
        CV_TRY(is_dataset(path) ? find_in_dataset(&set, path, err) : find_in_folder(&set, path, prompts, err));
    } else if (!cv_path_exists(path)) {
        status =
            cv_fail(err, COGVIDEO_ERROR_IO,
                    "%s: does not exist; a folder of videos, a dataset, a list, or a file of features was expected",
                    path);
        goto done;
    } else if (cv_path_ends_in(path, ".safetensors")) {
        set.features = true;
    } else if (cv_path_ends_in(path, ".list")) {
        CV_TRY(find_in_list(&set, path, prompts, err));
    } else {
        CV_TRY(add_path(&set, path, cv_path_name(path), NULL, prompts, err));
        set.pictures = cv_is_picture_name(path);
    }
    *out = set;
    return COGVIDEO_OK;
done:
    cv_set_free(&set);
    return status;
}

bool cv_set_holds_codes(const char *path)
{
    cv_set set = { 0 };
    bool holds = false;

    if (cv_set_find(&set, path, false, NULL) != COGVIDEO_OK)
        return false;
    for (int i = 0; i < set.count && set.items; i++)
        holds = holds || set.items[i].kind == CV_ITEM_CODES;
    cv_set_free(&set);
    return holds;
}

cogvideo_status cv_set_of(cv_set *out, const char *const *paths, int count, bool prompts, cogvideo_error *err)
{
    cv_set set = { 0 };
    cogvideo_status status;

    CV_TRY(name_set(&set, "clips", err));
    for (int i = 0; i < count; i++)
        CV_TRY(add_path(&set, paths[i], paths[i], NULL, prompts, err));
    *out = set;
    return COGVIDEO_OK;
done:
    cv_set_free(&set);
    return status;
}

/* --- drawn clips ---------------------------------------------------------------------------------------------- */

/* Frozen clips are those that are drawn again. */
static uint32_t stream_of(const cv_set *set)
{
    return set->drawn == CV_DRAWN_REAL ? 0 : 1;
}

/* A shuffled order (Fisher and Yates), so that every combination comes once before any comes again. */
static cogvideo_status shuffle(cv_set *set, cogvideo_error *err)
{
    const int count = cv_shapes_count(set->world);

    if (!(set->order = cv_alloc((size_t)count, sizeof *set->order, err)))
        return COGVIDEO_ERROR_MEMORY;
    for (int i = 0; i < count; i++) {
        uint32_t random[4];
        int j;

        cv_rng_block(random, set->seed, (uint32_t[4]){ (uint32_t)i, stream_of(set), 1, DRAWN_SEEDS });
        j = (int)(cv_rng_unit(random[0], random[1]) * (i + 1));
        set->order[i] = set->order[j];
        set->order[j] = i;
    }
    return COGVIDEO_OK;
}

void cv_set_drawn(const cv_set *set, int index, int *combination, uint64_t *seed)
{
    uint32_t random[4];

    cv_rng_block(random, set->seed, (uint32_t[4]){ (uint32_t)index, stream_of(set), 0, DRAWN_SEEDS });
    *seed = (uint64_t)random[0] << 21 | random[1] >> 11;
    *combination = set->order[index % cv_shapes_count(set->world)];
}

cogvideo_status cv_set_draw(cv_set *out, cv_drawn drawn, int count, uint64_t seed, cogvideo_error *err)
{
    static const char *const names[] = { [CV_DRAWN_REAL] = "shapes-world",
                                         [CV_DRAWN_AGAIN] = "shapes-world-again",
                                         [CV_DRAWN_FROZEN] = "shapes-world-frozen" };
    cv_set set = { .drawn = drawn, .seed = seed };
    cogvideo_status status;

    CV_TRY(name_set(&set, names[drawn], err));
    CV_TRY(cv_shapes_open(&set.world, NULL, err));
    CV_TRY(shuffle(&set, err));
    for (int i = 0; i < count; i++) {
        char name[32], caption[CV_SHAPES_CAPTION];
        int combination;
        uint64_t own;

        cv_set_drawn(&set, i, &combination, &own);
        cv_shapes_caption(set.world, combination, CV_SHAPES_ENGLISH, caption);
        snprintf(name, sizeof name, "clip %d", i);
        CV_TRY(add(&set, CV_ITEM_SHAPES, NULL, name, caption, i, err));
    }
    *out = set;
    return COGVIDEO_OK;
done:
    cv_set_free(&set);
    return status;
}

/* --- a choice ------------------------------------------------------------------------------------------------- */

cogvideo_status cv_set_choose(int **out, int *chosen, int count, int wanted, uint64_t seed, cogvideo_error *err)
{
    const int take = wanted > 0 && wanted < count ? wanted : count;
    int *list = cv_alloc((size_t)count + 1, sizeof *list, err), left = take;

    if (!list)
        return COGVIDEO_ERROR_MEMORY;
    /* Knuth's selection sampling: each is taken with the chance of those that are still wanted among those left. */
    for (int i = 0, taken = 0; i < count && left > 0; i++) {
        uint32_t random[4];

        cv_rng_block(random, seed, (uint32_t[4]){ (uint32_t)i, 0, 0, DRAWN_SEEDS + 1 });
        if (cv_rng_unit(random[0], random[1]) * (count - i) < left) {
            list[taken++] = i;
            left--;
        }
    }
    *out = list;
    *chosen = take;
    return COGVIDEO_OK;
}
