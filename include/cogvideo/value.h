/* value.h - what flows from one step of a pipeline to the next: codes, latents or pixels.
 *
 * The prompt is no value: it is the condition under which each step works, not something that one makes for the next,
 * so it stands in the options of all of them. A step that begins with the prompt alone takes a value of kind NONE. */
#ifndef COGVIDEO_VALUE_H
#define COGVIDEO_VALUE_H

#include <cogvideo/tokens.h>
#include <cogvideo/video.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of values. Files hold their names, never their numbers. */
typedef enum cogvideo_kind {
    COGVIDEO_KIND_NONE = 0,    /* nothing */
    COGVIDEO_KIND_CODES = 1,   /* entries of a codebook */
    COGVIDEO_KIND_LATENTS = 2, /* floats, such as the noisy images of a diffusion model */
    COGVIDEO_KIND_PIXELS = 3,  /* 8-bit RGB */
} cogvideo_kind;

/* "none", "codes", "latents" or "pixels"; "unknown" for any other number. */
COGVIDEO_API const char *cogvideo_kind_name(cogvideo_kind kind);

/* A clip as floats, in planes as convolutions take them. */
typedef struct cogvideo_latents {
    int frames;        /* 1 or more */
    int height, width; /* numbers in a column and in a row of a plane, 1 .. 16384 */
    int channels;      /* planes of a frame, 1 .. 65536 */
    float *values;     /* [frames][channels][height][width] */
    double *times;     /* [frames], seconds from the start */
    char *header;      /* how it was made: a JSON object; or NULL */
} cogvideo_latents;

/* Room for `frames` frames, values and times zero. Free with cogvideo_latents_free. */
COGVIDEO_API cogvideo_status cogvideo_latents_alloc(cogvideo_latents *out, int height, int width, int channels,
                                                    int frames, cogvideo_error *err);
COGVIDEO_API void cogvideo_latents_free(cogvideo_latents *latents);

/* A value of any kind. The member of its kind is filled, the others are zero; it owns what they point to, unless a
 * caller lends a clip of its own to a step: { .kind = COGVIDEO_KIND_CODES, .codes = clip } needs no
 * cogvideo_value_free. */
typedef struct cogvideo_value {
    cogvideo_kind kind;
    cogvideo_tokens codes;
    cogvideo_latents latents;
    cogvideo_video pixels;
} cogvideo_value;

/* How large a value is: frames, and their height and width in codes, numbers of a plane or pixels. */
typedef struct cogvideo_shape {
    cogvideo_kind kind;
    int frames, height, width;
    int rate, frames_per_code; /* of codes, as in tokens.h; 0 elsewhere */
    int rate_across;           /* the same */
    int video_frames;          /* that codes stand for; 0 elsewhere */
    int scene_frames;          /* of codes, in their longest scene; 0 elsewhere */
    int channels;              /* of latents; 0 elsewhere */
} cogvideo_shape;

COGVIDEO_API cogvideo_shape cogvideo_value_shape(const cogvideo_value *value);

/* Leaves a value of kind NONE. */
COGVIDEO_API void cogvideo_value_free(cogvideo_value *value);

#ifdef __cplusplus
}
#endif
#endif
