/* Pictures and videos as streams of frames: their times, their turn, the shape of their pixels, what is damaged, and
 * how reading ends. */
#include "support/check.h"
#include "support/clip.h"
#include "support/seen.h"

#include "base/file.h"
#include "media/exif.h"
#include "media/h264.h"
#include "media/sampler.h"
#include "media/turn.h"

#include <pthread.h>
#include <sys/stat.h>

/* --- how pictures lie ----------------------------------------------------------------------------------------- */

/* Upright: red, green / blue, white. */
static const uint8_t corner[4][3] = { { 220, 30, 30 }, { 30, 200, 30 }, { 30, 30, 220 }, { 230, 230, 230 } };
/* Which corner of the upright picture stands at each corner of the file's, by the orientation (TIFF 6.0: which side of
 * the picture row 0 and column 0 are). */
static const char stored[9][5] = { "", "0123", "1032", "3210", "2301", "0213", "1302", "3120", "2031" };

/* A picture of 40 x 24 as it lies in a file of an orientation. */
static cogvideo_video lying(int orientation)
{
    const int swap = orientation >= 5, width = swap ? 24 : 40, height = swap ? 40 : 24;
    cogvideo_video video = clip_make(width, height, 1);

    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            memcpy(video.pixels + (y * width + x) * 3,
                   corner[stored[orientation][2 * (2 * y / height) + 2 * x / width] - '0'], 3);
    return video;
}

static void check_upright(const seen *s, const char *what)
{
    if (s->width != 40 || s->height != 24)
        fail_msg("%s is %d x %d", what, s->width, s->height);
    for (int i = 0; i < 4; i++)
        for (int c = 0; c < 3; c++)
            if (abs(s->first[i][c] - corner[i][c]) > 20)
                fail_msg("%s: corner %d is %d %d %d", what, i, s->first[i][0], s->first[i][1], s->first[i][2]);
}

/* EXIF data that say it, 26 bytes. */
static void make_exif(uint8_t out[26], int orientation, bool big)
{
    static const uint8_t little[26] = "II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\0",
                         large[26] = "MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0";

    memcpy(out, big ? large : little, 26);
    out[big ? 19 : 18] = (uint8_t)orientation;
}

static void jpegs_are_turned(void **state)
{
    (void)state;
    for (int o = 1; o <= 8; o++) {
        uint8_t segment[10 + 26] = "\xff\xe1\0\x22"
                                   "Exif\0";
        cogvideo_video video = lying(o);
        cogvideo_error err;
        seen s;

        make_exif(segment + 10, o, o % 2);
        CHECK_OK(cogvideo_video_write(&video, check_temp_path("t.jpg"), NULL, &err), err);
        clip_insert("t.jpg", 2, segment, sizeof segment);
        CHECK_OK(see(&s, check_temp_path("t.jpg"), 0, &err), err);
        check_upright(&s, "a JPEG");
        cogvideo_video_free(&video);
    }
}

static void exif_is_survived(void **state)
{
    uint8_t exif[26], file[64];

    (void)state;
    make_exif(exif, 6, true);
    assert_int_equal(cv_exif_orientation(exif, 26), 6);
    assert_int_equal(cv_exif_in_file(exif, 26), 6); /* a TIFF file */
    for (size_t size = 0; size < 22; size++)
        assert_int_equal(cv_exif_orientation(exif, size), CV_TURN_NONE);
    exif[4] = 0xff; /* the directory is past the end */
    assert_int_equal(cv_exif_orientation(exif, 26), CV_TURN_NONE);
    make_exif(exif, 5, false);
    memcpy(file, "RIFF\x30\0\0\0WEBPVP8 \1\0\0\0x\0EXIF\x1a\0\0\0", 30);
    memcpy(file + 30, exif, 26);
    assert_int_equal(cv_exif_in_file(file, 56), 5);
    assert_int_equal(cv_exif_in_file(file, 55), CV_TURN_NONE);
    memset(file + 16, 0xff, 4);
    assert_int_equal(cv_exif_in_file(file, 56), CV_TURN_NONE);
}

/* PNG's checksum (CRC-32) behind a chunk's name and data. */
static void seal_chunk(uint8_t *bytes, size_t size)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < 8 * size; i++) {
        const uint32_t low = (crc ^ (uint32_t)(bytes[i / 8] >> (i % 8))) & 1;

        crc = crc >> 1 ^ (low ? 0xedb88320 : 0);
    }
    for (size_t i = 0; i < 4; i++)
        bytes[size + i] = (uint8_t)(~crc >> (24 - 8 * i));
}

