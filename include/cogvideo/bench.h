/* cogvideo/bench.h - measures how fast this machine runs the program's work, each as a share of the machine's own
 * limit. */
#ifndef COGVIDEO_BENCH_H
#define COGVIDEO_BENCH_H

#include <cogvideo/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cogvideo_bench_options {
    int threads; /* 0 = one thread for each core that the process may use */
    int rounds;  /* 1 .. 1000; 0 = 5. Limits and kernels are measured in turn, and medians are kept */
    int hidden;  /* width of the layers, a multiple of 64 up to 16384; 0 = 3072, the full-size model's */
    /* a model's directory: whole steps of it are measured instead. NULL = those of `config`, or the linear layers
     * alone */
    const char *model;
    /* a model's description (configs/README.md): whole steps of a model of that size, made of seeded numbers */
    const char *config;
    const char *type;     /* of that config's matrices: "f32", "f16", "bf16", "q8" or "q4"; NULL = "q8" */
    cogvideo_cache cache; /* of the steps' keys and values */
    /* where that model is made, a directory; one that was made there of the same config is used again. Needed with
     * `config` */
    const char *work;
    double seconds; /* the most that each kind of step is measured; 0 = 10 */
    /* "plain", "avx2", "avx512", "amx" or "neon": what to measure; NULL = what COGVIDEO_CPU names, or the best that the
     * processor can run */
    const char *kernels;
    /* 1: of the steps that draw codes one after another, by how many places of a sequence they look at: rates, and
     * codes that a step decides. The text is `prompt`, in UTF-8, for a trained model; NULL = one of no meaning */
    int lookahead;
    const char *prompt;
    double hits; /* share of guesses that are made to come true, above 0 and up to 1; 0 = the program's own guesses */
    cogvideo_progress_fn *progress; /* in measurements, after each; may be NULL */
    void *user;
    uint64_t reserved[4];
} cogvideo_bench_options;

typedef struct cogvideo_bench_row {
    char name[48];  /* such as "q8, batch 8" */
    char unit[12];  /* of `rate`: "GB/s", "GFLOP/s" (f32) or "GOP/s" (8 bits), "codes/s", "s", "GB" */
    char limit[48]; /* the row whose rate bounds this one; empty for a limit itself */
    double rate;    /* median over the rounds */
    double share;   /* of the limit, median of the ratios of each round; 0 for a limit */
} cogvideo_bench_row;

#define COGVIDEO_BENCH_ROWS 40

typedef struct cogvideo_bench_report {
    int threads, rounds, hidden;
    char kernels[16]; /* "plain", "avx2", ... */
    int count;
    cogvideo_bench_row rows[COGVIDEO_BENCH_ROWS];
} cogvideo_bench_report;

/* Takes about 1.5 GB of memory at the default width, and a second or two per round on a small machine. */
COGVIDEO_API cogvideo_status cogvideo_bench(const cogvideo_bench_options *options, cogvideo_bench_report *out,
                                            cogvideo_error *err);

#ifdef __cplusplus
}
#endif

#endif
