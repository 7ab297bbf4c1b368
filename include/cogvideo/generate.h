/* generate.h - the arrows of the pipeline: prompt -> key frames -> interpolated frames -> super-resolved frames ->
 * pixels, and pixels -> codes. Each takes a value and gives one (value.h) that can be kept. */
#ifndef COGVIDEO_GENERATE_H
#define COGVIDEO_GENERATE_H

#include <cogvideo/model.h>
#include <cogvideo/sampling.h>
#include <cogvideo/value.h>
#include <cogvideo/video.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A piece of a step's work, such as a row of codes or a step of denoising, that is kept so that it need not be done
 * again. What its bytes hold is the family's own. */
typedef struct cogvideo_unit {
    const char *step; /* such as "keyframes"; a word of letters, digits, - and _ */
    int sample;       /* counted as first_sample is */
    int64_t index;    /* 0 and up, in the family's own order */
} cogvideo_unit;

/* A frame whose last code has been drawn. */
typedef struct cogvideo_code_frame {
    const char *step;    /* that makes it */
    int sample;          /* counted as first_sample is */
    int frame;           /* of the step's result */
    double time;         /* seconds from the start */
    int height, width;   /* in codes */
    int frames_per_code; /* as in tokens.h: what stands for several video frames is decoded with its scene alone */
    const int32_t *codes;
} cogvideo_code_frame;

/* What a scene looks like so far, while a step fills all its places side by side: codes that may still change. */
typedef struct cogvideo_sketch {
    const char *step;
    int sample;                 /* counted as first_sample is */
    int scene;                  /* from 0 */
    int done, total;            /* steps of the sampler that are behind it, and all */
    const cogvideo_tokens *box; /* the scene alone, without a header; valid during the call */
} cogvideo_sketch;

typedef struct cogvideo_callbacks {
    /* In codes, at every place and at every frame. May be NULL. */
    cogvideo_progress_fn *progress;
    /* A finished frame, in time order; of interpolation only those of the last round. May be NULL; a value other than 0
     * stops the run. */
    int (*frame)(void *user, const cogvideo_code_frame *frame);
    /* A unit that has just been finished, of `size` bytes. Kept, it need not be made again (`recall`). May be NULL; a
     * value other than 0 stops the run. */
    int (*keep)(void *user, const cogvideo_unit *unit, const void *data, size_t size);
    /* Whether an earlier run with the same model, options, build and processor made this unit: 1, and its `size` bytes
     * in `data`, or 0. A run that is given its first units ends with the values of one that was not; batch and threads
     * may differ. Bytes that no run can have made count as not known. May be NULL. */
    int (*recall)(void *user, const cogvideo_unit *unit, void *data, size_t size);
    /* A scene after a step of its sampler, the last one too. May be NULL; a value other than 0 stops the run. */
    int (*sketch)(void *user, const cogvideo_sketch *sketch);
    void *user;
    uint64_t reserved[7];
} cogvideo_callbacks;

/* How pixels are made of codes. */
typedef enum cogvideo_normalize {
    COGVIDEO_NORMALIZE_CLAMP, /* as decoded */
    /* each picture is stretched to its own minimum and maximum, as the original does (it flickers) */
    COGVIDEO_NORMALIZE_MINMAX,
} cogvideo_normalize;

typedef struct cogvideo_decode_options {
    int size; /* enlarge smaller pictures to size x size by nearest neighbour; 0 = never; at most 16384 */
    cogvideo_normalize normalize;
    double fps; /* of the video; 0 = from the clip's times, and 0 (unknown) where they do not tell */
    /* 1: in a run that completes a picture, its own pixels outside of the mask; 0 (default): what codes give */
    int keep_outside;
    cogvideo_callbacks callbacks;
    uint64_t reserved[7];
} cogvideo_decode_options;

/* The model's own size of pictures (480), and zero of all else. */
COGVIDEO_API void cogvideo_decode_defaults(const cogvideo_model *model, cogvideo_decode_options *options);

/* A step of the pipeline that draws codes. Those of the family "cogvideo" are "first_frame", "keyframes",
 * "interpolate", "upscale" and, of models that have what it needs, "refine", whose top_k 0 is that of the model for
 * each round. */
