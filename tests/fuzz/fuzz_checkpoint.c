/* A PyTorch checkpoint: the zip archive, the pickle in it, and the bytes of every tensor. */
#include "fuzz/fuzz.h"

#include "import/torch.h"

#define MOST_BYTES ((size_t)1 << 22) /* read of one archive: small inputs may unpack to much */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cogvideo_error err = { 0 };
    cv_torch *torch = NULL;
    size_t total = 0;

    if (!fuzz_ok(cv_torch_open(&torch, fuzz_file(data, size), &err), &err))
        return 0;
    for (size_t i = 0; i < cv_torch_count(torch); i++) {
        const cv_torch_tensor *tensor = cv_torch_at(torch, i);
        cv_zip_stream *stream = NULL;
        void *bytes = NULL;

        fuzz_must(cv_torch_find(torch, tensor->name) == tensor);
        if (tensor->bytes > MOST_BYTES || (total += tensor->bytes) > MOST_BYTES)
            break;
        fuzz_must((bytes = cv_alloc(tensor->bytes, 1, &err)) != NULL);
        if (fuzz_ok(cv_torch_stream(&stream, torch, tensor, &err), &err))
            fuzz_ok(cv_zip_stream_read(stream, bytes, tensor->bytes, &err), &err);
        cv_zip_stream_close(&stream);
        cv_free(bytes);
    }
    cv_torch_close(&torch);
    return 0;
}
