/* 'tokens report' and 'tokens show --model' of a clip of the model that ships: numbers are those of 'cogvideo score',
 * the page is small, loads nothing, and no text of a file can become part of it or reach the terminal raw.
 * report_page.sh opens the page. */
#include "support/check.h"
#include "support/clip.h"
#include "support/program.h"

#include "base/file.h"
#include "base/json.h"

#define MODEL "--model \"$COGVIDEO_WEIGHTS\"/shapes"
#define PROMPT "a large red star moves left on a white background"
#define DATA "<script type=\"application/json\" id=\"data\">\n"

/* Rounds of interpolation: 33 frames, or 9 where the sanitizers are slow. */
enum { ROUNDS = CHECK_SANITIZED ? 1 : 3, FRAMES = 4 * (1 << ROUNDS) + 1, GRID = 8, PLACES = GRID * GRID };
/* All attention of 33 frames would be too much for a page: it has every second row and column. */
enum { ATTENTION_EVERY = ROUNDS == 3 ? 2 : 1 };

/* The clip, and the page of all that can be told of it. */
static int start(void **state)
{
    (void)state;
    program_ok("generate " MODEL " \"" PROMPT "\" --seed 2 --rounds %d -q -o clip.y4m", ROUNDS);
    program_check("tokens report " MODEL " clip.jsonl -q --json -o report.html", 0, "\"file\":\"report.html\"");
    return 0;
}

/* The page's data, and the page in `page`. */
static cv_json *read_page(const char *name, cv_buffer *page)
{
    cv_json *json = NULL;
    const char *begin, *end;
    cogvideo_error err;

    *page = clip_bytes(name);
    begin = strstr(page->data, DATA);
    assert_non_null(begin);
    begin += strlen(DATA);
    end = strstr(begin, "</script>");
    assert_non_null(end);
    CHECK_OK(cv_json_parse(&json, begin, (size_t)(end - begin), "the page", &err), err);
    return json;
}

static cv_json *item(const cv_json *container, int index)
{
    cv_json *found = cv_json_first(container);

    while (found && index-- > 0)
        found = cv_json_next(found);
    assert_non_null(found);
    return found;
}

/* Every step of the clip scored by itself, as a clip of the frames that it sees: the same numbers, digit by digit. */
static void check_step(const cogvideo_tokens *clip, const cv_json *frames, int stage, int every)
{
    int32_t codes[FRAMES * PLACES];
    int count = (FRAMES - 1) / every + 1, lines = 0;
    char *copy, *rest, *line;
    cogvideo_error err;

    for (int i = 0; i < count; i++)
        memcpy(codes + i * PLACES, clip->codes + i * every * PLACES, PLACES * sizeof *codes);
    clip_save_codes("some.jsonl", codes, GRID, count);
    program_ok("score " MODEL " -q --json --prompt \"" PROMPT "\" --stage %d %s some.jsonl", stage,
               stage == 1 ? "--first-frame" : "");
    copy = rest = strdup(program_output());
    while ((line = strsep(&rest, "\n")) && *line) {
        cv_json *score = NULL;
        const cv_json *frame, *a, *b;

        CHECK_OK(cv_json_parse(&score, line, strlen(line), "score", &err), err);
        frame = item(frames, every * (int)cv_json_number(cv_json_get(score, "frame")));
        assert_int_equal((int)cv_json_number(cv_json_get(frame, "stage")), stage);
        a = cv_json_first(cv_json_get(score, "logprob"));
        b = cv_json_first(cv_json_get(frame, "logprob"));
        for (int i = 0; i < PLACES; i++, a = cv_json_next(a), b = cv_json_next(b))
            CHECK_CLOSE(cv_json_number(a), cv_json_number(b), 0);
        cv_json_free(&score);
        lines++;
    }
    free(copy);
    assert_int_equal(lines, stage == 1 ? count : count / 2);
}

