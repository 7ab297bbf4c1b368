/* protobuf.h - reads the protocol buffer wire format field by field within bounds: just enough for a SentencePiece
 * model file. It allocates nothing; returned bytes point into the caller's data. */
#ifndef CV_TOKENIZER_PROTOBUF_H
#define CV_TOKENIZER_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

typedef struct cv_proto {
    const unsigned char *data;
    size_t size, at; /* at: offset of the next byte to read */
} cv_proto;

typedef enum cv_proto_wire {
    CV_PROTO_VARINT = 0,
    CV_PROTO_FIXED64 = 1,
    CV_PROTO_BYTES = 2, /* strings, bytes, embedded messages, packed numbers */
    CV_PROTO_FIXED32 = 5,
} cv_proto_wire;

typedef struct cv_proto_field {
    uint32_t number;
    cv_proto_wire wire;
    uint64_t value;             /* for the three kinds of numbers */
    const unsigned char *bytes; /* for CV_PROTO_BYTES */
    size_t size;
} cv_proto_field;

typedef enum cv_proto_result { CV_PROTO_END, CV_PROTO_FIELD, CV_PROTO_DAMAGED } cv_proto_result;

/* Reads the next field of a message. Damaged means: ends inside a field, has a number of more than 64 bits, a length
 * past the end, field number 0, or a group (a kind that model files never use); `at` then stays at the start of that
 * field. */
cv_proto_result cv_proto_next(cv_proto *proto, cv_proto_field *out);

#endif
