/* Whole runs of the samplers over the seeded networks, with the noise of the original: what each step reads, draws,
 * masks and scores is what the original had, and so are the stories. */
#include "support/masked.h"
#include "support/phenaki_golden.h"

#include "family/phenaki/steps/unmask.h"
#include "nn/blas.h"

enum {
    HEIGHT = 4,
    WIDTH = 3,
    PLANE = HEIGHT * WIDTH,
    V = 256,
    MOST_PLACES = 5 * PLANE,
    TEXT_WIDTH = 24,
    MOST_TEXT = 64
};
enum { PICTURE = 32 * 24, PATCH_FRAMES = 2, MOST_FRAMES = 1 + 4 * PATCH_FRAMES }; /* of the tokenizer */

/* The networks of all runs. */
typedef struct networks {
    cv_exec exec;
    cv_store *weights, *critic_weights, *self_weights;
    cv_masked *masked, *critic;
    cv_self_critic self;
    float *out; /* [MOST_PLACES][V] */
    cv_store *tokenizer_weights;
    cv_cvivit *tokenizer;
    float *pixels; /* of a box of MOST_PLACES */
} networks;

/* One sample of a golden on its way. */
typedef struct run {
    const networks *n;
    cv_store *golden;
    const char *prefix; /* of names in the golden: "", or that of a scene */
    cv_unmask how;
    bool self;       /* the critic is a self critic */
    int T, b, batch; /* the sample's number in the golden, of as many */
    float guidance;
    int32_t ids[MOST_PLACES], drawn[MOST_PLACES], settled[MOST_PLACES];
    float confidence[MOST_PLACES];
    cv_unmask_box box;
} run;

static const cv_tensor *tensor_of(const run *r, const char *name)
{
    char full[80];

    snprintf(full, sizeof full, "%s%s", r->prefix, name);
    return check_tensor(r->golden, full);
}

/* Where a tensor [steps][batch][width] has this sample. */
static size_t at(const run *r, int step, int width)
{
    return ((size_t)step * (size_t)r->batch + (size_t)r->b) * (size_t)width;
}

static const int32_t *whole_at(const run *r, const char *name, int step, int width)
{
    return (const int32_t *)tensor_of(r, name)->data + at(r, step, width);
}

static const float *real_at(const run *r, const char *name, int step, int width)
{
    return (const float *)tensor_of(r, name)->data + at(r, step, width);
}

/* --- the networks --------------------------------------------------------------------------------------------- */

/* The tokenizer of all runs: what the golden of its own says it is. */
static void open_tokenizer(networks *n)
{
    cogvideo_error err;
    cv_cvivit_config config;
    cv_store *golden;
    cv_json *network;

    CHECK_OK(cv_store_open(&golden, check_golden("phenaki/cvivit/lfq.safetensors"), &err), err);
    network = phenaki_metadata(golden, "network");
    config = phenaki_cvivit_config(network);
    n->tokenizer_weights = phenaki_seeded_store(phenaki_bind_cvivit, &config, phenaki_number(network, "seed"));
    cv_json_free(&network);
    cv_store_close(&golden);
    CHECK_OK(cv_cvivit_open(&n->tokenizer, &config, n->tokenizer_weights, &err), err);
    assert_int_equal(config.patch_height * HEIGHT * config.patch_width * WIDTH, PICTURE);
    n->pixels = calloc((size_t)MOST_FRAMES * 3 * PICTURE, sizeof *n->pixels);
    assert_non_null(n->pixels);
}

static int set_up(void **state)
{
    const cv_masked_config config = masked_golden_config(false), critic = masked_golden_config(true);
    networks *n;

    cv_blas_init();
    if (!check_golden("phenaki/sample/confidence.safetensors"))
        return 0;
    n = calloc(1, sizeof *n);
    assert_non_null(n);
    n->exec.threads = 2;
    check_kernels(&n->exec.kernels);
    n->masked = masked_seeded(&config, MASKED_SEED, &n->weights);
    n->critic = masked_seeded(&critic, TOKEN_CRITIC_SEED, &n->critic_weights);
    n->self = masked_self_critic(config.width, SELF_CRITIC_SEED, &n->self_weights);
    n->out = calloc((size_t)MOST_PLACES * V, sizeof *n->out);
    assert_non_null(n->out);
    open_tokenizer(n);
    *state = n;
    return 0;
}

