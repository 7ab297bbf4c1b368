/* Datasets: made from shapes, videos, pictures and lists, read back, refused when their files lie, turned into rows. */
#include "support/check.h"
#include "support/networks.h"

#include "base/file.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/path.h"
#include "dataset/shapes.h"

#include <cogvideo/cogvideo.h>
#include <cogvideo/dataset.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct told {
    int warnings;
    char last[1024];
    long long done, all;
    int stop_at;
} told;

static void on_message(void *user, cogvideo_log_level level, const char *text)
{
    told *t = user;

    t->warnings += level == COGVIDEO_LOG_WARNING;
    snprintf(t->last, sizeof t->last, "%s", text);
}

static int on_progress(void *user, const cogvideo_progress *progress)
{
    told *t = user;

    t->done = progress->done;
    t->all = progress->total;
    return t->stop_at && progress->done >= t->stop_at;
}

static cogvideo_dataset_callbacks tell(told *t)
{
    return (cogvideo_dataset_callbacks){ .log = { on_message, t }, .progress = on_progress, .user = t };
}

static cogvideo_dataset *open_dataset(const char *name)
{
    cogvideo_error err;
    cogvideo_dataset *dataset = NULL;

    CHECK_OK(cogvideo_dataset_open(&dataset, check_temp_path(name), &err), err);
    return dataset;
}

static void make_folder(const char *name)
{
    assert_true(mkdir(check_temp_path(name), 0777) == 0);
}

static void write_text(const char *name, const char *text)
{
    check_write(check_temp_path(name), text, strlen(text));
}

/* A clip of `frames` frames, frame f all of gray 4 f + base. */
static void write_gray(const char *name, int frames, int base)
{
    cogvideo_error err;
    cogvideo_video video = { 0 };

    CHECK_OK(cogvideo_video_alloc(&video, 40, 24, frames, 8, &err), err);
    for (int f = 0; f < frames; f++)
        memset(video.pixels + (size_t)f * 40 * 24 * 3, 4 * f + base, 40 * 24 * 3);
    CHECK_OK(cogvideo_video_write(&video, check_temp_path(name), NULL, &err), err);
    cogvideo_video_free(&video);
}

static void motions_can_be_chosen(void **state)
{
    cogvideo_error err;
    cogvideo_shapes_options options = { .clips = 8, .motions = "still,left" };
    cogvideo_dataset *dataset;
    cogvideo_dataset_clip clip;
    int left = 0;

    (void)state;
    CHECK_OK(cogvideo_dataset_shapes(check_temp_path("chosen"), &options, NULL, &err), err);
    dataset = open_dataset("chosen");
    for (int i = 0; i < 8; i++) {
        CHECK_OK(cogvideo_dataset_get_clip(dataset, i, &clip, &err), err);
        left += strstr(clip.caption, "left") || strstr(clip.caption, "左");
        assert_true(strstr(clip.caption, "left") || strstr(clip.caption, "左") || strstr(clip.caption, "still") ||
                    strstr(clip.caption, "静止"));
    }
    assert_true(left > 0 && left < 8);
    cogvideo_dataset_close(&dataset);
    for (int i = 0; i < 4; i++) {
        options.motions = (const char *[]){ "still,flies", "", "left,", ",left" }[i];
        CHECK_FAILS(cogvideo_dataset_shapes(check_temp_path("none"), &options, NULL, &err), COGVIDEO_ERROR_ARGUMENT,
                    i ? "'' is no motion of this world, which has left, right, up" : "'flies'", err);
    }
}

/* Labels are the combination that the caption tells. */
static void check_labels(const cogvideo_dataset_clip *clip)
{
    cv_shapes_combination c;
    cogvideo_error err;
    cv_shapes *world;

    CHECK_OK(cv_shapes_open(&world, NULL, &err), err);
    c = cv_shapes_at(world, cv_shapes_find(world, clip->caption));
    assert_int_equal(clip->label_count, 5);
    assert_int_equal(clip->labels[0], c.size);
    assert_int_equal(clip->labels[1], c.colour);
    assert_int_equal(clip->labels[2], c.shape);
    assert_int_equal(clip->labels[3], c.motion);
    assert_int_equal(clip->labels[4], c.background);
    cv_shapes_close(&world);
}

/* A second run is refused, whatever it was told to replace, and the dataset stays. */
static void one_run_writes_to_a_folder(void **state)
{
    cogvideo_error err;
    cogvideo_shapes_options options = { .clips = 2, .motions = "still" };
    cogvideo_dataset *dataset;
    int lock;

    (void)state;
    CHECK_OK(cogvideo_dataset_shapes(check_temp_path("locked"), &options, NULL, &err), err);
    CHECK_OK(cv_folder_lock(&lock, check_temp_path("locked"), false, &err), err);
    options.force = 1;
    CHECK_FAILS(cogvideo_dataset_shapes(check_temp_path("locked"), &options, NULL, &err), COGVIDEO_ERROR_ARGUMENT,
                "another run is using this folder", err);
    cv_folder_unlock(&lock);
    dataset = open_dataset("locked");
    cogvideo_dataset_close(&dataset);
    CHECK_OK(cogvideo_dataset_shapes(check_temp_path("locked"), &options, NULL, &err), err);
}

