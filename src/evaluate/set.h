/* set.h - a set of clips: where each lies, and its prompt. include/cogvideo/evaluate.h tells what a set may be. */
#ifndef CV_EVALUATE_SET_H
#define CV_EVALUATE_SET_H

#include "base/mem.h"
#include "dataset/shapes.h"

#include <cogvideo/dataset.h>

typedef enum cv_item_kind {
    CV_ITEM_VIDEO,    /* `path` is a file that cogvideo_video_each reads */
    CV_ITEM_PICTURES, /* `path` is a folder of pictures */
    CV_ITEM_CODES,    /* `path` is a token stream */
    CV_ITEM_DATASET,  /* clip `index` of the set's dataset */
    CV_ITEM_SHAPES,   /* clip `index` of those that are drawn of the shapes world */
} cv_item_kind;

typedef struct cv_item {
    cv_item_kind kind;
    char *path;   /* NULL where there is no file of its own */
    char *name;   /* within the set: random starts go by it */
    char *prompt; /* NULL = none is known */
    int index;
    bool told; /* the log says already that it is left out */
} cv_item;

/* How errors and warnings name a clip: two sets may have a clip of one name. */
static inline const char *cv_item_place(const cv_item *item)
{
    return item->path ? item->path : item->name;
}

/* Which of the drawn sets of the shapes world. Their seeds are drawn apart from each other and from those of
 * `dataset shapes`, so that no training has seen them. */
typedef enum cv_drawn {
    CV_DRAWN_REAL,
    CV_DRAWN_AGAIN,  /* other clips of the same kind */
    CV_DRAWN_FROZEN, /* those again, whose first frame stands still */
} cv_drawn;

typedef struct cv_set {
    char *path, *name; /* as it was given; the last part of that, without its ending */
    cv_item *items;    /* NULL where `features` */
    int count;
    bool features; /* it is a file of features */
    bool pictures; /* every item is a single picture */
    cogvideo_dataset *dataset;
    cv_shapes *world;
    cv_drawn drawn;
    uint64_t seed; /* of what is drawn */
    int *order;    /* in which the world's combinations come, again and again */
} cv_set;

/* Finds the items of a set, in the order of their names' bytes. `prompts`: theirs are read, too. */
cogvideo_status cv_set_find(cv_set *out, const char *path, bool prompts, cogvideo_error *err);
/* `count` clips of the shapes world, combinations drawn evenly. */
cogvideo_status cv_set_draw(cv_set *out, cv_drawn drawn, int count, uint64_t seed, cogvideo_error *err);
/* A set of these clips, in the order in which they are given. */
cogvideo_status cv_set_of(cv_set *out, const char *const *paths, int count, bool prompts, cogvideo_error *err);
void cv_set_free(cv_set *set);
/* Whether a clip of the set at `path` is one of codes, which a model decodes; false where there is no such set. */
bool cv_set_holds_codes(const char *path);

/* Which clips of a set of `count` are looked at: `wanted` of them by the seed (0, or too many: all), in the set's own
 * order. *out is in fresh memory (cv_free). */
cogvideo_status cv_set_choose(int **out, int *chosen, int count, int wanted, uint64_t seed, cogvideo_error *err);

/* The combination and the seed of a drawn clip. */
void cv_set_drawn(const cv_set *set, int index, int *combination, uint64_t *seed);

/* The prompt of the clip at `path` (a file, or a folder of pictures): of the record clip.json or the text clip.txt
 * beside it, or caption.txt in the folder; NULL = there is none. In fresh memory. */
cogvideo_status cv_prompt_beside(char **out, const char *path, cogvideo_error *err);
/* The prompt in the header of a token stream; NULL = it has none. In fresh memory. */
cogvideo_status cv_prompt_of_codes(char **out, const char *path, cogvideo_error *err);
/* Whether a file's name is that of a picture. */
bool cv_is_picture_name(const char *name);
/* The names of the pictures in a folder, where numbers count as numbers: frame-9 before frame-10. Free them with
 * cv_folder_names_free (dataset/sources.h). */
cogvideo_status cv_picture_names(char ***out, size_t *count, const char *folder, cogvideo_error *err);

#endif
