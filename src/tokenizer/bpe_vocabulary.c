#include "tokenizer/bpe_vocabulary.h"

#include "base/file.h"
#include "base/gzip.h"
#include "base/utf8.h"
#include "tokenizer/unicode.h"

#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT ((size_t)16 << 20) /* CLIP's own has 1.4 MB, */
#define TEXT_LIMIT ((size_t)32 << 20) /* and unpacked 3.2 MB */
#define END_OF_WORD "</w>"
#define LETTERS 324 /* code points below which all letters lie */

/* A vocabulary that is being read. */
typedef struct reader {
    cv_bpe_vocabulary *out;
    const char *text, *end; /* the file unpacked; `text` moves forward */
    size_t line;            /* of `text`, from 1 */
    size_t used;            /* of out->bytes */
    int bytes[LETTERS];     /* the byte that a letter is written for, or -1 */
    cv_bpe_token *sides;    /* [2 * merges] the two tokens of each merge, as written */
    cogvideo_error *err;
} reader;

/* --- letters -------------------------------------------------------------------------------------------------- */

/* Gives each byte its letter and its token: first those whose own character can be seen, then the others, whose
 * letters begin at U+0100. */
static void name_bytes(reader *in)
{
    cv_bpe_vocabulary *out = in->out;
    int seen = 0, other = 0, visible = 256 - (LETTERS - 256);

    for (int i = 0; i < LETTERS; i++)
        in->bytes[i] = -1;
    for (int byte = 0; byte < 256; byte++) {
        bool is_visible = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);

        out->letters[byte] = is_visible ? seen : visible + other;
        in->bytes[is_visible ? byte : 256 + other] = byte;
        seen += is_visible;
        other += !is_visible;
    }
}

/* Makes the tokens of one byte. */
static void add_bytes(reader *in)
{
    cv_bpe_vocabulary *out = in->out;

    for (int byte = 0; byte < 256; byte++) {
        char *place = out->bytes + in->used++;

        *place = (char)byte;
        out->tokens[out->letters[byte]] = (cv_bpe_token){ place, 1, false };
        out->tokens[out->letters[byte] + 256] = (cv_bpe_token){ place, 1, true };
    }
    out->count = CV_BPE_BASE;
}

/* --- lines ---------------------------------------------------------------------------------------------------- */

static cogvideo_status refuse(const reader *in, size_t line, const char *what)
{
    return cv_fail(in->err, COGVIDEO_ERROR_FORMAT, "%s: line %zu %s; fetch the vocabulary again", in->out->path, line,
                   what);
}

/* Takes the next line, without its end. */
static cv_bpe_token next_line(reader *in)
{
    const char *start = in->text, *stop = memchr(start, '\n', (size_t)(in->end - start));
    size_t size = (size_t)((stop ? stop : in->end) - start);

    in->text = stop ? stop + 1 : in->end;
    in->line++;
    return (cv_bpe_token){ start, (uint32_t)(size - (size > 0 && start[size - 1] == '\r')), false };
}

/* Reads a token, written as letters, to the next free bytes. */
static cogvideo_status read_token(reader *in, cv_bpe_token *token, const char *letters, size_t size)
{
    size_t mark = strlen(END_OF_WORD), length;
    char *place = in->out->bytes + in->used;

    token->bytes = place;
    token->ends_word = size > mark && memcmp(letters + size - mark, END_OF_WORD, mark) == 0;
    size -= token->ends_word ? mark : 0;
    for (size_t at = 0; at < size; at += length) {
        uint32_t code = LETTERS;

        length = cv_utf8_length(letters + at, size - at);
        if (length > 0)
            code = cv_unicode_first(letters + at, &length);
        if (code >= LETTERS || in->bytes[code] < 0)
            return refuse(in, in->line, "has a character that no byte is written as");
        *place++ = (char)in->bytes[code];
    }
    token->size = (uint32_t)(place - token->bytes);
    in->used += token->size;
    return COGVIDEO_OK;
}