static void shapes_are_repeatable(void **state)
{
    cogvideo_error err;
    cogvideo_shapes_options options = { .clips = 6, .seed = 4 };
    cogvideo_dataset *a, *b;
    cogvideo_dataset_info info;
    cogvideo_dataset_clip x, y;
    told t = { 0 };
    cogvideo_dataset_callbacks callbacks = tell(&t);

    (void)state;
    CHECK_OK(cogvideo_dataset_shapes(check_temp_path("a"), &options, &callbacks, &err), err);
    assert_int_equal(t.done, 6);
    assert_int_equal(t.all, 6);
    options.clips = 3;
    CHECK_OK(cogvideo_dataset_shapes(check_temp_path("b"), &options, NULL, &err), err);
    CHECK_FAILS(cogvideo_dataset_shapes(check_temp_path("b"), &options, NULL, &err), COGVIDEO_ERROR_ARGUMENT,
                "holds a dataset already", err);
    /* What could not be replaced at the end is told at the beginning. */
    assert_int_equal(mkdir(check_temp_path("b/dataset.json.partial"), 0777), 0);
    options.force = 1;
    CHECK_FAILS(cogvideo_dataset_shapes(check_temp_path("b"), &options, &callbacks, &err), COGVIDEO_ERROR_IO,
                "dataset.json.partial: is not a regular file", err);
    assert_int_equal(t.done, 6);
    options.force = 0;
    rmdir(check_temp_path("b/dataset.json.partial"));
    a = open_dataset("a");
    b = open_dataset("b");
    cogvideo_dataset_get_info(a, &info);
    assert_int_equal(info.clips, 6);
    assert_int_equal(info.size, 64);
    assert_int_equal(info.frames, 6 * 33);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(cogvideo_dataset_get_clip(a, i, &x, &err), err);
        CHECK_OK(cogvideo_dataset_get_clip(b, i, &y, &err), err);
        assert_string_equal(x.caption, y.caption);
        assert_string_equal(x.source, y.source);
        assert_memory_equal(x.pixels, y.pixels, 33 * 64 * 64 * 3);
        check_labels(&x);
    }
    CHECK_FAILS(cogvideo_dataset_get_clip(b, 3, &y, &err), COGVIDEO_ERROR_ARGUMENT, "there is no clip 3", err);
    cogvideo_dataset_close(&a);
    cogvideo_dataset_close(&b);
    options.force = 1;
    t.stop_at = 2;
    CHECK_FAILS(cogvideo_dataset_shapes(check_temp_path("b"), &options, &callbacks, &err), COGVIDEO_ERROR_CANCELLED,
                "cancelled", err);
    b = open_dataset("b"); /* the old one is still whole */
    cogvideo_dataset_close(&b);
}

static void videos_pictures_and_their_captions_are_found(void **state)
{
    cogvideo_error err;
    cogvideo_build_options options = { .size = 16, .frames = 5 };
    cogvideo_dataset *dataset;
    cogvideo_dataset_info info;
    cogvideo_dataset_clip clip;
    told t = { 0 };
    cogvideo_dataset_callbacks callbacks = tell(&t);

    (void)state;
    make_folder("videos");
    make_folder("videos/c");
    write_gray("videos/a.mjpeg", 11, 50);
    write_text("videos/a.txt", "  first\nclip \n");
    write_gray("videos/b.mjpeg", 5, 0);
    write_gray("videos/c/p-%02d.ppm", 6, 100);
    write_text("videos/c/caption.txt", "图画");
    write_gray("videos/d.mjpeg", 3, 0);
    write_text("videos/d.txt", "too short");
    write_text("videos/e.mp4", "no video at all");
    write_text("videos/e.txt", "broken");
    write_text("videos/f.mp4", "x");
    write_text("videos/f.txt", " \n");
    CHECK_OK(cogvideo_dataset_build(check_temp_path("videos"), check_temp_path("data"), &options, &callbacks, &err),
             err);
    assert_int_equal(t.warnings, 4); /* b and f have no caption, d is too short, e is no video */
    dataset = open_dataset("data");
    cogvideo_dataset_get_info(dataset, &info);
    assert_int_equal(info.clips, 3);
    CHECK_OK(cogvideo_dataset_get_clip(dataset, 1, &clip, &err), err);
    assert_string_equal(clip.caption, "first clip");
    assert_in_range(clip.pixels[2 * 16 * 16 * 3], 50 + 4 * 7 - 2, 50 + 4 * 7 + 2); /* frame 2 of the second five */
    CHECK_OK(cogvideo_dataset_get_clip(dataset, 2, &clip, &err), err);
    assert_string_equal(clip.caption, "图画");
    assert_int_equal(clip.pixels[4 * 16 * 16 * 3], 116);
    cogvideo_dataset_close(&dataset);
    options.frames = 100;
    CHECK_FAILS(cogvideo_dataset_build(check_temp_path("videos"), check_temp_path("none"), &options, NULL, &err),
                COGVIDEO_ERROR_ARGUMENT, "no clip came together", err);
}