static int tear_down(void **state)
{
    networks *n = *state;

    if (!n)
        return 0;
    cv_masked_close(&n->masked);
    cv_masked_close(&n->critic);
    cv_store_close(&n->weights);
    cv_store_close(&n->critic_weights);
    cv_store_close(&n->self_weights);
    cv_cvivit_close(&n->tokenizer);
    cv_store_close(&n->tokenizer_weights);
    free(n->pixels);
    free(n->out);
    free(n);
    return 0;
}

/* The network's numbers of all places, guided: under the text and under none as one batch of two. */
static float *guided(const run *r, const cv_masked *network, const cv_self_critic *self, const int32_t *ids)
{
    const cv_tensor *embeds = tensor_of(r, "text.embeds");
    const int rows = (int)embeds->shape[1], places = r->how.places;
    const float *own = (const float *)embeds->data + (size_t)r->b * (size_t)rows * TEXT_WIDTH;
    static float text[2 * MOST_TEXT * TEXT_WIDTH];
    uint8_t mask[2 * MOST_TEXT] = { 0 };
    int32_t both[2 * MOST_PLACES];
    float *out = r->n->out;
    const cv_masked_input input = { 2, r->T, HEIGHT, WIDTH, both, NULL, text, mask, rows, r->guidance };
    cogvideo_error err;
    cv_arena arena;

    assert_true(rows <= MOST_TEXT);
    for (int pass = 0; pass < 2; pass++) {
        memcpy(both + pass * places, ids, (size_t)places * sizeof *ids);
        memcpy(text + pass * rows * TEXT_WIDTH, own, (size_t)rows * TEXT_WIDTH * sizeof *own);
    }
    for (int i = 0; i < rows * TEXT_WIDTH; i++)
        mask[i / TEXT_WIDTH] |= own[i] != 0;
    CHECK_OK(cv_arena_create(&arena, cv_masked_scratch(&r->n->exec, network, &input), &err), err);
    cv_masked_run(&r->n->exec, network, self, &input, out, NULL, NULL, &arena);
    cv_arena_free(&arena);
    return out;
}

/* --- a run ---------------------------------------------------------------------------------------------------- */

/* How many places the golden has noise and margins for, the last ones: those of phenaki-pytorch are the new ones. */
static int noised(const run *r)
{
    return r->how.sampler == COGVIDEO_SAMPLER_MASKGIT ? r->how.places : r->how.places - r->how.given;
}

/* The original's noise. */
static void uniform(void *user, cv_unmask_noise what, int step, int place, int first, float *u, int count)
{
    static const char *const names[] = { "u", "choice_u", "critic.u" };
    const run *r = user;
    const int places = noised(r), width = what == CV_NOISE_CODES ? V : 1, own = place - (r->how.places - places);

    memcpy(u, real_at(r, names[what], step, places * width) + own * width + first, (size_t)count * sizeof *u);
}

/* `given`: the given codes; NULL = they stand in r->ids already. */
static void begin(run *r, const int32_t *given)
{
    r->box = (cv_unmask_box){ r->ids, r->drawn, r->settled, r->confidence };
    assert_true(r->how.places <= MOST_PLACES);
    if (given)
        memcpy(r->ids, given, (size_t)r->how.given * sizeof *r->ids);
    cv_unmask_begin(&r->how, &r->box);
}

