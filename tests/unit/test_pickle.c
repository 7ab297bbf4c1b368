/* The pickle reader: what it understands, and that nothing else gets anywhere. */
#include "support/check.h"
#include "support/torch_file.h"

#include "import/pickle.h"

#include "base/cpu.h"

/* Reads a pickle that must succeed. */
static cv_pickle *must_read(const char *bytes, size_t size)
{
    cogvideo_error err;
    cv_pickle *pickle = NULL;

    CHECK_OK(cv_pickle_read(&pickle, bytes, size, "test.pkl", &err), err);
    return pickle;
}
#define READ(literal) must_read(literal, sizeof(literal) - 1)

static void refuse(const void *bytes, size_t size, const char *words)
{
    cogvideo_error err;
    cv_pickle *pickle = NULL;
    void *copy = malloc(size ? size : 1); /* of exactly this size, so that a read past it is seen */

    memcpy(copy, bytes, size);
    CHECK_FAILS(cv_pickle_read(&pickle, copy, size, "test.pkl", &err), COGVIDEO_ERROR_FORMAT, words, err);
    assert_null(pickle);
    free(copy);
}
#define REFUSE(literal, words) refuse(literal, sizeof(literal) - 1, words)

static void plain_values_are_read(void **state)
{
    cv_pickle *pickle = READ("\x80\x02}(X\1\0\0\0aK\1X\1\0\0\0bJ\xff\xff\xff\xffX\1\0\0\0cM\0\1X\1\0\0\0d\x8a\2\0\x80"
                             "X\1\0\0\0eG?\xe0\0\0\0\0\0\0X\1\0\0\0f\x88X\1\0\0\0gNX\1\0\0\0h(K\1K\2tu.");
    const cv_pickle_value *root = cv_pickle_root(pickle);
    static const int64_t integers[] = { 1, -1, 256, -32768 };

    (void)state;
    assert_int_equal(root->kind, CV_PICKLE_DICT);
    assert_int_equal(root->count, 16);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(root->items[2 * i + 1]->kind, CV_PICKLE_INT);
        assert_int_equal(root->items[2 * i + 1]->integer, integers[i]);
    }
    assert_true(root->items[9]->kind == CV_PICKLE_FLOAT && root->items[9]->real == 0.5);
    assert_true(root->items[11]->kind == CV_PICKLE_BOOL && root->items[11]->integer == 1);
    assert_int_equal(root->items[13]->kind, CV_PICKLE_NONE);
    assert_int_equal(root->items[15]->kind, CV_PICKLE_TUPLE);
    assert_int_equal(root->items[15]->count, 2);
    assert_true(cv_pickle_is_text(root->items[14], "h"));
    cv_pickle_free(&pickle);
}

static void newer_protocols_are_read(void **state)
{
    cv_pickle *pickle = READ("\x80\x04\x95\x28\0\0\0\0\0\0\0}\x94\x8c\1a\x94\x8c\x0b"
                             "collections\x8c\x0b"
                             "OrderedDict\x93)R\x94sh\1\x86\x8c\0\x86.");
    const cv_pickle_value *root = cv_pickle_root(pickle);

    (void)state;
    assert_int_equal(root->kind, CV_PICKLE_TUPLE);
    cv_pickle_free(&pickle);
}

/* What pickletools lists for protocols 2 to 5 and tensors need. */
static const unsigned char allowed[] = "N\x88\x89KMJ\x8a\x8bG\x8cX\x8dUCTB\x8e)]}\x8f"
                                       "chj\x80\x95(012qr\x94\x85"
                                       "\x86\x87tldaesu\x90\x91\x93Rb\x81\x92Q.";

