#include "tokenizer/text.h"

#include "tokenizer/normalize.h"
#include "tokenizer/unigram.h"

#include <string.h>

#define LINE_BREAK "<n>"
#define SPACE "\xe2\x96\x81" /* U+2581 */

struct cv_text {
    cv_spm *spm;
    cv_normalizer normalizer;
    cv_unigram unigram;
    int32_t first_id;
    bool shares; /* all but the scores belongs to another */
};

const char *const cv_icetk_appended[CV_ICETK_APPENDED + 1] = { "<start_of_image>", "<start_of_english>",
                                                               "<start_of_chinese>", NULL };

cogvideo_status cv_text_open(cv_text **out, const char *path, int first_id, const char *const *appended,
                             cogvideo_error *err)
{
    cogvideo_status status;
    cv_text *text = NULL;
    size_t count = 0;

    while (appended && appended[count])
        count++;
    if (first_id < 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: ids of pieces cannot start at %d; 0 or more was expected",
                       path, first_id);
    CV_NEW(text, 1, err);
    text->first_id = first_id;
    CV_TRY(cv_spm_open(&text->spm, path, appended, count, err));
    if (text->spm->count > (size_t)(INT32_MAX - first_id)) {
        status = cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: %zu pieces from id %d on need more ids than there are", path,
                         text->spm->count, first_id);
        goto done;
    }
    CV_TRY(cv_normalizer_open(&text->normalizer, text->spm, err));
    CV_TRY(cv_unigram_open(&text->unigram, text->spm, err));
    *out = text;
    return COGVIDEO_OK;
done:
    cv_text_close(&text);
    return status;
}

void cv_text_close(cv_text **text)
{
    if (!*text)
        return;
    if ((*text)->shares) {
        cv_unigram_close_scores(&(*text)->unigram);
    } else {
        cv_unigram_close(&(*text)->unigram);
        cv_normalizer_close(&(*text)->normalizer);
        cv_spm_close(&(*text)->spm);
    }
    cv_free(*text);
    *text = NULL;
}

cogvideo_status cv_text_discourage(cv_text **out, const cv_text *text, const char *const *names, size_t name_count,
                                   const int32_t *numbers, size_t number_count, cogvideo_error *err)
{
    cogvideo_status status;
    cv_text *changed = NULL;
    int32_t *pieces = NULL;

    CV_NEW(pieces, name_count + number_count, err);
    for (size_t i = 0; i < name_count; i++)
        if ((pieces[i] = cv_spm_find(text->spm, names[i])) < 0) {
            status =
                cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                        "'%s' cannot be discouraged: %s has no such piece; one that begins a word begins with " SPACE
                        " (U+2581)",
                        names[i], text->spm->path);
            goto done;
        }
    for (size_t i = 0; i < number_count; i++) {
        if (numbers[i] < 0 || (size_t)numbers[i] >= text->spm->count) {
            status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                             "piece %d cannot be discouraged: the pieces of %s have the numbers 0 to %zu",
                             (int)numbers[i], text->spm->path, text->spm->count - 1);
            goto done;
        }
        pieces[name_count + i] = numbers[i];
    }
    CV_NEW(changed, 1, err);
    *changed = *text;
    changed->shares = true;
    CV_TRY(cv_unigram_discourage(&changed->unigram, &text->unigram, pieces, name_count + number_count, err));
    *out = changed;
    changed = NULL;
done:
    cv_free(changed);
    cv_free(pieces);
    return status;
}

int cv_text_pieces(const cv_text *text)
{
    return (int)text->spm->count;
}

int32_t cv_text_first_id(const cv_text *text)
{
    return text->first_id;
}

int32_t cv_text_id(const cv_text *text, const char *piece)
{
    int32_t index = cv_spm_find(text->spm, piece);

    return index < 0 ? -1 : text->first_id + index;
}

int32_t cv_text_unknown_id(const cv_text *text)
{
    return text->first_id + (int32_t)text->spm->unknown;
}

/* Returns NULL where `id` is not a piece. */
static const cv_spm_piece *piece_of(const cv_text *text, int32_t id)
{
    if (id < text->first_id || (size_t)(id - text->first_id) >= text->spm->count)
        return NULL;
    return &text->spm->pieces[id - text->first_id];
}

const char *cv_text_piece(const cv_text *text, int32_t id)
{
    const cv_spm_piece *piece = piece_of(text, id);

    return piece ? piece->text : NULL;
}

/* Appends `size` bytes and replaces every `what` (of `length` bytes) by `with`. */
static cogvideo_status append_replaced(cv_buffer *out, const char *bytes, size_t size, const char *what, size_t length,
                                       const char *with, cogvideo_error *err)
{
    const char *end = bytes + size, *hit;
    cogvideo_status status = COGVIDEO_OK;

    while (status == COGVIDEO_OK && (hit = memmem(bytes, (size_t)(end - bytes), what, length)) != NULL) {
        status = cv_buffer_append(out, bytes, (size_t)(hit - bytes), err);
        if (status == COGVIDEO_OK)
            status = cv_buffer_append(out, with, strlen(with), err);
        bytes = hit + length;
    }
    return status == COGVIDEO_OK ? cv_buffer_append(out, bytes, (size_t)(end - bytes), err) : status;
}

