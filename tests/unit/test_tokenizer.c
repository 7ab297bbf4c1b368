/* The text tokenizer on small models made here: texts of every kind, and model files that lie. */
#include "support/check.h"
#include "support/spm.h"

#include "base/rng.h"
#include "tokenizer/protobuf.h"
#include "tokenizer/token_names.h"

#include <unistd.h>

#define SPACE "\xe2\x96\x81"
#define CODES 100 /* of pictures, before the pieces */

enum { UNK = CODES, BOS, BREAK, BLANK, A, B, AB, RARE, IMAGE };

/* --- model files ---------------------------------------------------------------------------------------------- */

#define UNITS 512 /* two blocks of 256, so that any byte leads to some unit */
#define ROOT_OFFSET 256
#define A_PLACE (ROOT_OFFSET ^ 'A')
#define LEAF_PLACE (A_PLACE ^ 1)

/* A character map of one key, "A", as a double array; units can be bent before it is written. */
typedef struct map {
    uint32_t units[UNITS];
    uint32_t size; /* of the units, as written */
} map;

static map good_map(void)
{
    map made = { .size = UNITS * 4 };

    made.units[0] = ROOT_OFFSET << 10;
    made.units[A_PLACE] = 'A' | 1u << 8 | 1u << 10;
    made.units[LEAF_PLACE] = 1u << 31;
    return made;
}

static void put(cv_buffer *out, const void *bytes, size_t size)
{
    cogvideo_error err;

    CHECK_OK(cv_buffer_append(out, bytes, size, &err), err);
}

static void put_map(cv_buffer *model, const map *made, const char *replacement, size_t size)
{
    cv_buffer blob = { 0 }, normalizer = { 0 };

    put(&blob, &made->size, 4);
    put(&blob, made->units, sizeof made->units);
    put(&blob, replacement, size);
    spm_bytes(&normalizer, 2, blob.data, blob.size);
    spm_bytes(model, 3, normalizer.data, normalizer.size);
    cv_buffer_free(&blob);
    cv_buffer_free(&normalizer);
}

static void put_pieces(cv_buffer *model)
{
    spm_piece(model, "<unk>", 5, 0, 2);
    spm_piece(model, "<s>", 3, 0, 3);
    spm_piece(model, "<n>", 3, 0, 4);
    spm_piece(model, SPACE, 3, -2, 1);
    spm_piece(model, "a", 1, -3, 1);
    spm_piece(model, "b", 1, -3, 1);
    spm_piece(model, "ab", 2, -4, 1);
    spm_piece(model, "abab", 4, -1, 5);
}

/* Trainer settings with one number set. */
static void put_trainer(cv_buffer *model, unsigned field, uint64_t value)
{
    cv_buffer trainer = { 0 };

    spm_varint(&trainer, field, value);
    spm_bytes(model, 2, trainer.data, trainer.size);
    cv_buffer_free(&trainer);
}

static void make_model(cv_buffer *model)
{
    map made = good_map();

    put_pieces(model);
    put_trainer(model, 3, 1);
    put_map(model, &made, "a", 2);
}

static cogvideo_status open_bytes(cv_text **out, const void *bytes, size_t size, cogvideo_error *err)
{
    check_write(check_temp_path("test.model"), bytes, size);
    return cv_text_open(out, check_temp_path("test.model"), CODES, cv_icetk_appended, err);
}

static cv_text *open_model(cv_buffer *model)
{
    cogvideo_error err;
    cv_text *text;

    CHECK_OK(open_bytes(&text, model->data, model->size, &err), err);
    cv_buffer_free(model);
    return text;
}

static cv_text *open_small(void)
{
    cv_buffer model = { 0 };

    make_model(&model);
    return open_model(&model);
}

/* --- texts ---------------------------------------------------------------------------------------------------- */

/* `expected` ends in -1. */
static void check_ids(const cv_text *text, const char *bytes, size_t size, bool breaks, const int32_t *expected)
{
    cogvideo_error err;
    size_t count, wanted = 0;
    int32_t *ids;

    while (expected[wanted] >= 0)
        wanted++;
    CHECK_OK(cv_text_encode(text, bytes, size, breaks, &ids, &count, &err), err);
    assert_non_null(ids);
    if (count != wanted || memcmp(ids, expected, count * sizeof *ids) != 0)
        fail_msg("'%.40s' has %zu ids, the first one %d", bytes, count, count ? (int)ids[0] : -1);
    cv_free(ids);
}

