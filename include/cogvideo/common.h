/* common.h - shared by all public headers: export macro, status codes, errors, log.
 *
 * Conventions of the whole library:
 *  - A function that can fail returns a cogvideo_status, takes a `cogvideo_error *` last (NULL is
 *    allowed) and sets its outputs only on success.
 *  - X_close / X_free functions take the address of a pointer or of a struct, accept an empty one and leave it
 *    empty.
 *  - The library never prints, exits or aborts. Its only mutable global state are the addresses of FFmpeg's
 *    functions, whose libraries it loads when it first needs them. It sets four things for the whole process:
 *    OpenBLAS's thread count (to 1, because the library splits the work itself), the buffers that OpenBLAS keeps,
 *    FFmpeg's log level (quiet) and, on processors with AMX, the permission to use its tiles: Linux then refuses
 *    alternate signal stacks that have no room for these, 8 KB. COGVIDEO_CPU=avx512 leaves AMX out.
 *  - Strings are UTF-8 and end in NUL. Structs of options need to be valid only during the call.
 *  - A struct of options is filled by its X_defaults function where it has one, and with zeros where it has none; then
 *  the caller
 *    changes what should differ. Its last member `reserved` is room for fields that come later, and 0 there means what
 *    was done before they came: so a new field breaks no program that was compiled before.
 *  - Different objects may be used from different threads at once; one object by one thread at a
 *    time, unless its header says otherwise. */
#ifndef COGVIDEO_COMMON_H
#define COGVIDEO_COMMON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define COGVIDEO_API __attribute__((visibility("default")))
#else
#define COGVIDEO_API
#endif

typedef enum cogvideo_status {
    COGVIDEO_OK = 0,
    COGVIDEO_ERROR_ARGUMENT = -1,    /* the caller asked for something impossible or out of range */
    COGVIDEO_ERROR_MEMORY = -2,      /* an allocation failed, or a size does not fit a size_t */
    COGVIDEO_ERROR_IO = -3,          /* the operating system refused: open, read, write, rename, no space */
    COGVIDEO_ERROR_FORMAT = -4,      /* a file is not what it should be: damaged, truncated, another kind */
    COGVIDEO_ERROR_MODEL = -5,       /* well-formed files that do not fit the network: missing tensor, wrong shape */
    COGVIDEO_ERROR_UNSUPPORTED = -6, /* a build without the package that this needs, or a variant not written */
    COGVIDEO_ERROR_CANCELLED = -7,   /* a progress callback asked to stop */
} cogvideo_status;

/* What went wrong, in one sentence without a final line break: which file, what was expected, what was found, how to
 * fix it. Control characters that came from files are escaped. */
typedef struct cogvideo_error {
    cogvideo_status status;
    char message[1024];
} cogvideo_error;

/* Returns the name of a status, such as "out of memory". Never NULL. */
COGVIDEO_API const char *cogvideo_status_text(cogvideo_status status);

/* Receives warnings and notes, each one sentence without a line break. Called from the thread that called the
 * library, and only during that call. A struct with a NULL function is silent. */
typedef enum cogvideo_log_level { COGVIDEO_LOG_WARNING, COGVIDEO_LOG_INFO } cogvideo_log_level;
typedef struct cogvideo_log {
    void (*message)(void *user, cogvideo_log_level level, const char *text);
    void *user;
} cogvideo_log;

/* Where a run is: `done` of `total` things of one kind. */
typedef struct cogvideo_progress {
    /* is worked on, in words: "key frames", "decoding", a file, a measurement; valid during the call */
    const char *what;
    const char *unit;      /* of done and total: "codes", "bytes", "clips", "videos", "measurements" */
    long long done, total; /* codes: of all samples together; total 0 = not known */
    /* of a clip: frames of this step finished, and in all; 0 where no clip is made or read, as all below */
    int frame, frames;
    int round, rounds;             /* of interpolation, from 0; 0 and 1 in other steps */
    int sequences;                 /* that run side by side */
    long long run_done, run_total; /* of a whole run (pipeline.h): codes drawn, whatever the unit is; 0 elsewhere */
    uint64_t reserved[4];
} cogvideo_progress;

/* Called now and then from the thread that called the library. Any value but 0 stops the run:
 * COGVIDEO_ERROR_CANCELLED. */
typedef int cogvideo_progress_fn(void *user, const cogvideo_progress *progress);

#ifdef __cplusplus
}
#endif
#endif
