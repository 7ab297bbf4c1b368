#include "family/cogvideo/network/visibility.h"

int cv_slot_time(const cv_cogvideo_config *config, cv_stage_kind kind, int slot)
{
    int known = cv_cogvideo_known(config);

    if (kind == CV_STAGE_SEQUENTIAL)
        return slot;
    return slot < known ? 2 * slot : 2 * (slot - known) + 1;
}

cv_key_run cv_base_run(const cv_cogvideo_config *config, cv_stage_kind kind, cv_place place)
{
    if (kind == CV_STAGE_INTERPOLATE && !place.generated)
        return (cv_key_run){ 0, cv_cogvideo_places(config) };
    return (cv_key_run){ 0, place.index + 1 };
}

int cv_plus_max_runs(const cv_cogvideo_config *config, cv_stage_kind kind)
{
    return kind == CV_STAGE_SEQUENTIAL ? 1 : config->frames * 2 * config->window;
}

int cv_visible_max(const cv_cogvideo_config *config)
{
    return config->frames * cv_cogvideo_places(config);
}

/* A span of one axis of the grid, perhaps continued at the other edge. */
typedef struct span {
    int first[2], count[2];
    int parts;
} span;

/* Where the window that holds `at` lies when the axis is rolled by -shift first. */
static span wrapped_window(int at, int grid, int window, int shift)
{
    int rolled = (at - shift + grid) % grid;
    int begin = rolled / window * window;
    int length = begin + window > grid ? grid - begin : window;
    int first = (begin + shift) % grid;

    if (first + length <= grid)
        return (span){ { first, 0 }, { length, 0 }, 1 };
    return (span){ { first, 0 }, { grid - first, first + length - grid }, 2 };
}

/* Where it lies when the border cuts it off. */
static span cut_window(int at, int grid, int window, int shift)
{
    int begin = (at + shift) / window * window - shift;
    int end = begin + window > grid ? grid : begin + window;

    if (begin < 0)
        begin = 0;
    return (span){ { begin, 0 }, { end - begin, 0 }, 1 };
}

/* The window rows by columns of one slot; places after `last` of that slot are left out. */
static int window_runs(int grid, int base, const span *rows, const span *columns, int last, cv_key_run *runs)
{
    int count = 0;

    for (int part = 0; part < rows->parts; part++)
        for (int r = rows->first[part]; r < rows->first[part] + rows->count[part]; r++)
            for (int side = 0; side < columns->parts; side++) {
                int first = r * grid + columns->first[side];
                int length = columns->count[side];

                if (first > last)
                    continue;
                if (first + length - 1 > last)
                    length = last - first + 1;
                runs[count++] = (cv_key_run){ base + first, length };
            }
    return count;
}

int cv_plus_runs(const cv_cogvideo_config *config, cv_stage_kind kind, int odd_layer, cv_place place, cv_key_run *runs)
{
    int L = cv_cogvideo_places(config), grid = config->grid, window = config->window;
    int shift = odd_layer ? window / 2 : 0, row = place.index / grid, column = place.index % grid;
    int slots, count = 0;
    span rows, columns;

    if (kind == CV_STAGE_SEQUENTIAL) {
        runs[0] = (cv_key_run){ 0, place.slot * L + place.index + 1 };
        return 1;
    }
    slots = place.generated ? place.slot + 1 : cv_cogvideo_known(config);
    if (place.generated || !config->wrap_windows) {
        rows = cut_window(row, grid, window, shift);
        columns = cut_window(column, grid, window, shift);
    } else {
        rows = wrapped_window(row, grid, window, shift);
        columns = wrapped_window(column, grid, window, shift);
    }
    for (int slot = 0; slot < slots; slot++) {
        int last = place.generated && slot == place.slot ? place.index : L - 1;

        count += window_runs(grid, slot * L, &rows, &columns, last, runs + count);
    }
    return count;
}
