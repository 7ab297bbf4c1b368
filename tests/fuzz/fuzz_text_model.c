/* A SentencePiece model: opened, with and without pieces behind its own; a text of its own pieces encoded, for T5, too;
 * every id decoded. */
#include "fuzz/fuzz.h"

#include "model/t5/t5.h"

#include <string.h>

#define MOST_PIECES 64

/* What T5 would read: never more than fits, and pieces throughout. */
static void read_as_t5(const uint8_t *data, size_t size, const char *prompt)
{
    cogvideo_error err = { 0 };
    cv_text *text = NULL;
    int32_t ids[CV_T5_LONGEST];
    size_t whole;
    int count;

    if (!fuzz_ok(cv_text_open(&text, fuzz_file(data, size), 0, NULL, &err), &err))
        return;
    if (fuzz_ok(cv_t5_check_text(text, INT32_MAX, &err), &err) &&
        fuzz_ok(cv_t5_ids(text, prompt, ids, &count, &whole, &err), &err)) {
        fuzz_must(count >= 1 && count <= CV_T5_LONGEST && (size_t)count <= whole);
        for (int i = 0; i < count; i++)
            fuzz_must(cv_text_piece(text, ids[i]) != NULL);
        fuzz_must(strcmp(cv_text_piece(text, ids[count - 1]), "</s>") == 0);
    }
    cv_text_close(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char sample[] =
        "a small  red star \xe7\xba\xa2\xe8\x89\xb2\xe7\x9a\x84\xef\xbc\xa1\xef\xac\x81\n e\xcc\x81 \xff\xe2\x80";
    cogvideo_error err = { 0 };
    cv_text *text = NULL;
    cv_buffer given = { 0 }, unknown = { 0 };
    int32_t *ids = NULL;
    size_t count = 0;
    char *back = NULL;

    if (!fuzz_ok(cv_text_open(&text, fuzz_file(data, size), 10, cv_icetk_appended, &err), &err))
        return 0;
    fuzz_ok(cv_buffer_append(&given, sample, sizeof sample - 1, &err), &err);
    for (int32_t id = 0; id < 10 + cv_text_pieces(text) && id < 10 + MOST_PIECES; id++) {
        const char *piece = cv_text_piece(text, id);

        fuzz_must((piece != NULL) == (id >= 10));
        if (piece) {
            fuzz_must(cv_text_id(text, piece) == id);
            fuzz_ok(cv_buffer_append(&given, piece, strlen(piece), &err), &err);
        }
    }
    if (fuzz_ok(cv_text_encode(text, given.data, given.size, data[size - 1] & 1, &ids, &count, &err), &err)) {
        for (size_t i = 0; i < count; i++)
            fuzz_must(cv_text_piece(text, ids[i]) != NULL);
        if (fuzz_ok(cv_text_decode(text, ids, count, &back, &err), &err))
            fuzz_touch(back, strlen(back));
    }
    fuzz_ok(cv_text_unknown(text, given.data, given.size, &unknown, &err), &err);
    cv_free(ids);
    cv_free(back);
    cv_buffer_free(&unknown);
    cv_text_close(&text);
    read_as_t5(data, size, given.data);
    cv_buffer_free(&given);
    return 0;
}
