/* A published file of tensors, of any container: the zip archive, the pickle or the arrays in it, and the bytes of
 * every tensor. */
#include "fuzz/fuzz.h"

#include "import/source.h"

#define MOST_BYTES ((size_t)1 << 22) /* read of one file: small inputs may unpack to much */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cogvideo_error err = { 0 };
    cv_source *source = NULL;
    size_t total = 0;

    if (!fuzz_ok(cv_source_open(&source, fuzz_file(data, size), &err), &err))
        return 0;
    for (size_t i = 0; i < cv_source_count(source); i++) {
        const cv_source_tensor *tensor = cv_source_at(source, i);
        cv_source_stream *stream = NULL;
        void *bytes = NULL;

        fuzz_must(cv_source_find(source, tensor->name) != NULL);
        if (tensor->flaw)
            continue;
        if (tensor->bytes > MOST_BYTES || (total += tensor->bytes) > MOST_BYTES)
            break;
        fuzz_must((bytes = cv_alloc(tensor->bytes, 1, &err)) != NULL);
        if (fuzz_ok(cv_source_stream_open(&stream, source, tensor, &err), &err))
            fuzz_ok(cv_source_stream_read(stream, bytes, tensor->bytes, &err), &err);
        cv_source_stream_close(&stream);
        cv_free(bytes);
    }
    cv_source_close(&source);
    return 0;
}