static void png_is_turned(void **state)
{
    cogvideo_video video = lying(8);
    uint8_t chunk[8 + 26 + 4] = "\0\0\0\x1a"
                                "eXIf";
    cogvideo_error err;
    seen s;

    (void)state;
    if (have_ffmpeg()) {
        make_exif(chunk + 8, 8, false);
        seal_chunk(chunk + 4, 4 + 26);
        CHECK_OK(cogvideo_video_write(&video, check_temp_path("t.png"), NULL, &err), err);
        clip_insert("t.png", 33, chunk, sizeof chunk);
        CHECK_OK(see(&s, check_temp_path("t.png"), 0, &err), err);
        check_upright(&s, "a PNG");
        assert_true(s.times[0] < 0);
    }
    cogvideo_video_free(&video);
}

/* The display matrix of an MP4's track, as phones write it. */
static void videos_are_turned(void **state)
{
    static const int32_t matrices[9][4] = { { 0 },           { 1, 0, 0, 1 }, { -1, 0, 0, 1 }, { -1, 0, 0, -1 },
                                            { 1, 0, 0, -1 }, { 0, 1, 1, 0 }, { 0, 1, -1, 0 }, { 0, -1, -1, 0 },
                                            { 0, -1, 1, 0 } };

    (void)state;
    for (int o = 1; o <= 8; o++)
        assert_int_equal(cv_turn_of_matrix(matrices[o][0], matrices[o][1], matrices[o][2], matrices[o][3]), o);
    for (int o = 1; o <= 8 && have_ffmpeg(); o++) {
        cogvideo_video video = lying(o);
        cogvideo_error err;
        cv_buffer bytes;
        char *head;
        seen s;

        CHECK_OK(cogvideo_video_write(&video, check_temp_path("t.mp4"), NULL, &err), err);
        bytes = clip_bytes("t.mp4");
        assert_non_null(head = memmem(bytes.data, bytes.size, "tkhd", 4));
        for (int i = 0; i < 4; i++) /* a, b, u, c, d in 16.16, the high byte first */
            memcpy(head + 44 + 4 * (i + i / 2),
                   matrices[o][i] < 0 ? "\xff\xff\0"
                   : matrices[o][i]   ? "\0\1\0"
                                      : "\0\0\0",
                   4);
        check_write(check_temp_path("t.mp4"), bytes.data, bytes.size);
        CHECK_OK(see(&s, check_temp_path("t.mp4"), 0, &err), err);
        check_upright(&s, "an MP4");
        cv_buffer_free(&bytes);
        cogvideo_video_free(&video);
    }
}

/* --- the shape of pixels -------------------------------------------------------------------------------------- */

/* A square of 20 x 10 pixels of 1:2 in the middle of 80 x 40 becomes one of equal sides. */
static void fit_makes_pixels_square(void **state)
{
    cogvideo_video in = clip_make(80, 40, 1), out;
    cogvideo_error err;
    int across = 0, down = 0;

    (void)state;
    memset(in.pixels, 0, cv_frame_bytes(80, 40));
    for (int y = 15; y < 25; y++)
        memset(in.pixels + (y * 80 + 30) * 3, 255, 20 * 3);
    in.aspect = 0.5;
    CHECK_OK(cogvideo_video_fit(&out, &in, 40, 40, &err), err);
    for (int i = 0; i < 40; i++) {
        across += out.pixels[(20 * 40 + i) * 3] > 127;
        down += out.pixels[(i * 40 + 20) * 3] > 127;
    }
    assert_int_equal(across, 10);
    assert_int_equal(down, 10);
    cogvideo_video_free(&out);
    for (double aspect = 1e-9; aspect < 1e9; aspect *= 7) { /* any claim is survived */
        in.aspect = aspect;
        CHECK_OK(cogvideo_video_fit(&out, &in, 5, 3, &err), err);
        cogvideo_video_free(&out);
    }
    cogvideo_video_free(&in);
}

static void shapes_are_read(void **state)
{
    cogvideo_video video = clip_make(16, 16, 2);
    cogvideo_error err;
    cv_buffer bytes;
    seen s;

    (void)state;
    if (have_ffmpeg()) {
        CHECK_OK(cogvideo_video_write(&video, check_temp_path("s.y4m"), NULL, &err), err);
        bytes = clip_bytes("s.y4m");
        memcpy(memmem(bytes.data, bytes.size, "A1:1", 4), "A2:1", 4);
        check_write(check_temp_path("s.y4m"), bytes.data, bytes.size);
        CHECK_OK(see(&s, check_temp_path("s.y4m"), 0, &err), err);
        CHECK_CLOSE(s.aspect, 2, 0);
        cv_buffer_free(&bytes);
    }
    cogvideo_video_free(&video);
}

