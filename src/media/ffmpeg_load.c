/* ffmpeg_load.c - loads FFmpeg's libraries when the first of their functions is needed. They depend on more than a
 * hundred others, whose loading takes longer than a small model takes for a picture; and a program that is installed
 * without them does all else. */
#include "media/ffmpeg_av.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

cv_av_functions cv_av;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char missing[400]; /* what could not be loaded; "" = nothing */

/* The library of this name, or NULL. The first failure is kept in `missing`, and nothing is opened after it. */
static void *opened(const char *name)
{
    void *library = missing[0] ? NULL : dlopen(name, RTLD_NOW | RTLD_LOCAL);

    if (!library && !missing[0])
        snprintf(missing, sizeof missing, "%s", dlerror());
    return library;
}

/* The function of this name, or NULL: as above. */
static void *found(void *library, const char *name)
{
    void *function = library ? dlsym(library, name) : NULL;

    if (library && !function && !missing[0])
        snprintf(missing, sizeof missing, "%s", dlerror());
    return function;
}

/* The C standard has no conversion of a pointer to data into one to a function; POSIX says that they are alike. */
#define FIND(name) *(void **)&cv_av.name = found(library, #name);
#define FILE_OF(library, major) "lib" library ".so." AV_STRINGIFY(major)

static void load(void)
{
    void *library = opened(FILE_OF("avutil", LIBAVUTIL_VERSION_MAJOR));

    CV_AVUTIL(FIND)
    library = opened(FILE_OF("avcodec", LIBAVCODEC_VERSION_MAJOR));
    CV_AVCODEC(FIND)
    library = opened(FILE_OF("avformat", LIBAVFORMAT_VERSION_MAJOR));
    CV_AVFORMAT(FIND)
    library = opened(FILE_OF("swscale", LIBSWSCALE_VERSION_MAJOR));
    CV_SWSCALE(FIND)
    if (!missing[0])
        cv_av.av_log_set_level(AV_LOG_QUIET);
}

cogvideo_status cv_ffmpeg_load(cogvideo_error *err)
{
    pthread_once(&once, load);
    if (missing[0] && strstr(missing, "failed to map")) /* dlopen found it, and had no room for it */
        return cv_fail(err, COGVIDEO_ERROR_MEMORY,
                       "FFmpeg's libraries do not fit into the memory that this process may use: %s; raise its limits "
                       "(ulimit -v, ulimit -d)",
                       missing);
    if (missing[0])
        return cv_fail(
            err, COGVIDEO_ERROR_UNSUPPORTED,
            "FFmpeg's libraries, with which this program was built, cannot be loaded: %s; install %s, %s and "
            "%s (Debian: libavformat%d libswscale%d)",
            missing, FILE_OF("avformat", LIBAVFORMAT_VERSION_MAJOR), FILE_OF("avcodec", LIBAVCODEC_VERSION_MAJOR),
            FILE_OF("swscale", LIBSWSCALE_VERSION_MAJOR), LIBAVFORMAT_VERSION_MAJOR, LIBSWSCALE_VERSION_MAJOR);
    return COGVIDEO_OK;
}
