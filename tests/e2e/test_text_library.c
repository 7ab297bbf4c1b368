/* The tokenizer against the SentencePiece library itself: generated lines of every kind, encoded by `spm_encode` and
 * decoded by `spm_decode`, with the golden model and with models that `spm_train` makes here. Skipped where these
 * programs (Debian: sentencepiece) are not installed. */
#include "support/check.h"
#include "support/spm.h"

#include "base/file.h"
#include "base/rng.h"
#include "tokenizer/text.h"

#define LINES 20000
#define ID_LISTS 4000
#define IMAGE_CODES 20000

static bool installed(void)
{
    return system("command -v spm_encode spm_decode spm_train >/dev/null 2>&1") == 0;
}

/* Random numbers in the order they are asked for. */
typedef struct dice {
    uint64_t seed;
    uint32_t count;
} dice;

static unsigned roll(dice *from, unsigned sides)
{
    uint32_t block[4];

    cv_rng_block(block, from->seed, (uint32_t[4]){ from->count++, 0, 0, 0 });
    return block[0] % sides;
}

static void put(cv_buffer *out, const char *bytes, size_t size)
{
    cogvideo_error err;

    CHECK_OK(cv_buffer_append(out, bytes, size, &err), err);
}

static void put_code(cv_buffer *out, unsigned code)
{
    unsigned char bytes[4] = { (unsigned char)(0xf0 | code >> 18), (unsigned char)(0x80 | (code >> 12 & 0x3f)),
                               (unsigned char)(0x80 | (code >> 6 & 0x3f)), (unsigned char)(0x80 | (code & 0x3f)) };
    int skip = code < 0x80 ? 3 : code < 0x800 ? 2 : code < 0x10000 ? 1 : 0;

    if (skip)
        bytes[skip] = (unsigned char)(skip == 3 ? code : skip == 2 ? 0xc0 | code >> 6 : 0xe0 | code >> 12);
    put(out, (const char *)bytes + skip, (size_t)(4 - skip));
}

static const char *const words[] = { "a",     "the",     "lion",   "drinks", "water", "Hello", "World", "ab",
                                     "abab",  "running", "smooth", "circle", "moves", "left",  "1234",  "0.5",
                                     "don't", "e-mail",  "...",    "!?",     "zzzz",  "qq",    "of",    "in" };
static const char *const marks[] = { "<n>",
                                     "<unk>",
                                     "<s>",
                                     "</s>",
                                     "<pad>",
                                     "<mask>",
                                     "<start_of_image>",
                                     "<start_of_english>",
                                     "<start_of_chinese>",
                                     "<start_of_imag",
                                     "<ctl>",
                                     "<n",
                                     "<",
                                     ">",
                                     "<mask><n>" };
static const char *const spaces[] = {
    " ",   "  ",           "\t",           "\xe3\x80\x80", "\xc2\xa0",     "\xe2\x96\x81", "\r",      "\x0b",
    "   ", "\xe2\x80\x8b", "\xe2\x80\x83", "\xef\xbb\xbf", "\xe2\x81\xa0", "\xe2\x80\xa8", "\xc2\x85"
};
static const char *const oddities[] = { "\xef\xb7\xba",
                                        "\xef\xac\x81",
                                        "\xe2\x91\xa0",
                                        "\xef\xbf\xbd",
                                        "\xc0\x80",
                                        "\xed\xa0\x80",
                                        "\xf4\x90\x80\x80",
                                        "\xe4\xb8",
                                        "\xf0\x9f",
                                        "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8",
                                        "\xcc\x81",
                                        "e\xcc\x81",
                                        "a\xcc\x8a\xcc\x81",
                                        "\xe3\x81\x8b\xe3\x82\x99",
                                        "\xef\xbd\xb6\xef\xbe\x9e",
                                        "\xf8\x88\x80\x80\x80",
                                        "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7",
                                        "\xc5\xbf\xcc\xa3",
                                        "\xe2\x84\xa6",
                                        "\xf0\xaa\x98\x80" };

#define PICK(list, from) (list)[roll(from, sizeof(list) / sizeof *(list))]

static void put_text(cv_buffer *out, const char *text)
{
    put(out, text, strlen(text));
}

/* The first TAME_KINDS repeat themselves enough to train a model on, the others hold characters that it never saw. */
#define TAME_KINDS 9
#define KINDS 14

