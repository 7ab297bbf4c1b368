/* A dataset: dataset.json, then clips.jsonl behind the first zero byte; and the same two parts as training rows and the
 * description beside them. */
#include "fuzz/fuzz.h"
#include "support/check.h"

#include "family/cogvideo/train/rows.h"

/* The old file goes first: to cut one that is on the disk can take milliseconds. */
static void put(const char *name, const void *data, size_t size)
{
    remove(check_temp_path(name));
    check_write(check_temp_path(name), data, size);
}

static void open_dataset(void)
{
    cogvideo_error err = { 0 };
    cogvideo_dataset *dataset = NULL;
    cogvideo_dataset_info info;
    cogvideo_dataset_clip clip;

    if (!fuzz_ok(cogvideo_dataset_open(&dataset, check_temp(), &err), &err))
        return;
    cogvideo_dataset_get_info(dataset, &info);
    for (int i = 0; i < info.clips; i++) {
        fuzz_must(cogvideo_dataset_get_clip(dataset, i, &clip, &err) == COGVIDEO_OK);
        fuzz_touch(clip.caption, strlen(clip.caption));
        fuzz_touch(clip.pixels, (size_t)clip.frames * (size_t)info.size * (size_t)info.size * 3);
    }
    cogvideo_dataset_close(&dataset);
}

static void open_rows(void)
{
    cogvideo_error err = { 0 };
    cv_frame_rows rows = { 0 };
    int32_t ids[4096];

    if (!fuzz_ok(cv_frame_rows_open(&rows, check_temp_path("rows"), 2, 8, 1 << 30, &err), &err))
        return;
    for (size_t i = 0; i < rows.file.count; i++) {
        fuzz_must(cv_frame_rows_text(&rows, i, ids) > 0);
        fuzz_touch(cv_frame_rows_frame(&rows, i, rows.frames - 1), 4 * sizeof(int32_t));
    }
    cv_frame_rows_close(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
    size_t first = zero ? (size_t)(zero - data) : size, second = size - first - (zero != NULL);
    static const uint8_t frames[4 * 8 * 8 * 3];

    put("dataset.json", data, first);
    put("clips.jsonl", data + size - second, second);
    put("frames.rgb", frames, sizeof frames);
    open_dataset();
    put("rows.json", data, first);
    put("rows", data + size - second, second);
    open_rows();
    return 0;
}
