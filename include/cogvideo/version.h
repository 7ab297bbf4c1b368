/* version.h - which library this is. */
#ifndef COGVIDEO_VERSION_H
#define COGVIDEO_VERSION_H

#include <cogvideo/common.h>

/* The version of these headers. meson.build reads them back, so they are written only here. */
#define COGVIDEO_VERSION_MAJOR 0
#define COGVIDEO_VERSION_MINOR 2
#define COGVIDEO_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that runs, "0.2.0". */
COGVIDEO_API const char *cogvideo_version(void);
/* What this build does on this machine, one line per fact ("blas: OpenBLAS 0.3.21", "kernels: avx2", which are those that the
 * environment variable COGVIDEO_CPU names, or the best that the processor can run):
 * writes at most `size` bytes, the NUL included. */
COGVIDEO_API void cogvideo_build_info(char *out, size_t size);
/* Which kernels OpenBLAS should have chosen for this processor: a version that is older than the processor takes it for one of
 * 2004 and is up to four times slower. A program that gets a name here sets OPENBLAS_CORETYPE to it and starts itself anew,
 * for OpenBLAS reads the variable when it is loaded. NULL: it chose well, or the variable is set. */
COGVIDEO_API const char *cogvideo_blas_core(void);

#ifdef __cplusplus
}
#endif
#endif
