/* dataset.h - captioned clips to train on: made from videos or from the shapes world, kept in a folder, and turned into
 * training rows.
 *
 * A dataset is a folder of three files:
 *     dataset.json  {"format":"cogvideo-dataset","version":1,"size":64,"fps":8,"clips":2,"frames":66}
 *                   and "context":5 where each clip begins with 5 frames of what came before, "poses":1 where frames
 *                   are single pictures
 *     clips.jsonl   a line per clip: {"frames":33,"caption":"...","source":"..."}; of the shapes world also "labels":
 *                   [size,colour,shape,motion,background], each its place in the world's list, from 0
 *     frames.rgb    the frames of all clips one after the other, 8-bit RGB [size][size][3] each, without a header
 * dataset.json is written last, so that a folder without it is one that was never finished. */
#ifndef COGVIDEO_DATASET_H
#define COGVIDEO_DATASET_H

#include <cogvideo/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- reading -------------------------------------------------------------------------------------------------- */

typedef struct cogvideo_dataset cogvideo_dataset; /* never changes once open; its frames are mapped */

typedef struct cogvideo_dataset_info {
    int size;   /* pixels on a side of a frame */
    double fps; /* frames per second */
    int clips;
    long long frames; /* of all clips */
    uint64_t bytes;   /* of frames.rgb */
    int context; /* so many frames at the beginning of each clip are the end of what came before, of which its caption
                    says nothing; mostly 0 */
    int poses;   /* 1: its clips are no clips but pictures, whose frames have nothing to do with one another */
} cogvideo_dataset_info;

/* The most labels of a clip. */
#define COGVIDEO_DATASET_LABELS 8

/* One clip; the memory belongs to the dataset. */
typedef struct cogvideo_dataset_clip {
    int frames;
    const char *caption, *source; /* UTF-8; source: where it came from */
    const uint8_t *pixels;        /* [frames][size][size][3] */
    const int32_t *labels;        /* [label_count] classes, from 0, of as many questions; NULL = none */
    int label_count;
} cogvideo_dataset_clip;

/* Checks that the three files agree before anything is read from them. */
COGVIDEO_API cogvideo_status cogvideo_dataset_open(cogvideo_dataset **out, const char *folder, cogvideo_error *err);
COGVIDEO_API void cogvideo_dataset_close(cogvideo_dataset **dataset);
COGVIDEO_API void cogvideo_dataset_get_info(const cogvideo_dataset *dataset, cogvideo_dataset_info *out);
/* Clip `index`, counted from 0; COGVIDEO_ERROR_ARGUMENT where there is none. */
COGVIDEO_API cogvideo_status cogvideo_dataset_get_clip(const cogvideo_dataset *dataset, int index,
                                                       cogvideo_dataset_clip *out, cogvideo_error *err);

/* --- making --------------------------------------------------------------------------------------------------- */

typedef struct cogvideo_dataset_callbacks {
    cogvideo_log log;
    cogvideo_progress_fn *progress; /* in clips or, where a dataset is built of them, videos; may be NULL */
    void *user;
    uint64_t reserved[8];
} cogvideo_dataset_callbacks;

typedef enum cogvideo_language { COGVIDEO_ENGLISH, COGVIDEO_CHINESE, COGVIDEO_BOTH_LANGUAGES } cogvideo_language;

/* Zero is the default of every field. */
typedef struct cogvideo_shapes_options {
    const char *world; /* a description like configs/shapes.json; NULL = the one built in */
    int clips;         /* 0 = one of each combination */
    uint64_t seed;
    int held_out;               /* 1: only combinations that training never sees; 0: only the others */
    cogvideo_language language; /* of the captions; both: either, by the seed */
    const char *motions;        /* only these, by their names in the world, such as "left,still"; NULL = all; not "" */
    int context; /* 1 .. frames - 1: each clip begins with so many frames of another motion, of a combination that
                    training sees, and goes on from there; 0: it begins by itself */
    int force;   /* 1: replace a dataset that is there */
    int poses; /* 1: no clips but pictures: each frame shows the object at any of the world's places, and either turned
                    by any angle, which circles never are, or 0.7 to 1.3 times its size. Not with context. */
    uint64_t reserved[8];
} cogvideo_shapes_options;

/* Clips of the shapes world. Every combination comes once, in an order drawn by the seed, before any comes again. */
COGVIDEO_API cogvideo_status cogvideo_dataset_shapes(const char *output, const cogvideo_shapes_options *options,
                                                     const cogvideo_dataset_callbacks *callbacks, cogvideo_error *err);

typedef struct cogvideo_build_options {
    int size;   /* of the frames, 8 .. 1024; 0 = 160 */
    double fps; /* frames per second of the clips; 0 = 8 */
    int frames; /* of a clip; 0 = 33. A longer video gives several clips, one after the other. */
    int force;  /* 1: replace a dataset that is there */
    uint64_t reserved[8];
} cogvideo_build_options;