static void other_opcodes_are_refused(void **state)
{
    (void)state;
    for (int opcode = 0; opcode < 256; opcode++) {
        char bytes[64] = "\x80\x02}}K\1", words[40];
        cogvideo_error err;
        cv_pickle *pickle = NULL;

        bytes[6] = (char)opcode;
        memcpy(bytes + 7, "os\nsystem\n.", 11);
        snprintf(words, sizeof words, "opcode 0x%02x", (unsigned)opcode);
        if (!memchr(allowed, opcode, sizeof allowed - 1)) {
            refuse(bytes, sizeof bytes, words);
            continue;
        }
        if (cv_pickle_read(&pickle, bytes, sizeof bytes, "test.pkl", &err) == COGVIDEO_OK)
            cv_pickle_free(&pickle);
        else
            assert_null(strstr(err.message, words));
    }
}

/* The ways a pickle asks for a call: each is inert or refused. */
static void code_is_never_reached(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } inert[] = {
#define LITERAL(text) { text, sizeof(text) - 1 }
        LITERAL("\x80\x02"
                "cos\nsystem\nX\2\0\0\0id\x85R."),
        LITERAL("\x80\x02"
                "cposix\nsystem\nX\2\0\0\0id\x85R."),
        LITERAL("\x80\x02"
                "cbuiltins\neval\nX\3\0\0\0"
                "1+1\x85R."),
        LITERAL("\x80\x02"
                "c__builtin__\nexec\nX\3\0\0\0"
                "1+1\x85R."),
        LITERAL("\x80\x02"
                "crunpy\n_run_code\n)R."),
        LITERAL("\x80\x02"
                "ctorch\nload\nX\1\0\0\0x\x85R."),
        LITERAL("\x80\x02"
                "ctorch._utils\n_rebuild_tensor\n)R."),
        LITERAL("\x80\x02"
                "ctorch\nos.HalfStorage\n)R."),
        LITERAL("\x80\x02"
                "cnumpy.core.multiarray\n_reconstruct\n)R}b."),
        LITERAL("\x80\x02"
                "cos\nsystem\n)\x81}b."),
        LITERAL("\x80\x02"
                "cos\nsystem\n)}\x92."),
        LITERAL("\x80\x04\x8c\2os\x8c\6system\x93\x8c\2id\x85R."),
        LITERAL("\x80\x04\x8c\x08"
                "builtins\x8c\4eval\x93)R."),
        LITERAL("\x80\x04\x8c\x0b"
                "collections\x8c\x14OrderedDict.__init__\x93)R."),
        LITERAL("\x80\x02"
                "ctorch\nHalfStorage\nK\1\x85R."), /* a storage is never made by a call */
        LITERAL("\x80\x02"
                "ccollections\nOrderedDict\n]\x85R."),
        LITERAL("\x80\x02"
                "ctorch._utils\n_rebuild_tensor_v2\n)R}b."), /* attributes on a tensor */
        LITERAL("\x80\x02"
                "cos\nsystem\n(X\1\0\0\0aK\1uK\2a]b."),
#undef LITERAL
    };

    (void)state;
    for (size_t i = 0; i < sizeof inert / sizeof *inert; i++) {
        cv_pickle *pickle = must_read(inert[i].bytes, inert[i].size);

        assert_int_equal(cv_pickle_root(pickle)->kind, CV_PICKLE_INERT);
        cv_pickle_free(&pickle);
    }
    REFUSE("\x80\x02(X\2\0\0\0idios\nsystem\n.", "opcode 0x69");
    REFUSE("\x80\x02(cos\nsystem\nX\2\0\0\0ido.", "opcode 0x6f");
    REFUSE("\x80\x02"
           "cos\nsystem\nI1\n\x85R.",
           "opcode 0x49");
    REFUSE("\x80\x02Pid\n.", "opcode 0x50");
    REFUSE("\x80\x02\x82\1.", "opcode 0x82");
    REFUSE("\x80\x04K\1K\2\x93.", "a name that is not text");
}

