/* Several candidates for the frames between: which of them stays, and that neither batch nor threads nor an
 * interruption change it. */
#include "support/check.h"
#include "support/models.h"

#include "family/cogvideo/model/model.h"

#include <cogvideo/cogvideo.h>

#include <string.h>

enum { CANDIDATES = 3, FRAMES = 5, PLACES = 64, ROW = 8, MADE = 4, LATENT = 64 };

/* What a run has kept: the rows of all candidates for all frames of the first round. */
typedef struct kept {
    int32_t codes[CANDIDATES][2 * FRAMES - 1][PLACES];
    bool known[CANDIDATES][2 * FRAMES - 1][PLACES / ROW];
    int rows;
    int recalled; /* so many candidates, from the first on, are given back */
} kept;

static cogvideo_model *model;
static cogvideo_value keys;

static bool *find(kept *rows, const cogvideo_unit *unit, int32_t **codes)
{
    const int candidate = (int)(unit->index >> 48), frame = (int)(unit->index >> 16 & 0xffffff),
              row = (int)(unit->index & 0xffff);

    assert_string_equal(unit->step, "interpolate");
    assert_in_range(candidate, 0, CANDIDATES - 1);
    assert_in_range(frame, 0, 2 * FRAMES - 2);
    assert_in_range(row, 0, PLACES / ROW - 1);
    *codes = rows->codes[candidate][frame] + row * ROW;
    return &rows->known[candidate][frame][row];
}

static int keep(void *user, const cogvideo_unit *unit, const void *data, size_t size)
{
    kept *rows = user;
    int32_t *codes;
    bool *known = find(rows, unit, &codes);

    assert_int_equal(size, ROW * sizeof *codes);
    if (*known)
        assert_memory_equal(codes, data, size);
    memcpy(codes, data, size);
    *known = true;
    rows->rows++;
    return 0;
}

static int recall(void *user, const cogvideo_unit *unit, void *data, size_t size)
{
    kept *rows = user;
    int32_t *codes;
    const bool *known = find(rows, unit, &codes);

    if (!*known || (int)(unit->index >> 48) >= rows->recalled)
        return 0;
    memcpy(data, codes, size);
    return 1;
}

/* The frames between key frames, one round, guided. */
static void interpolate(cogvideo_value *out, int candidates, int batch, kept *rows)
{
    static const int32_t guide[] = { 20, 30 };
    cogvideo_generate_options options;
    cogvideo_error err;

    cogvideo_generate_defaults(model, &options);
    options.prompt = "红色";
    options.seed = 3;
    options.rounds = 1;
    options.batch = batch;
    options.guide_ids = guide;
    options.guide_count = 2;
    cogvideo_find_step(&options, "interpolate")->guidance = 2;
    CHECK_OK(cogvideo_set_sampling(&options, "clusters", 0, &err), err);
    CHECK_OK(cogvideo_set_sampling(&options, "top_k", 8, &err), err);
    CHECK_OK(cogvideo_set_sampling(&options, "candidates", candidates, &err), err);
    if (rows) {
        rows->rows = 0;
        options.callbacks = (cogvideo_callbacks){ .keep = keep, .recall = recall, .user = rows };
    }
    CHECK_OK(cogvideo_run_step(model, "interpolate", &options, &keys, out, &err), err);
    assert_int_equal(out->codes.frames, 2 * FRAMES - 1);
    assert_int_equal(cogvideo_tokens_per_frame(&out->codes), PLACES);
}

static void equal_clips(const cogvideo_value *a, const cogvideo_value *b)
{
    assert_memory_equal(a->codes.codes, b->codes.codes, (2 * FRAMES - 1) * PLACES * sizeof(int32_t));
}

/* The squared distance of a candidate's code at a place from the mean of all. */
static double distance_to_mean(const kept *rows, int frame, int place, int candidate)
{
    const cv_cogvideo *own = cv_cogvideo_of(model);
    const int latent = own->description.image_tokenizer.latent;
    double mean[LATENT] = { 0 }, sum = 0;
    float vector[LATENT];

    assert_in_range(latent, 1, LATENT);
    for (int c = 0; c < CANDIDATES; c++) {
        cv_image_tokenizer_vector(own->image_tokenizer, rows->codes[c][frame][place], vector);
        for (int k = 0; k < latent; k++)
            mean[k] += (double)vector[k] / CANDIDATES;
    }
    cv_image_tokenizer_vector(own->image_tokenizer, rows->codes[candidate][frame][place], vector);
    for (int k = 0; k < latent; k++)
        sum += ((double)vector[k] - mean[k]) * ((double)vector[k] - mean[k]);
    return sum;
}

