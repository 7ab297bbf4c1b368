#include "family/cogvideo/train/coglm_draws.h"

#include "base/rng.h"
#include "family/cogvideo/model/texts.h"

#include <math.h>
#include <string.h>

#define MOST_RECTANGLES 3 /* of a mask of completion */
#define MOST_SOUGHT 6     /* for each of them, where what was found is plain */
#define MORE_SPANS 10     /* lengths drawn beyond the mean number of spans, so that their sum is the limit */

const char *const cv_coglm_loss_names[CV_COGLM_LOSSES] = { "codes", "holes", "text", "spans", "completion" };

/* --- numbers -------------------------------------------------------------------------------------------------- */

/* The numbers of one sequence, one after the other. */
typedef struct number_stream {
    uint64_t seed;
    uint32_t counter[4], bits[4];
    int left; /* of bits */
} number_stream;

static double next_unit(number_stream *stream)
{
    if (stream->left == 0) {
        cv_rng_block(stream->bits, stream->seed, stream->counter);
        stream->counter[2]++;
        stream->left = 4;
    }
    stream->left -= 2;
    return cv_rng_unit(stream->bits[stream->left], stream->bits[stream->left + 1]);
}

static int next_below(number_stream *stream, int count)
{
    return (int)(next_unit(stream) * count);
}

static int next_poisson(number_stream *stream, double mean)
{
    double unit = next_unit(stream), chance = exp(-mean), sum = chance;
    int number = 0;

    while (unit >= sum && chance > 0) {
        chance *= mean / ++number;
        sum += chance;
    }
    return number;
}

/* `count` different numbers below `limit`, rising. */
static void next_sorted(number_stream *stream, int32_t *out, int count, int limit)
{
    for (int number = 0, found = 0; found < count; number++)
        if (next_unit(stream) * (limit - number) < count - found)
            out[found++] = number;
}

/* --- holes and spans ------------------------------------------------------------------------------------------ */

static bool is_corner(const cv_coglm_hole *holes, int count, int row, int column)
{
    for (int h = 0; h < count; h++)
        if (holes[h].row == row && holes[h].column == column)
            return true;
    return false;
}

/* A hole of this side at an upper left corner that no hole has yet, never in the last row or column; false where there
 * is none. */
static bool next_hole(number_stream *stream, cv_coglm_hole *holes, int count, int grid, int side)
{
    const int across = grid - side;
    int free = 0, chosen;

    for (int i = 0; i < across * across; i++)
        free += !is_corner(holes, count, i / across, i % across);
    if (free == 0)
        return false;
    chosen = next_below(stream, free);
    for (int i = 0; i < across * across; i++)
        if (!is_corner(holes, count, i / across, i % across) && chosen-- == 0)
            holes[count] = (cv_coglm_hole){ i / across, i % across, side, side };
    return true;
}

static int draw_holes(const cv_coglm_draws *draws, number_stream *stream)
{
    const cv_coglm_recipe *recipe = draws->recipe;
    const int grid = draws->config->grid;
    int count = 0, codes = 0;

    for (;;) {
        const int side = recipe->hole_min + next_below(stream, recipe->hole_max - recipe->hole_min + 1);

        codes += side * side;
        if (codes > recipe->hole_share * grid * grid || !next_hole(stream, draws->holes, count, grid, side))
            return count;
        count++;
    }
}

/* A rectangle anywhere in a picture. */
static cv_coglm_hole next_rectangle(const cv_coglm_draws *draws, number_stream *stream)
{
    const cv_coglm_recipe *recipe = draws->recipe;
    const int grid = draws->config->grid, sides = recipe->hole_max - recipe->hole_min + 1;
    cv_coglm_hole hole = { .rows = recipe->hole_min + next_below(stream, sides),
                           .columns = recipe->hole_min + next_below(stream, sides) };

    hole.row = next_below(stream, grid - hole.rows + 1);
    hole.column = next_below(stream, grid - hole.columns + 1);
    return hole;
}

static int place_in(const cv_coglm_draws *draws, const cv_coglm_hole *hole, int i)
{
    return (hole->row + i / hole->columns) * draws->config->grid + hole->column + i % hole->columns;
}

static bool is_plain(const cv_coglm_draws *draws, const cv_coglm_hole *hole, const int32_t *codes)
{
    for (int i = 1; i < hole->rows * hole->columns; i++)
        if (codes[place_in(draws, hole, i)] != codes[place_in(draws, hole, 0)])
            return false;
    return true;
}

/* Some rectangles of a picture. Plain ones, of which there may be many, teach little: others are sought in their
 * place. */
static void draw_mask(const cv_coglm_draws *draws, number_stream *stream, const int32_t *codes)
{
    memset(draws->mask, 0, (size_t)cv_cogvideo_places(draws->config));
    for (int left = 1 + next_below(stream, MOST_RECTANGLES); left > 0; left--) {
        cv_coglm_hole hole = next_rectangle(draws, stream);

        for (int again = 0; again < MOST_SOUGHT && is_plain(draws, &hole, codes); again++)
            hole = next_rectangle(draws, stream);
        for (int i = 0; i < hole.rows * hole.columns; i++)
            draws->mask[place_in(draws, &hole, i)] = 1;
    }
}

