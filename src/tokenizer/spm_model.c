#include "tokenizer/spm_model.h"

#include "tokenizer/protobuf.h"
#include "base/file.h"
#include "base/file_kind.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT ((size_t)16 << 20) /* real models are 1 to 3 MB */
#define SCORE_LIMIT 1e9f

/* A model that is being read. */
typedef struct reader {
    cv_spm *spm;
    size_t names_size; /* bytes of spm->names in use */
    bool has_trainer, has_normalizer;
    cogvideo_error *err;
} reader;

static cogvideo_status damaged(const reader *in, const char *what)
{
    return cv_fail(in->err, COGVIDEO_ERROR_FORMAT,
                   "%s: is damaged or cut short in its %s; fetch the SentencePiece model file again", in->spm->path,
                   what);
}

/* Reads the next field, which is damaged where a field numbered in `expected` has another wire type. `expected` ends
 * in number 0. Sets *more to false at the end. */
static cogvideo_status next_field(const reader *in, cv_proto *proto, const cv_proto_field *expected, const char *what,
                                  cv_proto_field *field, bool *more)
{
    cv_proto_result result = cv_proto_next(proto, field);

    *more = result == CV_PROTO_FIELD;
    if (result == CV_PROTO_DAMAGED)
        return damaged(in, what);
    for (; *more && expected->number; expected++)
        if (expected->number == field->number && expected->wire != field->wire)
            return damaged(in, what);
    return COGVIDEO_OK;
}

static cogvideo_status copy_bytes(const reader *in, char **out, const cv_proto_field *field)
{
    char *copy = cv_alloc(field->size + 1, 1, in->err);

    if (!copy)
        return COGVIDEO_ERROR_MEMORY;
    if (field->size)
        memcpy(copy, field->bytes, field->size);
    cv_free(*out);
    *out = copy;
    return COGVIDEO_OK;
}

static cogvideo_status refuse_piece(const reader *in, const char *reason)
{
    return cv_fail(in->err, COGVIDEO_ERROR_FORMAT, "%s: piece %zu %s", in->spm->path, in->spm->count, reason);
}

/* Appends a piece; there must be room for it. */
static cogvideo_status add_piece(reader *in, const char *text, size_t size, float score, uint64_t type)
{
    cv_spm *spm = in->spm;
    char *copy = spm->names + in->names_size;

    if (size == 0)
        return refuse_piece(in, "is empty");
    if (size > CV_SPM_PIECE_LIMIT)
        return refuse_piece(in, "is longer than 512 bytes");
    if (cv_utf8_prefix(text, size) < size || memchr(text, '\0', size))
        return refuse_piece(in, "is not UTF-8 text");
    if (!(fabsf(score) <= SCORE_LIMIT))
        return refuse_piece(in, "has a score that is not a number within +-1e9");
    if (type == 6)
        return cv_fail(in->err, COGVIDEO_ERROR_UNSUPPORTED,
                       "%s: piece %zu is a byte piece; models with byte fallback are not supported", spm->path,
                       spm->count);
    if (type < CV_SPM_NORMAL || type > CV_SPM_UNUSED)
        return refuse_piece(in, "is of an unknown type");
    memcpy(copy, text, size);
    in->names_size += size + 1;
    spm->pieces[spm->count++] = (cv_spm_piece){ copy, (uint32_t)size, score, (cv_spm_type)type };
    return COGVIDEO_OK;
}

static cogvideo_status read_piece(reader *in, const cv_proto_field *message)
{
    static const cv_proto_field expected[] = {
        { .number = 1, .wire = CV_PROTO_BYTES },
        { .number = 2, .wire = CV_PROTO_FIXED32 },
        { .number = 3, .wire = CV_PROTO_VARINT },
        { .number = 0 },
    };
    cv_proto proto = { message->bytes, message->size, 0 };
    cv_proto_field field, text = { 0 };
    uint64_t type = CV_SPM_NORMAL;
    float score = 0;
    bool more;
    cogvideo_status status;

    while ((status = next_field(in, &proto, expected, "pieces", &field, &more)) == COGVIDEO_OK && more) {
        if (field.number == 1)
            text = field;
        if (field.number == 2)
            memcpy(&score, &(uint32_t){ (uint32_t)field.value }, sizeof score);
        if (field.number == 3)
            type = field.value;
    }
    if (status != COGVIDEO_OK)
        return status;
    return add_piece(in, (const char *)text.bytes, text.size, score, type);
}

