/* status.h - how errors are returned: a status up the call chain, a sentence in the caller's error. */
#ifndef CV_BASE_STATUS_H
#define CV_BASE_STATUS_H

#include <cogvideo/common.h>

/* Fills `err` (may be NULL) with a formatted sentence and returns `status`, so that a check reads `return
 * cv_fail(err, COGVIDEO_ERROR_FORMAT, "...")`. Control characters and invalid UTF-8 are escaped in the result: the
 * sentence may quote a hostile file and still be shown on a terminal. */
cogvideo_status cv_fail(cogvideo_error *err, cogvideo_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the sentence in `err`, where an outer function knows the file's name. */
cogvideo_status cv_fail_prefix(cogvideo_error *err, cogvideo_status status, const char *prefix);

/* The end of work whose caller stops it. */
static inline cogvideo_status cv_cancelled(cogvideo_error *err)
{
    return cv_fail(err, COGVIDEO_ERROR_CANCELLED, "cancelled");
}

/* Sends a formatted sentence to a log, which may be NULL or have no callback; control characters are escaped. */
void cv_log(const cogvideo_log *log, cogvideo_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Runs a fallible call in a function that has a `cogvideo_status status` and a label `done`, which a function that
 * frees memory passes on success, too. */
#define CV_TRY(call)                          \
    do {                                      \
        if ((status = (call)) != COGVIDEO_OK) \
            goto done;                        \
    } while (0)

#endif