/* Spans of a text of so many ids, at least one of one id; their number. */
static int draw_spans(const cv_coglm_draws *draws, number_stream *stream, int places)
{
    const cv_coglm_recipe *recipe = draws->recipe;
    int drawn = (int)(places / recipe->span_length * recipe->span_share) + MORE_SPANS, count, sum = 0;

    if (drawn > draws->places)
        drawn = draws->places;
    for (int i = 0; i < drawn; i++)
        draws->lengths[i] = next_poisson(stream, recipe->span_length);
    count = cv_coglm_keep_spans(draws->lengths, drawn, places, recipe->span_share);
    if (count == 0)
        draws->lengths[count++] = 1;
    for (int i = 0; i < count; i++)
        sum += draws->lengths[i];
    next_sorted(stream, draws->starts, count, places - sum);
    return count;
}

/* --- sequences ------------------------------------------------------------------------------------------------ */

/* Of the whole row of text. */
static int alone_places(const cv_cogvideo_config *config)
{
    const int all = config->text_places + cv_cogvideo_places(config);

    return all < config->frame_position ? all : config->frame_position;
}

/* Texts one after the other, this row's first, until the row is full. */
static int fill_text(const cv_coglm_draws *draws, number_stream *stream, const cv_frame_rows *rows, size_t row)
{
    const int places = alone_places(draws->config);
    int count = 0;

    while (count < places) {
        int32_t *text = draws->texts;
        int more = cv_frame_rows_text(rows, row, text);

        if (more > places - count)
            more = places - count;
        memcpy(draws->ids + count, text, (size_t)more * sizeof *text);
        count += more;
        row = (size_t)(next_unit(stream) * (double)rows->file.count);
    }
    return places;
}

static void lay_alone(const cv_coglm_draws *draws, cv_coglm_example *example, number_stream *stream,
                      const cv_frame_rows *rows, size_t row)
{
    const int places = fill_text(draws, stream, rows, row), spans = draw_spans(draws, stream, places);

    cv_coglm_lay_text(example, draws->ids, places, draws->lengths, draws->starts, spans);
}

/* What starts a text. */
static int32_t start_of(const cv_coglm_draws *draws, const int32_t *text, int count)
{
    for (int i = 0; i < count; i++)
        if (draws->chinese[text[i]])
            return draws->chinese_start;
    return draws->english_start;
}

static void lay_picture(const cv_coglm_draws *draws, cv_coglm_example *example, number_stream *stream,
                        cv_coglm_task task, const cv_frame_rows *rows, size_t row, int frame)
{
    const int count = cv_frame_rows_text(rows, row, draws->ids);
    const cv_picture_row picture = { draws->ids, count + 1, rows->pad };

    draws->ids[count] = rows->pad;
    memcpy(draws->ids + count + 1, cv_frame_rows_frame(rows, row, frame), (size_t)rows->places * sizeof *draws->ids);
    if (task == CV_TASK_HOLES) {
        draw_mask(draws, stream, draws->ids + count + 1);
        cv_coglm_lay_completion(example, draws->config, &picture, (cv_key_run){ 0, count }, draws->mask, draws->order);
    } else if (task == CV_TASK_TEXTS) {
        const int32_t starts[CV_COGLM_TEXTS] = { start_of(draws, draws->ids, count) };

        cv_coglm_lay_texts(example, draws->config, &picture, starts, draws->holes, draw_holes(draws, stream));
    } else {
        cv_coglm_lay_picture(example, draws->config, &picture, (cv_key_run){ 0, count });
    }
}

cv_train_sequence cv_coglm_draw(const cv_coglm_draws *draws, int s, cv_draw_key key, const cv_frame_rows *rows,
                                size_t row, int frame)
{
    const size_t at = (size_t)s * (size_t)draws->places;
    const cv_coglm_recipe *recipe = draws->recipe;
    number_stream stream = { .seed = key.seed, .counter = { key.batch, (uint32_t)s, 0, key.stream } };
    cv_coglm_example example = { .elements = draws->elements + at,
                                 .labels = draws->labels + at,
                                 .loss = draws->loss + at };
    const double unit = next_unit(&stream);

    draws->tasks[s] = unit < recipe->image_to_text                                       ? CV_TASK_TEXTS
                      : unit < recipe->image_to_text + recipe->text                      ? CV_TASK_ALONE
                      : unit < recipe->image_to_text + recipe->text + recipe->completion ? CV_TASK_HOLES
                                                                                         : CV_TASK_PICTURE;
    if (draws->tasks[s] == CV_TASK_ALONE)
        lay_alone(draws, &example, &stream, rows, row);
    else
        lay_picture(draws, &example, &stream, draws->tasks[s], rows, row, frame);
    return (cv_train_sequence){ .elements = example.elements,
                                .labels = example.labels,
                                .loss = example.loss,
                                .count = example.used };
}

