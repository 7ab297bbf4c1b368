#include "support/spm.h"

#include "support/check.h"

static void put(cv_buffer *out, const void *bytes, size_t size)
{
    cogvideo_error err;

    CHECK_OK(cv_buffer_append(out, bytes, size, &err), err);
}

static void put_varint(cv_buffer *out, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        put(out, &(unsigned char){ (unsigned char)(value | 0x80) }, 1);
    put(out, &(unsigned char){ (unsigned char)value }, 1);
}

void spm_varint(cv_buffer *out, unsigned field, uint64_t value)
{
    put_varint(out, (uint64_t)field << 3);
    put_varint(out, value);
}

void spm_float(cv_buffer *out, unsigned field, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    put_varint(out, (uint64_t)field << 3 | 5);
    for (int i = 0; i < 4; i++)
        put(out, &(unsigned char){ (unsigned char)(bits >> 8 * i) }, 1);
}

void spm_bytes(cv_buffer *out, unsigned field, const void *bytes, size_t size)
{
    put_varint(out, (uint64_t)field << 3 | 2);
    put_varint(out, size);
    put(out, bytes, size);
}

void spm_piece(cv_buffer *model, const char *text, size_t size, float score, unsigned type)
{
    cv_buffer piece = { 0 };

    spm_bytes(&piece, 1, text, size);
    spm_float(&piece, 2, score);
    spm_varint(&piece, 3, type);
    spm_bytes(model, 1, piece.data, piece.size);
    cv_buffer_free(&piece);
}
