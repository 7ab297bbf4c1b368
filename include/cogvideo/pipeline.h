/* pipeline.h - whole runs: from a prompt to a video, or one step from value to file. Beside the result stand the codes
 * of every step, a record of how it was made and, until all is done, a journal from which an interrupted run goes
 * on. */
#ifndef COGVIDEO_PIPELINE_H
#define COGVIDEO_PIPELINE_H

#include <cogvideo/generate.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where the results of a run go, and what may be replaced for them. Fill it with cogvideo_run_defaults, then set what
 * differs. */
typedef struct cogvideo_run_options {
    /* Of cogvideo_generate the video (video.h tells which forms a name's ending may ask for), or a token stream where
     * the step to pixels is left out; of cogvideo_generate_step a token stream, where "-" is standard output, without
     * journal and record. Of several samples the name has a number: "clip-%d.mp4". */
    const char *output;
    int force; /* 1: files that are there are replaced, and the journal of an interrupted run is begun anew */
    /* 1: goes on from the journal. What is finished, and is what is asked for, is left as it is; it is an error that
     * something else is there. Codes whose video is missing, or was made in another form, are only decoded; without
     * codes such a video is made from the prompt again. */
    int resume;
    int random_seed;   /* 1: in place of options->seed that of the run that is resumed, or one drawn from the system */
    double max_memory; /* bytes that a step may take to work in; 0 = what is free */
    /* What the first step begins with, where it may begin with a value: of cogvideo_generate alone. NULL = the prompt
     * alone. */
    const cogvideo_value *first;
    /* Steps that are left out, such as "upscale", and steps that run only where they are asked for, such as "refine";
     * none (default). */
    const char *const *without, *const *with;
    int without_count, with_count;
    /* Of the samples that the first step makes side by side, only so many go through the others, and the codes of the
     * rest are removed: those under whose pictures the prompt is likeliest (cogvideo_score_caption, which reads it as
     * English where `keep_english` is 1). 0 (default) = all. */
    int keep, keep_english;
    /* How the video is made: `decode` is read in place of that of the generate options. Its callbacks and the comment
     * of `write` are not read. */
    cogvideo_decode_options decode;
    cogvideo_write_options write;
    int no_metadata; /* 1: how it was made is left out of the video */
    /* The command that made this run, for the record; NULL = none. */
    const char *const *command;
    int command_count;
    uint64_t reserved[6];
} cogvideo_run_options;

/* The defaults: pictures of the model's own size, and zero of all else. */
COGVIDEO_API void cogvideo_run_defaults(const cogvideo_model *model, cogvideo_run_options *run);

/* Names of a clip's files, in order: "video"; the codes of each step but the last ("keyframes", "interpolated");
 * "codes" of the last; "record". A step's result on standard output has no record. */
typedef struct cogvideo_clip_file {
    const char *name;
    char *path;
} cogvideo_clip_file;

#define COGVIDEO_CLIP_FILES 12

typedef struct cogvideo_clip {
    int sample;           /* counted as first_sample is */
    cogvideo_shape shape; /* of its codes */
    cogvideo_clip_file files[COGVIDEO_CLIP_FILES];
    int file_count;
    double score; /* caption score, where `keep` chose by it; the best clip comes first */
    uint64_t reserved[3];
} cogvideo_clip;

/* What a run has made, or will make. */
typedef struct cogvideo_result {
    cogvideo_clip *clips; /* [count] */
    int count;
    char *journal; /* its path; NULL where there is none */
    uint64_t seed;
    int finished;  /* 1: all was there, as asked for, and no step but that to pixels ran */
    int resumable; /* 1, after an error: a journal holds work from which a run with `resume` goes on */
    uint64_t reserved[4];
} cogvideo_result;

/* The path of a clip's file of that name; NULL where it has none. */
COGVIDEO_API const char *cogvideo_clip_path(const cogvideo_clip *clip, const char *name);
COGVIDEO_API void cogvideo_result_free(cogvideo_result *result);

/* Makes the clips of a prompt: all steps of the model's family in a row, then the video, which a run without the step
 * to pixels has not. Where only the best samples are kept, the result has only their clips. Steps that the model
 * lacks and can do without are left out, with a note. Everything that can be refused is refused before the first code
 * is drawn: options, texts, names, and runs for which memory or disk do not suffice. Sentences on the way go to the
 * model's log. `out` is filled whatever the status, and is to be freed with cogvideo_result_free. Of
 * options->callbacks progress, frame and sketch are called; keep and recall belong to the journal. */
COGVIDEO_API cogvideo_status cogvideo_generate(const cogvideo_model *model, const cogvideo_generate_options *options,
                                               const cogvideo_run_options *run, cogvideo_result *out,
                                               cogvideo_error *err);

/* The same of one step from a value (NULL where it begins with the prompt alone) to a token stream.
 * COGVIDEO_ERROR_UNSUPPORTED where the step makes no codes. */
COGVIDEO_API cogvideo_status cogvideo_generate_step(const cogvideo_model *model, const char *step,
                                                    const cogvideo_generate_options *options,
                                                    const cogvideo_run_options *run, const cogvideo_value *in,
                                                    cogvideo_result *out, cogvideo_error *err);

/* Whether cogvideo_generate would begin, but for memory, disk and what is there already, and the files that it would
 * make: for lists of prompts. Nothing is written and nothing logged. `out` is filled on success. */
COGVIDEO_API cogvideo_status cogvideo_generate_check(const cogvideo_model *model,
                                                     const cogvideo_generate_options *options,
                                                     const cogvideo_run_options *run, cogvideo_result *out,
                                                     cogvideo_error *err);

/* Decodes a clip to a video or pictures, as the last part of cogvideo_generate does. Of `run` only decode, write and
 * no_metadata are read. */
COGVIDEO_API cogvideo_status cogvideo_decode_file(const cogvideo_model *model, const cogvideo_tokens *clip,
                                                  const cogvideo_run_options *run, const cogvideo_callbacks *callbacks,
                                                  const char *path, cogvideo_error *err);

#ifdef __cplusplus
}
#endif
#endif