static void put_fragment(cv_buffer *out, dice *from, unsigned kinds)
{
    unsigned repeat = 1 + roll(from, 6), code;

    switch (roll(from, kinds)) {
    case 0:
    case 1:
    case 2:
        put_text(out, PICK(words, from));
        put_text(out, " ");
        break;
    case 3:
    case 4:
        while (repeat--)
            put_code(out, 0x4e00 + roll(from, 60));
        break;
    case 5: /* ties between segmentations */
        code = 'a' + roll(from, 8);
        for (repeat *= 3; repeat--;)
            put_code(out, code);
        break;
    case 6:
        put_text(out, roll(from, 2) ? PICK(oddities, from) : PICK(marks, from));
        break;
    case 7:
        put_text(out, PICK(spaces, from));
        break;
    case 8:
        code = roll(from, 33);
        put_code(out, code == '\n' ? '\r' : code == 32 ? 0x7f : code);
        break;
    case 9:
        put(out, &(char){ (char)(0x80 + roll(from, 0x80)) }, 1);
        break;
    case 10:
        put_code(out, 0x4e00 + roll(from, 0x5200));
        break;
    case 11:
        put_code(out, 0x1f300 + roll(from, 0x300));
        break;
    case 12:
        put_code(out, 0xff01 + roll(from, 0xef));
        break;
    default:
        code = 0x80 + roll(from, roll(from, 4) ? 0x3000 : 0x10ff80);
        put_code(out, code >= 0xd800 && code < 0xe000 ? 0x3b1 : code);
    }
}

static void put_lines(cv_buffer *out, uint64_t seed, int lines, unsigned kinds)
{
    dice from = { seed, 0 };

    for (int i = 0; i < lines; i++) {
        for (unsigned fragments = roll(&from, 24); fragments--;)
            put_fragment(out, &from, kinds);
        put_text(out, "\n");
    }
}

/* Runs a shell command whose output comes back; a missing program or a failure fails the test. */
static void run(cv_buffer *out, const char *command)
{
    FILE *pipe = popen(command, "r");
    char chunk[4096];
    size_t got;

    assert_non_null(pipe);
    while ((got = fread(chunk, 1, sizeof chunk, pipe)) > 0)
        put(out, chunk, got);
    if (pclose(pipe) != 0)
        fail_msg("'%s' failed", command);
}

/* A copy of a model file with the appended pieces in it, for the library. */
static void write_library_model(const char *path, const char *model)
{
    static const char *const appended[] = { "<start_of_image>", "<start_of_english>", "<start_of_chinese>" };
    cv_buffer file = { 0 };
    cogvideo_error err;

    CHECK_OK(cv_file_read(&file, model, 1 << 24, &err), err);
    for (int i = 0; i < 3; i++)
        spm_piece(&file, appended[i], strlen(appended[i]), 0, 1);
    check_write(path, file.data, file.size);
    cv_buffer_free(&file);
}

/* "1 2 3\n" of ids less the picture codes. */
static void put_ids(cv_buffer *out, const int32_t *ids, size_t count)
{
    cogvideo_error err;

    for (size_t i = 0; i < count; i++)
        CHECK_OK(cv_buffer_printf(out, &err, "%s%d", i ? " " : "", (int)ids[i] - IMAGE_CODES), err);
    put_text(out, "\n");
}

/* Both outputs line by line; the first that differs fails with its number, to be found with the seed. */
static void check_equal(const cv_buffer *ours, const cv_buffer *library, const char *what)
{
    size_t at = 0, line_start = 0;
    int line = 1;

    while (at < ours->size && at < library->size && ours->data[at] == library->data[at])
        if (ours->data[at++] == '\n') {
            line++;
            line_start = at;
        }
    if (at < ours->size || at < library->size)
        fail_msg("%s, line %d: '%.200s' is not the library's '%.200s'", what, line,
                 line_start < ours->size ? ours->data + line_start : "",
                 line_start < library->size ? library->data + line_start : "");
}

static void check_encode(const cv_text *text, const char *library_model, const char *what)
{
    cv_buffer lines = { 0 }, ours = { 0 }, library = { 0 };
    const char *path = check_temp_path("lines.txt");
    char command[2048];
    cogvideo_error err;
    size_t count;
    int32_t *ids;

    put_lines(&lines, 1, LINES, KINDS);
    check_write(path, lines.data, lines.size);
    snprintf(command, sizeof command, "spm_encode --model=%s --output_format=id <%s 2>/dev/null", library_model, path);
    run(&library, command);
    for (const char *line = lines.data, *end = lines.data + lines.size, *next; line < end; line = next + 1) {
        next = memchr(line, '\n', (size_t)(end - line));
        CHECK_OK(cv_text_encode(text, line, (size_t)(next - line), false, &ids, &count, &err), err);
        put_ids(&ours, ids, count);
        cv_free(ids);
    }
    check_equal(&ours, &library, what);
    cv_buffer_free(&lines);
    cv_buffer_free(&ours);
    cv_buffer_free(&library);
}