/* A video is no frame of a folder of pictures, and is passed over there. */
static void videos_are_no_pictures(void **state)
{
    cogvideo_error err;
    cogvideo_build_options options = { .size = 16, .frames = 2 };
    cogvideo_dataset *dataset;
    cogvideo_dataset_info info;
    cogvideo_dataset_clip clip;
    told t = { 0 };
    cogvideo_dataset_callbacks callbacks = tell(&t);

    (void)state;
    make_folder("mixed");
    make_folder("mixed/walk");
    make_folder("mixed/row");
    write_text("mixed/walk.txt", "three videos");
    write_gray("mixed/walk/1.mjpeg", 6, 0);
    write_gray("mixed/walk/2.mjpeg", 6, 0);
    write_gray("mixed/walk/3.mjpeg", 6, 0);
    write_text("mixed/row.txt", "two pictures");
    write_gray("mixed/row/1.ppm", 1, 80);
    write_gray("mixed/row/2.mjpeg", 2, 0);
    write_gray("mixed/row/3.ppm", 1, 120);
    CHECK_OK(cogvideo_dataset_build(check_temp_path("mixed"), check_temp_path("of mixed"), &options, &callbacks, &err),
             err);
    assert_int_equal(t.warnings, 5); /* four videos, and a folder without pictures */
    dataset = open_dataset("of mixed");
    cogvideo_dataset_get_info(dataset, &info);
    assert_int_equal(info.clips, 1);
    CHECK_OK(cogvideo_dataset_get_clip(dataset, 0, &clip, &err), err);
    assert_string_equal(clip.caption, "two pictures");
    assert_int_equal(clip.pixels[0], 80);
    assert_int_equal(clip.pixels[16 * 16 * 3], 120);
    cogvideo_dataset_close(&dataset);
}

/* Frame f of clip `index` must be of gray 4 f + base. */
static void check_grays(const cogvideo_dataset *dataset, int index, int base, const char *caption)
{
    cogvideo_error err;
    cogvideo_dataset_clip clip;
    cogvideo_dataset_info info;

    cogvideo_dataset_get_info(dataset, &info);
    CHECK_OK(cogvideo_dataset_get_clip(dataset, index, &clip, &err), err);
    assert_string_equal(clip.caption, caption);
    for (int f = 0; f < clip.frames; f++)
        assert_int_equal(clip.pixels[(size_t)f * (size_t)info.size * (size_t)info.size * 3], 4 * f + base);
}

/* Numbers in names count as numbers, with zeros before them or without, for the pictures of a clip and for the
 * clips. */
static void names_are_taken_in_natural_order(void **state)
{
    static const char *const folders[] = { "ordered/2", "ordered/10", "ordered/b-09", "ordered/b-010" };
    static const char *const pictures[] = { "%d.ppm", "%03d.ppm", "frame-%d-of-12.ppm", "p%02d.ppm" };
    cogvideo_error err;
    cogvideo_build_options options = { .size = 8, .frames = 12 };
    cogvideo_dataset *dataset;
    char name[64];

    (void)state;
    make_folder("ordered");
    for (int i = 3; i >= 0; i--) {
        make_folder(folders[i]);
        snprintf(name, sizeof name, "%s.txt", folders[i]);
        write_text(name, folders[i]);
        for (int f = 11; f >= 0; f--) {
            char pattern[64], picture[128];

            snprintf(pattern, sizeof pattern, "%s/%s", folders[i], pictures[i]);
            snprintf(picture, sizeof picture, pattern, f);
            write_gray(picture, 1, 4 * f + 10 * i);
        }
    }
    CHECK_OK(cogvideo_dataset_build(check_temp_path("ordered"), check_temp_path("in-order"), &options, NULL, &err),
             err);
    dataset = open_dataset("in-order");
    for (int i = 0; i < 4; i++)
        check_grays(dataset, i, 10 * i, folders[i]);
    cogvideo_dataset_close(&dataset);
}

/* A folder of videos for lists to name. */
static void make_listed(void)
{
    if (access(check_temp_path("listed"), F_OK) != 0)
        make_folder("listed");
    write_gray("listed/a b.mjpeg", 2, 50);
    write_gray("listed/c.mjpeg", 2, 90);
}