static void damaged_pickles_are_refused(void **state)
{
    (void)state;
    REFUSE("", "ends too early");
    REFUSE("\x80", "ends too early");
    REFUSE("\x80\x06N.", "protocol");
    REFUSE("\x80\x01N.", "protocol");
    REFUSE("\x80\x02.", "exactly one value");
    REFUSE("\x80\x02NN.", "exactly one value");
    REFUSE("\x80\x02(N.", "exactly one value");
    REFUSE("\x80\x02N.N", "exactly one value");
    REFUSE("\x80\x02\x30.", "empty stack");
    REFUSE("\x80\x02N(R.", "empty stack");
    REFUSE("\x80\x02NN(s.", "empty stack");
    REFUSE("\x80\x02}N(a.", "empty stack");
    REFUSE("\x80\x02N\x87.", "empty stack");
    REFUSE("\x80\x02Q.", "empty stack");
    REFUSE("\x80\x02"
           "2.",
           "empty stack");
    REFUSE("\x80\x02q\0N.", "empty stack");
    REFUSE("\x80\x02t.", "never opened");
    REFUSE("\x80\x02"
           "1.",
           "never opened");
    REFUSE("\x80\x02}(Nu.", "without a value");
    REFUSE("\x80\x02(Nd.", "without a value");
    REFUSE("\x80\x02]NNs.", "not a dictionary");
    REFUSE("\x80\x02}Na.", "not a list");
    REFUSE("\x80\x02h\0.", "never remembered");
    REFUSE("\x80\x02Nq\1h\2.", "never remembered");
    REFUSE("\x80\x02j\xff\xff\xff\xff.", "never remembered");
    REFUSE("\x80\x02Nr\xff\xff\xff\xff.", "remembers more");
    REFUSE("\x80\x02"
           "cos\nsystem",
           "ends too early");
    REFUSE("\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xffN.", "ends too early");
}

static void huge_lengths_are_refused(void **state)
{
    (void)state;
    REFUSE("\x80\x02\x8b\xff\xff\xff\x7f.", "ends too early");
    REFUSE("\x80\x02\x8b\xff\xff\xff\xff.", "ends too early");
    REFUSE("\x80\x02\x8a\xff.", "ends too early");
    REFUSE("\x80\x02X\xff\xff\xff\xff.", "ends too early");
    REFUSE("\x80\x02T\xff\xff\xff\xff.", "ends too early");
    REFUSE("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "ends too early");
    REFUSE("\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.", "ends too early");
    REFUSE("\x80\x04\x8d\2\0\0\0\0\0\0\0a", "ends too early");
}

/* `count` times the bytes `item` between a head and a tail. */
static void repeat(cv_buffer *out, const char *head, const char *item, size_t count, const char *tail)
{
    PICKLE(out, "\x80\x02");
    pickle_bytes(out, head, strlen(head));
    for (size_t i = 0; i < count; i++)
        pickle_bytes(out, item, strlen(item));
    pickle_bytes(out, tail, strlen(tail));
}

static void nesting_and_number_are_bounded(void **state)
{
    static const struct {
        const char *head, *item, *tail, *words;
        size_t count;
    } bombs[] = {
        { "", "(", "t.", "deeper", 100000 },
        { "", "]", "a.", "exactly one value", 100000 },
        { "", "N", ".", "piles up", 3000000 },
        { "", ")0", "N.", "more values", 3000000 },
        { "]", "2", "N.", "piles up", 3000000 },
        { "](", "NNNNNNNN", "e.", "piles up", 1000000 },
        { "]", "(NNNNNNNNNNNNNNNNe", ".", "more members", 500000 },
        { "", "}0", "N.", "more values", 3000000 },
    };
    long long before = cv_memory_peak();

    (void)state;
    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
        cv_buffer bytes = { 0 };
        cv_pickle *pickle = NULL;
        cogvideo_error err;

        repeat(&bytes, bombs[i].head, bombs[i].item, bombs[i].count, bombs[i].tail);
        CHECK_FAILS(cv_pickle_read(&pickle, bytes.data, bytes.size, "test.pkl", &err), COGVIDEO_ERROR_FORMAT,
                    bombs[i].words, err);
        cv_buffer_free(&bytes);
    }
    assert_true(cv_memory_peak() - before < 600LL << 20);
}