#define IDS(...)        \
    (const int32_t[])   \
    {                   \
        __VA_ARGS__, -1 \
    }
#define CHECK_IDS(text, bytes, breaks, ...) check_ids(text, bytes, sizeof bytes - 1, breaks, IDS(__VA_ARGS__))

static void texts_of_every_kind_have_ids(void **state)
{
    cv_text *text = open_small();

    (void)state;
    check_ids(text, NULL, 0, false, IDS(-1));
    check_ids(text, NULL, 0, true, IDS(-1));
    check_ids(text, "   ", 3, false, IDS(-1));
    CHECK_IDS(text, "ab", false, BLANK, AB);
    CHECK_IDS(text, " Ab  A ", false, BLANK, AB, BLANK, A);
    CHECK_IDS(text, "abab", false, BLANK, AB, AB);
    CHECK_IDS(text, "a\0b", false, BLANK, A, UNK, B);
    CHECK_IDS(text,
              "a\xf0\x9f\x99\x82\xe4\xb8\x80"
              "b",
              false, BLANK, A, UNK, B);
    CHECK_IDS(text,
              "a\xff\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80"
              "b\xe4\xb8",
              false, BLANK, A, UNK, B, UNK);
    CHECK_IDS(text, "\x01\x1b\x7f", false, BLANK, UNK);
    CHECK_IDS(text, "<s>", false, BLANK, UNK);
    CHECK_IDS(text, "<n>a", false, BLANK, BREAK, A);
    CHECK_IDS(text, "a\nb", false, BLANK, A, UNK, B);
    CHECK_IDS(text, "a\n\nb\n", true, BLANK, A, BREAK, BREAK, B, BREAK);
    CHECK_IDS(text, "<start_of_image>a", false, BLANK, IMAGE, A);
    cv_text_close(&text);
    cv_text_close(&text);
}

static void ids_have_texts(void **state)
{
    cv_text *text = open_small();
    cogvideo_error err;
    char *decoded;

    (void)state;
    CHECK_OK(cv_text_decode(text, IDS(BOS, BLANK, AB, UNK, BREAK, BLANK, RARE, IMAGE), 8, &decoded, &err), err);
    assert_string_equal(decoded, "ab \xe2\x81\x87 \n abab<start_of_image>");
    cv_free(decoded);
    CHECK_OK(cv_text_decode(text, NULL, 0, &decoded, &err), err);
    assert_string_equal(decoded, "");
    cv_free(decoded);
    CHECK_FAILS(cv_text_decode(text, IDS(A, CODES - 1), 2, &decoded, &err), COGVIDEO_ERROR_ARGUMENT,
                "id 99 at position 1 is not a piece of the text tokenizer, whose ids are 100 to 110", err);
    CHECK_FAILS(cv_text_decode(text, IDS(CODES + 11), 1, &decoded, &err), COGVIDEO_ERROR_ARGUMENT, "id 111", err);
    CHECK_FAILS(cv_text_decode(text, IDS(INT32_MIN), 1, &decoded, &err), COGVIDEO_ERROR_ARGUMENT, "is not a piece",
                err);
    cv_text_close(&text);
}

/* Only who asks for pieces behind a model's own gets them, and ids begin where the caller says. */
static void pieces_are_appended_on_demand(void **state)
{
    cv_text *text = open_small(), *plain;
    cogvideo_error err;

    (void)state;
    CHECK_OK(cv_text_open(&plain, check_temp_path("test.model"), 0, NULL, &err), err);
    assert_int_equal(cv_text_pieces(plain), cv_text_pieces(text) - CV_ICETK_APPENDED);
    assert_int_equal(cv_text_id(plain, "<unk>"), 0);
    for (int i = 0; i < CV_ICETK_APPENDED; i++) {
        assert_int_equal(cv_text_id(plain, cv_icetk_appended[i]), -1);
        assert_int_equal(cv_text_id(text, cv_icetk_appended[i]), CODES + cv_text_pieces(plain) + i);
    }
    cv_text_close(&plain);
    cv_text_close(&text);
}

