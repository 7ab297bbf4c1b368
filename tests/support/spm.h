/* spm.h - SentencePiece model files made by tests, honest or not. */
#ifndef TESTS_SPM_H
#define TESTS_SPM_H

#include "base/mem.h"

/* Appends one field of a protocol buffer message: a varint, 4 bytes, or bytes with their length. */
void spm_varint(cv_buffer *out, unsigned field, uint64_t value);
void spm_float(cv_buffer *out, unsigned field, float value);
void spm_bytes(cv_buffer *out, unsigned field, const void *bytes, size_t size);

/* Appends a piece to a model; `type` is numbered as in cv_spm_type. */
void spm_piece(cv_buffer *model, const char *text, size_t size, float score, unsigned type);

#endif