static cogvideo_status read_trainer(reader *in, const cv_proto_field *message)
{
    static const cv_proto_field expected[] = {
        { .number = 3, .wire = CV_PROTO_VARINT },
        { .number = 24, .wire = CV_PROTO_VARINT },
        { .number = 35, .wire = CV_PROTO_VARINT },
        { .number = 44, .wire = CV_PROTO_BYTES },
        { .number = 0 },
    };
    static const char *const types[] = { "unknown", "unigram", "BPE", "word", "character" };
    cv_proto proto = { message->bytes, message->size, 0 };
    cv_proto_field field;
    bool more, byte_fallback = false;
    uint64_t type = 1;
    cogvideo_status status;

    in->has_trainer = true;
    while ((status = next_field(in, &proto, expected, "training settings", &field, &more)) == COGVIDEO_OK && more) {
        if (field.number == 3)
            type = field.value;
        if (field.number == 24)
            in->spm->space_is_suffix = field.value != 0;
        if (field.number == 35)
            byte_fallback = field.value != 0;
        if (field.number == 44 && (status = copy_bytes(in, &in->spm->unknown_text, &field)) != COGVIDEO_OK)
            return status;
    }
    if (status != COGVIDEO_OK)
        return status;
    if (type != 1)
        return cv_fail(in->err, COGVIDEO_ERROR_UNSUPPORTED,
                       "%s: is a SentencePiece model of the %s type; a unigram model was expected", in->spm->path,
                       types[type <= 4 ? type : 0]);
    if (byte_fallback)
        return cv_fail(in->err, COGVIDEO_ERROR_UNSUPPORTED,
                       "%s: is a SentencePiece model with byte fallback, which is not supported", in->spm->path);
    return COGVIDEO_OK;
}

static cogvideo_status read_normalizer(reader *in, const cv_proto_field *message)
{
    static const cv_proto_field expected[] = {
        { .number = 2, .wire = CV_PROTO_BYTES },
        { .number = 3, .wire = CV_PROTO_VARINT },
        { .number = 4, .wire = CV_PROTO_VARINT },
        { .number = 5, .wire = CV_PROTO_VARINT },
        { .number = 0 },
    };
    cv_proto proto = { message->bytes, message->size, 0 };
    cv_proto_field field;
    cv_spm *spm = in->spm;
    bool more;
    cogvideo_status status;

    in->has_normalizer = true;
    while ((status = next_field(in, &proto, expected, "normalization rules", &field, &more)) == COGVIDEO_OK && more) {
        if (field.number == 2) {
            if ((status = copy_bytes(in, &spm->charsmap, &field)) != COGVIDEO_OK)
                return status;
            spm->charsmap_size = field.size;
        }
        if (field.number == 3)
            spm->dummy_prefix = field.value != 0;
        if (field.number == 4)
            spm->fold_spaces = field.value != 0;
        if (field.number == 5)
            spm->escape_spaces = field.value != 0;
    }
    return status;
}

/* Refuses denormalization rules: the library would apply them to decoded text, and the supported models have none. */
static cogvideo_status refuse_denormalizer(const reader *in, const cv_proto_field *message)
{
    static const cv_proto_field expected[] = { { .number = 2, .wire = CV_PROTO_BYTES }, { .number = 0 } };
    cv_proto proto = { message->bytes, message->size, 0 };
    cv_proto_field field;
    bool more;
    cogvideo_status status;

    while ((status = next_field(in, &proto, expected, "denormalization rules", &field, &more)) == COGVIDEO_OK && more)
        if (field.number == 2 && field.size > 0)
            return cv_fail(in->err, COGVIDEO_ERROR_UNSUPPORTED,
                           "%s: has denormalization rules, which are not supported", in->spm->path);
    return status;
}

static const cv_proto_field model_fields[] = {
    { .number = 1, .wire = CV_PROTO_BYTES },
    { .number = 2, .wire = CV_PROTO_BYTES },
    { .number = 3, .wire = CV_PROTO_BYTES },
    { .number = 5, .wire = CV_PROTO_BYTES },
    { .number = 0 },
};

static cogvideo_status read_model(reader *in, cv_proto proto)
{
    cv_proto_field field;
    cogvideo_status status;
    bool more;

    while ((status = next_field(in, &proto, model_fields, "messages", &field, &more)) == COGVIDEO_OK && more) {
        switch (field.number) {
        case 1:
            status = read_piece(in, &field);
            break;
        case 2:
            status = read_trainer(in, &field);
            break;
        case 3:
            status = read_normalizer(in, &field);
            break;
        case 5:
            status = refuse_denormalizer(in, &field);
            break;
        default:
            break;
        }
        if (status != COGVIDEO_OK)
            return status;
    }
    return status;
}

/* Counts and allocates room for the pieces of the file and the appended ones. Every piece's text is in the file, so
 * the names need no more room than that. */