/* A discouraged piece scores -100, and an unknown character 10 below the worst piece. The tokenizer itself stays. */
static void discouraged_pieces_are_avoided(void **state)
{
    static const char *const ab[] = { "ab" }, *const letters[] = { "a", "b", "ab" }, *const whole[] = { "<n>", "<s>" };
    static const int32_t number[] = { AB - CODES };
    cv_text *text = open_small(), *changed, *more;
    cogvideo_error err;

    (void)state;
    CHECK_IDS(text, "ab", false, BLANK, AB);
    CHECK_OK(cv_text_discourage(&changed, text, ab, 1, NULL, 0, &err), err);
    CHECK_IDS(changed, "ab", false, BLANK, A, B);
    CHECK_IDS(changed, "\x01", false, BLANK, UNK);
    CHECK_IDS(text, "ab", false, BLANK, AB);
    CHECK_OK(cv_text_discourage(&more, changed, NULL, 0, (const int32_t[]){ A - CODES }, 1, &err), err);
    CHECK_IDS(more, "ab", false, BLANK, AB); /* one discouraged piece rather than a and b */
    CHECK_IDS(more, "aab", false, BLANK, A, AB);
    cv_text_close(&more);
    cv_text_close(&changed);
    CHECK_OK(cv_text_discourage(&changed, text, NULL, 0, number, 1, &err), err);
    CHECK_IDS(changed, "ab", false, BLANK, A, B);
    cv_text_close(&changed);
    CHECK_OK(cv_text_discourage(&changed, text, letters, 3, NULL, 0, &err), err);
    CHECK_IDS(changed, "ab", false, BLANK, AB); /* no other piece covers them */
    cv_text_close(&changed);
    CHECK_OK(cv_text_discourage(&changed, text, whole, 2, NULL, 0, &err), err);
    CHECK_IDS(changed, "<n>a", false, BLANK, BREAK, A); /* pieces that are always matched stay so */
    assert_int_equal(cv_text_id(changed, "ab"), AB);
    cv_text_close(&changed);
    cv_text_close(&text);
}

static void only_pieces_can_be_discouraged(void **state)
{
    static const char *const unknown[] = { "a", "zz" }, *const empty[] = { "" };
    cv_text *text = open_small(), *changed = NULL;
    const int32_t last = cv_text_pieces(text), below = -1;
    cogvideo_error err;

    (void)state;
    CHECK_FAILS(cv_text_discourage(&changed, text, unknown, 2, NULL, 0, &err), COGVIDEO_ERROR_ARGUMENT,
                "'zz' cannot be discouraged", err);
    CHECK_FAILS(cv_text_discourage(&changed, text, empty, 1, NULL, 0, &err), COGVIDEO_ERROR_ARGUMENT,
                "'' cannot be discouraged", err);
    CHECK_FAILS(cv_text_discourage(&changed, text, NULL, 0, &last, 1, &err), COGVIDEO_ERROR_ARGUMENT,
                "have the numbers 0 to 10", err);
    CHECK_FAILS(cv_text_discourage(&changed, text, NULL, 0, &below, 1, &err), COGVIDEO_ERROR_ARGUMENT, "piece -1", err);
    assert_null(changed);
    cv_text_close(&text);
}

static void codes_and_pieces_have_names(void **state)
{
    cv_text *text = open_small(), *plain;
    char room[CV_TOKEN_NAME];
    cogvideo_error err;

    (void)state;
    assert_int_equal(cv_token_find(text, "<image_7>"), 7);
    assert_int_equal(cv_token_find(text, "<image_007>"), 7);
    assert_int_equal(cv_token_find(text, "<image_2147483647>"), INT32_MAX);
    assert_int_equal(cv_token_find(text, "<image_2147483648>"), -1);
    assert_int_equal(cv_token_find(text, "<image_99999999999999999999999999>"), -1);
    assert_int_equal(cv_token_find(text, "<image_>"), UNK);
    assert_int_equal(cv_token_find(text, "<image_7"), UNK);
    assert_int_equal(cv_token_find(text, "<image_7>a"), UNK);
    assert_int_equal(cv_token_find(text, "<image_ 7>"), UNK);
    assert_int_equal(cv_token_find(text, "ab"), AB);
    assert_string_equal(cv_token_name(text, CODES - 1, room), "<image_99>");
    assert_string_equal(cv_token_name(text, AB, room), "ab");
    assert_null(cv_token_name(text, -1, room));
    assert_null(cv_token_name(text, CODES + cv_text_pieces(text), room));
    CHECK_OK(cv_text_open(&plain, check_temp_path("test.model"), 0, NULL, &err), err);
    assert_int_equal(cv_token_find(plain, "<image_7>"), 0); /* there are no codes: the unknown piece */
    cv_text_close(&plain);
    cv_text_close(&text);
}