typedef struct cogvideo_step_options {
    const char *name;           /* belongs to the library */
    cogvideo_sampling sampling; /* how it draws */
    unsigned ways;              /* in which it can, as bits (sampling.h): fields of no such way are not read. Filled by
                                   the defaults, as the next two */
    int has_guidance;           /* 1: the step can be guided; 0: `guidance` is not read */
    int has_text_weight;        /* 1: text can be weighed; 0: the two text weights are not read */
    double guidance;    /* scale: logits = guide + guidance * (logits - guide). 0 and 1 = not guided; at most 1000 */
    double text_weight; /* added to attention scores on text where the step is not guided; -1000 to 1000 */
    double text_weight_guided; /* the same where it is */
    uint64_t reserved[8];
} cogvideo_step_options;

#define COGVIDEO_MAX_STEPS 8
#define COGVIDEO_MAX_SEED 9007199254740991 /* 2^53 - 1: above it JSON does not hold every whole number */
#define COGVIDEO_MAX_SAMPLES 64            /* of a run */
#define COGVIDEO_MAX_LOOKAHEAD 64          /* places of a sequence */
#define COGVIDEO_MAX_SCENES 10000          /* of a story */
#define COGVIDEO_MAX_CONTEXT 4096          /* frames that a scene begins with */

/* A part of a story, which begins with the last frames of the part before. */
typedef struct cogvideo_scene {
    const char *prompt; /* UTF-8 */
    double seconds;     /* of what is new in it, 0.1 to 1000; 0 = the options', or as many as there is room for */
    uint64_t reserved[2];
} cogvideo_scene;

/* What a run makes, and how. Fill it with cogvideo_generate_defaults, then change what should differ: every field means
 * what it says, and none is left to the model. */
typedef struct cogvideo_generate_options {
    const char *prompt; /* UTF-8; NULL only where text_ids are given */
    /* replaces all that the prompt would become, as it stands; NULL (default) = from the prompt */
    const int32_t *text_ids;
    size_t text_count;
    const int32_t *guide_ids; /* the same for the guide's text; NULL (default) = the model's guide */
    size_t guide_count;
    cogvideo_step_options steps[COGVIDEO_MAX_STEPS]; /* of the model's family */
    int step_count;                                  /* of them */
    uint64_t seed;                                   /* 0 .. 2^53 - 1; default 0 */
    int samples;      /* clips to make, side by side, 1 .. 64; default 1. Sample i of a batch equals sample 0 of
                                    a run with first_sample = i. */
    int first_sample; /* index of the first of them; default 0 */
    int cut_text;     /* 1: a text longer than the model's room is cut, with a warning; 0 (default): it is an error */
    double seconds;   /* length of the whole clip, as the model is told, 0.1 to 1000; default: the model's (4.0) */
    int keyframes; /* key frames to make, from the first on; 1 = the first alone; default: all that the model makes */
    int rounds;    /* of interpolation; 0 (default) = all that are left of the model's, at least one */
    /* windows of interpolation, each with all its candidates, or samples of a scene, that run side by side; 0 (default)
     * = all. The codes do not depend on it */
    int batch;
    /* of each sequence, places that a step of a model looks at that draws codes one after another: guesses that come
     * true are decided together. -1 (default) = as many as pay off, as measured meanwhile; 0 and 1 = one; at most 64.
     * The codes do not depend on it */
    int lookahead;
    /* Of a model that tells stories: the scenes in order, in place of `prompt`. None (default): the prompt is the one
     * scene. */
    const cogvideo_scene *scenes;
    int scene_count; /* 0 .. 10000 */
    int context;     /* frames of video that a scene begins with from the one before, to 4096; default: the model's */
    /* Which codes of a given picture are drawn anew (not 0): [mask_height][mask_width], row by row, 1 to 16384 on a
     * side. A step takes of it, for place (row, column) of its own grid, what stands at (row * (mask_height / grid),
     * column * (mask_width / grid)), computed in f32 and cut to whole numbers; with a picture the window
     * (cogvideo_window) takes the place of the whole mask. "complete" needs one; "refine" keeps the codes outside of
     * it; other steps do not read it. NULL (default) = none. */
    const uint8_t *mask;
    int mask_height, mask_width;
    /* The picture whose masked pixels "complete" draws anew, in place of codes; its first frame is. It is square, of
     * the size that cogvideo_find_window gives, and the mask is of that size. NULL (default) = none. */
    const cogvideo_video *picture;
    const char *style; /* of pictures, as cogvideo_set_style sets it; NULL (default) = the model's own words */
    /* of a step that makes pixels of codes; its callbacks are not read. NULL (default) = its defaults */
    const cogvideo_decode_options *decode;
    cogvideo_callbacks callbacks; /* default: none */
    uint64_t reserved[10];
} cogvideo_generate_options;

