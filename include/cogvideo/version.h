/* version.h - the version of the library, and what it can do on this machine. */
#ifndef COGVIDEO_VERSION_H
#define COGVIDEO_VERSION_H

#include <cogvideo/common.h>

/* The version of these headers. meson.build reads it from here, so it is written only once. */
#define COGVIDEO_VERSION_MAJOR 0
#define COGVIDEO_VERSION_MINOR 2
#define COGVIDEO_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* Returns the version of the library that is running, "0.2.0". */
COGVIDEO_API const char *cogvideo_version(void);
/* Describes this build on this machine, one fact per line: "blas: OpenBLAS 0.3.21", "kernels: avx2" (those that the
 * environment variable COGVIDEO_CPU names, or the best that the processor can run). Writes at most `size` bytes,
 * including the NUL. */
COGVIDEO_API void cogvideo_build_info(char *out, size_t size);
/* Returns the core type that OpenBLAS should have chosen for this processor, or NULL if it chose well or the
 * variable OPENBLAS_CORETYPE is set. An OpenBLAS that is older than the processor falls back to its kernels of 2004
 * and is up to four times slower. A program that gets a name here sets OPENBLAS_CORETYPE to it and restarts itself,
 * because OpenBLAS reads the variable when it is loaded. */
COGVIDEO_API const char *cogvideo_blas_core(void);

#ifdef __cplusplus
}
#endif
#endif
