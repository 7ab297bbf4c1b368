#include "family/cogvideo/network/coglm_rows.h"

/* Appends an element: place `place` of the row, which sees itself and all before it. */
static cv_element *append(cv_coglm_example *out, int place, int32_t id, int position, int32_t label, bool loss)
{
    const int i = out->count++;

    out->elements[i] = (cv_element){ .id = id, .position = position, .sees = { { 0, i + 1 } }, .runs = 1 };
    out->labels[i] = label;
    out->loss[i] = loss;
    if (out->places)
        out->places[i] = place;
    return &out->elements[i];
}

/* Elements first .. out->count - 1 see the first `keys`. */
static void see(cv_coglm_example *out, int first, int keys)
{
    for (int i = first; i < out->count; i++)
        out->elements[i].sees[0].count = keys;
}

/* --- text ----------------------------------------------------------------------------------------------------- */

int cv_coglm_keep_spans(int32_t *lengths, int count, int places, double share)
{
    int sum = 0, kept = 0;

    while (kept < count) {
        if (lengths[kept] < 1)
            lengths[kept] = 1;
        sum += lengths[kept];
        if (sum > share * places)
            break;
        kept++;
    }
    return kept;
}

void cv_coglm_lay_text(cv_coglm_example *out, const int32_t *ids, int places, const int32_t *lengths,
                       const int32_t *starts, int spans)
{
    out->count = out->used = 0;
    for (int part = 0; part < 2; part++) {
        int span = 0, before = 0; /* the span that comes next, the lengths of those that came */

        for (int i = 0; i < places; i++) {
            const int first = span < spans ? starts[span] + before : places;
            const bool inside = i >= first, predicted = inside && i < first + lengths[span];

            if ((inside || span == spans) == (part == 1))
                append(out, i, ids[i], i, ids[i + 1 < places ? i + 1 : i], predicted);
            if (inside && !predicted) {
                before += lengths[span++];
                out->used = i; /* the last place of the last span predicts nothing */
            }
        }
        if (part == 0)
            see(out, 0, out->count);
    }
}

/* --- texts and a picture -------------------------------------------------------------------------------------- */

int cv_coglm_texts(const cv_picture_row *row, cv_key_run texts[CV_COGLM_TEXTS])
{
    int count = 0;

    for (int i = 0; i < row->text_places - 1; i++) {
        if (row->ids[i] == row->pad)
            continue;
        if (i == 0 || row->ids[i - 1] == row->pad) {
            if (count == CV_COGLM_TEXTS)
                break;
            texts[count++] = (cv_key_run){ i, 0 };
        }
        texts[count - 1].count++;
    }
    return count;
}

static bool holds(cv_key_run run, int place)
{
    return place >= run.first && place < run.first + run.count;
}

void cv_coglm_lay_picture(cv_coglm_example *out, const cv_cogvideo_config *config, const cv_picture_row *row,
                          cv_key_run text)
{
    const int L = cv_cogvideo_places(config), boi = row->text_places - 1, all = row->text_places + L;

    out->count = 0;
    for (int i = text.first; i < text.first + text.count; i++)
        append(out, i, row->ids[i], i - text.first, row->ids[i + 1], false);
    see(out, 0, text.count);
    for (int i = boi; i < all; i++)
        append(out, i, i == boi ? config->start_of_image : row->ids[i], config->frame_position + i - boi,
               row->ids[i + 1 < all ? i + 1 : i], i + 1 < all);
    out->used = out->count - 1;
    for (int i = 0; i < boi; i++)
        if (!holds(text, i))
            append(out, i, row->ids[i], 0, row->ids[i + 1], false);
    see(out, out->used + 1, text.count);
}

/* The row with its texts moved by one place behind their starts, which take the places of pads. */
typedef struct moved_row {
    const cv_picture_row *row;
    const int32_t *starts;
    cv_key_run texts[CV_COGLM_TEXTS]; /* with their starts */
    int count;
} moved_row;

