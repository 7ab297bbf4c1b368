/* tokens.h - a clip as codes: what flows between the stages, and its file, a token stream.
 *
 * A token stream is JSON Lines. The first line is a header object; "format" ("cogvideo-tokens"), "version" (1) and the
 * shape of a frame are required, all else describes how the clip was made:
 *     {"format":"cogvideo-tokens","version":1,"grid":20,"rate":8,"model":"cogvideo","prompt":"...",...}
 * Frames of N x N codes of a picture each have "grid" N and "rate", pixels per code on one side. All others are boxes,
 * whose frames of codes stand for several video frames but for the first of a scene, and have [height, width] and
 * [frames, height, width]:
 *     {"format":"cogvideo-tokens","version":1,"grid":[8,12],"rate":[2,8,8],...}
 * Then a line per frame, in time order; "codes" (height * width whole numbers, row by row) is required:
 *     {"frame":0,"time":0.0,"codes":[17, ...]}
 * A story has "scene", from 0, on the lines of all but its first scene, "given":true where a scene took the frame over
 * from what was shown before it, and in the header "scenes", a list of objects with their "prompt". Of codes that were
 * drawn in steps "settled" and "confidence" say in which step and how surely, code by code. */
#ifndef COGVIDEO_TOKENS_H
#define COGVIDEO_TOKENS_H

#include <cogvideo/common.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cogvideo_tokens {
    int height, width;   /* codes in a column and in a row of a frame, 1 .. 4096 */
    int rate;            /* pixels per code on one side when decoded: 4, 8 or 16, default 8; of a box, from top to
                            bottom, 1 .. 64 */
    int rate_across;     /* the same from left to right; 0 = as rate */
    int frames_per_code; /* video frames that each frame of codes stands for, but for the first, which stands for one:
                            1 .. 64; 1 where an image tokenizer made the codes, frame by frame */
    int frames;          /* of codes; at least 1 in a file */
    int32_t *codes;      /* [frames][height][width], each 0 or more */
    /* [frames], seconds from the start; where one stands for several video frames, of the first of them */
    double *times;
    char *header; /* how it was made: the header line without format, version, shape and rate; or NULL */
    /* Of a story; NULL = all frames are of one scene, and none is given. Each scene is decoded by itself, and of its
     * video the pictures of its given frames are left out. */
    int *scenes;    /* [frames]: from 0, and each frame's is that of the frame before or the next one */
    uint8_t *given; /* [frames]: 1 = taken over; such frames begin their scene, and it has others */
    /* Of codes that were drawn in steps; NULL where that is not known. */
    int32_t *settled;  /* [frames][height][width]: the step, from 0; -1 = given */
    float *confidence; /* [frames][height][width]: the code's probability when it was drawn, 0 .. 1 */
} cogvideo_tokens;

/* Room for `frames` frames, codes and times zero, frames_per_code 1. Free with cogvideo_tokens_free. */
COGVIDEO_API cogvideo_status cogvideo_tokens_alloc(cogvideo_tokens *out, int height, int width, int rate, int frames,
                                                   cogvideo_error *err);
COGVIDEO_API void cogvideo_tokens_free(cogvideo_tokens *tokens);

/* Codes of a frame: height * width. */
COGVIDEO_API size_t cogvideo_tokens_per_frame(const cogvideo_tokens *tokens);
/* Adds room for the scenes of a story, all frames of scene 0 and none given; and, where `drawn`, for what steps tell.
 * */
COGVIDEO_API cogvideo_status cogvideo_tokens_add_scenes(cogvideo_tokens *tokens, int drawn, cogvideo_error *err);
/* Scene `index`, from 0: its first frame, how many it has, and how many of them are given; 0 after the last. */
COGVIDEO_API int cogvideo_tokens_scene(const cogvideo_tokens *tokens, int index, int *first, int *frames, int *given);
/* Pixels per code from left to right. */
COGVIDEO_API int cogvideo_tokens_rate_across(const cogvideo_tokens *tokens);
/* Video frames that the clip stands for: of each scene 1 + (frames - 1) * frames_per_code, less those of the frames
 * that it was given; 0 where the clip has no frames. */
COGVIDEO_API long long cogvideo_tokens_video_frames(const cogvideo_tokens *tokens);
/* The first of the video frames that frame `frame` of codes stands for, from 0; -1 where it is given, and none is
 * shown. */