static void lists_are_read(void **state)
{
    cogvideo_error err;
    cogvideo_build_options options = { .size = 8, .frames = 2 };
    cogvideo_dataset *dataset;
    cogvideo_dataset_clip clip;

    (void)state;
    make_listed();
    write_text("listed/list.csv", "\xef\xbb\xbfnumber,caption,video\r\n1,\"one, \"\"and\"\"\nmore\",a b.mjpeg\r\n"
                                  "2,two,c.mjpeg\n3,gone,d.mjpeg\n4,,c.mjpeg\n5\n\n6,six");
    write_text("listed/open.csv", "video,caption\nc.mjpeg,\"two\nlines\"\nc.mjpeg,\"never closed\nc.mjpeg,three\n");
    write_text("listed/head.csv", "video,\"caption\nc.mjpeg,two\n");
    CHECK_FAILS(cogvideo_dataset_build(check_temp_path("listed/head.csv"), check_temp_path("open"), &options, NULL,
                                       &err),
                COGVIDEO_ERROR_FORMAT, "head.csv: a quote in its first line never closes", err);
    CHECK_FAILS(cogvideo_dataset_build(check_temp_path("listed/open.csv"), check_temp_path("open"), &options, NULL,
                                       &err),
                COGVIDEO_ERROR_FORMAT, "open.csv: the quote that opens on line 4 or behind it never closes", err);
    CHECK_OK(cogvideo_dataset_build(check_temp_path("listed/list.csv"), check_temp_path("list"), &options, NULL, &err),
             err);
    dataset = open_dataset("list");
    CHECK_OK(cogvideo_dataset_get_clip(dataset, 0, &clip, &err), err);
    assert_string_equal(clip.caption, "one, \"and\" more");
    CHECK_OK(cogvideo_dataset_get_clip(dataset, 1, &clip, &err), err);
    assert_string_equal(clip.caption, "two");
    CHECK_FAILS(cogvideo_dataset_get_clip(dataset, 2, &clip, &err), COGVIDEO_ERROR_ARGUMENT, "2 clips", err);
    cogvideo_dataset_close(&dataset);
}

static cogvideo_status build_list(const void *text, size_t size, told *t, cogvideo_error *err)
{
    const cogvideo_build_options options = { .size = 8, .frames = 2, .force = 1 };
    const cogvideo_dataset_callbacks callbacks = tell(t);

    make_listed();
    check_write(check_temp_path("listed/some.csv"), text, size);
    return cogvideo_dataset_build(check_temp_path("listed/some.csv"), check_temp_path("some"), &options, &callbacks,
                                  err);
}

/* Lists as spreadsheets of several countries and systems write them. */
static void lists_have_many_forms(void **state)
{
    static const char *const lists[] = {
        "video;caption\r\na b.mjpeg;red, star\r\n",
        "video\tcaption\na b.mjpeg\tred, star\n",
        "Video,CAPTION\na b.mjpeg,\"red, star\"\n",
        "video , caption\n a b.mjpeg , \"red, star\" \n",
        "\"video\",\"caption\"\n\"a b.mjpeg\",\"red, star\"",
        "\"video\";\"note; or, two\";\"caption\"\na b.mjpeg;\"x;y\";\"red, star\"\n",
        "a,b;video;caption\n1;a b.mjpeg;red, star\n",
        "caption\tvideo\rred, star\ta b.mjpeg\r",
        "video;caption\r\ra b.mjpeg;\"red, star\"\r\r",
        "\xef\xbb\xbfsep=;\r\nvideo;caption\r\na b.mjpeg;red, star\r\n",
        "sep=|\nvideo|caption\na b.mjpeg|red, star\n",
        "video,caption\na b.mjpeg,\"red, star\",,\n",
    };
    cogvideo_error err;
    cogvideo_dataset *dataset;
    told t = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        CHECK_OK(build_list(lists[i], strlen(lists[i]), &t, &err), err);
        dataset = open_dataset("some");
        check_grays(dataset, 0, 50, "red, star");
        cogvideo_dataset_close(&dataset);
    }
    assert_int_equal(t.warnings, 0);
}

static void lists_that_do_not_fit_show_what_they_hold(void **state)
{
#define LIST(text) text, sizeof(text) - 1
    static const struct {
        const char *text;
        size_t size;
        const char *words;
    } lists[] = {
        { LIST("path,text\na,b\n"),
          "video and caption were expected in its first line; it holds \"path\", \"text\" (separated by commas)" },
        { LIST("path;\"text; more\"\na;b\n"), "it holds \"path\", \"text; more\" (separated by semicolons)" },
        { LIST("path\tcaption\na\tb\n"), "it holds \"path\", \"caption\" (separated by tabs)" },
        { LIST("clip.mp4 a red star\n"), "it holds \"clip.mp4 a red star\"" },
        { LIST("\nvideo,caption\n"), "it holds \"\"" },
        { LIST("video,caption,Video\na,b,c\n"), "names the column video twice" },
        { LIST("video;caption\r\n"), "some.csv: names no video: nothing follows its first line" },
        { LIST("video,caption\n,,\n\n"), "names no video" },
        { LIST("video,caption\nc.mjpeg\n"), "none of its lines has a video with a caption" },
        { LIST("video,caption\na b.mjpeg,red, star\n"), "none of its lines has a video with a caption" },
        { LIST(""), "some.csv: is empty" },
        { LIST("\xef\xbb\xbf"), "some.csv: is empty" },
        { LIST("\xff\xfev\0i\0d\0e\0o\0"),
          "some.csv: is UTF-16, UTF-8 was expected; 'iconv -f UTF-16 -t UTF-8' converts it" },
        { LIST("\xfe\xff\0v\0i"), "is UTF-16," },
        { LIST("v\0i\0d\0"), "iconv -f UTF-16LE" },
        { LIST("\0v\0i"), "is UTF-16BE" },
        { LIST("\xff\xfe\0\0v\0\0\0"), "is UTF-32" },
    };
    cogvideo_error err;
    cv_buffer wide = { 0 };
    told t = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        CHECK_FAILS(build_list(lists[i].text, lists[i].size, &t, &err), COGVIDEO_ERROR_FORMAT, lists[i].words, err);
#undef LIST
    for (int i = 0; i < 1000; i++)
        CHECK_OK(cv_buffer_printf(&wide, &err, "a column,"), err);
    CHECK_FAILS(build_list(wide.data, wide.size, &t, &err), COGVIDEO_ERROR_FORMAT,
                "\"a column\", .. (separated by commas)", err);
    cv_buffer_free(&wide);
}

