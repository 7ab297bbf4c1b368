#include "tokenizer/bpe.h"

#include "base/utf8.h"
#include "tokenizer/bpe_merge.h"
#include "tokenizer/clean.h"
#include "tokenizer/unicode.h"

#include <string.h>

#define END_OF_WORD "</w>"
#define QUOTED 40 /* bytes of a text that an error quotes */
#define LONG_S 0x17fu
#define IOTA_BELOW 0x345u
#define DECODED_LIMIT ((size_t)64 << 20)

/* The names of the start and of the end. */
static const char *const names_of[][2] = {
    [CV_BPE_OPENAI] = { "<|startoftext|>", "<|endoftext|>" },
    [CV_BPE_OPEN_CLIP] = { "<start_of_text>", "<end_of_text>" },
};

struct cv_bpe {
    cv_bpe_vocabulary vocabulary;
    const char *const *names;
};

cogvideo_status cv_bpe_open(cv_bpe **out, const char *path, cv_bpe_names names, cogvideo_error *err)
{
    cogvideo_status status;
    cv_bpe *bpe = NULL;

    CV_NEW(bpe, 1, err);
    bpe->names = names_of[names];
    CV_TRY(cv_bpe_vocabulary_open(&bpe->vocabulary, path, err));
    *out = bpe;
    return COGVIDEO_OK;
done:
    cv_free(bpe);
    return status;
}

void cv_bpe_close(cv_bpe **bpe)
{
    if (!*bpe)
        return;
    cv_bpe_vocabulary_close(&(*bpe)->vocabulary);
    cv_free(*bpe);
    *bpe = NULL;
}

int32_t cv_bpe_start(const cv_bpe *bpe)
{
    return (int32_t)bpe->vocabulary.count;
}

int32_t cv_bpe_end(const cv_bpe *bpe)
{
    return cv_bpe_start(bpe) + 1;
}

int cv_bpe_ids(const cv_bpe *bpe)
{
    return cv_bpe_end(bpe) + 1;
}

const char *cv_bpe_sha256(const cv_bpe *bpe)
{
    return bpe->vocabulary.sha256;
}

/* --- words ---------------------------------------------------------------------------------------------------- */

typedef enum kind { LETTER, NUMBER, SPACE, SIGN } kind;

/* Returns what kind of character a text begins with, and its length in bytes. The iota below, a mark, belongs to no
 * word: the original's pattern ignores case, and so takes it for a letter where it wants none: its capital is one. */
static kind first_kind(const char *text, size_t *length)
{
    uint32_t code = cv_unicode_first(text, length);

    if (code == IOTA_BELOW)
        return SPACE;
    return cv_unicode_is_letter(code)   ? LETTER
           : cv_unicode_is_number(code) ? NUMBER
           : cv_unicode_is_space(code)  ? SPACE
                                        : SIGN;
}

/* Returns the bytes at the start of a text in lower case that are equal to `wanted`, where a long s counts as s; 0
 * where they differ. */
static size_t same_length(const char *text, size_t size, const char *wanted)
{
    size_t at = 0, length;

    for (; *wanted; wanted++, at += length) {
        uint32_t code = at < size ? cv_unicode_first(text + at, &length) : 0;

        if (code != (unsigned char)*wanted && !(code == LONG_S && *wanted == 's'))
            return 0;
    }
    return at;
}

/* Returns the length of the word at the start of a clean text, which begins with no space. */
static size_t word_length(const cv_bpe *bpe, const char *text, size_t size)
{
    static const char *const endings[] = { "'s", "'t", "'re", "'ve", "'m", "'ll", "'d" };
    size_t at = 0, length;
    kind first;

    for (int i = 0; i < 2; i++)
        if ((length = same_length(text, size, bpe->names[i])) > 0)
            return length;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if ((length = same_length(text, size, endings[i])) > 0)
            return length;
    first = first_kind(text, &at);
    while (first != NUMBER && at < size && first_kind(text + at, &length) == first)
        at += length;
    return at;
}

static bool is_name(const char *name, const char *word, size_t size)
{
    return size == strlen(name) && memcmp(word, name, size) == 0;
}

/* Encodes a word; `ids` has room for an id for each of its bytes. */
static cogvideo_status encode_word(const cv_bpe *bpe, cv_bpe_merger *merger, const char *word, size_t size,
                                   int32_t *ids, size_t *count, cogvideo_error *err)
{
    for (int i = 0; i < 2; i++)
        if (is_name(bpe->names[i], word, size)) {
            ids[0] = cv_bpe_start(bpe) + i;
            *count = 1;
            return COGVIDEO_OK;
        }
    return cv_bpe_merge_word(merger, &bpe->vocabulary, word, size, ids, count, err);
}

