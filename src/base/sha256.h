/* sha256.h - SHA-256 of bytes and of files, by libmd. */
#ifndef CV_BASE_SHA256_H
#define CV_BASE_SHA256_H

#include "base/status.h"

#define CV_SHA256_BYTES 32
#define CV_SHA256_TEXT (2 * CV_SHA256_BYTES + 1)

typedef struct cv_sha256 cv_sha256;

cogvideo_status cv_sha256_begin(cv_sha256 **out, cogvideo_error *err);
void cv_sha256_add(cv_sha256 *sha256, const void *data, size_t size);
/* Frees it, too. */
void cv_sha256_end(cv_sha256 **sha256, unsigned char digest[CV_SHA256_BYTES]);
void cv_sha256_text(char out[CV_SHA256_TEXT], const unsigned char digest[CV_SHA256_BYTES]);
/* Of a whole file, in hexadecimal digits. */
cogvideo_status cv_sha256_file(char out[CV_SHA256_TEXT], const char *path, cogvideo_error *err);

#endif