/* As many masks as the golden says stand where it says. */
static void check_input(const run *r, int step)
{
    const int32_t *input = whole_at(r, "input", step, r->how.places);
    int masks = 0;

    for (int p = 0; p < r->how.places; p++) {
        const int32_t expected = input[p] < 0 ? V : input[p];

        masks += r->ids[p] == V;
        if (r->ids[p] != expected)
            fail_msg("step %d reads %d at place %d, %d was expected", step, (int)r->ids[p], p, (int)expected);
    }
    assert_int_equal(masks, cv_unmask_count(&r->how, step));
    if (r->prefix[0] == '\0')
        assert_int_equal(masks, whole_at(r, "masked", step, 1)[0]);
}

/* Within what 1e-4 of a logit makes of it, which is divided by the temperature. */
static void check_margins(const run *r, int step, const float *margins)
{
    const double temperature = r->how.temperature * (r->how.steps - 1 - step) / r->how.steps;
    const float *golden = real_at(r, "margin", step, noised(r));

    for (int i = 0; i < noised(r); i++)
        CHECK_CLOSE(margins[i], golden[i], 1e-4 * (1 + 1 / fmax(temperature, 1e-10)));
}

/* Guided logits of all places, against those of both passes. */
static void check_logits(const run *r, int step, const float *logits)
{
    const int numbers = r->how.places * V;
    const float *text = real_at(r, "logits.text", step, numbers), *null = real_at(r, "logits.null", step, numbers);

    for (int i = 0; i < numbers; i++)
        CHECK_CLOSE(logits[i], null[i] + r->guidance * (text[i] - null[i]), 1e-4);
}

static void step_of(run *r, int step, float *margins)
{
    float *logits = guided(r, r->n->masked, NULL, r->ids);

    if (cv_store_find(r->golden, "logits.text"))
        check_logits(r, step, logits);
    cv_unmask_step(&r->n->exec, &r->how, step, &r->box, logits + (size_t)r->how.given * V, uniform, r, margins);
}

/* A critic's scores of this step, with their noise; the box is masked by them. */
static void judge(run *r, int step)
{
    const float *golden = step + 1 < r->how.steps ? real_at(r, "scores", step, r->how.places) : NULL;
    float *scores = guided(r, r->self ? r->n->masked : r->n->critic, r->self ? &r->n->self : NULL, r->drawn);

    cv_unmask_judge(&r->how, step, &r->box, scores, uniform, r);
    for (int p = 0; p < r->how.places && golden; p++)
        CHECK_CLOSE(scores[p], golden[p], 1e-4);
}

/* How unsure the network was of what it drew in this step; -1e4 where nothing was drawn. */
static void check_scores(const run *r, int step)
{
    const float *golden = real_at(r, "scores", step, r->how.places);

    for (int p = 0; p < r->how.places; p++)
        CHECK_CLOSE(r->settled[p] == step ? 1 - r->confidence[p] : -1e4f, golden[p], 1e-4);
}

static void check_ids(const run *r, const int32_t *golden, const int32_t *ids)
{
    for (int p = 0; p < r->how.places; p++)
        if (ids[p] != golden[p])
            fail_msg("place %d has code %d, %d was expected", p, (int)ids[p], (int)golden[p]);
}

static double number_of(const cv_json *json, const char *key, double otherwise)
{
    cogvideo_error err;

    CHECK_OK(cv_json_optional_double(json, key, -1e9, 1e9, &otherwise, "run", &err), err);
    return otherwise;
}