/* Each frame is by itself; only all together must they be of one size. */
static void sizes_may_change(void **state)
{
    static const char two[] = "P6 1 1 255\nabcP6 2 1 255\nabcdef";
    cogvideo_video back;
    cogvideo_error err;
    seen s;

    (void)state;
    check_write(check_temp_path("two"), two, sizeof two - 1);
    CHECK_OK(see(&s, check_temp_path("two"), 0, &err), err);
    assert_int_equal(s.frames, 2);
    assert_int_equal(s.width, 2);
    CHECK_FAILS(cogvideo_video_read(&back, check_temp_path("two"), NULL, &err), COGVIDEO_ERROR_FORMAT,
                "ffmpeg -i IN -vf scale=1:1", err);
}

/* --- times ---------------------------------------------------------------------------------------------------- */

typedef struct picked {
    int count, frames[SEEN_MOST];
} picked;

static cogvideo_status pick(void *user, const uint8_t *pixels, cogvideo_error *err)
{
    picked *p = user;

    (void)err;
    assert_true(p->count < SEEN_MOST);
    p->frames[p->count++] = pixels[0];
    return COGVIDEO_OK;
}

/* Frames at these times, the last for `duration`; what is shown of them at `fps`. */
static picked sample(const double *times, int count, double duration, double fps)
{
    picked p = { 0 };
    cv_sampler sampler = { .fps = fps, .size = 1, .take = pick, .user = &p };
    cogvideo_error err;

    for (int i = 0; i < count; i++) {
        const uint8_t pixel[3] = { (uint8_t)i };
        const cogvideo_frame frame = { .width = 1,
                                       .height = 1,
                                       .pixels = pixel,
                                       .aspect = 1,
                                       .time = times[i],
                                       .index = i,
                                       .duration = i == count - 1 ? duration : 0 };

        CHECK_OK(cv_sampler_frame(&sampler, &frame, &err), err);
    }
    CHECK_OK(cv_sampler_end(&sampler, &err), err);
    cv_sampler_free(&sampler);
    return p;
}

/* Of a constant rate the nearest frame, ties to the later. */
static void constant_rates_are_sampled(void **state)
{
    static const double rates[] = { 8, 12, 16, 24, 24000 / 1001.0, 25, 30, 50, 60, 120 };

    (void)state;
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        double times[240];
        picked p;

        for (int i = 0; i < 240; i++)
            times[i] = i / rates[r];
        p = sample(times, 240, 1 / rates[r], 8);
        for (int k = 0; k < p.count; k++)
            assert_int_equal(p.frames[k], (int)floor(k * rates[r] / 8 + 0.5));
        assert_true(floor(p.count * rates[r] / 8 + 0.5) >= 240);
    }
}

static void uneven_times_are_sampled(void **state)
{
    const double slides[] = { 0, 1, 1.01, 3 }, pictures[] = { -1, -1, -1 }, one[] = { 0 };
    picked p;

    (void)state;
    p = sample(slides, 4, 0.5, 2); /* at 0, 0.5 .. 3: a picture stays until the next one comes */
    assert_int_equal(p.count, 7);
    assert_memory_equal(p.frames, ((int[]){ 0, 0, 1, 2, 2, 2, 3 }), sizeof(int[7]));
    p = sample(pictures, 3, 0, 8);
    assert_int_equal(p.count, 3);
    assert_int_equal(sample(one, 1, 0, 8).count, 1);
    assert_int_equal(sample(one, 1, 2, 8).count, 16);
}