/* Clips of ordinary videos. `source` is a folder with, for each video, clip.mp4 (any name and form that
 * cogvideo_video_read knows) and clip.txt with its caption, or a folder clip/ of pictures, taken as frames at the
 * dataset's rate, with clip.txt beside it or caption.txt inside it (".txt" in any case of letters; folders are not
 * searched for videos, and one among pictures is passed over with a warning); or a .csv file whose first line names the
 * columns `video` and `caption`, in any case of letters (paths from the file's own folder; commas, semicolons or tabs
 * between fields, whichever makes these names). Text is UTF-8, with or without a mark. Pictures, and the clips of a
 * folder, are taken in the order of their names, where numbers count as numbers: frame-9 before frame-10. The largest
 * centred square of each frame is resized, with square pixels and turned as the file says. Picture k is what the video
 * shows at k / fps seconds, to the nearest, however uneven its own times are; behind a damaged place a new clip begins.
 * What cannot be read, has no caption or is too short is left out with a warning; nothing at all left is an error. */
COGVIDEO_API cogvideo_status cogvideo_dataset_build(const char *source, const char *output,
                                                    const cogvideo_build_options *options,
                                                    const cogvideo_dataset_callbacks *callbacks, cogvideo_error *err);

/* --- training rows -------------------------------------------------------------------------------------------- */

/* What rows are for: which frames of a clip, and which text, a row has. K = the model's key frames, durations d0, d1 ..
 * as in its description; frame rates follow from them: K frames in d seconds stand d / (K - 1) apart. */
typedef enum cogvideo_rows_kind {
    /* one frame: the first of each row of stage 1, or of a clip too short for one; text of the first frame */
    COGVIDEO_ROWS_IMAGE,
    COGVIDEO_ROWS_STAGE1, /* K frames d0 / (K - 1) apart, in time order; text of key frames */
    COGVIDEO_ROWS_STAGE2, /* for every round r, K frames d_r / (K - 1) apart, in time order; text of interpolation */
    /* of the family phenaki, which has this kind and IMAGE: a box of codes of as many frames as a clip of the model */
    COGVIDEO_ROWS_MASKED,
} cogvideo_rows_kind;

typedef struct cogvideo_rows_options {
    cogvideo_rows_kind kind;
    int cut_text; /* 1: captions longer than the model's room are cut with a warning; 0: they are an error */
    int force;    /* 1: replace a file that is there */
    /* stage 2: windows of so many first rounds of interpolation, whose frames stand furthest apart; 0 = of all */
    int rounds;
    uint64_t reserved[8];
} cogvideo_rows_options;

/* Writes rows of int32, little-endian, without a header: the model's text places (ids, then <pad>), then frames of
 * codes; and beside them "ROWS.json", which says what a row is:
 *     {"format":"cogvideo-rows","version":1,"kind":"stage1","rows":10,"text_places":64,"pad":20003,"frames":5,
 *      "grid":20,"image_codes":20000,"model":"cogvideo","tokenizers":"0123456789abcdef"}
 * the last a number for the model's codebook and text model, by which training knows rows that were made with others.
 * Rows of the family phenaki end their text with </s> and fill up with -1, and the codes are a box of latent frames; in
 * place of "frames", "grid" and "image_codes" their description has "box":[9,8,8],"codes":512. Of a dataset with context
 * they also have "context":2: each row begins with 2 latent frames that are never masked. Such a dataset gives rows for
 * 'masked' only, of whose latent frames its context must fill whole ones; one of poses for 'image' only, a row for each
 * frame, of the family cogvideo under the text of key frames, since no first frame looks like that.
 * The model needs its tokenizer of pictures or videos and a text tokenizer only. `callbacks` and `rows` (how many were
 * written) may be NULL. */
COGVIDEO_API cogvideo_status cogvideo_dataset_tokens(const cogvideo_dataset *dataset, const cogvideo_model *model,
                                                     const char *output, const cogvideo_rows_options *options,
                                                     const cogvideo_dataset_callbacks *callbacks, long long *rows,
                                                     cogvideo_error *err);

/* --- how an image tokenizer suits a dataset ------------------------------------------------------------------- */

/* Codes that change where the picture does not are noise to whoever learns to predict them. A code is right for its
 * place alone when `still_changed` is 0, `patterns_kept` is `patterns`, and `plain_codes` is `plain_colours`. */
typedef struct cogvideo_tokenizer_check {
    int clips;        /* looked at */
    long long frames; /* of them, all encoded and decoded */
    /* dB over all pixels: of the frames that stand as far apart as key frames, the first of a clip among them, and of
     * those between; 0 where there are none */
    double key_psnr, between_psnr;
    int codes, codes_used; /* of the tokenizer; of these, on these frames */
    /* of key frames after a clip's first: codes, and those that differ from the key frame before */
    long long places, changed;
    long long still, still_changed; /* of these, where no pixel differs by more than 2 of 255 */
    /* colours of places whose pixels are all equal; pairs of such a colour and a code that it got */
    long long plain_colours, plain_codes;
    /* places of key frames that are not plain; those which have the same code where the picture is moved by one place
     * right and down */
    long long patterns, patterns_kept;
} cogvideo_tokenizer_check;

/* Looks at `clips` clips spread evenly over the dataset, 0 = all. The model needs an image tokenizer only. `callbacks`
 * may be NULL. */
COGVIDEO_API cogvideo_status cogvideo_dataset_check_tokenizer(const cogvideo_dataset *dataset,
                                                              const cogvideo_model *model, int clips,
                                                              const cogvideo_dataset_callbacks *callbacks,
                                                              cogvideo_tokenizer_check *out, cogvideo_error *err);

#ifdef __cplusplus
}
#endif
#endif