/* Opens a golden, whose metadata say how it was drawn. */
static void open_run(run *r, const networks *n, const char *path, cogvideo_sampler sampler)
{
    const char *anneal = "decay";
    cogvideo_error err;
    cv_json *json;

    *r = (run){ .n = n, .prefix = "", .T = 3, .batch = 1 };
    CHECK_OK(cv_store_open(&r->golden, check_golden(path), &err), err);
    json = phenaki_metadata(r->golden, "run");
    CHECK_OK(cv_json_optional_string(json, "anneal", &anneal, "run", &err), err);
    r->guidance = (float)number_of(json, "cond_scale", 1);
    r->how = (cv_unmask){ .sampler = sampler,
                          .steps = (int)number_of(json, "steps", 0),
                          .temperature = number_of(json, "starting_temperature", 0),
                          .choice_temperature = number_of(json, "choice_temperature", 0),
                          .critic_noise = number_of(json, "noise_K", 0),
                          .critic_anneal = strcmp(anneal, "decay") == 0   ? COGVIDEO_ANNEAL_DECAY
                                           : strcmp(anneal, "fixed") == 0 ? COGVIDEO_ANNEAL_FIXED
                                                                          : COGVIDEO_ANNEAL_INCREASE,
                          .codes = V,
                          .places = 3 * PLANE };
    cv_json_free(&json);
}

/* What the codes of a run look like: its frames [3][frames][PICTURE], which last until the next call. */
static const float *decode(const run *r, const int32_t *codes)
{
    const cv_cvivit_box box = { 1, r->T, HEIGHT, WIDTH };
    const networks *n = r->n;
    cogvideo_error err;
    cv_arena arena;

    CHECK_OK(cv_arena_create(&arena, cv_cvivit_scratch(&n->exec, n->tokenizer, &box), &err), err);
    cv_cvivit_decode(&n->exec, n->tokenizer, &box, n->pixels, codes, NULL, NULL, &arena);
    cv_arena_free(&arena);
    return n->pixels;
}

/* The last frames of a clip of `frames`, [3][kept][PICTURE]. */
static void take_last(float *out, const float *pixels, int frames, int kept)
{
    for (int c = 0; c < 3; c++)
        memcpy(out + c * kept * PICTURE, pixels + ((c + 1) * frames - kept) * PICTURE,
               (size_t)(kept * PICTURE) * sizeof *out);
}

/* The sample's own part of the golden's pixels. */
static void check_pixels(const run *r, const float *pixels)
{
    const cv_tensor *all = tensor_of(r, "pixels");
    cv_tensor own = *all;

    own.count /= (size_t)r->batch;
    own.data = (const float *)all->data + (size_t)r->b * own.count;
    phenaki_check("pixels", &own, pixels);
}

static void by_confidence(void **state)
{
    float margins[MOST_PLACES];
    run r;

    if (!*state)
        skip();
    open_run(&r, *state, "phenaki/sample/confidence.safetensors", COGVIDEO_SAMPLER_CONFIDENCE);
    begin(&r, NULL);
    for (int step = 0; step < r.how.steps; step++) {
        check_input(&r, step);
        step_of(&r, step, margins);
        check_margins(&r, step, margins);
        check_ids(&r, whole_at(&r, "ids", step, r.how.places), r.drawn);
        if (step + 1 < r.how.steps)
            check_scores(&r, step);
    }
    check_ids(&r, r.drawn, r.ids);
    check_pixels(&r, decode(&r, r.ids));
    cv_store_close(&r.golden);
}

static void check_by_critic(const networks *n, const char *path, bool self, int batch)
{
    for (int b = 0; b < batch; b++) {
        float margins[MOST_PLACES];
        run r;

        open_run(&r, n, path, COGVIDEO_SAMPLER_CRITIC);
        r.self = self;
        r.b = b;
        r.batch = batch;
        begin(&r, NULL);
        for (int step = 0; step < r.how.steps; step++) {
            check_input(&r, step);
            step_of(&r, step, margins);
            check_margins(&r, step, margins);
            check_ids(&r, whole_at(&r, "ids", step, r.how.places), r.drawn);
            judge(&r, step);
        }
        check_ids(&r, r.drawn, r.ids);
        check_pixels(&r, decode(&r, r.ids));
        cv_store_close(&r.golden);
    }
}

static void by_critics(void **state)
{
    if (!*state)
        skip();
    check_by_critic(*state, "phenaki/sample/critic.safetensors", false, 2);
    check_by_critic(*state, "phenaki/sample/selfcritic.safetensors", true, 1);
}