/* 100 000 lists, each in the next, and one in itself: no recursion anywhere, not when freeing either. */
static void deep_trees_are_harmless(void **state)
{
    cv_buffer bytes = { 0 };
    cv_pickle *pickle;

    (void)state;
    PICKLE(&bytes, "\x80\x02");
    for (int i = 0; i < 100000; i++)
        PICKLE(&bytes, "]");
    for (int i = 1; i < 100000; i++)
        PICKLE(&bytes, "a");
    PICKLE(&bytes, ".");
    pickle = must_read(bytes.data, bytes.size);
    assert_int_equal(cv_pickle_root(pickle)->count, 1);
    cv_pickle_free(&pickle);
    cv_buffer_free(&bytes);
    pickle = READ("\x80\x02]q\0h\0a.");
    assert_ptr_equal(cv_pickle_root(pickle)->items[0], cv_pickle_root(pickle));
    cv_pickle_free(&pickle);
}

static void truncation_at_every_byte_is_refused(void **state)
{
    cv_buffer bytes = { 0 };
    pickle_tensor tensor = { .storage_class = "HalfStorage", .key = "0" };
    cv_pickle *pickle;

    (void)state;
    pickle_tensor_shape(&tensor, 2, (size_t[]){ 3, 5 });
    pickle_begin_module(&bytes);
    pickle_text(&bytes, "a.weight");
    pickle_put_tensor(&bytes, &tensor);
    pickle_end_module(&bytes);
    pickle = must_read(bytes.data, bytes.size);
    assert_int_equal(cv_pickle_root(pickle)->items[1]->items[1]->kind, CV_PICKLE_CALL);
    cv_pickle_free(&pickle);
    for (size_t size = 0; size < bytes.size; size++)
        refuse(bytes.data, size, "test.pkl: the pickle");
    cv_buffer_free(&bytes);
}

/* Any byte of a good pickle changed to anything: it is read or refused, within its own bytes. */
static void changed_bytes_are_survived(void **state)
{
    cv_buffer bytes = { 0 };
    pickle_tensor tensor = { .storage_class = "HalfStorage", .key = "0" };

    (void)state;
    pickle_tensor_shape(&tensor, 1, (size_t[]){ 3 });
    pickle_begin_module(&bytes);
    pickle_text(&bytes, "a");
    pickle_put_tensor(&bytes, &tensor);
    pickle_end_module(&bytes);
    for (size_t at = 0; at < bytes.size; at++)
        for (int value = 0; value < 256; value += 3) {
            char kept = bytes.data[at];
            cv_pickle *pickle = NULL;
            cogvideo_error err;

            bytes.data[at] = (char)value;
            if (cv_pickle_read(&pickle, bytes.data, bytes.size, "test.pkl", &err) != COGVIDEO_OK)
                assert_int_equal(err.status, COGVIDEO_ERROR_FORMAT);
            cv_pickle_free(&pickle);
            bytes.data[at] = kept;
        }
    cv_buffer_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_values_are_read),
        cmocka_unit_test(newer_protocols_are_read),
        cmocka_unit_test(other_opcodes_are_refused),
        cmocka_unit_test(code_is_never_reached),
        cmocka_unit_test(damaged_pickles_are_refused),
        cmocka_unit_test(huge_lengths_are_refused),
        cmocka_unit_test(nesting_and_number_are_bounded),
        cmocka_unit_test(deep_trees_are_harmless),
        cmocka_unit_test(truncation_at_every_byte_is_refused),
        cmocka_unit_test(changed_bytes_are_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