/* Computes the segments of a text, and the normalized text that they refer to. The caller frees both, whatever the
 * status. */
static cogvideo_status segment(const cv_text *text, const char *bytes, size_t size, cv_buffer *normal,
                               cv_segment **segments, size_t *count, cogvideo_error *err)
{
    cogvideo_status status = cv_normalize(&text->normalizer, bytes, size, normal, err);

    return status == COGVIDEO_OK ? cv_unigram_segment(&text->unigram, normal->data, normal->size, segments, count, err)
                                 : status;
}

static cogvideo_status check_size(size_t size, cogvideo_error *err)
{
    if (size > CV_TEXT_LIMIT)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a text of %zu bytes is longer than the %zu that can be encoded",
                       size, CV_TEXT_LIMIT);
    return COGVIDEO_OK;
}

cogvideo_status cv_text_encode(const cv_text *text, const char *bytes, size_t size, bool keep_line_breaks,
                               int32_t **ids, size_t *count, cogvideo_error *err)
{
    cogvideo_status status;
    cv_buffer lines = { 0 }, normal = { 0 };
    cv_segment *segments = NULL;
    int32_t *found;

    CV_TRY(check_size(size, err));
    if (keep_line_breaks && size > 0) {
        CV_TRY(append_replaced(&lines, bytes, size, "\n", 1, LINE_BREAK, err));
        bytes = lines.data;
        size = lines.size;
    }
    CV_TRY(segment(text, bytes, size, &normal, &segments, count, err));
    CV_NEW(found, *count, err);
    for (size_t i = 0; i < *count; i++)
        found[i] = segments[i].piece + text->first_id;
    *ids = found;
done:
    cv_free(segments);
    cv_buffer_free(&lines);
    cv_buffer_free(&normal);
    return status;
}

cogvideo_status cv_text_unknown(const cv_text *text, const char *bytes, size_t size, cv_buffer *out,
                                cogvideo_error *err)
{
    cogvideo_status status;
    cv_buffer normal = { 0 };
    cv_segment *segments = NULL;
    size_t count;

    CV_TRY(check_size(size, err));
    CV_TRY(segment(text, bytes, size, &normal, &segments, &count, err));
    for (size_t i = 0; i < count; i++) {
        size_t end = i + 1 < count ? segments[i + 1].start : normal.size;

        if ((size_t)segments[i].piece == text->spm->unknown)
            CV_TRY(cv_buffer_printf(out, err, "%s%.*s", out->size ? ", " : "", (int)(end - segments[i].start),
                                    normal.data + segments[i].start));
    }
done:
    cv_free(segments);
    cv_buffer_free(&normal);
    return status;
}

/* The state before the first visible piece: whether spaces are still removed. */
typedef struct opening {
    bool open;
    bool space_taken; /* by the piece before */
} opening;

/* Appends what one piece decodes to. At the start of the text one U+2581, that of the dummy prefix, is removed; all
 * of them where the model folds spaces. */
static cogvideo_status append_piece(const cv_text *text, const cv_spm_piece *piece, opening *start, cv_buffer *out,
                                    cogvideo_error *err)
{
    const cv_spm *spm = text->spm;
    size_t skip = 0;

    if (start->space_taken || out->size > 0)
        start->open = false;
    start->space_taken = false;
    if (piece->type == CV_SPM_CONTROL)
        return COGVIDEO_OK;
    if (piece->type == CV_SPM_UNKNOWN)
        return cv_buffer_append(out, spm->unknown_text, strlen(spm->unknown_text), err);
    if (strcmp(piece->text, LINE_BREAK) == 0)
        return cv_buffer_append(out, "\n", 1, err);
    if (start->open && (spm->dummy_prefix || spm->fold_spaces) && strncmp(piece->text, SPACE, 3) == 0) {
        skip = 3;
        start->space_taken = !spm->fold_spaces;
    }
    return append_replaced(out, piece->text + skip, piece->size - skip, SPACE, 3, " ", err);
}

cogvideo_status cv_text_decode(const cv_text *text, const int32_t *ids, size_t count, char **out, cogvideo_error *err)
{
    cogvideo_status status;
    cv_buffer decoded = { 0 };
    opening start = { .open = true };

    if (count > CV_TEXT_LIMIT)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a list of %zu ids is longer than the %zu that can be decoded",
                       count, CV_TEXT_LIMIT);
    CV_TRY(cv_buffer_append(&decoded, "", 0, err));
    for (size_t i = 0; i < count; i++) {
        const cv_spm_piece *piece = piece_of(text, ids[i]);

        if (!piece) {
            status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                             "id %d at position %zu is not a piece of the text tokenizer, whose ids are %d to %d",
                             (int)ids[i], i, (int)text->first_id, (int)text->first_id + cv_text_pieces(text) - 1);
            goto done;
        }
        CV_TRY(append_piece(text, piece, &start, &decoded, err));
        if (decoded.size > CV_NORMALIZED_LIMIT) {
            status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                             "%zu ids decode to more than the %zu bytes that a text may "
                             "have",
                             count, CV_NORMALIZED_LIMIT);
            goto done;
        }
    }
    *out = decoded.data;
    return COGVIDEO_OK;
done:
    cv_buffer_free(&decoded);
    return status;
}