/* The mean is where the sum of squared distances to all is least, and the sum grows with the distance from it. */
static void the_code_most_like_the_others_stays(void **state)
{
    static kept rows;
    cogvideo_value clip = { 0 }, plain = { 0 };
    int others = 0;

    (void)state;
    interpolate(&clip, CANDIDATES, 0, &rows);
    interpolate(&plain, 1, 0, NULL);
    assert_int_equal(rows.rows, CANDIDATES * MADE * PLACES / ROW);
    for (int frame = 1; frame < 2 * FRAMES - 1; frame += 2) {
        for (int place = 0; place < PLACES; place++) {
            int best = 0;

            for (int c = 1; c < CANDIDATES; c++)
                best =
                    distance_to_mean(&rows, frame, place, c) < distance_to_mean(&rows, frame, place, best) ? c : best;
            assert_int_equal(clip.codes.codes[frame * PLACES + place], rows.codes[best][frame][place]);
            others += rows.codes[best][frame][place] != rows.codes[0][frame][place];
        }
        /* the first candidate is what is drawn without others */
        assert_memory_equal(plain.codes.codes + frame * PLACES, rows.codes[0][frame], PLACES * sizeof(int32_t));
    }
    assert_true(others > 0);
    cogvideo_value_free(&clip);
    cogvideo_value_free(&plain);
}

static void batch_and_interruptions_change_nothing(void **state)
{
    static kept rows;
    cogvideo_value clip = { 0 }, again = { 0 };

    (void)state;
    interpolate(&clip, CANDIDATES, 0, &rows);
    interpolate(&again, CANDIDATES, 1, NULL);
    equal_clips(&clip, &again);
    cogvideo_value_free(&again);
    /* where the first candidates have ended, the next one's given frames are passed, which were copied before: what is
     * drawn again must be what was kept (`keep`) */
    for (rows.recalled = 1; rows.recalled <= CANDIDATES; rows.recalled++) {
        interpolate(&again, CANDIDATES, 0, &rows);
        assert_int_equal(rows.rows, (CANDIDATES - rows.recalled) * MADE * PLACES / ROW);
        equal_clips(&clip, &again);
        cogvideo_value_free(&again);
    }
    cogvideo_value_free(&clip);
}

static void without_a_codebook_it_is_an_error(void **state)
{
    cv_cogvideo blind = *cv_cogvideo_of(model), small = blind;
    cogvideo_generate_options options;
    cogvideo_value clip = { 0 };
    cogvideo_error err;

    (void)state;
    blind.image_tokenizer = NULL;
    cogvideo_generate_defaults(model, &options);
    options.prompt = "红色";
    options.rounds = 1;
    CHECK_OK(cogvideo_set_sampling(&options, "candidates", 2, &err), err);
    assert_int_equal(cogvideo_run_step(&blind.head, "interpolate", &options, &keys, &clip, &err), COGVIDEO_ERROR_MODEL);
    assert_non_null(strstr(err.message, "image tokenizer"));
    small.description.image_tokenizer.codes--;
    assert_int_equal(cogvideo_run_step(&small.head, "interpolate", &options, &keys, &clip, &err), COGVIDEO_ERROR_MODEL);
    assert_non_null(strstr(err.message, "draw one candidate"));
    assert_int_equal(cogvideo_set_sampling(&options, "candidates", 65, &err), COGVIDEO_ERROR_ARGUMENT);
}

static int open_model(void **state)
{
    const cogvideo_model_options threads = { .threads = 2 };
    cogvideo_generate_options options;
    cogvideo_error err;

    (void)state;
    models_write_small(check_temp());
    models_import_small("f16", "small");
    CHECK_OK(cogvideo_model_open(&model, check_temp_path("small"), &threads, &err), err);
    cogvideo_generate_defaults(model, &options);
    options.prompt = "红色";
    options.seed = 3;
    CHECK_OK(cogvideo_run_step(model, "keyframes", &options, NULL, &keys, &err), err);
    assert_int_equal(keys.codes.frames, FRAMES);
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    cogvideo_value_free(&keys);
    cogvideo_model_close(&model);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_code_most_like_the_others_stays),
        cmocka_unit_test(batch_and_interruptions_change_nothing),
        cmocka_unit_test(without_a_codebook_it_is_an_error),
    };

    return cmocka_run_group_tests(tests, open_model, close_model);
}