/* Any ids in any order, control pieces too. */
static void check_decode(const cv_text *text, const char *library_model, const char *what)
{
    cv_buffer lists = { 0 }, ours = { 0 }, library = { 0 };
    const char *path = check_temp_path("ids.txt");
    dice from = { 2, 0 };
    char command[2048];
    cogvideo_error err;
    int32_t ids[12];

    for (int i = 0; i < ID_LISTS; i++) {
        unsigned count = 1 + roll(&from, 12);
        char *decoded;

        for (unsigned k = 0; k < count; k++)
            ids[k] = IMAGE_CODES + (int32_t)roll(&from, roll(&from, 2) ? 12 : (unsigned)cv_text_pieces(text));
        put_ids(&lists, ids, count);
        CHECK_OK(cv_text_decode(text, ids, count, &decoded, &err), err);
        for (char *rest = decoded, *hit; rest; rest = hit) { /* the library leaves <n> as it is */
            if ((hit = strchr(rest, '\n')) != NULL)
                *hit++ = '\0';
            put_text(&ours, rest);
            put_text(&ours, hit ? "<n>" : "\n");
        }
        cv_free(decoded);
    }
    check_write(path, lists.data, lists.size);
    snprintf(command, sizeof command, "spm_decode --model=%s --input_format=id <%s 2>/dev/null", library_model, path);
    run(&library, command);
    check_equal(&ours, &library, what);
    cv_buffer_free(&lists);
    cv_buffer_free(&ours);
    cv_buffer_free(&library);
}

static void check_model(const char *model, const char *what)
{
    char library_model[1024];
    cogvideo_error err;
    cv_text *text;

    snprintf(library_model, sizeof library_model, "%s", check_temp_path("library.model"));
    write_library_model(library_model, model);
    CHECK_OK(cv_text_open(&text, model, IMAGE_CODES, cv_icetk_appended, &err), err);
    check_encode(text, library_model, what);
    check_decode(text, library_model, what);
    cv_text_close(&text);
}

static void check_trained(const char *options)
{
    cv_buffer corpus = { 0 };
    char corpus_path[1024], prefix[1024], command[4096], model[1100];

    if (!installed()) {
        print_message("spm_encode is not installed (Debian: sentencepiece), nothing to compare with\n");
        skip();
    }
    snprintf(corpus_path, sizeof corpus_path, "%s", check_temp_path("corpus.txt"));
    snprintf(prefix, sizeof prefix, "%s", check_temp_path("trained"));
    put_lines(&corpus, 3, 2000, TAME_KINDS);
    check_write(corpus_path, corpus.data, corpus.size);
    cv_buffer_free(&corpus);
    snprintf(command, sizeof command,
             "spm_train --input=%s --model_prefix=%s --model_type=unigram --vocab_size=500 "
             "--hard_vocab_limit=false --num_threads=1 %s >/dev/null 2>&1",
             corpus_path, prefix, options);
    if (system(command) != 0)
        fail_msg("'%s' failed", command);
    snprintf(model, sizeof model, "%s.model", prefix);
    check_model(model, options);
}

static void golden_model_agrees(void **state)
{
    (void)state;
    if (!installed()) {
        print_message("spm_encode is not installed (Debian: sentencepiece), nothing to compare with\n");
        skip();
    }
    check_model(check_data("text/ice_text.model"), "golden model");
}

static void trained_model_agrees(void **state)
{
    (void)state;
    check_trained("--character_coverage=0.98 --normalization_rule_name=nmt_nfkc --pad_id=3 "
                  "--user_defined_symbols='<n>,<mask>,ab,abab,the' --control_symbols='<ctl>'");
}

static void model_that_keeps_spaces_agrees(void **state)
{
    (void)state;
    check_trained("--character_coverage=0.98 --normalization_rule_name=identity --remove_extra_whitespaces=false "
                  "--unk_surface='?!'");
}

static void model_without_prefix_agrees(void **state)
{
    (void)state;
    check_trained("--character_coverage=0.98 --normalization_rule_name=nfkc_cf --add_dummy_prefix=false "
                  "--user_defined_symbols='<n>,\xe2\x96\x81"
                  "a' --unk_id=4 --split_by_whitespace=false");
}

static void model_with_space_behind_agrees(void **state)
{
    (void)state;
    check_trained("--character_coverage=0.99 --normalization_rule_name=nfkc --treat_whitespace_as_suffix=true");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_model_agrees),
        cmocka_unit_test(trained_model_agrees),
        cmocka_unit_test(model_that_keeps_spaces_agrees),
        cmocka_unit_test(model_without_prefix_agrees),
        cmocka_unit_test(model_with_space_behind_agrees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