/* What lies beside the videos, and is said of what has no caption. */
static void captions_are_found_or_missed_by_name(void **state)
{
    const cogvideo_build_options options = { .size = 8, .frames = 2 };
    cogvideo_error err;
    cogvideo_dataset *dataset;
    told t = { 0 };
    const cogvideo_dataset_callbacks callbacks = tell(&t);

    (void)state;
    make_folder("named");
    make_folder("named/d");
    write_gray("named/A.MJPEG", 2, 0);
    write_text("named/A.TXT", "capitals");
    write_gray("named/b.Mjpeg", 2, 10);
    write_text("named/b.Txt", "mixed");
    write_gray("named/c.mjpeg", 2, 20);
    write_text("named/c.txt", "small");
    write_text("named/c.TXT", "not this one");
    write_gray("named/d/%d.ppm", 2, 30);
    write_text("named/d/caption.TXT", "inside");
    CHECK_OK(cogvideo_dataset_build(check_temp_path("named"), check_temp_path("captioned"), &options, &callbacks, &err),
             err);
    assert_int_equal(t.warnings, 0);
    dataset = open_dataset("captioned");
    check_grays(dataset, 0, 0, "capitals");
    check_grays(dataset, 1, 10, "mixed");
    check_grays(dataset, 2, 20, "small");
    check_grays(dataset, 3, 30, "inside");
    cogvideo_dataset_close(&dataset);

    make_folder("classes");
    make_folder("classes/walks");
    write_gray("classes/walks/a.mjpeg", 2, 0);
    CHECK_FAILS(cogvideo_dataset_build(check_temp_path("classes"), check_temp_path("none"), &options, &callbacks, &err),
                COGVIDEO_ERROR_FORMAT, "(folders in it are not searched)", err);
    assert_int_equal(t.warnings, 1);
    if (!strstr(t.last, "classes/walks: is left out") || !strstr(t.last, "walks.txt beside it") ||
        !strstr(t.last, "are not searched for videos"))
        fail_msg("'%s' does not say why", t.last);

    make_folder("wide");
    write_gray("wide/v.mjpeg", 2, 0);
    CHECK_FAILS(cogvideo_dataset_build(check_temp_path("wide"), check_temp_path("none"), &options, &callbacks, &err),
                COGVIDEO_ERROR_FORMAT, "side by side, or a .csv", err);
    assert_non_null(strstr(t.last, "v.txt was expected beside it"));
    check_write(check_temp_path("wide/v.txt"), "\xff\xfer\0e\0d\0", 8);
    CHECK_FAILS(cogvideo_dataset_build(check_temp_path("wide"), check_temp_path("none"), &options, &callbacks, &err),
                COGVIDEO_ERROR_FORMAT, "has no video", err);
    assert_non_null(
        strstr(t.last, "its caption is UTF-16, UTF-8 was expected; 'iconv -f UTF-16 -t UTF-8' converts it"));
    write_text("wide/v.txt", "\xef\xbb\xbf marked ");
    CHECK_OK(cogvideo_dataset_build(check_temp_path("wide"), check_temp_path("marked"), &options, NULL, &err), err);
    dataset = open_dataset("marked");
    check_grays(dataset, 0, 0, "marked");
    cogvideo_dataset_close(&dataset);
}

static void check_refused(const char *about, const char *clips, size_t bytes, const char *words)
{
    cogvideo_error err;
    cogvideo_dataset *dataset = NULL;
    char *zeros = calloc(1, bytes + 1);

    write_text("hostile/dataset.json", about);
    write_text("hostile/clips.jsonl", clips);
    check_write(check_temp_path("hostile/frames.rgb"), zeros, bytes);
    CHECK_FAILS(cogvideo_dataset_open(&dataset, check_temp_path("hostile"), &err), COGVIDEO_ERROR_FORMAT, words, err);
    assert_null(dataset);
    free(zeros);
}

