#include "base/sha256.h"

#include "base/mem.h"

#include <errno.h>
#include <sha256.h>
#include <stdio.h>
#include <string.h>

#define CHUNK (1 << 16)

struct cv_sha256 {
    SHA256_CTX context;
};

cogvideo_status cv_sha256_begin(cv_sha256 **out, cogvideo_error *err)
{
    cv_sha256 *sha256 = cv_alloc(1, sizeof *sha256, err);

    if (!sha256)
        return COGVIDEO_ERROR_MEMORY;
    SHA256Init(&sha256->context);
    *out = sha256;
    return COGVIDEO_OK;
}

void cv_sha256_add(cv_sha256 *sha256, const void *data, size_t size)
{
    SHA256Update(&sha256->context, data, size);
}

void cv_sha256_end(cv_sha256 **sha256, unsigned char digest[CV_SHA256_BYTES])
{
    if (!*sha256)
        return;
    SHA256Final(digest, &(*sha256)->context);
    cv_free(*sha256);
    *sha256 = NULL;
}

void cv_sha256_text(char out[CV_SHA256_TEXT], const unsigned char digest[CV_SHA256_BYTES])
{
    for (int i = 0; i < CV_SHA256_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

cogvideo_status cv_sha256_file(char out[CV_SHA256_TEXT], const char *path, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    unsigned char digest[CV_SHA256_BYTES], *chunk = NULL;
    cv_sha256 *sha256 = NULL;
    FILE *file = fopen(path, "rb");
    size_t size;

    if (!file)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    CV_NEW(chunk, CHUNK, err);
    CV_TRY(cv_sha256_begin(&sha256, err));
    while ((size = fread(chunk, 1, CHUNK, file)) > 0)
        cv_sha256_add(sha256, chunk, size);
    if (ferror(file)) {
        status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be read: %s", path, strerror(errno));
        goto done;
    }
    cv_sha256_end(&sha256, digest);
    cv_sha256_text(out, digest);
done:
    cv_sha256_end(&sha256, digest);
    cv_free(chunk);
    fclose(file);
    return status;
}