static void check_codes(const cogvideo_tokens *clip, const cv_json *frames)
{
    for (int f = 0; f < FRAMES; f++) {
        const cv_json *frame = item(frames, f), *code = cv_json_first(cv_json_get(frame, "codes"));
        int changed = 0;

        for (int i = 0; i < PLACES; i++, code = cv_json_next(code)) {
            assert_int_equal((int)cv_json_number(code), clip->codes[f * PLACES + i]);
            changed += f > 0 && clip->codes[f * PLACES + i] != clip->codes[(f - 1) * PLACES + i];
        }
        assert_true(f == 0 || (int)cv_json_number(cv_json_get(frame, "changed")) == changed);
        assert_int_equal(strncmp(cv_json_text(cv_json_get(frame, "picture")), "data:image/jpeg;base64,/9j/", 27),
                         0); /* FF D8 FF */
    }
}

static void the_page_has_the_numbers_of_score(void **state)
{
    cv_buffer page;
    cogvideo_tokens clip;
    cv_json *data, *attention;

    (void)state;
    data = read_page("report.html", &page);
    clip = clip_load_codes("clip.jsonl", GRID, FRAMES);
    assert_true(page.size < 10000000);
    assert_string_equal(cv_json_text(cv_json_get(data, "prompt")), PROMPT);
    assert_int_equal(cv_json_count(cv_json_get(data, "steps")), ROUNDS + 1);
    check_codes(&clip, cv_json_get(data, "frames"));
    check_step(&clip, cv_json_get(data, "frames"), 1, 1 << ROUNDS);
    for (int every = 1 << (ROUNDS - 1); every > 0; every /= 2)
        check_step(&clip, cv_json_get(data, "frames"), 2, every);
    attention = cv_json_get(data, "attention");
    assert_int_equal(cv_json_count(cv_json_get(attention, "frames")), FRAMES);
    assert_int_equal((int)cv_json_number(cv_json_get(attention, "every")), ATTENTION_EVERY);
    cv_json_free(&data);
    cogvideo_tokens_free(&clip);
    cv_buffer_free(&page);
}

/* Nothing is fetched: no address, no file beside it, and a policy that allows none. */
static void the_page_loads_nothing(void **state)
{
    static const char *const loads[] = { "http://", "https://", "src=\"",         "href=",  "url(",
                                         "@import", "fetch(",   "XMLHttpRequest", "import(" };
    cv_buffer page = clip_bytes("report.html");

    (void)state;
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
        if (strstr(page.data, loads[i]))
            fail_msg("the page has '%s'", loads[i]);
    assert_non_null(strstr(page.data, "default-src 'none'; img-src data:"));
    cv_buffer_free(&page);
}