COGVIDEO_API long long cogvideo_tokens_video_frame(const cogvideo_tokens *tokens, int frame);

/* Reads a token stream; "-" is standard input. Frames that are numbered must be numbered from 0 in order, and times
 * must not go back. A missing time is that of the frame above plus the last known step (1 s where none is known). */
COGVIDEO_API cogvideo_status cogvideo_tokens_load(cogvideo_tokens *out, const char *path, cogvideo_error *err);
/* Writes one; "-" is standard output. The file appears under its name when it is whole. */
COGVIDEO_API cogvideo_status cogvideo_tokens_save(const cogvideo_tokens *tokens, const char *path, cogvideo_error *err);

/* Writing frame by frame, as they are finished: each line reaches "path.partial" before the call
 * returns, and commit gives the file its name. `header` has the fields of cogvideo_tokens but no frames. */
typedef struct cogvideo_token_writer cogvideo_token_writer;
COGVIDEO_API cogvideo_status cogvideo_token_writer_open(cogvideo_token_writer **out, const char *path,
                                                        const cogvideo_tokens *header, cogvideo_error *err);
COGVIDEO_API cogvideo_status cogvideo_token_writer_frame(cogvideo_token_writer *writer, double time,
                                                         const int32_t *codes, cogvideo_error *err);
/* Frame `frame` of a clip of the header's shape, with what is known of it. */
COGVIDEO_API cogvideo_status cogvideo_token_writer_copy(cogvideo_token_writer *writer, const cogvideo_tokens *clip,
                                                        int frame, cogvideo_error *err);
/* At least one frame must have been written. *writer is NULL afterwards, whatever the status. */
COGVIDEO_API cogvideo_status cogvideo_token_writer_commit(cogvideo_token_writer **writer, cogvideo_error *err);
/* Leaves "path.partial" where it is when `keep`, removes it otherwise. */
COGVIDEO_API void cogvideo_token_writer_abandon(cogvideo_token_writer **writer, int keep);

/* Training rows of the original: int32 little-endian without a header, `text_places` text ids (padded
 * with `pad`) then `frames` frames of grid * grid codes. Row `row` of the file becomes a clip; its text ids stand in
 * the header as "text_ids". */
COGVIDEO_API cogvideo_status cogvideo_tokens_load_row(cogvideo_tokens *out, const char *path, int row, int grid,
                                                      int frames, int text_places, int32_t pad, cogvideo_error *err);
/* Writes one row, `text_ids` padded behind with `pad`; an error where they are more than `text_places`, where the
 * clip's frames are not square, or where codes stand for several video frames. */
COGVIDEO_API cogvideo_status cogvideo_tokens_save_row(const cogvideo_tokens *tokens, const char *path,
                                                      const int32_t *text_ids, size_t text_count, int text_places,
                                                      int32_t pad, cogvideo_error *err);

/* NumPy .npy files of int32 or int64, C order, shape [frames, height, width], or [frames, n] of square frames.
 * Saved as int32 [frames, height, width]. Such a file holds codes alone: rate, frames_per_code, times and header are
 * read as 8, 1, whole seconds and NULL. */
COGVIDEO_API cogvideo_status cogvideo_tokens_load_npy(cogvideo_tokens *out, const char *path, cogvideo_error *err);
COGVIDEO_API cogvideo_status cogvideo_tokens_save_npy(const cogvideo_tokens *tokens, const char *path,
                                                      cogvideo_error *err);

/* How two clips differ, over the frames that both have. */
typedef struct cogvideo_tokens_difference {
    int frames;          /* compared */
    long long codes;     /* compared */
    long long different; /* codes that differ */
    int first_frame;     /* where the first difference is, in frame order then row by row; -1 when equal */
    int first_place;     /* row * width + column */
    int same_shape;      /* 1 where the frame counts are equal, too */
} cogvideo_tokens_difference;

/* Heights, widths and frames_per_code must be equal, otherwise COGVIDEO_ERROR_ARGUMENT. */
COGVIDEO_API cogvideo_status cogvideo_tokens_compare(const cogvideo_tokens *a, const cogvideo_tokens *b,
                                                     cogvideo_tokens_difference *out, cogvideo_error *err);

#ifdef __cplusplus
}
#endif
#endif
