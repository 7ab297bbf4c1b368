/* fuzz.h - what every fuzz target includes. A target is one file with one function, LLVMFuzzerTestOneInput, that gives
 * bytes to one parser of the library and walks through what it makes of them. With libFuzzer (meson's option `fuzz`) it
 * seeks inputs that crash; with replay.c it runs those of its corpus, as a test. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "base/mem.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The path of a regular file that holds these bytes, until the next call. Mapped, it is watched by the address
 * sanitizer up to its last byte. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* Aborts where a failure has no sentence, or one that a terminal would act on. True where the call succeeded. */
bool fuzz_ok(cogvideo_status status, const cogvideo_error *err);

/* Aborts where `holds` is false: what a parser promises of its results. */
void fuzz_must(bool holds);

/* Reads `size` bytes one by one, so that a sanitizer sees each. */
void fuzz_touch(const void *data, size_t size);

#endif