/* The model's own values of all fields that it has values for, with which it samples best. */
COGVIDEO_API void cogvideo_generate_defaults(const cogvideo_model *model, cogvideo_generate_options *options);
/* The step of this name; NULL where the options have none. */
COGVIDEO_API cogvideo_step_options *cogvideo_find_step(cogvideo_generate_options *options, const char *name);
/* Takes over a style of the model's by its name, such as "photo": what stands behind the prompt of a picture, and how
 * each step draws. What was set of the sampling before is lost. COGVIDEO_ERROR_ARGUMENT where the model has no such
 * style: the error lists those that it has. */
COGVIDEO_API cogvideo_status cogvideo_set_style(const cogvideo_model *model, cogvideo_generate_options *options,
                                                const char *style, cogvideo_error *err);
/* Sets a field of cogvideo_sampling by its name, such as "top_k", in all steps that read it. COGVIDEO_ERROR_ARGUMENT
 * where there is no such field, none of the steps reads it, or the value is out of its range or not whole where it must
 * be. */
COGVIDEO_API cogvideo_status cogvideo_set_sampling(cogvideo_generate_options *options, const char *field, double value,
                                                   cogvideo_error *err);

/* What of a picture the networks look at while they complete it: a square around what is masked or, of a model without
 * super-resolution, all of it. */
typedef struct cogvideo_window {
    int side;              /* pixels: of a picture that this model completes */
    int row, column, size; /* of the square, in pixels of the picture; 0 where the options have no picture */
    int fine;              /* 1: super-resolution makes it finer; 0: the square is too small, or the model lacks it */
    uint64_t reserved[4];
} cogvideo_window;

/* COGVIDEO_ERROR_ARGUMENT where the options' picture or mask are of another size, or nothing is masked. */
COGVIDEO_API cogvideo_status cogvideo_find_window(const cogvideo_model *model, const cogvideo_generate_options *options,
                                                  cogvideo_window *out, cogvideo_error *err);

/* All that follows ends with COGVIDEO_ERROR_MODEL where a network gives NaN in place of numbers, as one with damaged
 * weights does: the error says in which stage, frame and row, and names the weight. */

/* One step of the pipeline of the model's family, by its name. Those of "cogvideo":
 *     "first_frame"  to codes: a picture, as CogView2 makes it. `out` is an array of `samples` values.
 *     "complete"     codes to codes: the codes of their frame 0 that the mask of the options names are drawn anew,
 *                    given all others, by the rule of "first_frame". `out` is as there. `in` is missing where the
 *                    options have a picture: the codes are those of its window.
 *     "keyframes"    to codes: stage 1, the first frame, then the other key frames. Codes as `in`, which may be
 *                    missing, give frame 0 of every sample: their frame 0 is taken. `out` is as there.
 *     "interpolate"  codes to codes: stage 2, in rounds; n frames become 2 n - 1; n must be odd and at least 3 in the
 *                    first round. The prompt may be NULL where the clip's header has one.
 *     "upscale"      codes to codes: direct super-resolution, frame by frame.
 *     "refine"       codes to codes: iterative super-resolution behind it, frame by frame.
 *     "fit"          codes to codes: behind "complete" of a picture, what was drawn is put into the picture, and all of
 *                    it becomes codes again.
 *     "decode"       codes to pixels, as cogvideo_decode does it.
 * `in` must be of the kind that the step takes; NULL is a value of kind NONE. `out` has room for `samples` values where
 * the step makes its samples side by side, for one elsewhere. Free them with cogvideo_value_free; nothing is in them
 * after an error. COGVIDEO_ERROR_UNSUPPORTED where the family has no such step, COGVIDEO_ERROR_ARGUMENT for a value of
 * another kind. */
COGVIDEO_API cogvideo_status cogvideo_run_step(const cogvideo_model *model, const char *step,
                                               const cogvideo_generate_options *options, const cogvideo_value *in,
                                               cogvideo_value *out, cogvideo_error *err);

