#include "tokenizer/protobuf.h"

#include <stdbool.h>

/* Reads seven bits per byte, low ones first; the top bit says that more follow: at most 10 bytes, the last one 0 or
 * 1. */
static bool read_varint(cv_proto *proto, uint64_t *out)
{
    uint64_t value = 0;

    for (int shift = 0; shift < 70 && proto->at < proto->size; shift += 7) {
        uint64_t byte = proto->data[proto->at++];

        if (shift == 63 && byte > 1)
            return false;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    return false;
}

static bool read_fixed(cv_proto *proto, size_t width, uint64_t *out)
{
    uint64_t value = 0;

    if (proto->size - proto->at < width)
        return false;
    for (size_t i = 0; i < width; i++)
        value |= (uint64_t)proto->data[proto->at++] << 8 * i;
    *out = value;
    return true;
}

static bool read_field(cv_proto *proto, cv_proto_field *field)
{
    uint64_t tag;

    if (!read_varint(proto, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
        return false;
    field->number = (uint32_t)(tag >> 3);
    field->wire = (cv_proto_wire)(tag & 7);
    switch (field->wire) {
    case CV_PROTO_VARINT:
        return read_varint(proto, &field->value);
    case CV_PROTO_FIXED64:
        return read_fixed(proto, 8, &field->value);
    case CV_PROTO_FIXED32:
        return read_fixed(proto, 4, &field->value);
    case CV_PROTO_BYTES:
        if (!read_varint(proto, &field->value) || field->value > proto->size - proto->at)
            return false;
        field->size = (size_t)field->value;
        field->bytes = proto->data + proto->at;
        proto->at += field->size;
        return true;
    }
    return false;
}

cv_proto_result cv_proto_next(cv_proto *proto, cv_proto_field *out)
{
    cv_proto_field field = { 0 };
    size_t start = proto->at;

    if (proto->at == proto->size)
        return CV_PROTO_END;
    if (!read_field(proto, &field)) {
        proto->at = start;
        return CV_PROTO_DAMAGED;
    }
    *out = field;
    return CV_PROTO_FIELD;
}