/* A GIF has a delay of its own for each frame. */
static void delays_are_times(void **state)
{
    static const uint8_t delays[5] = { 10, 50, 3, 200, 25 };
    cogvideo_video video = clip_make(16, 16, 5), back;
    cogvideo_error err;
    cv_buffer bytes;
    double time = 0;
    char *at;
    seen s;

    (void)state;
    if (have_ffmpeg()) {
        CHECK_OK(cogvideo_video_write(&video, check_temp_path("d.gif"), NULL, &err), err);
        bytes = clip_bytes("d.gif");
        at = bytes.data;
        for (int i = 0; i < 5; i++) { /* graphic control extension: 21 f9 04, flags, delay of 16 bits */
            assert_non_null(at = memmem(at, bytes.size - (size_t)(at - bytes.data), "\x21\xf9\4", 3));
            at[4] = (char)delays[i];
            at += 5;
        }
        check_write(check_temp_path("d.gif"), bytes.data, bytes.size);
        CHECK_OK(see(&s, check_temp_path("d.gif"), 0, &err), err);
        assert_int_equal(s.frames, 5);
        for (int i = 0; i < 5; time += delays[i++] / 100.0)
            CHECK_CLOSE(s.times[i], time, 1e-9);
        CHECK_CLOSE(s.last_duration, 0.25, 1e-9);
        CHECK_OK(cogvideo_video_read(&back, check_temp_path("d.gif"), NULL, &err), err);
        CHECK_CLOSE(back.fps, 4 / 2.63, 1e-6);
        cogvideo_video_free(&back);
        cv_buffer_free(&bytes);
    }
    cogvideo_video_free(&video);
}

/* Faster than a GIF plays: it lasts as long. */
static void gifs_play_fifty(void **state)
{
    cogvideo_video video = clip_make(8, 8, 60);
    const cogvideo_write_options options = { .fps = 120 };
    cogvideo_error err;
    seen s;

    (void)state;
    if (have_ffmpeg()) {
        CHECK_OK(cogvideo_video_write(&video, check_temp_path("f.gif"), &options, &err), err);
        CHECK_OK(see(&s, check_temp_path("f.gif"), 0, &err), err);
        assert_int_equal(s.frames, 25);
        CHECK_CLOSE(s.times[24], 0.48, 1e-9);
    }
    cogvideo_video_free(&video);
}

/* A video of 24 frames, key frames 8 apart, that others wrote; the text is static. */
static const char *corpus(const char *name)
{
    static char path[1024];

    snprintf(path, sizeof path, "%s/../tests/fuzz/corpus/picture/%s", getenv("COGVIDEO_CONFIGS"), name);
    return path;
}

/* Containers whose streams appear as they come. */
static void headless_containers_are_read(void **state)
{
    static const char *const names[] = { "d.ts", "d.flv", "d.mpg" };
    cogvideo_error err;
    seen s;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = corpus(names[i]);

        if (!have_ffmpeg()) {
            CHECK_FAILS(see(&s, path, 0, &err), COGVIDEO_ERROR_UNSUPPORTED,
                        i == 0   ? "an MPEG transport stream"
                        : i == 1 ? "an FLV video"
                                 : "an MPEG program stream",
                        err);
            continue;
        }
        CHECK_OK(see(&s, path, 0, &err), err);
        assert_in_range(s.frames, 23, 26);
        assert_int_equal(s.width, 32);
        for (int f = 0; f < s.frames; f++)
            CHECK_CLOSE(s.times[f], f / (i == 2 ? 25.0 : 24.0), 0.002);
        assert_string_equal(s.log, "");
    }
}

/* --- damage --------------------------------------------------------------------------------------------------- */

/* A video of 300 frames, of which 0 and 250 at least are key frames, with bytes spoilt at a share of its data. */
static cogvideo_status see_damaged(seen *s, double share, size_t cut, cogvideo_error *err)
{
    cogvideo_video video = clip_make(32, 32, 300);
    cv_buffer bytes;
    char *data;

    for (size_t i = 0; i < cv_frame_bytes(32, 32) * 300; i++)
        video.pixels[i] = (uint8_t)(video.pixels[i] + (i * 2654435761u >> 27)); /* so that frames have some size */
    CHECK_OK(cogvideo_video_write(&video, check_temp_path("b.mp4"), NULL, err), *err);
    bytes = clip_bytes("b.mp4");
    data = memmem(bytes.data, bytes.size, "mdat", 4);
    assert_non_null(data);
    if (!cut)
        /* several frames, their sizes too */
        memset(data + (size_t)(share * (double)(bytes.size - (size_t)(data - bytes.data))) + 4, 0xff, 2000);
    check_write(check_temp_path("b.mp4"), bytes.data, bytes.size - cut);
    cv_buffer_free(&bytes);
    cogvideo_video_free(&video);
    return see(s, check_temp_path("b.mp4"), 0, err);
}