/* log-probability of each code of a clip under softmax of the (guided) logits at temperature 1, over all image
 * codes. */
typedef struct cogvideo_score_options {
    int stage;       /* 1 or 2 */
    int first_frame; /* stage 1: score frame 0 too */
    /* of a model that fills all places side by side: the share of a scene that is masked at once, above 0 and up to 1,
     * by the seed; each code is scored once. 0 = each code alone */
    double masked_share;
    uint64_t reserved[7];
} cogvideo_score_options;

/* `logprob` has room for [frames of the clip][height][width]; `scored` for [frames]: 1 where the frame was
 * scored. Stage 1 takes 1 .. keyframes frames; stage 2 takes
 * 4 w + 1 frames (w windows) and scores the odd ones given the even ones. */
COGVIDEO_API cogvideo_status cogvideo_score(const cogvideo_model *model, const cogvideo_generate_options *options,
                                            const cogvideo_score_options *what, const cogvideo_tokens *clip,
                                            double *logprob, int *scored, cogvideo_error *err);

/* How likely a text is under a picture: the caption score by which CogView2 ranks pictures. */
typedef struct cogvideo_caption_options {
    const char *text; /* UTF-8; as it stands, without what prompts get */
    int english;  /* 1: it is read as English; 0 (default): as Chinese, whatever its language, as the original does */
    int cut_text; /* 1: a text longer than the model's room is cut, with a warning; 0 (default): it is an error */
    uint64_t reserved[5];
} cogvideo_caption_options;

typedef struct cogvideo_caption {
    int frames, count; /* of the clip; ids of the text */
    uint64_t memory;   /* bytes that scoring takes beside the weights */
    int32_t *ids;      /* [count] */
    double *logprob;   /* [frames][count]: natural logarithm of the probability of each id, over the whole vocabulary */
    double *score;     /* [frames]: their mean; more is likelier */
} cogvideo_caption;

/* Scores the text under each frame of a clip by itself. Without a clip (NULL) nothing is scored, and `out` has no
 * scores: what would be an error is found, and how much memory it takes. Free `out` with cogvideo_caption_free. */
COGVIDEO_API cogvideo_status cogvideo_score_caption(const cogvideo_model *model,
                                                    const cogvideo_caption_options *options,
                                                    const cogvideo_tokens *clip, cogvideo_caption *out,
                                                    cogvideo_error *err);
COGVIDEO_API void cogvideo_caption_free(cogvideo_caption *caption);

/* How far model B is from model A over the codes of a clip, each given the true codes before it. Logarithms are
 * natural. */
typedef struct cogvideo_comparison {
    long long codes;       /* that were looked at */
    double divergence;     /* mean Kullback-Leibler divergence of B's distribution from A's, sum of p ln(p / q) */
    double agreement;      /* share of places, 0 .. 1, where the likeliest code is the same */
    long long firm_codes;  /* places where A's likeliest code leads the next by more than `margin` in logits */
    double firm_agreement; /* of these; 0 where there are none */
    double difference;     /* mean absolute difference of the clip's codes' log-probabilities */
    double largest_difference;
} cogvideo_comparison;

/* Places, options and text as in cogvideo_score. Each model has options of its own, so that each can have its own
 * guidance and text weights; callbacks and seconds are those of A. The models' networks must agree in image codes, grid
 * and frames. `margin` >= 0. */
COGVIDEO_API cogvideo_status cogvideo_compare(const cogvideo_model *a, const cogvideo_generate_options *options_a,
                                              const cogvideo_model *b, const cogvideo_generate_options *options_b,
                                              const cogvideo_score_options *what, double margin,
                                              const cogvideo_tokens *clip, cogvideo_comparison *out,
                                              cogvideo_error *err);

/* Codes to pixels. `options` may be NULL: the defaults. */
COGVIDEO_API cogvideo_status cogvideo_decode(const cogvideo_model *model, const cogvideo_decode_options *options,
                                             const cogvideo_tokens *in, cogvideo_video *out, cogvideo_error *err);

/* A picture of a video that is being made. */
typedef struct cogvideo_picture {
    int width, height;     /* pixels, the same of all pictures */
    int index, count;      /* which, from 0, and of how many */
    double fps;            /* of the video; 0 = unknown */
    const uint8_t *pixels; /* [height][width][3], valid during the call */
} cogvideo_picture;