/* Reads a merge: both its tokens and, in the bytes of both, the one that they become. */
static cogvideo_status read_merge(reader *in)
{
    cv_bpe_vocabulary *out = in->out;
    cv_bpe_token line = next_line(in), *left = in->sides + 2 * (out->count - CV_BPE_BASE), *right = left + 1;
    const char *space = memchr(line.bytes, ' ', line.size);
    size_t first = space ? (size_t)(space - line.bytes) : 0;
    cogvideo_status status;

    if (first == 0 || first + 1 == line.size)
        return refuse(in, in->line, "is not two tokens with a space between them");
    status = read_token(in, left, line.bytes, first);
    if (status == COGVIDEO_OK)
        status = read_token(in, right, space + 1, line.size - first - 1);
    if (status == COGVIDEO_OK && left->ends_word)
        return refuse(in, in->line, "joins a token to the end of a word");
    out->tokens[out->count++] = (cv_bpe_token){ left->bytes, left->size + right->size, right->ends_word };
    return status;
}

/* Returns the number of merges that a text has lines for. */
static size_t count_merges(const char *text, const char *end)
{
    size_t count = 0;

    while (count < CV_BPE_MERGES && (text = memchr(text, '\n', (size_t)(end - text))) != NULL && ++text < end)
        count++;
    return count;
}

/* Reads the first line and the merges behind it, for which there is room. */
static cogvideo_status read_merges(reader *in, size_t merges)
{
    cv_bpe_token header = next_line(in);
    cogvideo_status status = COGVIDEO_OK;

    if (!memmem(header.bytes, header.size, "#version", strlen("#version")))
        return cv_fail(in->err, COGVIDEO_ERROR_FORMAT,
                       "%s: is not a byte-pair vocabulary, its first line has no \"#version\"; CLIP's is named "
                       "bpe_simple_vocab_16e6.txt.gz or merges.txt",
                       in->out->path);
    while (status == COGVIDEO_OK && in->out->count < CV_BPE_BASE + merges)
        status = read_merge(in);
    if (status == COGVIDEO_OK && in->out->count == CV_BPE_BASE)
        return cv_fail(in->err, COGVIDEO_ERROR_FORMAT, "%s: has no merges; fetch the vocabulary again", in->out->path);
    return status;
}

/* --- pairs ---------------------------------------------------------------------------------------------------- */

/* A token in the order of texts. */
typedef struct entry {
    cv_bpe_token token;
    int32_t id;
} entry;

static int by_text(const void *a, const void *b)
{
    const cv_bpe_token *x = &((const entry *)a)->token, *y = &((const entry *)b)->token;
    int order = memcmp(x->bytes, y->bytes, x->size < y->size ? x->size : y->size);

    if (order != 0)
        return order;
    return x->size != y->size ? (x->size > y->size) - (x->size < y->size) : (int)x->ends_word - (int)y->ends_word;
}

static int by_sides(const void *a, const void *b)
{
    const cv_bpe_pair *x = a, *y = b;

    return x->left != y->left ? (x->left > y->left) - (x->left < y->left)
                              : (x->right > y->right) - (x->right < y->right);
}

/* Returns the id of a side of merge `merge`, or -1 where no merge before makes it. */
static int32_t find_side(const entry *entries, size_t count, const cv_bpe_token *side, size_t merge)
{
    const entry *found = bsearch(&(entry){ *side, 0 }, entries, count, sizeof *entries, by_text);

    return found && (size_t)found->id < CV_BPE_BASE + merge ? found->id : -1;
}

/* Line of a token that a merge makes. */
static size_t line_of(int32_t id)
{
    return (size_t)id - CV_BPE_BASE + 2;
}

static cogvideo_status check_unique(const reader *in, const entry *entries)
{
    for (size_t i = 1; i < in->out->count; i++) {
        int32_t a = entries[i - 1].id, b = entries[i].id;

        if (by_text(entries + i - 1, entries + i) == 0)
            return refuse(in, line_of(a > b ? a : b), "makes a token that was there already");
    }
    return COGVIDEO_OK;
}