#define ABOUT(clips, frames) \
    "{\"format\":\"cogvideo-dataset\",\"version\":1,\"size\":8,\"fps\":8,\"clips\":" clips ",\"frames\":" frames "}"
#define LABELS(labels) "{\"frames\":2,\"caption\":\"c\",\"labels\":" labels "}\n"
#define CLIP(frames) "{\"frames\":" frames ",\"caption\":\"c\"}\n"

static void datasets_that_lie_are_refused(void **state)
{
    cogvideo_error err;
    cogvideo_dataset *dataset = NULL;
    cogvideo_dataset_clip clip;

    (void)state;
    make_folder("hostile");
    CHECK_FAILS(cogvideo_dataset_open(&dataset, check_temp_path("hostile"), &err), COGVIDEO_ERROR_IO, "dataset.json",
                err);
    check_refused(ABOUT("1", "2"), CLIP("2"), 383, "its clips have 2 frames (384 bytes)");
    check_refused(ABOUT("1", "3"), CLIP("2"), 384, "dataset.json says 3");
    check_refused(ABOUT("1", "2"), CLIP("2") CLIP("1"), 384, "its clips have");
    check_refused(ABOUT("2", "2"), CLIP("2"), 384, "line 2");
    check_refused(ABOUT("9999999", "2"), CLIP("2"), 384, "has no room for the 9999999 clips");
    check_refused(ABOUT("10000000000", "2"), CLIP("2"), 384, "'clips'");
    check_refused(ABOUT("1", "2"), CLIP("-2"), 384, "line 1: 'frames'");
    check_refused(ABOUT("1", "2"), CLIP("1e300"), 384, "line 1: 'frames'");
    check_refused(ABOUT("1", "2"), "{\"frames\":2}\n", 384, "'caption'");
    check_refused(ABOUT("1", "2"), "[[[[[[[[[[[[[[[[\n", 384, "line 1");
    check_refused(ABOUT("1", "2"), LABELS("3"), 384, "line 1");
    check_refused(ABOUT("1", "2"), LABELS("[]"), 384, "has 0 labels");
    check_refused(ABOUT("1", "2"), LABELS("[0,1,2,3,4,5,6,7,8]"), 384, "has 9 labels, 1 to 8 were expected");
    check_refused(ABOUT("1", "2"), LABELS("[0,-1]"), 384, "number 2 of the array");
    check_refused(ABOUT("1", "2"), LABELS("[0.5]"), 384, "number 1 of the array");
    check_refused(ABOUT("1", "2,\"context\":2"), CLIP("2"), 384, "'frames' is 2, it must be from 3");
    check_refused(ABOUT("1", "2,\"context\":-1"), CLIP("2"), 384, "'context'");
    check_refused(ABOUT("1", "2,\"context\":1e300"), CLIP("2"), 384, "'context'");
    check_refused("{\"format\":\"other\"}", CLIP("2"), 384, "'format'");
    check_refused(ABOUT("1", "2"), CLIP("2"), 0, "its clips have");
    write_text("hostile/dataset.json", ABOUT("1", "2"));
    write_text("hostile/clips.jsonl", CLIP("2"));
    check_write(check_temp_path("hostile/frames.rgb"),
                ABOUT("1", "2") ABOUT("1", "2") ABOUT("1", "2") ABOUT("1", "2") ABOUT("1", "2") ABOUT("1", "2"), 384);
    dataset = open_dataset("hostile");
    CHECK_OK(cogvideo_dataset_get_clip(dataset, 0, &clip, &err), err);
    assert_null(clip.labels); /* as of a dataset of videos, or an older one */
    assert_int_equal(clip.label_count, 0);
    cogvideo_dataset_close(&dataset);
}

/* --- training rows -------------------------------------------------------------------------------------------- */

static void make_model(void)
{
    seeded_list list = { 0 };
    cv_json *json = NULL, *parts;
    cv_buffer text = { 0 };
    char path[512], *printed;
    cogvideo_error err;

    make_folder("model");
    networks_image_tokenizer(&list, 51, 8, 16, 1024);
    seeded_write(&list, check_temp_path("model/image.safetensors"), CV_F16);
    seeded_list_free(&list);
    CHECK_OK(cv_file_read(&text, check_data("text/ice_text.model"), 1 << 24, &err), err);
    check_write(check_temp_path("model/text.model"), text.data, text.size);
    cv_buffer_free(&text);
    snprintf(path, sizeof path, "%s/small.json", getenv("COGVIDEO_CONFIGS"));
    CHECK_OK(cv_json_read(&json, path, 1 << 20, &err), err);
    cv_json_set_int(cv_json_get(json, "image_tokenizer"), "channels", 8);
    cv_json_set_int(cv_json_get(json, "image_tokenizer"), "groups", 8);
    parts = cv_json_set_object(json, "parts");
    cv_json_set_string(cv_json_set_object(parts, "image_tokenizer"), "file", "image.safetensors");
    cv_json_set_string(cv_json_set_object(parts, "text_tokenizer"), "file", "text.model");
    printed = cv_json_print(json, true, &err);
    write_text("model/model.json", printed);
    cv_free(printed);
    cv_json_free(&json);
}