/* A model may say what unknown characters decode to, but not fill the memory with it. */
static void unknown_characters_decode_to_what_the_model_says(void **state)
{
    size_t size = (size_t)1 << 20;
    char *surface = malloc(size);
    cv_buffer model = { 0 }, trainer = { 0 };
    int32_t ids[100];
    cogvideo_error err;
    char *decoded;
    cv_text *text;

    (void)state;
    assert_non_null(surface);
    memset(surface, '?', size);
    make_model(&model);
    spm_bytes(&trainer, 44, surface, size);
    spm_bytes(&model, 2, trainer.data, trainer.size);
    text = open_model(&model);
    for (int i = 0; i < 100; i++)
        ids[i] = UNK;
    CHECK_OK(cv_text_decode(text, ids, 2, &decoded, &err), err);
    assert_int_equal(strlen(decoded), 2 * size);
    cv_free(decoded);
    CHECK_FAILS(cv_text_decode(text, ids, 100, &decoded, &err), COGVIDEO_ERROR_ARGUMENT, "100 ids decode to more", err);
    cv_text_close(&text);
    cv_buffer_free(&trainer);
    free(surface);
}

static void long_texts_take_linear_time_up_to_the_limit(void **state)
{
    size_t size = (size_t)2 << 20, count;
    cv_text *text = open_small();
    char *bytes = malloc(CV_TEXT_LIMIT + 1);
    cogvideo_error err;
    int32_t *ids;

    (void)state;
    assert_non_null(bytes);
    memset(bytes, 'a', CV_TEXT_LIMIT + 1);
    CHECK_OK(cv_text_encode(text, bytes, size, false, &ids, &count, &err), err);
    assert_int_equal(count, size + 1);
    assert_int_equal(ids[size], A);
    cv_free(ids);
    memset(bytes, 0xff, size);
    CHECK_OK(cv_text_encode(text, bytes, size, false, &ids, &count, &err), err);
    assert_int_equal(count, 2);
    cv_free(ids);
    CHECK_FAILS(cv_text_encode(text, bytes, CV_TEXT_LIMIT + 1, false, &ids, &count, &err), COGVIDEO_ERROR_ARGUMENT,
                "longer than the 16777216 that can be encoded", err);
    free(bytes);
    cv_text_close(&text);
}

/* --- files that lie ------------------------------------------------------------------------------------------- */

