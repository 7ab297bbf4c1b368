/* evaluate.h - metrics of videos: FVD, Inception Score, CLIP score and FID, each beside the protocol that it was
 * computed by, without which it is no number. docs/evaluation.md tells which protocol a paper used.
 *
 *     cogvideo_evaluate_options options;
 *     cogvideo_evaluation result = { 0 };
 *
 *     cogvideo_evaluate_defaults(&options);
 *     options.generated = "clips";
 *     options.real = "videos";
 *     options.metrics = "fvd";
 *     options.networks = networks; // a model of the family "metrics"
 *     if (cogvideo_evaluate(&options, &result, &err) == COGVIDEO_OK)
 *         printf("%s %g\n", result.metrics[0].name, result.metrics[0].value);
 *     cogvideo_evaluation_free(&result); */
#ifndef COGVIDEO_EVALUATE_H
#define COGVIDEO_EVALUATE_H

#include <cogvideo/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- protocols ------------------------------------------------------------------------------------------------ */

/* How clips are cut from videos, brought to a network, and counted. Fill it with cogvideo_protocol_named, then change
 * what should differ. Words belong to the caller or, where cogvideo_protocol_named set them, to the library. */
typedef struct cogvideo_protocol {
    const char *name; /* of the protocol that it began as */
    int frames; /* of a clip; 0 (default) = 16, or 1 where a network reads frames and every item of the set is one */
    int stride; /* from one frame of a clip to the next, 1 .. 1000 */
    /* where a clip begins in a generated and in a real video: "first", "centre" or "random", which is drawn by the seed
     * and the video's name */
    const char *start, *real_start;
    int clips_per_video; /* 1 .. 1000; of a start "first" one behind the other, else spread or drawn */
    double fps;          /* frames are taken so many a second, 0.01 .. 1000; 0 (default) = each as the file has it */
    int skip_first;      /* frames that are left out at the beginning, such as those that a model was given */
    int mirror;          /* 1: each real clip counts a second time, mirrored */
    int size;            /* first to squares of so many pixels, 8 .. 4096; 0 = not */
    /* by "pil-bicubic", "pil-bilinear", "pil-lanczos", "torch-bilinear", "torch-antialias", "tf1" or "align-corners" */
    const char *size_resize;
    const char *size_crop; /* and "squash", "short-even", "short-ceil" or "centre-square" */
    const char *quantise;  /* of what that gives: "none", "cut" to whole numbers, or "round" */
    /* then to the network's own size; NULL (default) = as the network's own code does */
    const char *network_resize, *network_crop;
    const char *inception_input; /* "tf" or "pytorch-fid" */
    double epsilon;              /* of the norms of I3D, 1e-8 .. 0.1 */
    int fid_frames;              /* of a clip, evenly spaced, that FID and image-is look at; 0 (default) = all */
    const char *covariance;      /* "n-1" or "n": the divisor */
    int splits;                  /* of Inception Scores, 1 .. 1000 */
    int64_t shuffle;             /* seed of numpy's order of their rows, 0 .. 2^32 - 1; -1 = as they are */
    /* clips of each set, drawn by the seed, in the set's own order; 0 (default) = all, and of the shapes world 1000 */
    int samples;
    /* draws for the interval of a Frechet distance, 0 .. 10000; -1 (default) = 200, and none of features that are wider
     * than 1024 */
    int bootstrap;
    uint64_t seed;          /* 0 .. 2^53 - 1 */
    const char *real_split; /* what the real clips are, in words, such as "UCF-101 train"; only printed; NULL = none */
    uint64_t reserved[8];
} cogvideo_protocol;

/* The names, index 0 and on; NULL after the last. The first, "cogvideo", is the default. */
COGVIDEO_API const char *cogvideo_protocol_name(int index);
/* All fields as the protocol of this name has them. COGVIDEO_ERROR_ARGUMENT where there is none. */
COGVIDEO_API cogvideo_status cogvideo_protocol_named(cogvideo_protocol *out, const char *name, cogvideo_error *err);

/* --- evaluation ----------------------------------------------------------------------------------------------- */