static cogvideo_model *open_model(void)
{
    cogvideo_model *model = NULL;
    cogvideo_error err;

    if (!cv_path_is_dir(check_temp_path("model")))
        make_model();
    CHECK_OK(cogvideo_model_open(&model, check_temp_path("model"), NULL, &err), err);
    return model;
}

/* Row `row` of a file of rows for the small model, against frames `first`, `first` + `apart`, .. of the clip's
 * codes. */
static void check_row(const char *name, int row, int frames, const cogvideo_tokens *codes, int first, int apart)
{
    cogvideo_error err;
    cogvideo_tokens got = { 0 };

    CHECK_OK(cogvideo_tokens_load_row(&got, check_temp_path(name), row, 8, frames, 64, 1027, &err), err);
    for (int f = 0; f < frames; f++)
        assert_memory_equal(got.codes + 64 * f, codes->codes + 64 * (first + f * apart), 64 * sizeof *got.codes);
    assert_non_null(strstr(got.header, "text_ids"));
    cogvideo_tokens_free(&got);
}

/* What each clip begins with is said once, of all. */
static void clips_that_go_on_say_so(void **state)
{
    cogvideo_error err;
    cogvideo_shapes_options options = { .clips = 3, .context = 5 };
    cogvideo_dataset_info info;
    cogvideo_dataset *dataset;
    cogvideo_dataset_clip clip;

    (void)state;
    CHECK_OK(cogvideo_dataset_shapes(check_temp_path("second"), &options, NULL, &err), err);
    dataset = open_dataset("second");
    cogvideo_dataset_get_info(dataset, &info);
    assert_int_equal(info.context, 5);
    CHECK_OK(cogvideo_dataset_get_clip(dataset, 2, &clip, &err), err);
    assert_int_equal(clip.frames, 33);
    assert_non_null(strstr(clip.source, " after "));
    cogvideo_dataset_close(&dataset);
    options.context = 33;
    CHECK_FAILS(cogvideo_dataset_shapes(check_temp_path("none"), &options, NULL, &err), COGVIDEO_ERROR_ARGUMENT,
                "begin with 0 to 32 of another, not 33", err);
    options.context = -1;
    CHECK_FAILS(cogvideo_dataset_shapes(check_temp_path("none"), &options, NULL, &err), COGVIDEO_ERROR_ARGUMENT,
                "not -1", err);
}

/* Each frame of a dataset of poses is a row of its own, under the text of key frames. */
static void each_pose_is_a_row(void **state)
{
    cogvideo_error err;
    cogvideo_shapes_options shapes = { .clips = 1, .poses = 1 };
    cogvideo_rows_options options = { .kind = COGVIDEO_ROWS_STAGE1 };
    cogvideo_model *model = open_model();
    cogvideo_dataset *dataset;
    cogvideo_dataset_info info;
    cogvideo_dataset_clip clip;
    cogvideo_video video = { 64, 64, 33, 8, NULL, 0 };
    cogvideo_tokens codes = { 0 }, key = { 0 }, pose = { 0 };
    long long rows = 0;

    (void)state;
    CHECK_OK(cogvideo_dataset_shapes(check_temp_path("poses"), &shapes, NULL, &err), err);
    dataset = open_dataset("poses");
    cogvideo_dataset_get_info(dataset, &info);
    assert_int_equal(info.poses, 1);
    CHECK_FAILS(cogvideo_dataset_tokens(dataset, model, check_temp_path("poses.rows"), &options, NULL, &rows, &err),
                COGVIDEO_ERROR_ARGUMENT, "only rows for 'image'", err);
    options.kind = COGVIDEO_ROWS_IMAGE;
    CHECK_OK(cogvideo_dataset_tokens(dataset, model, check_temp_path("poses.rows"), &options, NULL, &rows, &err), err);
    assert_int_equal(rows, 33);
    CHECK_OK(cogvideo_dataset_get_clip(dataset, 0, &clip, &err), err);
    video.pixels = (uint8_t *)(uintptr_t)clip.pixels;
    CHECK_OK(cogvideo_encode(model, &video, 8, NULL, &codes, &err), err);
    check_row("poses.rows", 0, 1, &codes, 0, 1);
    check_row("poses.rows", 32, 1, &codes, 32, 1);
    cogvideo_dataset_close(&dataset);

    shapes.poses = 0; /* the same caption, of a clip */
    CHECK_OK(cogvideo_dataset_shapes(check_temp_path("clip"), &shapes, NULL, &err), err);
    dataset = open_dataset("clip");
    options.kind = COGVIDEO_ROWS_STAGE1;
    CHECK_OK(cogvideo_dataset_tokens(dataset, model, check_temp_path("clip.rows"), &options, NULL, &rows, &err), err);
    CHECK_OK(cogvideo_tokens_load_row(&key, check_temp_path("clip.rows"), 0, 8, 5, 64, 1027, &err), err);
    CHECK_OK(cogvideo_tokens_load_row(&pose, check_temp_path("poses.rows"), 32, 8, 1, 64, 1027, &err), err);
    assert_string_equal(strstr(pose.header, "text_ids"), strstr(key.header, "text_ids"));

    cogvideo_tokens_free(&codes);
    cogvideo_tokens_free(&key);
    cogvideo_tokens_free(&pose);
    cogvideo_dataset_close(&dataset);
    cogvideo_model_close(&model);
}