static void damage_is_passed_over(void **state)
{
    cogvideo_error err;
    seen s;

    (void)state;
    if (!have_ffmpeg())
        return;
    CHECK_OK(see_damaged(&s, 0.3, 0, &err), err); /* between key frames */
    assert_in_range(s.frames, 50, 298);
    assert_int_equal(s.gaps, 1);
    assert_non_null(strstr(s.log, "is damaged after"));
    CHECK_CLOSE(s.times[s.frames - 1], 299 / 8.0, 1e-6); /* what follows is in its place */
    CHECK_OK(see_damaged(&s, 0, 0, &err), err);          /* the first key frame */
    assert_in_range(s.frames, 50, 299);
    assert_int_equal(s.gaps, 0);
    assert_non_null(strstr(s.log, "begins with incomplete frames"));
    assert_true(s.times[0] == 0);
    CHECK_FAILS(see_damaged(&s, 0, 300, &err), COGVIDEO_ERROR_FORMAT, "cut or damaged", err);
    assert_in_range(s.frames, 200, 299);
}

/* A recording that begins inside a group of pictures. */
static void recordings_begin_anywhere(void **state)
{
    const size_t packets = 8, size = 188;
    cogvideo_error err;
    cv_buffer bytes;
    seen s;

    (void)state;
    CHECK_OK(cv_file_read(&bytes, corpus("d.ts"), 1 << 20, &err), err);
    check_write(check_temp_path("r.ts"), bytes.data + packets * size, bytes.size - packets * size);
    if (have_ffmpeg()) {
        CHECK_OK(see(&s, check_temp_path("r.ts"), 0, &err), err);
        assert_int_equal(s.frames, 16);
        CHECK_CLOSE(s.times[15], 15 / 24.0, 1e-4);
        assert_non_null(strstr(s.log, "begins with incomplete frames"));
    }
    cv_buffer_free(&bytes);
}

static void refreshes_are_known(void **state)
{
    static const uint8_t codes[] = "\0\0\0\1\x67\x42\0\0\1\x65\x88", lengths[] = "\0\0\0\2\x67\x42\0\0\0\2\x65\x88",
                         extra[] = "\1\x64\0\x0b\xff\xe1";

    (void)state;
    assert_true(cv_h264_is_idr(codes, sizeof codes - 1, NULL, 0));
    assert_false(cv_h264_is_idr(codes, 9, NULL, 0));
    assert_true(cv_h264_is_idr(lengths, sizeof lengths - 1, extra, sizeof extra - 1));
    for (size_t size = 0; size <= 10; size++)
        assert_false(cv_h264_is_idr(lengths, size, extra, sizeof extra - 1));
}

/* Two recordings put together, as `cat` does: the clock begins anew, and no more is lost than what the seam spoils. */
static void joined_recordings_are_read(void **state)
{
    cogvideo_error err;
    cv_buffer bytes, two = { 0 };
    seen s;

    (void)state;
    if (!have_ffmpeg())
        return;
    CHECK_OK(cv_file_read(&bytes, corpus("d.ts"), 1 << 20, &err), err);
    for (int i = 0; i < 2; i++)
        CHECK_OK(cv_buffer_append(&two, bytes.data, bytes.size, &err), err);
    check_write(check_temp_path("two.ts"), two.data, two.size);
    cv_buffer_free(&two);
    CHECK_OK(see(&s, check_temp_path("two.ts"), 0, &err), err);
    assert_in_range(s.frames, 46, 48);
    for (int f = 1; f < s.frames; f++)
        CHECK_CLOSE(s.times[f] - s.times[f - 1], 1 / 24.0, 0.002);
    cv_buffer_free(&bytes);
}

/* Behind bytes that are none of its packets a transport stream is read on. */
static void transport_streams_find_their_way(void **state)
{
    cogvideo_error err;
    cv_buffer bytes;
    seen s;

    (void)state;
    if (!have_ffmpeg())
        return;
    CHECK_OK(cv_file_read(&bytes, corpus("d.ts"), 1 << 20, &err), err);
    memset(bytes.data + bytes.size - 1000, 0xaa, 900);
    check_write(check_temp_path("end.ts"), bytes.data, bytes.size);
    CHECK_OK(see(&s, check_temp_path("end.ts"), 0, &err), err);
    assert_in_range(s.frames, 15, 24);
    cv_buffer_free(&bytes);
}

/* --- how reading ends ----------------------------------------------------------------------------------------- */