/* Fill it with cogvideo_evaluate_defaults, then set what differs. */
typedef struct cogvideo_evaluate_options {
    /* Sets. Each is, by the first that fits: a file of features (.safetensors) that an earlier call made; a clip of
     * codes (.jsonl); a list (.list) with a line `path<TAB>prompt` for each clip, paths from its own folder; a dataset
     * (dataset.h); a video; a folder of videos, and of folders of videos, where a folder with pictures in it is one
     * clip; a folder of clips of codes. Order: bytes of the path. */
    const char *generated;
    /* NULL where no metric needs one; where the networks are those of the shapes world, its clips are drawn then */
    const char *real;
    /* Words with commas between them: "fvd", "is", "image-is", "fid", "clip", "clipscore", "clip100". Default "fvd". */
    const char *metrics;
    const cogvideo_model *networks; /* a model of the family "metrics" */
    const cogvideo_model *model;    /* decodes clips of codes; NULL where there are none */
    cogvideo_protocol protocol;
    /* A folder of feature files, made where it is missing: what is there of the same weights and protocol is not
     * computed again, and what was computed is there within a minute. NULL (default) = nothing is kept. */
    const char *features;
    int features_only; /* 1: stop once the features are there; then `generated` may be NULL */
    /* 1: real clips are encoded and decoded again by the image tokenizer of `model` first */
    int real_through_tokenizer;
    int few;           /* 1: sets of under 32 clips are not refused */
    int cut_text;      /* 1: prompts that are too long for CLIP are cut; 0: they are an error */
    int batch;         /* clips, or frames, that a network reads at once, 1 .. 1024; 0 = a few. Results are the same */
    double max_memory; /* bytes that may be used to work in; 0 = what is free */
    cogvideo_log log;
    cogvideo_progress_fn *progress; /* in clips, or in draws of a bootstrap; may be NULL */
    void *user;
    uint64_t reserved[8];
} cogvideo_evaluate_options;

COGVIDEO_API void cogvideo_evaluate_defaults(cogvideo_evaluate_options *options);

/* A number beside a metric's own value. */
typedef struct cogvideo_metric_detail {
    const char *group; /* "references", "heads" or "attributes"; belongs to the library, as the next */
    const char *name;  /* "real", "frozen"; of a head or an attribute: "colour", "shape", .. */
    double
        value; /* of a reference: the metric, had other clips been the generated ones: as many fresh real ones, or such
                     whose first frame stands still; of a head: its own score; of an attribute: how often, 0 .. 1, the
                     true caption fits better than all that differ in this attribute alone */
    int samples;
} cogvideo_metric_detail;

/* One metric. */
typedef struct cogvideo_metric {
    const char *name; /* "fvd", "clipsim"; "fvd-shapes" where the network knows the shapes world alone */
    double value;
    int has_interval;
    double low, high; /* the basic bootstrap interval of 95 % */
    int has_extrapolated;
    double extrapolated; /* to infinitely many clips */
    int has_deviation;
    double deviation; /* of Inception Scores over splits, of CLIP's over clips */
    int dimension;    /* numbers of a feature; 0 where none are compared */
    /* clips, of the real set 0 where none was needed; left_out: of both sets, too short or unreadable, each with a
     * warning in the log */
    int generated, real, left_out;
    char *protocol;      /* every field, a JSON object */
    const char *network; /* "i3d" */
    char sha256[65];     /* of its weights */
    char vocabulary_sha256[65];
    char *origin; /* of its weights: a file's name */
    cogvideo_metric_detail *details;
    int detail_count;
    char **warnings; /* sentences */
    int warning_count;
    uint64_t reserved[4];
} cogvideo_metric;

typedef struct cogvideo_evaluation {
    cogvideo_metric *metrics; /* as they were asked for */
    int count;
    char **files; /* feature files that hold what was computed */
    int file_count;
    uint64_t reserved[4];
} cogvideo_evaluation;

/* Computes metrics. Everything that can be refused beforehand is: missing networks, prompts and real clips, clips that
 * a network cannot take, too few of them, memory. Clips that are too short or cannot be read are left out, counted, and
 * named in the log. The result does not depend on threads, batch, or what was in the folder of features. A file there
 * that was made with other weights or another protocol, or is damaged, is COGVIDEO_ERROR_FORMAT, and stays as it is.
 * Free `out` with cogvideo_evaluation_free; nothing is in it after an error. */
COGVIDEO_API cogvideo_status cogvideo_evaluate(const cogvideo_evaluate_options *options, cogvideo_evaluation *out,
                                               cogvideo_error *err);
COGVIDEO_API void cogvideo_evaluation_free(cogvideo_evaluation *evaluation);
/* The result as JSON (docs/formats.md), on one line, in fresh memory: free with cogvideo_free. */
COGVIDEO_API cogvideo_status cogvideo_evaluation_json(const cogvideo_evaluation *evaluation, char **text,
                                                      cogvideo_error *err);

/* --- the best of several -------------------------------------------------------------------------------------- */

typedef struct cogvideo_ranked {
    int clip; /* place in the list that was given */
    double score;
} cogvideo_ranked;

/* Sorts clips by how well CLIP finds that they fit their prompt, the best first: the mean over frames of the cosine, or
 * that of the clip where CLIP is the one of the shapes world. Of `options` networks, model, protocol, cut_text, batch,
 * max_memory, log and progress are read. `clips` are videos, folders of pictures or clips of codes; `prompt` NULL: each
 * clip's own, from the file beside it. `out` has room for `count` and its order depends on nothing but the scores and,
 * where they are equal, the list. A clip that cannot be read, or is too short, is an error. `count` 0 only
 * checks networks and prompt. */
COGVIDEO_API cogvideo_status cogvideo_rank(const cogvideo_evaluate_options *options, const char *const *clips,
                                           int count, const char *prompt, cogvideo_ranked *out, cogvideo_error *err);

#ifdef __cplusplus
}
#endif
#endif