static void rows_have_each_step_s_frames(void **state)
{
    cogvideo_error err;
    cogvideo_shapes_options shapes = { .clips = 1 };
    cogvideo_rows_options options = { .kind = COGVIDEO_ROWS_STAGE1 };
    cogvideo_model *model = open_model();
    cogvideo_dataset *dataset;
    cogvideo_dataset_clip clip;
    cogvideo_video video = { 64, 64, 33, 8, NULL, 0 };
    cogvideo_tokens codes = { 0 };
    long long rows = 0;

    (void)state;
    shapes.context = 5; /* which these rows could not say */
    CHECK_OK(cogvideo_dataset_shapes(check_temp_path("later"), &shapes, NULL, &err), err);
    dataset = open_dataset("later");
    CHECK_FAILS(cogvideo_dataset_tokens(dataset, model, check_temp_path("later.rows"), &options, NULL, &rows, &err),
                COGVIDEO_ERROR_ARGUMENT, "begin with 5 frames of what came before", err);
    cogvideo_dataset_close(&dataset);
    shapes.context = 0;
    CHECK_OK(cogvideo_dataset_shapes(check_temp_path("shapes"), &shapes, NULL, &err), err);
    dataset = open_dataset("shapes");
    CHECK_OK(cogvideo_dataset_get_clip(dataset, 0, &clip, &err), err);
    video.pixels = (uint8_t *)(uintptr_t)clip.pixels;
    CHECK_OK(cogvideo_encode(model, &video, 8, NULL, &codes, &err), err);

    CHECK_OK(cogvideo_dataset_tokens(dataset, model, check_temp_path("one.rows"), &options, NULL, &rows, &err), err);
    assert_int_equal(rows, 1);
    check_row("one.rows", 0, 5, &codes, 0, 8);
    CHECK_FAILS(cogvideo_dataset_tokens(dataset, model, check_temp_path("one.rows"), &options, NULL, &rows, &err),
                COGVIDEO_ERROR_IO, "already exists", err);
    /* What cannot be replaced whole stays as it is. */
    assert_int_equal(mkdir(check_temp_path("one.rows.json.partial"), 0777), 0);
    options.force = 1;
    CHECK_FAILS(cogvideo_dataset_tokens(dataset, model, check_temp_path("one.rows"), &options, NULL, &rows, &err),
                COGVIDEO_ERROR_IO, "one.rows.json.partial: is not a regular file", err);
    assert_int_equal(access(check_temp_path("one.rows.json"), F_OK), 0);
    rmdir(check_temp_path("one.rows.json.partial"));
    options.force = 0;
    options.kind = COGVIDEO_ROWS_STAGE2;
    CHECK_OK(cogvideo_dataset_tokens(dataset, model, check_temp_path("two.rows"), &options, NULL, &rows, &err), err);
    assert_int_equal(rows, 2 + 4 + 8);
    check_row("two.rows", 0, 5, &codes, 0, 4);
    check_row("two.rows", 1, 5, &codes, 16, 4);
    check_row("two.rows", 5, 5, &codes, 24, 2);
    check_row("two.rows", 13, 5, &codes, 28, 1);
    options.kind = COGVIDEO_ROWS_IMAGE;
    CHECK_OK(cogvideo_dataset_tokens(dataset, model, check_temp_path("image.rows"), &options, NULL, &rows, &err), err);
    assert_int_equal(rows, 1);
    check_row("image.rows", 0, 1, &codes, 0, 1);
    cogvideo_tokens_free(&codes);
    cogvideo_dataset_close(&dataset);
    cogvideo_model_close(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clips_that_go_on_say_so),
        cmocka_unit_test(motions_can_be_chosen),
        cmocka_unit_test(one_run_writes_to_a_folder),
        cmocka_unit_test(shapes_are_repeatable),
        cmocka_unit_test(videos_pictures_and_their_captions_are_found),
        cmocka_unit_test(videos_are_no_pictures),
        cmocka_unit_test(names_are_taken_in_natural_order),
        cmocka_unit_test(lists_are_read),
        cmocka_unit_test(lists_have_many_forms),
        cmocka_unit_test(lists_that_do_not_fit_show_what_they_hold),
        cmocka_unit_test(captions_are_found_or_missed_by_name),
        cmocka_unit_test(datasets_that_lie_are_refused),
        cmocka_unit_test(each_pose_is_a_row),
        cmocka_unit_test(rows_have_each_step_s_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