/* How many places of a box are given, which are the first ones. */
static int count_given(const int32_t *given, int places)
{
    int count = 0;

    while (count < places && given[count] >= 0)
        count++;
    for (int p = count; p < places; p++)
        assert_int_equal(given[p], -1);
    return count;
}

static void by_maskgit(void **state)
{
    if (!*state)
        skip();
    for (int b = 0; b < 2; b++) {
        const int32_t *given;
        run r;

        open_run(&r, *state, "phenaki/sample/maskgit.safetensors", COGVIDEO_SAMPLER_MASKGIT);
        r.b = b;
        r.batch = 2;
        given = whole_at(&r, "given", 0, r.how.places);
        r.how.given = count_given(given, r.how.places);
        assert_int_equal(r.how.given, b == 0 ? PLANE : 0);
        begin(&r, given);
        for (int step = 0; step < r.how.steps; step++) {
            check_input(&r, step);
            step_of(&r, step, NULL);
            check_ids(&r, whole_at(&r, "ids", step, r.how.places), r.drawn);
        }
        check_ids(&r, r.drawn, r.ids);
        cv_store_close(&r.golden);
    }
}

/* --- a story -------------------------------------------------------------------------------------------------- */

/* The codes of the frames that a scene begins with, which must be the golden's. */
static void encode_first(run *r, const float *pixels, int frames)
{
    const cv_cvivit_box box = { 1, 1 + (frames - 1) / PATCH_FRAMES, HEIGHT, WIDTH };
    const int32_t *golden = tensor_of(r, "prime.codes")->data;
    const networks *n = r->n;
    cogvideo_error err;
    cv_arena arena;

    CHECK_OK(cv_arena_create(&arena, cv_cvivit_scratch(&n->exec, n->tokenizer, &box), &err), err);
    cv_cvivit_encode(&n->exec, n->tokenizer, &box, r->ids, NULL, pixels, NULL, NULL, &arena);
    cv_arena_free(&arena);
    for (int i = 0; i < r->how.given; i++)
        assert_int_equal(r->ids[i], golden[i]);
}

/* A scene of `frames` new frames behind `context` ones, which are the last of `frames_before`; gives the number of
 * frames that are decoded. */
static int tell(run *r, int frames, int context, int frames_before)
{
    static float before[3 * MOST_FRAMES * PICTURE], after[3 * MOST_FRAMES * PICTURE];
    const int all = context + frames;
    float margins[MOST_PLACES];

    r->T = 1 + (all - 1) / PATCH_FRAMES;
    r->how.places = r->T * PLANE;
    r->how.given = context > 0 ? (1 + (context - 1) / PATCH_FRAMES) * PLANE : 0;
    if (context > 0) {
        take_last(before, r->n->pixels, frames_before, context);
        encode_first(r, before, context);
    }
    begin(r, NULL);
    for (int step = 0; step < r->how.steps; step++) {
        check_input(r, step);
        step_of(r, step, margins);
        check_margins(r, step, margins);
    }
    check_ids(r, tensor_of(r, "tokens")->data, r->ids);
    take_last(after, decode(r, r->ids), all, frames);
    check_pixels(r, after);
    return all;
}

static void a_story_of_three_scenes(void **state)
{
    static const char *const prefixes[] = { "0.", "1.", "2." };
    static const int frames[] = { 5, 4, 2 }, contexts[] = { 0, 3, 1 };
    int before = 0;
    run r;

    if (!*state)
        skip();
    open_run(&r, *state, "phenaki/sample/story.safetensors", COGVIDEO_SAMPLER_CONFIDENCE);
    for (int scene = 0; scene < 3; scene++) {
        r.prefix = prefixes[scene];
        before = tell(&r, frames[scene], contexts[scene], before);
    }
    cv_store_close(&r.golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_confidence),
        cmocka_unit_test(by_critics),
        cmocka_unit_test(by_maskgit),
        cmocka_unit_test(a_story_of_three_scenes),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
