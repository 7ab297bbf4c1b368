/* tokens.h - a clip as codes: what flows between the stages, and its file, a token stream.
 *
 * A token stream is JSON Lines. The first line is a header object; "format" ("cogvideo-tokens"),
 * "version" (1) and "grid" are required, all else describes how the clip was made:
 *     {"format":"cogvideo-tokens","version":1,"grid":20,"rate":8,"model":"cogvideo","prompt":"...",...}
 * Then a line per frame, in time order; "codes" (grid * grid whole numbers, row by row) is required:
 *     {"frame":0,"time":0.0,"codes":[17, ...]} */
#ifndef COGVIDEO_TOKENS_H
#define COGVIDEO_TOKENS_H

#include <cogvideo/common.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cogvideo_tokens {
    int grid;        /* codes on one side, 1 .. 4096 */
    int rate;        /* pixels per code on one side when decoded: 4, 8 or 16; default 8 */
    int frames;      /* at least 1 in a file */
    int32_t *codes;  /* [frames][grid * grid], each 0 or more */
    double *times;   /* [frames], seconds from the start */
    char *header;    /* how it was made: the header line without format, version, grid and rate; or NULL */
} cogvideo_tokens;

/* Room for `frames` frames, codes and times zero. Free with cogvideo_tokens_free. */
COGVIDEO_API cogvideo_status cogvideo_tokens_alloc(cogvideo_tokens *out, int grid, int rate, int frames,
                                                   cogvideo_error *err);
COGVIDEO_API void cogvideo_tokens_free(cogvideo_tokens *tokens);

/* Reads a token stream; "-" is standard input. Frames that are numbered must be numbered from 0 in order, and times
 * must not go back. A missing time is that of the frame above plus the last known step (1 s where none is known). */
COGVIDEO_API cogvideo_status cogvideo_tokens_load(cogvideo_tokens *out, const char *path, cogvideo_error *err);
/* Writes one; "-" is standard output. The file appears under its name when it is whole. */
COGVIDEO_API cogvideo_status cogvideo_tokens_save(const cogvideo_tokens *tokens, const char *path,
                                                  cogvideo_error *err);

/* Writing frame by frame, as they are finished: each line reaches "path.partial" before the call
 * returns, and commit gives the file its name. `header` has the fields of cogvideo_tokens but no frames. */
typedef struct cogvideo_token_writer cogvideo_token_writer;
COGVIDEO_API cogvideo_status cogvideo_token_writer_open(cogvideo_token_writer **out, const char *path,
                                                        const cogvideo_tokens *header, cogvideo_error *err);
COGVIDEO_API cogvideo_status cogvideo_token_writer_frame(cogvideo_token_writer *writer, double time,
                                                         const int32_t *codes, cogvideo_error *err);
/* At least one frame must have been written. *writer is NULL afterwards, whatever the status. */
COGVIDEO_API cogvideo_status cogvideo_token_writer_commit(cogvideo_token_writer **writer, cogvideo_error *err);
/* Leaves "path.partial" where it is when `keep`, removes it otherwise. */
COGVIDEO_API void cogvideo_token_writer_abandon(cogvideo_token_writer **writer, int keep);

/* Training rows of the original: int32 little-endian without a header, `text_places` text ids (padded
 * with `pad`) then `frames` frames of codes. Row `row` of the file becomes a clip; its text ids stand in the
 * header as "text_ids". */
COGVIDEO_API cogvideo_status cogvideo_tokens_load_row(cogvideo_tokens *out, const char *path, int row, int grid,
                                                      int frames, int text_places, int32_t pad,
                                                      cogvideo_error *err);
/* Writes one row, `text_ids` padded behind with `pad`; an error where they are more than `text_places`. */
COGVIDEO_API cogvideo_status cogvideo_tokens_save_row(const cogvideo_tokens *tokens, const char *path,
                                                      const int32_t *text_ids, size_t text_count, int text_places,
                                                      int32_t pad, cogvideo_error *err);

/* NumPy .npy files of int32 or int64, C order, shape [frames, grid * grid] or [frames, grid, grid].
 * Saved as int32 [frames, grid, grid]. */
COGVIDEO_API cogvideo_status cogvideo_tokens_load_npy(cogvideo_tokens *out, const char *path, cogvideo_error *err);
COGVIDEO_API cogvideo_status cogvideo_tokens_save_npy(const cogvideo_tokens *tokens, const char *path,
                                                      cogvideo_error *err);

/* How two clips differ, over the frames that both have. */
typedef struct cogvideo_tokens_difference {
    int frames;            /* compared */
    long long codes;       /* compared */
    long long different;   /* codes that differ */
    int first_frame;       /* where the first difference is, in frame order then row by row; -1 when equal */
    int first_place;       /* row * grid + column */
    int same_shape;        /* 1 where grid and frame count are equal */
} cogvideo_tokens_difference;

/* Grids must be equal, otherwise COGVIDEO_ERROR_ARGUMENT. */
COGVIDEO_API cogvideo_status cogvideo_tokens_compare(const cogvideo_tokens *a, const cogvideo_tokens *b,
                                                     cogvideo_tokens_difference *out, cogvideo_error *err);

#ifdef __cplusplus
}
#endif
#endif
