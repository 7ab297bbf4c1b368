/* zip.h - the one door to libzip: a zip archive opened read-only, its names checked, its entries streamed.
 *
 * Nothing is ever unpacked to the disk. Names that leave a folder, names that stand twice, encrypted
 * entries and sizes that cannot be true are refused. */
#ifndef CV_IMPORT_ZIP_H
#define CV_IMPORT_ZIP_H

#include "base/mem.h"

typedef struct cv_zip cv_zip;

/* Opens the regular file `path`; where it is no zip archive, the error says what it is instead. */
cogvideo_status cv_zip_open(cv_zip **out, const char *path, cogvideo_error *err);
void cv_zip_close(cv_zip **zip);

const char *cv_zip_path(const cv_zip *zip);
size_t cv_zip_count(const cv_zip *zip);
const char *cv_zip_name(const cv_zip *zip, size_t index); /* sorted; belongs to the archive */
uint64_t cv_zip_size(const cv_zip *zip, size_t index);    /* bytes once unpacked */
bool cv_zip_find(const cv_zip *zip, const char *name, size_t *index);

/* The whole of an entry, NUL-terminated; more than `limit` bytes is an error. */
cogvideo_status cv_zip_read(cv_buffer *out, cv_zip *zip, size_t index, size_t limit, cogvideo_error *err);

/* One entry read from a place on, in pieces. Any number may be open at once. */
typedef struct cv_zip_stream cv_zip_stream;

/* `offset` is in unpacked bytes. The archive must outlive the stream. */
cogvideo_status cv_zip_stream_open(cv_zip_stream **out, cv_zip *zip, size_t index, uint64_t offset,
                                   cogvideo_error *err);
/* Exactly `size` bytes. The read that reaches an entry's end also checks its checksum, where the entry was read
 * from its start. */
cogvideo_status cv_zip_stream_read(cv_zip_stream *stream, void *data, size_t size, cogvideo_error *err);
void cv_zip_stream_close(cv_zip_stream **stream);

#endif
