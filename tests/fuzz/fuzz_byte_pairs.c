/* A vocabulary of byte pairs: opened, a text encoded, its ids decoded and encoded again. A vocabulary that is not
 * packed ends at the first zero byte, and what follows is the text. */
#include "fuzz/fuzz.h"

#include "base/gzip.h"
#include "tokenizer/bpe.h"

#include <string.h>

static void encode(const cv_bpe *bpe, const char *text, size_t size)
{
    cogvideo_error err = { 0 };
    int32_t *ids = NULL, *again = NULL, row[9];
    size_t count = 0, again_count = 0, back_size = 0;
    bool plain = true; /* no name of the start or the end, behind which no space is decoded */
    char *back = NULL;

    if (!fuzz_ok(cv_bpe_encode(bpe, text, size, &ids, &count, &err), &err))
        return;
    for (size_t i = 0; i < count; i++) {
        fuzz_must(ids[i] >= 0 && ids[i] < cv_bpe_ids(bpe));
        plain = plain && ids[i] < cv_bpe_start(bpe);
    }
    if (fuzz_ok(cv_bpe_decode(bpe, ids, count, &back, &back_size, &err), &err)) {
        fuzz_touch(back, back_size + 1);
        if (plain && fuzz_ok(cv_bpe_encode(bpe, back, back_size, &again, &again_count, &err), &err))
            fuzz_must(again_count == count && memcmp(again, ids, count * sizeof *ids) == 0);
    }
    fuzz_must(fuzz_ok(cv_bpe_row(bpe, text, size, true, row, 9, &count, &err), &err));
    fuzz_must(count >= 2 && row[0] == cv_bpe_start(bpe) && row[count - 1] == cv_bpe_end(bpe));
    fuzz_must(fuzz_ok(cv_bpe_row(bpe, text, size, false, row, 9, &count, &err), &err) || count == 9);
    cv_free(ids);
    cv_free(again);
    cv_free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char sample[] =
        "A photo of a  red\ncat, it's 12 \xe7\xba\xa2\xe8\x89\xb2\xef\xbc\xa1 e\xcc\x81 \xff &lt;";
    const uint8_t *zero = size && !cv_gzip_is(data, size) ? memchr(data, 0, size) : NULL;
    size_t first = zero ? (size_t)(zero - data) : size;
    cogvideo_error err = { 0 };
    cv_bpe *bpe = NULL;

    if (!fuzz_ok(cv_bpe_open(&bpe, fuzz_file(data, first), size % 2 ? CV_BPE_OPEN_CLIP : CV_BPE_OPENAI, &err), &err))
        return 0;
    if (zero)
        encode(bpe, (const char *)zero + 1, size - first - 1);
    else
        encode(bpe, sample, sizeof sample - 1);
    cv_bpe_close(&bpe);
    return 0;
}