void cv_coglm_losses_add(cv_coglm_losses *losses, const cv_coglm_draws *draws, int s, const cv_train_sequence *sequence,
                         const float *ce)
{
    for (int i = 0; i < sequence->count; i++) {
        const bool code = sequence->labels[i] < draws->config->image_codes;
        const int loss = draws->tasks[s] == CV_TASK_ALONE     ? CV_COGLM_SPANS
                         : !code                              ? CV_COGLM_TEXT
                         : draws->tasks[s] == CV_TASK_PICTURE ? CV_COGLM_CODES
                         : draws->tasks[s] == CV_TASK_HOLES   ? CV_COGLM_COMPLETION
                                                              : CV_COGLM_HOLES;

        if (!sequence->loss[i])
            continue;
        losses->sums[loss] += (double)ce[i];
        losses->counts[loss]++;
    }
}

/* --- opening -------------------------------------------------------------------------------------------------- */

static cogvideo_status check(const cv_coglm_draws *draws, cogvideo_error *err)
{
    const cv_coglm_recipe *recipe = draws->recipe;
    const cv_cogvideo_config *config = draws->config;
    const int L = cv_cogvideo_places(config);

    if (recipe->image_to_text + recipe->text + recipe->completion > 1)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the recipe's shares image_to_text (%g), text (%g) and completion (%g) are more than 1 together",
                       recipe->image_to_text, recipe->text, recipe->completion);
    if (recipe->hole_min > recipe->hole_max || recipe->hole_max >= config->grid)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the recipe wants holes of hole_min (%d) to hole_max (%d) codes on a side; the model has "
                       "pictures of %d, so 1 to %d were expected",
                       recipe->hole_min, recipe->hole_max, config->grid, config->grid - 1);
    if (config->frame_position + 1 + L > config->positions)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "the model has %d rows of positions; one more behind a picture's, %d in all, were expected for "
                       "the part coglm ('positions' of its model.json)",
                       config->positions, config->frame_position + 1 + L);
    if (recipe->text > 0 && alone_places(config) < 2)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the recipe wants texts alone, for which frame_position (%d) "
                       "leaves no room",
                       config->frame_position);
    return COGVIDEO_OK;
}

/* The ids that start texts, and which ids make one Chinese. */
static cogvideo_status open_languages(cv_coglm_draws *draws, const cv_cogvideo *model, cogvideo_error *err)
{
    const cv_cogvideo_config *config = draws->config;
    const cv_text *text = model->head.text;
    cogvideo_status status;

    CV_TRY(cv_model_need_text(&model->head, err));
    CV_NEW(draws->chinese, config->vocabulary, err);
    draws->english_start = cv_text_id(text, "<start_of_english>");
    draws->chinese_start = cv_text_id(text, "<start_of_chinese>");
    if (draws->english_start < 0 || draws->chinese_start < 0 || draws->english_start >= config->vocabulary ||
        draws->chinese_start >= config->vocabulary)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: '<start_of_english>' or '<start_of_chinese>' is none of the network's %d ids; texts that "
                       "are to be predicted start with them",
                       model->head.text_path, config->vocabulary);
    for (int32_t id = 0; id < config->vocabulary; id++) {
        const char *piece = cv_text_piece(text, id);

        draws->chinese[id] =
            draws->recipe->english_end > 0 ? id >= draws->recipe->english_end : piece && cv_has_chinese(piece);
    }
done:
    return status;
}

cogvideo_status cv_coglm_draws_open(cv_coglm_draws *out, const cv_cogvideo *model, const cv_coglm_recipe *recipe,
                                    int batch, cogvideo_error *err)
{
    const cv_cogvideo_config *config = &model->description.network;
    const int L = cv_cogvideo_places(config);
    cv_coglm_draws draws = { .config = config, .recipe = recipe, .places = config->text_places + 1 + L };
    const size_t all = (size_t)batch * (size_t)draws.places;
    cogvideo_status status;

    CV_TRY(check(&draws, err));
    if (recipe->image_to_text > 0)
        CV_TRY(open_languages(&draws, model, err));
    CV_NEW(draws.texts, config->text_places, err);
    CV_NEW(draws.ids, draws.places, err);
    CV_NEW(draws.tasks, batch, err);
    CV_NEW(draws.elements, all, err);
    CV_NEW(draws.labels, all, err);
    CV_NEW(draws.loss, all, err);
    CV_NEW(draws.holes, L, err);
    CV_NEW(draws.lengths, draws.places, err);
    CV_NEW(draws.starts, draws.places, err);
    CV_NEW(draws.mask, L, err);
    CV_NEW(draws.order, 1 + L, err);
    *out = draws;
    return COGVIDEO_OK;
done:
    cv_coglm_draws_close(&draws);
    return status;
}

void cv_coglm_draws_close(cv_coglm_draws *draws)
{
    cv_free(draws->chinese);
    cv_free(draws->texts);
    cv_free(draws->ids);
    cv_free(draws->tasks);
    cv_free(draws->elements);
    cv_free(draws->labels);
    cv_free(draws->loss);
    cv_free(draws->holes);
    cv_free(draws->lengths);
    cv_free(draws->starts);
    cv_free(draws->mask);
    cv_free(draws->order);
    *draws = (cv_coglm_draws){ 0 };
}