static int32_t moved_id(const moved_row *m, int place)
{
    if (place >= m->row->text_places)
        return m->row->ids[place];
    for (int t = 0; t < m->count; t++)
        if (m->texts[t].first == place)
            return m->starts[t];
    return place > 0 ? m->row->ids[place - 1] : m->row->pad;
}

static cv_element *append_moved(cv_coglm_example *out, const moved_row *m, int place, int position, int last, bool loss)
{
    return append(out, place, moved_id(m, place), position, moved_id(m, place < last ? place + 1 : last), loss);
}

/* Whether a code is in a hole; `followed`: with its right neighbour. */
static bool in_hole(const cv_coglm_hole *holes, int count, int row, int column, bool followed)
{
    for (int h = 0; h < count; h++)
        if (row >= holes[h].row && row < holes[h].row + holes[h].rows && column >= holes[h].column &&
            column < holes[h].column + holes[h].columns - followed)
            return true;
    return false;
}

/* The codes that are in holes, or those that are not. */
static void append_codes(cv_coglm_example *out, const cv_cogvideo_config *config, const moved_row *m,
                         const cv_coglm_hole *holes, int hole_count, bool inside)
{
    const int grid = config->grid, L = grid * grid, T = m->row->text_places;

    for (int i = 0; i < L; i++)
        if (in_hole(holes, hole_count, i / grid, i % grid, false) == inside)
            append_moved(out, m, T + i, config->frame_position + 1 + i, T + L - 1,
                         in_hole(holes, hole_count, i / grid, i % grid, true));
}

void cv_coglm_lay_texts(cv_coglm_example *out, const cv_cogvideo_config *config, const cv_picture_row *row,
                        const int32_t starts[CV_COGLM_TEXTS], const cv_coglm_hole *holes, int hole_count)
{
    const int L = cv_cogvideo_places(config), last = row->text_places + L - 1;
    moved_row m = { .row = row, .starts = starts };
    int known;

    m.count = cv_coglm_texts(row, m.texts);
    for (int t = 0; t < m.count; t++)
        m.texts[t].count++;
    out->count = 0;
    append_codes(out, config, &m, holes, hole_count, false);
    see(out, 0, known = out->count);
    append_codes(out, config, &m, holes, hole_count, true);
    for (int t = 0; t < m.count; t++) {
        const int before = out->count, first = m.texts[t].first, count = m.texts[t].count;

        for (int i = 0; i < count; i++) {
            cv_element *element = append_moved(out, &m, first + i, i, last, i + 1 < count);

            element->sees[0].count = L;
            element->sees[1] = (cv_key_run){ before, i + 1 };
            element->runs = 2;
        }
    }
    out->used = out->count;
    for (int i = 0; i < row->text_places; i++)
        if (!(m.count > 0 && holds(m.texts[0], i)) && !(m.count > 1 && holds(m.texts[1], i)))
            append_moved(out, &m, i, 0, last, false);
    see(out, out->used, known);
}

void cv_coglm_lay_completion(cv_coglm_example *out, const cv_cogvideo_config *config, const cv_picture_row *row,
                             cv_key_run text, const uint8_t *mask, int *places)
{
    const int32_t *codes = row->ids + row->text_places;
    const int L = cv_cogvideo_places(config);
    cv_completion completion = { out->elements + text.count, places, 0 };

    out->count = 0;
    for (int i = text.first; i < text.first + text.count; i++)
        append(out, i, row->ids[i], i - text.first, row->ids[i + 1], false);
    see(out, 0, text.count);
    cv_completion_lay(&completion, config, codes, mask);
    for (int i = 0; i <= L; i++) {
        cv_element *element = &completion.elements[i];
        const int at = out->count++, next = i < L ? places[i + 1] : places[i];

        element->sees[0].count += text.count;
        if (places[i] >= 0)
            element->id = codes[places[i]];
        out->labels[at] = codes[next];
        out->loss[at] = i < L && mask[next];
        if (out->places)
            out->places[at] = row->text_places + places[i]; /* <start_of_image> takes the last text place */
        if (out->loss[at])
            out->used = out->count;
    }
}