static void reading_can_be_stopped(void **state)
{
    static const char *const names[] = { "p.mjpeg", "p.mp4", "p%02d.ppm" };
    cogvideo_video video = clip_make(16, 16, 20);
    cogvideo_error err;
    seen s;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (i == 1 && !have_ffmpeg())
            continue;
        CHECK_OK(cogvideo_video_write(&video, check_temp_path(names[i]), NULL, &err), err);
        CHECK_OK(see(&s, check_temp_path(names[i]), 0, &err), err);
        assert_true(s.polls >= 20);
        CHECK_FAILS(see(&s, check_temp_path(names[i]), 3, &err), COGVIDEO_ERROR_CANCELLED, "stopped after 3 frames",
                    err);
        for (int stop = 1; stop < 20; stop++) {
            CHECK_FAILS(see(&s, check_temp_path(names[i]), -stop, &err), COGVIDEO_ERROR_CANCELLED, "stopped", err);
            assert_int_equal(s.polls, stop);
        }
    }
    cogvideo_video_free(&video);
}

static void *feed(void *bytes)
{
    const cv_buffer *b = bytes;
    FILE *pipe = fopen(check_temp_path("pipe"), "wb");

    if (pipe) {
        fwrite(b->data, 1, b->size, pipe);
        fclose(pipe);
    }
    return NULL;
}

static void pipes_are_read(void **state)
{
    cogvideo_video video = clip_make(16, 16, 3);
    cogvideo_error err;
    pthread_t writer;
    cv_buffer bytes;
    seen s;

    (void)state;
    CHECK_OK(cogvideo_video_write(&video, check_temp_path("p.mjpeg"), NULL, &err), err);
    bytes = clip_bytes("p.mjpeg");
    assert_int_equal(mkfifo(check_temp_path("pipe"), 0600), 0);
    assert_int_equal(pthread_create(&writer, NULL, feed, &bytes), 0);
    CHECK_OK(see(&s, check_temp_path("pipe"), 0, &err), err);
    pthread_join(writer, NULL);
    assert_int_equal(s.frames, 3);
    CHECK_FAILS(see(&s, "/dev/zero", 0, &err), COGVIDEO_ERROR_IO, "a device", err);
    cv_buffer_free(&bytes);
    cogvideo_video_free(&video);
}

static void kinds_are_named(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *words;
    } files[] = {
        { "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", 0, "git lfs pull" },
        { "\0\0\0\x18"
          "ftypheic\0\0\0\0mif1heic",
          24, "a HEIC picture" },
        { "\0\0\0\x18"
          "ftypmif1\0\0\0\0mif1heic",
          24, "a HEIF picture" },
        { "RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\2\0\0\0\x0f\0\0\x0f\0\0", 30, "an animated WebP picture" },
        { "<!DOCTYPE html><html></html>", 0, "an HTML page" },
        { "\0\0\0\x18"
          "ftypavif\0\0\0\0mif1avif",
          24, "an AVIF picture" },
        { "ID3\4\0\0\0\0\0\x0a\0\0\0\0\0\0\0\0\0\0", 20, "an MP3 sound" },
        { "RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0", 24, "a WAV sound" },
        { "#EXTM3U\nhttp://example.org/a.ts\n", 0, "a playlist" },
    };
    cogvideo_error err;
    seen s;

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        check_write(check_temp_path("kind"), files[i].bytes, files[i].size ? files[i].size : strlen(files[i].bytes));
        CHECK_FAILS(see(&s, check_temp_path("kind"), 0, &err),
                    have_ffmpeg() ? COGVIDEO_ERROR_FORMAT : COGVIDEO_ERROR_UNSUPPORTED, files[i].words, err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jpegs_are_turned),
        cmocka_unit_test(exif_is_survived),
        cmocka_unit_test(png_is_turned),
        cmocka_unit_test(videos_are_turned),
        cmocka_unit_test(fit_makes_pixels_square),
        cmocka_unit_test(shapes_are_read),
        cmocka_unit_test(sizes_may_change),
        cmocka_unit_test(constant_rates_are_sampled),
        cmocka_unit_test(uneven_times_are_sampled),
        cmocka_unit_test(delays_are_times),
        cmocka_unit_test(gifs_play_fifty),
        cmocka_unit_test(headless_containers_are_read),
        cmocka_unit_test(damage_is_passed_over),
        cmocka_unit_test(recordings_begin_anywhere),
        cmocka_unit_test(refreshes_are_known),
        cmocka_unit_test(joined_recordings_are_read),
        cmocka_unit_test(transport_streams_find_their_way),
        cmocka_unit_test(reading_can_be_stopped),
        cmocka_unit_test(pipes_are_read),
        cmocka_unit_test(kinds_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
