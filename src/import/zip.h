/* zip.h - the only user of libzip: opens a zip archive read-only, checks its names and streams its entries.
 *
 * Nothing is unpacked to the disk. Names that leave the folder, duplicate names, encrypted entries and impossible
 * sizes are refused. */
#ifndef CV_IMPORT_ZIP_H
#define CV_IMPORT_ZIP_H

#include "base/mem.h"

typedef struct cv_zip cv_zip;

/* Opens the regular file `path`; if it is not a zip archive, the error says what it is. */
cogvideo_status cv_zip_open(cv_zip **out, const char *path, cogvideo_error *err);
void cv_zip_close(cv_zip **zip);

const char *cv_zip_path(const cv_zip *zip);
size_t cv_zip_count(const cv_zip *zip);
const char *cv_zip_name(const cv_zip *zip, size_t index); /* sorted; belongs to the archive */
uint64_t cv_zip_size(const cv_zip *zip, size_t index);    /* bytes once unpacked */
bool cv_zip_find(const cv_zip *zip, const char *name, size_t *index);

/* Reads a whole entry, NUL-terminated; more than `limit` bytes is an error. */
cogvideo_status cv_zip_read(cv_buffer *out, cv_zip *zip, size_t index, size_t limit, cogvideo_error *err);

/* Reads one entry in pieces, from any offset. Any number of streams may be open at once. */
typedef struct cv_zip_stream cv_zip_stream;

/* `offset` is in unpacked bytes. The archive must outlive the stream. */
cogvideo_status cv_zip_stream_open(cv_zip_stream **out, cv_zip *zip, size_t index, uint64_t offset,
                                   cogvideo_error *err);
/* Reads exactly `size` bytes. The read that reaches the entry's end also verifies its checksum, if the stream
 * started at offset 0. */
cogvideo_status cv_zip_stream_read(cv_zip_stream *stream, void *data, size_t size, cogvideo_error *err);
void cv_zip_stream_close(cv_zip_stream **stream);

#endif