/* Gets the pictures in order. A value other than 0 stops the work with COGVIDEO_ERROR_CANCELLED. */
typedef int cogvideo_picture_fn(void *user, const cogvideo_picture *picture);

/* Codes to pixels picture by picture as they are finished: however long the clip is, memory holds as little of its
 * video as the family can decode at once, such as a scene. */
COGVIDEO_API cogvideo_status cogvideo_decode_each(const cogvideo_model *model, const cogvideo_decode_options *options,
                                                  const cogvideo_tokens *in, cogvideo_picture_fn *take, void *user,
                                                  cogvideo_error *err);
/* The same of a step to pixels. COGVIDEO_ERROR_UNSUPPORTED where it makes something else. */
COGVIDEO_API cogvideo_status cogvideo_run_step_each(const cogvideo_model *model, const char *step,
                                                    const cogvideo_generate_options *options, const cogvideo_value *in,
                                                    cogvideo_picture_fn *take, void *user, cogvideo_error *err);

/* Pixels to codes at `rate`; cogvideo_encoder_open says which rates and sizes a model takes (cogvideo_video_fit). */
COGVIDEO_API cogvideo_status cogvideo_encode(const cogvideo_model *model, const cogvideo_video *in, int rate,
                                             const cogvideo_callbacks *callbacks, cogvideo_tokens *out,
                                             cogvideo_error *err);

/* Pixels to codes as cogvideo_encode, frame by frame as they come (cogvideo_video_each, cogvideo_frame_fit): memory
 * holds the codes alone. */
typedef struct cogvideo_encoder cogvideo_encoder;

/* Frames of width x height pixels, multiples of `rate`: 4, 8 or 16, and equal, of an image tokenizer; 0 = the model's
 * own of a video tokenizer, which reads the video in windows. `expected` frames will come, as far as is
 * known (0 = unknown): an error at once where they are more than the file of a clip holds, 1 GiB (tokens.h). The model
 * stays open while the encoder is; callbacks (may be NULL) are copied. *out is to be ended by finish or close. */
COGVIDEO_API cogvideo_status cogvideo_encoder_open(cogvideo_encoder **out, const cogvideo_model *model, int width,
                                                   int height, int rate, int expected,
                                                   const cogvideo_callbacks *callbacks, cogvideo_error *err);
/* `pixels` is [height][width][3]; `time` in seconds from the start does not go back. */
COGVIDEO_API cogvideo_status cogvideo_encoder_frame(cogvideo_encoder *encoder, const uint8_t *pixels, double time,
                                                    cogvideo_error *err);
/* Gives the clip, of at least one frame. *encoder is NULL afterwards, whatever the status. */
COGVIDEO_API cogvideo_status cogvideo_encoder_finish(cogvideo_encoder **encoder, cogvideo_tokens *out,
                                                     cogvideo_error *err);
/* Closes without a clip. Nothing happens where *encoder is NULL, so it may follow a finish. */
COGVIDEO_API void cogvideo_encoder_close(cogvideo_encoder **encoder);

/* What a step takes, and what it gives. */
typedef struct cogvideo_plan {
    uint64_t weights;         /* bytes of the mapped files that it reads */
    uint64_t caches, scratch; /* bytes that it allocates; of pixels that come picture by picture, of those at hand */
    long long codes;          /* that it draws: of all samples where they are made side by side, of one elsewhere */
    uint64_t kept;            /* bytes of the units that it keeps, likewise; 0 = its codes, 4 bytes each */
    cogvideo_shape out;       /* of the value that it gives, of each sample */
    uint64_t reserved[7];
} cogvideo_plan;

/* Plans a step over a value of the shape `in`; NULL: it begins with the prompt alone. What a run would refuse once it
 * has begun is refused here: missing parts of the model, options, sampling, and the texts, to which each step adds
 * words of its own and for which it has room of its own. Plan every step of a run before the first begins. No text is
 * cut and nothing is logged here. */
COGVIDEO_API cogvideo_status cogvideo_plan_step(const cogvideo_model *model, const char *step,
                                                const cogvideo_generate_options *options, const cogvideo_shape *in,
                                                cogvideo_plan *out, cogvideo_error *err);

#ifdef __cplusplus
}
#endif
#endif