static void fields_are_read_within_bounds(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } damaged[] = {
        { "\x08", 1 },                                              /* no value */
        { "\x08\x80", 2 },                                          /* half a number */
        { "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11 },     /* more than 64 bits */
        { "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12 }, /* 11 bytes */
        { "\x0a\x02x", 3 },                                         /* a length past the end */
        { "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 },     /* a length of 2^64 - 1 */
        { "\x0d\x01\x02\x03", 4 },                                  /* half a float */
        { "\x09\x01\x02\x03\x04\x05\x06\x07", 8 },                  /* half a double */
        { "\x0b\x0c", 2 },                                          /* a group */
        { "\x0e", 1 },                                              /* wire type 6 */
        { "\x00\x00", 2 },                                          /* field 0 */
    };
    cv_proto proto = { (const unsigned char *)"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x12\x02hi", 15, 0 };
    cv_proto_field field;

    (void)state;
    assert_int_equal(cv_proto_next(&proto, &field), CV_PROTO_FIELD);
    assert_int_equal(field.number, 1);
    assert_true(field.value == UINT64_MAX);
    assert_int_equal(cv_proto_next(&proto, &field), CV_PROTO_FIELD);
    assert_int_equal(field.number, 2);
    assert_memory_equal(field.bytes, "hi", field.size);
    assert_int_equal(cv_proto_next(&proto, &field), CV_PROTO_END);
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        proto = (cv_proto){ (const unsigned char *)damaged[i].bytes, damaged[i].size, 0 };
        assert_int_equal(cv_proto_next(&proto, &field), CV_PROTO_DAMAGED);
        assert_int_equal(proto.at, 0);
    }
}

static void a_model_cut_anywhere_is_refused(void **state)
{
    cv_buffer model = { 0 };
    cv_text *text = NULL;
    cogvideo_error err;

    (void)state;
    make_model(&model);
    for (size_t size = 0; size < model.size; size++) {
        CHECK_FAILS(open_bytes(&text, model.data, size, &err), COGVIDEO_ERROR_FORMAT, "test.model", err);
        assert_null(text);
    }
    cv_buffer_free(&model);
}

static void refuse(cv_buffer *model, cogvideo_status expected, const char *words)
{
    cv_text *text = NULL;
    cogvideo_error err;

    CHECK_FAILS(open_bytes(&text, model->data, model->size, &err), expected, words, err);
    assert_null(text);
    cv_buffer_free(model);
}

static void refuse_piece(const char *text, size_t size, float score, unsigned type, cogvideo_status expected,
                         const char *words)
{
    cv_buffer model = { 0 };

    make_model(&model);
    spm_piece(&model, text, size, score, type);
    refuse(&model, expected, words);
}

static void pieces_that_lie_are_refused(void **state)
{
    char longest[513];
    cv_buffer model = { 0 };

    (void)state;
    memset(longest, 'x', sizeof longest);
    refuse_piece("", 0, 0, 1, COGVIDEO_ERROR_FORMAT, "piece 8 is empty");
    refuse_piece(longest, 513, 0, 1, COGVIDEO_ERROR_FORMAT, "piece 8 is longer than 512 bytes");
    refuse_piece("x\0y", 3, 0, 1, COGVIDEO_ERROR_FORMAT, "not UTF-8");
    refuse_piece("x\xc0\x80", 3, 0, 1, COGVIDEO_ERROR_FORMAT, "not UTF-8");
    refuse_piece("\xe4\xb8", 2, 0, 1, COGVIDEO_ERROR_FORMAT, "not UTF-8");
    refuse_piece("x", 1, NAN, 1, COGVIDEO_ERROR_FORMAT, "a score that is not a number");
    refuse_piece("x", 1, INFINITY, 1, COGVIDEO_ERROR_FORMAT, "a score that is not a number");
    refuse_piece("x", 1, -3e9f, 1, COGVIDEO_ERROR_FORMAT, "a score that is not a number");
    refuse_piece("x", 1, 0, 0, COGVIDEO_ERROR_FORMAT, "unknown type");
    refuse_piece("x", 1, 0, 7, COGVIDEO_ERROR_FORMAT, "unknown type");
    refuse_piece("<0x00>", 6, 0, 6, COGVIDEO_ERROR_UNSUPPORTED, "byte fallback");
    refuse_piece("ab", 2, 0, 1, COGVIDEO_ERROR_FORMAT, "the piece 'ab' twice");
    refuse_piece("<s>", 3, 0, 1, COGVIDEO_ERROR_FORMAT, "the piece '<s>' twice");
    refuse_piece("<start_of_image>", 16, 0, 1, COGVIDEO_ERROR_FORMAT, "the piece '<start_of_image>' twice");
    refuse_piece("<unknown>", 9, 0, 2, COGVIDEO_ERROR_FORMAT, "2 pieces for unknown characters");
    spm_piece(&model, "x", 1, 0, 1);
    put_trainer(&model, 3, 1);
    spm_bytes(&model, 3, "", 0);
    refuse(&model, COGVIDEO_ERROR_FORMAT, "0 pieces for unknown characters");
    for (int i = 0; i < 2000000; i++)
        spm_bytes(&model, 1, "", 0);
    refuse(&model, COGVIDEO_ERROR_FORMAT, "piece 0 is empty");
    spm_bytes(&model, 1, "\x0a\x01x\x15\x00", 5);
    refuse(&model, COGVIDEO_ERROR_FORMAT, "cut short in its pieces");
    spm_bytes(&model, 1, "\x08\x01", 2);
    refuse(&model, COGVIDEO_ERROR_FORMAT, "cut short in its pieces");
}

static void refuse_trainer(unsigned field, uint64_t value, const char *words)
{
    cv_buffer model = { 0 };

    make_model(&model);
    put_trainer(&model, field, value);
    refuse(&model, COGVIDEO_ERROR_UNSUPPORTED, words);
}

static void other_models_and_files_are_refused(void **state)
{
    cv_buffer model = { 0 };
    const char *path = check_temp_path("big.model");
    cv_text *text = NULL;
    cogvideo_error err;

    (void)state;
    refuse_trainer(3, 2, "of the BPE type; a unigram model was expected");
    refuse_trainer(3, 3, "of the word type");
    refuse_trainer(3, 4, "of the character type");
    refuse_trainer(3, UINT64_MAX, "of the unknown type");
    refuse_trainer(35, 1, "byte fallback");
    make_model(&model);
    spm_bytes(&model, 5, "\x12\x01x", 3);
    refuse(&model, COGVIDEO_ERROR_UNSUPPORTED, "denormalization");
    put(&model, "<!DOCTYPE html>", 15);
    refuse(&model, COGVIDEO_ERROR_FORMAT, "an HTML page");
    put(&model, "\x7a\x00", 2);
    refuse(&model, COGVIDEO_ERROR_FORMAT, "contains no pieces");
    CHECK_FAILS(cv_text_open(&text, check_temp_path("none.model"), CODES, cv_icetk_appended, &err), COGVIDEO_ERROR_IO,
                "none.model", err);
    CHECK_FAILS(cv_text_open(&text, check_temp(), CODES, cv_icetk_appended, &err), COGVIDEO_ERROR_IO, "cogvideo-test",
                err);
    CHECK_FAILS(cv_text_open(&text, path, -1, cv_icetk_appended, &err), COGVIDEO_ERROR_ARGUMENT, "0 or more", err);
    check_write(path, "x", 1);
    assert_int_equal(truncate(path, (off_t)1 << 32), 0);
    CHECK_FAILS(cv_text_open(&text, path, CODES, cv_icetk_appended, &err), COGVIDEO_ERROR_FORMAT,
                "larger than the 16777216 bytes", err);
    make_model(&model);
    check_write(path, model.data, model.size);
    cv_buffer_free(&model);
    CHECK_FAILS(cv_text_open(&text, path, INT32_MAX - 1, cv_icetk_appended, &err), COGVIDEO_ERROR_MODEL,
                "need more ids", err);
    assert_null(text);
}

static void make_mapped(cv_buffer *model, const map *made, const char *replacement, size_t size)
{
    put_pieces(model);
    put_trainer(model, 3, 1);
    put_map(model, made, replacement, size);
}

static void refuse_map(uint32_t size, const char *replacement, size_t replacement_size)
{
    cv_buffer model = { 0 };
    map made = good_map();

    made.size = size;
    make_mapped(&model, &made, replacement, replacement_size);
    refuse(&model, COGVIDEO_ERROR_FORMAT, "character map of");
}

/* A map that opens but fails on a text of "A"s. */
static void refuse_text(const map *made, const char *replacement, size_t replacement_size, size_t text_size,
                        cogvideo_status expected, const char *words)
{
    char *bytes = malloc(text_size);
    cv_buffer model = { 0 };
    cogvideo_error err;
    cv_text *text;
    int32_t *ids = NULL;
    size_t count;

    assert_non_null(bytes);
    memset(bytes, 'A', text_size);
    make_mapped(&model, made, replacement, replacement_size);
    text = open_model(&model);
    CHECK_FAILS(cv_text_encode(text, bytes, text_size, false, &ids, &count, &err), expected, words, err);
    assert_null(ids);
    cv_text_close(&text);
    free(bytes);
}

static void broken_character_maps_are_refused(void **state)
{
    map made = good_map();

    (void)state;
    refuse_map(UNITS * 4 + 4, "a", 2);
    refuse_map(UINT32_MAX, "a", 2);
    refuse_map(UNITS * 4 - 2, "a", 2);
    refuse_map(0, "a", 2);
    refuse_map(UNITS * 4, "a", 1);
    refuse_map(UNITS * 4, "", 0);
    made.units[0] = 0x1fffffu << 10 | 1u << 9;
    refuse_text(&made, "a", 2, 1, COGVIDEO_ERROR_FORMAT, "leads outside itself");
    made = good_map();
    made.units[A_PLACE] |= 0xffffu << 10;
    refuse_text(&made, "a", 2, 1, COGVIDEO_ERROR_FORMAT, "leads outside itself");
    made = good_map();
    made.units[LEAF_PLACE] = 1u << 31 | 2;
    refuse_text(&made, "a", 2, 1, COGVIDEO_ERROR_FORMAT, "leads outside itself");
    made.units[LEAF_PLACE] = UINT32_MAX;
    refuse_text(&made, "a", 2, 1, COGVIDEO_ERROR_FORMAT, "leads outside itself");
}

/* Maps that would cost an age or all memory: keys without an end, replacements much longer than their keys. */
static void costly_character_maps_are_bounded(void **state)
{
    size_t size = (size_t)1 << 20;
    map made = good_map();
    char *replacement = calloc(size, 1);
    cv_buffer model = { 0 };
    cogvideo_error err;
    cv_text *text;
    size_t count;
    int32_t *ids;

    (void)state;
    assert_non_null(replacement);
    memset(replacement, 'a', size - 1);
    refuse_text(&made, replacement, size, 1000, COGVIDEO_ERROR_ARGUMENT, "grows past");
    memset(replacement, ' ', size - 1);
    refuse_text(&made, replacement, size, size, COGVIDEO_ERROR_ARGUMENT, "grows past");
    made.units[A_PLACE] = 'A' | 'A' << 10; /* leads back to itself and never to a leaf */
    make_mapped(&model, &made, "a", 2);
    text = open_model(&model);
    memset(replacement, 'A', size);
    CHECK_OK(cv_text_encode(text, replacement, size, false, &ids, &count, &err), err);
    assert_int_equal(count, 2);
    assert_int_equal(ids[1], UNK);
    cv_free(ids);
    cv_text_close(&text);
    free(replacement);
}

/* Whatever changed bytes do to a model, it is refused with a sentence or works within its bounds. */
static void changed_models_do_no_harm(void **state)
{
    static const char sample[] = "Ab <n>abab \xff\xe4\xb8\x80 <start_of_image>\0 AAA\n";
    cv_buffer model = { 0 };
    cogvideo_error err;
    int opened = 0;

    (void)state;
    make_model(&model);
    for (uint32_t trial = 0; trial < 2000; trial++) {
        uint32_t dice[4];
        size_t place, count;
        cv_text *text = NULL;
        int32_t *ids;
        char was;

        cv_rng_block(dice, 7, (uint32_t[4]){ trial, 0, 0, 0 });
        place = trial % 3 ? dice[0] % 160 : dice[0] % model.size; /* the pieces, or anywhere */
        was = model.data[place];
        model.data[place] = (char)dice[1];
        err.message[0] = '\0';
        if (open_bytes(&text, model.data, model.size, &err) == COGVIDEO_OK) {
            opened++;
            if (cv_text_encode(text, sample, sizeof sample - 1, true, &ids, &count, &err) == COGVIDEO_OK) {
                for (size_t i = 0; i < count; i++)
                    assert_non_null(cv_text_piece(text, ids[i]));
                cv_free(ids);
            }
            cv_text_close(&text);
        } else {
            assert_true(strlen(err.message) > 0);
        }
        model.data[place] = was;
    }
    assert_in_range(opened, 100, 1900);
    cv_buffer_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_every_kind_have_ids),
        cmocka_unit_test(ids_have_texts),
        cmocka_unit_test(pieces_are_appended_on_demand),
        cmocka_unit_test(discouraged_pieces_are_avoided),
        cmocka_unit_test(only_pieces_can_be_discouraged),
        cmocka_unit_test(codes_and_pieces_have_names),
        cmocka_unit_test(unknown_characters_decode_to_what_the_model_says),
        cmocka_unit_test(long_texts_take_linear_time_up_to_the_limit),
        cmocka_unit_test(fields_are_read_within_bounds),
        cmocka_unit_test(a_model_cut_anywhere_is_refused),
        cmocka_unit_test(pieces_that_lie_are_refused),
        cmocka_unit_test(other_models_and_files_are_refused),
        cmocka_unit_test(broken_character_maps_are_refused),
        cmocka_unit_test(costly_character_maps_are_bounded),
        cmocka_unit_test(changed_models_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
