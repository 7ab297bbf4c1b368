/* check.h - what every test includes: cmocka in the order it wants, numbers compared with a tolerance, temporary
 * folders, golden files. Tests find their data through COGVIDEO_TEST_DATA (tests/golden/data, set by meson);
 * the large checkpoints through COGVIDEO_GOLDEN, and skip where it is not set. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "kernels/kernels.h"
#include "tensor/store.h"

/* A fallible call that must succeed; shows its sentence when it does not. */
#define CHECK_OK(call, err)                                                        \
    do {                                                                           \
        cogvideo_status check_status = (call);                                     \
        if (check_status != COGVIDEO_OK)                                           \
            fail_msg("%s: %s", cogvideo_status_text(check_status), (err).message); \
    } while (0)

/* A fallible call that must fail with `expected`, and whose sentence must hold `words`. */
#define CHECK_FAILS(call, expected, words, err)                             \
    do {                                                                    \
        (err).message[0] = '\0';                                            \
        assert_int_equal((call), (expected));                               \
        if (!strstr((err).message, (words)))                                \
            fail_msg("'%s' does not mention '%s'", (err).message, (words)); \
    } while (0)

#define CHECK_CLOSE(a, b, tolerance)                                                                             \
    do {                                                                                                         \
        double check_a = (a), check_b = (b);                                                                     \
        if (!(fabs(check_a - check_b) <= (tolerance)))                                                           \
            fail_msg("%s = %.9g, %s = %.9g: more than %g apart", #a, check_a, #b, check_b, (double)(tolerance)); \
    } while (0)

/* 1 in a build with the address sanitizer, in which large runs would take many minutes. */
#if defined(__SANITIZE_ADDRESS__)
#define CHECK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECK_SANITIZED 1
#endif
#endif
#ifndef CHECK_SANITIZED
#define CHECK_SANITIZED 0
#endif

/* "DIR/name" under the committed test data; the text is static, valid until the next call but three. */
const char *check_data(const char *name);
/* The same under COGVIDEO_GOLDEN, or NULL where that is not set or has no such file. */
const char *check_golden(const char *name);
/* A fresh temporary folder, removed with all its files when the program ends. */
const char *check_temp(void);
/* "TEMP/name" in a static text, like check_data. */
const char *check_temp_path(const char *name);
/* Writes a file for a test. */
void check_write(const char *path, const void *data, size_t size);

/* The kernels that COGVIDEO_CPU names, or the best. */
void check_kernels(cv_kernels *out);

/* A golden tensor, which must be there. */
const cv_tensor *check_tensor(const cv_store *store, const char *name);
/* The values of "NAME.REST". */
const void *check_member(const cv_store *store, const char *name, const char *rest);
static inline const float *check_f32(const cv_store *store, const char *name)
{
    return check_tensor(store, name)->data;
}
static inline const int32_t *check_i32(const cv_store *store, const char *name)
{
    return check_tensor(store, name)->data;
}

#endif