static int count_of(const char *text, const char *part)
{
    int count = 0;

    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

/* A clip whose header says whatever it likes. */
static void hostile_texts_stay_texts(void **state)
{
    static const char hostile[] =
        "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>\\u001b[31m\\u0007";
    static const char header[] =
        "{\"format\":\"cogvideo-tokens\",\"version\":1,\"grid\":8,\"rate\":8,\"prompt\":\"%s\",\"<b>\":\"%s\"}\n{\"codes\":[";
    char *text = NULL;
    cv_buffer page;
    cv_json *data;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    fprintf(out, header, hostile, hostile);
    for (int i = 0; i < PLACES; i++)
        fprintf(out, i ? ",%d" : "%d", i);
    fputs("]}\n", out);
    fclose(out);
    check_write(check_temp_path("hostile.jsonl"), text, size);
    free(text);
    program_ok("tokens report " MODEL " hostile.jsonl --stage 1 --first-frame --cut-text -q -o hostile.html");
    data = read_page("hostile.html", &page);
    assert_int_equal(count_of(page.data, "<script"), 2);
    assert_int_equal(count_of(page.data, "</script"), 2);
    assert_int_equal(count_of(page.data, "<!--"), 0);
    assert_int_equal(count_of(page.data, "<img"), 0);
    assert_null(strchr(page.data, '\033'));
    assert_string_equal(cv_json_text(cv_json_get(data, "prompt")),
                        "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>\033[31m\007");
    cv_json_free(&data);
    cv_buffer_free(&page);
    program_ok("tokens show " MODEL " hostile.jsonl --stage 1 --first-frame --cut-text 2>&1");
    assert_null(strchr(program_output(), '\033'));
    program_ok("tokens show " MODEL " hostile.jsonl --stage 1 --first-frame --cut-text -q --json");
    assert_null(strchr(program_output(), '\033'));
}

static void tables_for_a_terminal(void **state)
{
    const char *line;
    double probability = 0, mean, entropy;
    int frame, stage, lines = 0;

    (void)state;
    program_ok("tokens show " MODEL " clip.keyframes.jsonl --stage 1 -q --frame 1");
    for (line = strchr(program_output(), '\n') + 1; *line; line = strchr(line, '\n') + 1) {
        int row, column, code, likeliest;
        double p;
        char changed[4];

        assert_int_equal(sscanf(line, "%d %d %d %lf %lf %d %3s", &row, &column, &code, &p, &entropy, &likeliest,
                                changed),
                         7);
        assert_int_equal(row * GRID + column, lines);
        probability += p / PLACES;
        lines++;
    }
    assert_int_equal(lines, PLACES);
    program_ok("tokens show " MODEL " clip.keyframes.jsonl --stage 1 -q");
    line = strchr(strchr(program_output(), '\n') + 1, '\n') + 1; /* of frame 1 */
    assert_int_equal(sscanf(line, "%d %*f %d %lf", &frame, &stage, &mean), 3);
    assert_int_equal(frame, 1);
    assert_int_equal(stage, 1);
    CHECK_CLOSE(mean, probability, 1e-4);
    assert_int_equal(count_of(program_output(), "\n"), 5 + 1);
}

static void wrong_calls_are_told(void **state)
{
    (void)state;
    program_check("tokens report " MODEL " clip.jsonl" STDERR, 2, "an output is missing");
    program_check("tokens report " MODEL " clip.jsonl -o report.html" STDERR, 1, "report.html");
    program_check("tokens report " MODEL " clip.jsonl --layers 6 -o other.html" STDERR, 2,
                  "there are 6 layers, numbered from 0; layer 6 does not exist");
    program_check("tokens report " MODEL " clip.jsonl --frames 99 -o other.html" STDERR, 2, "frame 99 does not exist");
    program_check("tokens report " MODEL " clip.jsonl --stage 2 --first-frame -o other.html" STDERR, 2,
                  "--first-frame belongs to stage 1");
    program_check("tokens show clip.jsonl --stage 1" STDERR, 2, "need a model");
    program_check("tokens report " MODEL " clip.keyframes.jsonl --stage 1 -q -o - 2>&1 >/dev/full", 1,
                  "standard output: cannot be written");
    program_ok("tokens report " MODEL
               " clip.keyframes.jsonl --stage 1 -q --layers 5 --frames 1,2 --every 4 --json -o other.html");
    assert_non_null(strstr(program_output(), "\"attention\":{\"layers\":[5],\"frames\":2,\"every\":4}"));
    assert_int_equal(program_run("tokens report " MODEL
                                 " other.html -q -o third.html 2>/dev/null; ls third.html* 2>/dev/null"),
                     2);
}

/* What an interrupted run has drawn is none of its business. */
static void a_journal_stays_as_it_is(void **state)
{
    static const char drawn[] = "what a run has drawn\n";
    cv_buffer left = { 0 };
    cogvideo_error err;

    (void)state;
    check_write(check_temp_path("page.journal"), drawn, sizeof drawn - 1);
    program_ok("tokens report " MODEL " -q -f --stage 1 clip.keyframes.jsonl -o page.html");
    CHECK_OK(cv_file_read(&left, check_temp_path("page.journal"), 100, &err), err);
    assert_string_equal(left.data, drawn);
    cv_buffer_free(&left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_has_the_numbers_of_score),
        cmocka_unit_test(the_page_loads_nothing),
        cmocka_unit_test(hostile_texts_stay_texts),
        cmocka_unit_test(tables_for_a_terminal),
        cmocka_unit_test(wrong_calls_are_told),
        cmocka_unit_test(a_journal_stays_as_it_is),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