/* Finds the tokens of all merges. */
static cogvideo_status make_pairs(const reader *in)
{
    cv_bpe_vocabulary *out = in->out;
    size_t merges = out->count - CV_BPE_BASE;
    cogvideo_status status;
    entry *entries = NULL;

    CV_NEW(entries, out->count, in->err);
    CV_NEW(out->pairs, merges, in->err);
    for (size_t i = 0; i < out->count; i++)
        entries[i] = (entry){ out->tokens[i], (int32_t)i };
    qsort(entries, out->count, sizeof *entries, by_text);
    CV_TRY(check_unique(in, entries));
    for (size_t i = 0; i < merges; i++) {
        int32_t left = find_side(entries, out->count, in->sides + 2 * i, i);
        int32_t right = find_side(entries, out->count, in->sides + 2 * i + 1, i);

        out->pairs[i] = (cv_bpe_pair){ left, right, (int32_t)(CV_BPE_BASE + i) };
        if (left < 0 || right < 0) {
            status = refuse(in, i + 2, "joins a token that no line before it makes");
            goto done;
        }
    }
    qsort(out->pairs, merges, sizeof *out->pairs, by_sides);
done:
    cv_free(entries);
    return status;
}

int32_t cv_bpe_merge(const cv_bpe_vocabulary *vocabulary, int32_t left, int32_t right)
{
    const cv_bpe_pair *found = bsearch(&(cv_bpe_pair){ left, right, 0 }, vocabulary->pairs,
                                       vocabulary->count - CV_BPE_BASE, sizeof *vocabulary->pairs, by_sides);

    return found ? found->made : -1;
}

/* --- files ---------------------------------------------------------------------------------------------------- */

/* Reads the file, notes its hash, and unpacks it where it is packed. */
static cogvideo_status read_file(cv_buffer *text, cv_bpe_vocabulary *out, cogvideo_error *err)
{
    unsigned char digest[CV_SHA256_BYTES];
    cv_sha256 *sha256 = NULL;
    cv_buffer file = { 0 };
    cogvideo_status status;

    CV_TRY(cv_file_read(&file, out->path, FILE_LIMIT, err));
    CV_TRY(cv_sha256_begin(&sha256, err));
    cv_sha256_add(sha256, file.data, file.size);
    cv_sha256_end(&sha256, digest);
    cv_sha256_text(out->sha256, digest);
    CV_TRY(cv_gzip_is(file.data, file.size) ? cv_gzip_unpack(text, file.data, file.size, TEXT_LIMIT, out->path, err)
                                            : cv_buffer_append(text, file.data, file.size, err));
done:
    cv_buffer_free(&file);
    return status;
}

cogvideo_status cv_bpe_vocabulary_open(cv_bpe_vocabulary *out, const char *path, cogvideo_error *err)
{
    reader in = { .out = out, .err = err };
    cv_buffer text = { 0 };
    cogvideo_status status;
    size_t merges;

    *out = (cv_bpe_vocabulary){ 0 };
    if (!(out->path = cv_strdup(path, err)))
        return COGVIDEO_ERROR_MEMORY;
    CV_TRY(read_file(&text, out, err));
    in.text = text.data;
    in.end = text.data + text.size;
    CV_NEW(out->bytes, 256 + text.size, err);
    merges = count_merges(in.text, in.end);
    CV_NEW(out->tokens, CV_BPE_BASE + merges, err);
    CV_NEW(in.sides, 2 * merges, err);
    name_bytes(&in);
    add_bytes(&in);
    CV_TRY(read_merges(&in, merges));
    CV_TRY(make_pairs(&in));
done:
    cv_free(in.sides);
    cv_buffer_free(&text);
    if (status != COGVIDEO_OK)
        cv_bpe_vocabulary_close(out);
    return status;
}

void cv_bpe_vocabulary_close(cv_bpe_vocabulary *vocabulary)
{
    cv_free(vocabulary->path);
    cv_free(vocabulary->tokens);
    cv_free(vocabulary->pairs);
    cv_free(vocabulary->bytes);
    *vocabulary = (cv_bpe_vocabulary){ 0 };
}
