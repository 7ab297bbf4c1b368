#include "tokenizer/normalize.h"

#include "base/utf8.h"

#include <string.h>

#define SPACE "\xe2\x96\x81" /* U+2581 */

/* The longest sequence looked up in the map. Real keys have a dozen bytes; a hostile map may contain a cycle. */
#define KEY_LIMIT 256

static uint32_t read_u32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

cogvideo_status cv_normalizer_open(cv_normalizer *out, const cv_spm *spm, cogvideo_error *err)
{
    cv_normalizer opened = { .spm = spm };
    size_t size = spm->charsmap_size, units;

    if (size > 0) {
        units = size < 4 ? 0 : read_u32((const unsigned char *)spm->charsmap);
        if (units < 4 || units % 4 != 0 || units >= size - 4 || spm->charsmap[size - 1] != '\0')
            return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                           "%s: its character map of %zu bytes is damaged; fetch the SentencePiece model file again",
                           spm->path, size);
        opened.units = (const unsigned char *)spm->charsmap + 4;
        opened.unit_count = units / 4;
        opened.replacements = spm->charsmap + 4 + units;
        opened.replacements_size = size - 4 - units;
    }
    if (cv_trie_build(&opened.whole, spm, 1u << CV_SPM_USER_DEFINED, err) != COGVIDEO_OK)
        return COGVIDEO_ERROR_MEMORY;
    *out = opened;
    return COGVIDEO_OK;
}

void cv_normalizer_close(cv_normalizer *normalizer)
{
    cv_trie_free(&normalizer->whole);
    *normalizer = (cv_normalizer){ 0 };
}

/* The replacement for one or more characters at the start of a text. */
typedef struct step {
    const char *text;
    size_t size;
    size_t consumed; /* bytes of the text, at least 1 */
} step;

/* Reads a unit of the double array: bits 0..7 are the byte that leads to it, bit 8 says whether a leaf hangs on it,
 * bits 10..30 are the offset to its children (in 256s where bit 9 is set); bit 31 marks a leaf, whose other bits are
 * its value. */
static bool unit_at(const cv_normalizer *in, uint32_t place, uint32_t *unit)
{
    if (place >= in->unit_count)
        return false;
    *unit = read_u32(in->units + (size_t)place * 4);
    return true;
}

static uint32_t offset_of(uint32_t unit)
{
    return (unit >> 10) << ((unit & 1u << 9) >> 6);
}

/* Finds the longest key of the map that `text` starts with: its length (0: none) and value. Returns false where the
 * map leads outside itself. */
static bool longest_key(const cv_normalizer *in, const char *text, size_t size, size_t *length, uint32_t *value)
{
    uint32_t place, unit, leaf;

    *length = 0;
    if (in->unit_count == 0)
        return true;
    if (!unit_at(in, 0, &unit))
        return false;
    place = offset_of(unit);
    for (size_t i = 0; i < size && i < KEY_LIMIT; i++) {
        unsigned char byte = (unsigned char)text[i];

        place ^= byte;
        if (!unit_at(in, place, &unit))
            return false;
        if ((unit & (1u << 31 | 0xff)) != byte)
            return true;
        place ^= offset_of(unit);
        if (unit & 1u << 8) {
            if (!unit_at(in, place, &leaf))
                return false;
            *length = i + 1;
            *value = leaf & 0x7fffffff;
        }
    }
    return true;
}

static cogvideo_status next_step(const cv_normalizer *in, const char *text, size_t size, step *out, cogvideo_error *err)
{
    size_t length = cv_trie_longest(&in->whole, text, size);
    uint32_t value = 0;

    if (length > 0) {
        *out = (step){ text, length, length };
        return COGVIDEO_OK;
    }
    if (!longest_key(in, text, size, &length, &value) || (length > 0 && value >= in->replacements_size))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: its character map is damaged, it leads outside itself; fetch the SentencePiece model "
                       "file again",
                       in->spm->path);
    if (length > 0)
        *out = (step){ in->replacements + value, strlen(in->replacements + value), length };
    else if ((length = cv_utf8_length(text, size)) > 0)
        *out = (step){ text, length, length };
    else
        *out = (step){ "\xef\xbf\xbd", 3, 1 };
    return COGVIDEO_OK;
}

static cogvideo_status append_space(const cv_normalizer *in, cv_buffer *out, cogvideo_error *err)
{
    return in->spm->escape_spaces ? cv_buffer_append(out, SPACE, 3, err) : cv_buffer_append(out, " ", 1, err);
}

static cogvideo_status append_step(const cv_normalizer *in, const step *piece, cv_buffer *out, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    size_t i = 0;

    while (status == COGVIDEO_OK && i < piece->size) {
        const char *space = memchr(piece->text + i, ' ', piece->size - i);
        size_t length = space ? (size_t)(space - (piece->text + i)) : piece->size - i;

        status = cv_buffer_append(out, piece->text + i, length, err);
        if (status == COGVIDEO_OK && space)
            status = append_space(in, out, err);
        i += length + (space != NULL);
    }
    return status;
}

static bool is_space(const step *piece)
{
    return piece->size == 1 && piece->text[0] == ' ';
}

/* Removes spaces at the end; a U+2581 in the text counts as one, too. */
static void trim_end(const cv_normalizer *in, cv_buffer *out)
{
    const char *space = in->spm->escape_spaces ? SPACE : " ";
    size_t length = strlen(space);

    while (out->size >= length && memcmp(out->data + out->size - length, space, length) == 0)
        out->size -= length;
}

cogvideo_status cv_normalize(const cv_normalizer *in, const char *text, size_t size, cv_buffer *out,
                             cogvideo_error *err)
{
    bool fold = in->spm->fold_spaces, started = false, after_space = fold;
    bool before = in->spm->dummy_prefix && !in->spm->space_is_suffix;
    bool behind = in->spm->dummy_prefix && in->spm->space_is_suffix;
    size_t work = 0;
    step piece = { 0 };
    cogvideo_status status = COGVIDEO_OK;

    for (size_t at = 0; at < size; at += piece.consumed) {
        CV_TRY(next_step(in, text + at, size - at, &piece, err));
        work += piece.size; /* also counts replacements that become nothing, which cost time */
        if (work > CV_NORMALIZED_LIMIT || out->size > CV_NORMALIZED_LIMIT) {
            status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                             "a text of %zu bytes grows past the %zu bytes that a "
                             "normalized text may have; shorten it",
                             size, CV_NORMALIZED_LIMIT);
            goto done;
        }
        if (!started && fold && is_space(&piece))
            continue;
        if (!started && before)
            CV_TRY(append_space(in, out, err));
        started = true;
        while (after_space && piece.size > 0 && piece.text[0] == ' ') {
            piece.text++;
            piece.size--;
        }
        if (piece.size > 0) {
            CV_TRY(append_step(in, &piece, out, err));
            after_space = fold && piece.text[piece.size - 1] == ' ';
        }
    }
    if (started && fold)
        trim_end(in, out);
    if (started && behind)
        CV_TRY(append_space(in, out, err));
done:
    return status;
}