cogvideo_status cv_bpe_encode(const cv_bpe *bpe, const char *text, size_t size, int32_t **ids, size_t *count,
                              cogvideo_error *err)
{
    cv_bpe_merger merger = { 0 };
    cv_buffer clean = { 0 };
    int32_t *found = NULL;
    cogvideo_status status;
    size_t total = 0, length, added;

    if (size > CV_BPE_TEXT_LIMIT)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a text of %zu bytes is longer than the %zu that can be encoded",
                       size, CV_BPE_TEXT_LIMIT);
    CV_TRY(cv_clean(&clean, text, size, err));
    CV_NEW(found, clean.size, err);
    for (size_t at = 0; at < clean.size; at += length) {
        if (first_kind(clean.data + at, &length) == SPACE)
            continue;
        length = word_length(bpe, clean.data + at, clean.size - at);
        CV_TRY(encode_word(bpe, &merger, clean.data + at, length, found + total, &added, err));
        total += added;
    }
    *ids = found;
    *count = total;
    found = NULL;
done:
    cv_free(found);
    cv_bpe_merger_free(&merger);
    cv_buffer_free(&clean);
    return status;
}

cogvideo_status cv_bpe_row(const cv_bpe *bpe, const char *text, size_t size, bool cut, int32_t *row, size_t context,
                           size_t *count, cogvideo_error *err)
{
    int32_t *ids = NULL;
    size_t words, kept;
    cogvideo_status status;

    CV_TRY(cv_bpe_encode(bpe, text, size, &ids, &words, err));
    if (words + 2 > context && !cut) {
        size_t quoted = cv_utf8_prefix(text, size < QUOTED ? size : QUOTED);

        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                         "the text '%.*s%s' has %zu tokens with its start and end, and CLIP takes %zu; shorten it, or "
                         "use --cut-text",
                         (int)quoted, text, quoted < size ? "..." : "", words + 2, context);
        goto done;
    }
    kept = words + 2 > context ? context - 2 : words;
    memset(row, 0, context * sizeof *row);
    row[0] = cv_bpe_start(bpe);
    memcpy(row + 1, ids, kept * sizeof *row);
    row[1 + kept] = cv_bpe_end(bpe);
    if (count)
        *count = kept + 2;
done:
    cv_free(ids);
    return status;
}

/* --- texts ---------------------------------------------------------------------------------------------------- */

static cogvideo_status append_token(const cv_bpe *bpe, int32_t id, cv_buffer *out, cogvideo_error *err)
{
    const cv_bpe_token *token;
    cogvideo_status status;

    if (id >= cv_bpe_start(bpe)) {
        const char *name = bpe->names[id - cv_bpe_start(bpe)];

        return cv_buffer_append(out, name, strlen(name), err);
    }
    token = bpe->vocabulary.tokens + id;
    status = cv_buffer_append(out, token->bytes, token->size, err);
    if (status == COGVIDEO_OK && token->ends_word)
        status = cv_buffer_append(out, END_OF_WORD, strlen(END_OF_WORD), err);
    return status;
}

/* Writes each end of a word in a text as a space; the text becomes shorter in its place. The original does not tell a
 * mark from a text that spells it, either. */
static void space_words(cv_buffer *text)
{
    size_t mark = strlen(END_OF_WORD), to = 0;

    for (size_t at = 0; at < text->size; to++) {
        bool ends = text->size - at >= mark && memcmp(text->data + at, END_OF_WORD, mark) == 0;

        text->data[to] = ends ? ' ' : text->data[at];
        at += ends ? mark : 1;
    }
    text->size = to;
    text->data[to] = '\0';
}

cogvideo_status cv_bpe_decode(const cv_bpe *bpe, const int32_t *ids, size_t count, char **text, size_t *size,
                              cogvideo_error *err)
{
    cv_buffer bytes = { 0 }, repaired = { 0 };
    cogvideo_status status;

    if (count > CV_BPE_IDS_LIMIT)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a list of %zu ids is longer than the %zu that can be decoded",
                       count, CV_BPE_IDS_LIMIT);
    CV_TRY(cv_buffer_append(&bytes, "", 0, err));
    for (size_t i = 0; i < count; i++) {
        if (ids[i] < 0 || ids[i] >= cv_bpe_ids(bpe)) {
            status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                             "id %d at position %zu is not one of the %d of the byte-pair vocabulary", (int)ids[i], i,
                             cv_bpe_ids(bpe));
            goto done;
        }
        CV_TRY(append_token(bpe, ids[i], &bytes, err));
        if (bytes.size > DECODED_LIMIT) {
            status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                             "%zu ids decode to more than the %zu bytes that a text may have", count, DECODED_LIMIT);
            goto done;
        }
    }
    CV_TRY(cv_unicode_repair(&repaired, bytes.data, bytes.size, err));
    space_words(&repaired);
    *text = repaired.data;
    *size = repaired.size;
    repaired = (cv_buffer){ 0 };
done:
    cv_buffer_free(&bytes);
    cv_buffer_free(&repaired);
    return status;
}