static cogvideo_status make_room(reader *in, cv_proto proto, const char *const *appended, size_t appended_count)
{
    size_t count = 0, bytes = 0;
    cv_proto_field field;
    cogvideo_status status;
    bool more;

    while ((status = next_field(in, &proto, model_fields, "messages", &field, &more)) == COGVIDEO_OK && more)
        if (field.number == 1) {
            count++;
            bytes += field.size + 1;
        }
    if (status != COGVIDEO_OK)
        return status;
    if (count == 0)
        return cv_fail(in->err, COGVIDEO_ERROR_FORMAT, "%s: contains no pieces, so it is not a SentencePiece model",
                       in->spm->path);
    for (size_t i = 0; i < appended_count; i++)
        bytes += strlen(appended[i]) + 1;
    count += appended_count;
    CV_NEW(in->spm->pieces, count, in->err);
    CV_NEW(in->spm->order, count, in->err);
    CV_NEW(in->spm->names, bytes, in->err);
    return COGVIDEO_OK;
done:
    return status;
}

static int compare_pieces(const void *a, const void *b, void *pieces)
{
    const cv_spm_piece *all = pieces;

    return strcmp(all[*(const uint32_t *)a].text, all[*(const uint32_t *)b].text);
}

/* Sorts the pieces, finds the unknown piece, refuses duplicates. */
static cogvideo_status index_pieces(reader *in)
{
    cv_spm *spm = in->spm;
    size_t unknown = 0;

    for (size_t i = 0; i < spm->count; i++) {
        spm->order[i] = (uint32_t)i;
        if (spm->pieces[i].type == CV_SPM_UNKNOWN) {
            unknown++;
            spm->unknown = i;
        }
    }
    if (unknown != 1)
        return cv_fail(in->err, COGVIDEO_ERROR_FORMAT, "%s: has %zu pieces for unknown characters; 1 was expected",
                       spm->path, unknown);
    qsort_r(spm->order, spm->count, sizeof *spm->order, compare_pieces, spm->pieces);
    for (size_t i = 1; i < spm->count; i++)
        if (compare_pieces(&spm->order[i - 1], &spm->order[i], spm->pieces) == 0)
            return cv_fail(in->err, COGVIDEO_ERROR_FORMAT, "%s: has the piece '%s' twice", spm->path,
                           spm->pieces[spm->order[i]].text);
    return COGVIDEO_OK;
}

static cogvideo_status read_file(cv_spm *spm, const cv_buffer *file, const char *const *appended, size_t appended_count,
                                 cogvideo_error *err)
{
    reader in = { .spm = spm, .err = err };
    cv_proto proto = { (const unsigned char *)file->data, file->size, 0 };
    /* A model starts with a piece, whose tag is the byte 10. */
    const char *kind = file->size > 0 && file->data[0] == 10 ? NULL : cv_file_kind(file->data, file->size);
    cogvideo_status status;

    if (kind)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is %s; a SentencePiece model file was expected", spm->path,
                       kind);
    CV_TRY(make_room(&in, proto, appended, appended_count));
    CV_TRY(read_model(&in, proto));
    if (!in.has_trainer || !in.has_normalizer) {
        status = damaged(&in, in.has_trainer ? "normalization rules" : "training settings");
        goto done;
    }
    for (size_t i = 0; i < appended_count; i++)
        CV_TRY(add_piece(&in, appended[i], strlen(appended[i]), 0, CV_SPM_NORMAL));
    return index_pieces(&in);
done:
    return status;
}

cogvideo_status cv_spm_open(cv_spm **out, const char *path, const char *const *appended, size_t appended_count,
                            cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_ERROR_MEMORY;
    cv_buffer file = { 0 };
    cv_spm *spm;

    CV_NEW(spm, 1, err);
    spm->dummy_prefix = spm->fold_spaces = spm->escape_spaces = true;
    if (!(spm->path = cv_strdup(path, err)) || !(spm->unknown_text = cv_strdup(" \xe2\x81\x87 ", err)))
        goto done;
    CV_TRY(cv_file_read(&file, path, FILE_LIMIT, err));
    CV_TRY(read_file(spm, &file, appended, appended_count, err));
    cv_buffer_free(&file);
    *out = spm;
    return COGVIDEO_OK;
done:
    cv_buffer_free(&file);
    cv_spm_close(&spm);
    return status;
}

void cv_spm_close(cv_spm **spm)
{
    if (!*spm)
        return;
    cv_free((*spm)->path);
    cv_free((*spm)->pieces);
    cv_free((*spm)->order);
    cv_free((*spm)->unknown_text);
    cv_free((*spm)->charsmap);
    cv_free((*spm)->names);
    cv_free(*spm);
    *spm = NULL;
}

int32_t cv_spm_find(const cv_spm *spm, const char *text)
{
    size_t low = 0, high = spm->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(text, spm->pieces[spm->order[middle]].text);

        if (order == 0)
            return (int32_t)spm->order[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}
