#include "media/jpeg.h"

#include "media/exif.h"
#include "media/turn.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#define MARKER_SOS 0xda

/* libjpeg goes over the whole picture for each scan, however small; a file of thousands of scans would take hours.
 * Encoders write about ten. */
#define MAX_SCANS 200

/* libjpeg reports an error by calling error_exit, which must not return: it jumps back to this. */
typedef struct failure {
    struct jpeg_error_mgr manager; /* first, because libjpeg passes its address */
    jmp_buf back;
    char text[JMSG_LENGTH_MAX];
} failure;

static void fail_hard(j_common_ptr info)
{
    failure *f = (failure *)info->err;

    info->err->format_message(info, f->text);
    longjmp(f->back, 1);
}

/* Level -1 is a warning. The warnings listed here mean that the file is damaged and that libjpeg would invent what
 * is missing. Others mean that a header is irregular (phones write such headers), which does no harm. */
static void fail_on_invention(j_common_ptr info, int level)
{
    static const int inventions[] = { JWRN_ARITH_BAD_CODE, JWRN_EXTRANEOUS_DATA, JWRN_HIT_MARKER,
                                      JWRN_HUFF_BAD_CODE,  JWRN_JPEG_EOF,        JWRN_MUST_RESYNC };

    for (size_t i = 0; level < 0 && i < sizeof inventions / sizeof *inventions; i++)
        if (info->err->msg_code == inventions[i])
            fail_hard(info);
}

static void stay_silent(j_common_ptr info)
{
    (void)info;
}

static struct jpeg_error_mgr *failure_init(failure *f)
{
    jpeg_std_error(&f->manager);
    f->manager.error_exit = fail_hard;
    f->manager.emit_message = fail_on_invention;
    f->manager.output_message = stay_silent;
    f->text[0] = '\0';
    return &f->manager;
}

static void limit_scans(j_common_ptr info)
{
    j_decompress_ptr jpeg = (j_decompress_ptr)info;

    if (jpeg->input_scan_number > MAX_SCANS) {
        failure *f = (failure *)info->err;

        snprintf(f->text, sizeof f->text, "more than %d scans", MAX_SCANS);
        longjmp(f->back, 1);
    }
}

/* --- markers -------------------------------------------------------------------------------------------------- */

/* Finds the next marker segment with contents before the first scan; returns its number, or 0. `at` begins after
 * SOI. */
static int next_segment(const unsigned char *data, size_t size, size_t *at, const unsigned char **body, size_t *length)
{
    while (*at < size && size - *at >= 4 && data[*at] == 0xff) {
        const int marker = data[*at + 1];

        if (marker == 0xff) { /* fill bytes */
            ++*at;
            continue;
        }
        *length = (size_t)data[*at + 2] << 8 | data[*at + 3];
        if (marker == MARKER_SOS || *length < 2 || *length > size - *at - 2)
            return 0;
        *body = data + *at + 4;
        *length -= 2;
        *at += *length + 4;
        return marker;
    }
    return 0;
}

static bool begins(const unsigned char *body, size_t length, const char *mark, size_t size)
{
    return length >= size && memcmp(body, mark, size) == 0;
}

static int find_orientation(const unsigned char *data, size_t size)
{
    const unsigned char *body;
    size_t at = 2, length;

    for (int marker; (marker = next_segment(data, size, &at, &body, &length));)
        if (marker == JPEG_APP0 + 1 && begins(body, length, "Exif\0", 6))
            return cv_exif_orientation(body + 6, length - 6);
    return CV_TURN_NONE;
}

bool cv_jpeg_has_parts(const unsigned char *data, size_t size)
{
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/", gain_map[] = "urn:iso:std:iso:ts:21496:-1";
    const unsigned char *body;
    size_t at = 2, length;

    for (int marker; (marker = next_segment(data, size, &at, &body, &length));) {
        if (marker == JPEG_APP0 + 2 &&
            (begins(body, length, "MPF", 4) || begins(body, length, gain_map, sizeof gain_map)))
            return true;
        if (marker == JPEG_APP0 + 1 && begins(body, length, xmp, sizeof xmp) &&
            (memmem(body, length, "hdrgm:", 6) || memmem(body, length, "GainMap", 7) ||
             memmem(body, length, "Container:Directory", 19)))
            return true;
    }
    return false;
}

/* --- decoding ------------------------------------------------------------------------------------------------- */

/* Decoding state that must survive the jump. */
typedef struct decoding {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_progress_mgr progress;
    failure failure;
    uint8_t *inks;          /* a row of a picture in CMYK */
    cogvideo_status status; /* of errors other than libjpeg's: out of memory */
} decoding;

/* Converts CMYK to RGB. Adobe's programs store inks inverted and say so in a marker. */
static void inks_to_rgb(uint8_t *out, const uint8_t *inks, unsigned width, bool inverted)
{
    for (unsigned x = 0; x < width; x++, inks += 4)
        for (int c = 0; c < 3; c++) {
            int light = inverted ? inks[c] * inks[3] : (255 - inks[c]) * (255 - inks[3]);

            *out++ = (uint8_t)((light + 127) / 255);
        }
}

static cogvideo_status make_room(decoding *d, cv_stream *stream, uint8_t **pixels, cogvideo_error *err)
{
    d->status = cv_stream_room(stream, d->jpeg.image_width, d->jpeg.image_height, pixels, err);
    if (d->status == COGVIDEO_OK && d->jpeg.num_components == 4 && !(d->inks = cv_alloc(d->jpeg.image_width, 4, err)))
        d->status = COGVIDEO_ERROR_MEMORY;
    return d->status;
}

/* The part that libjpeg may leave by a jump; returns false then, and also with d->status set. */
static bool decode(decoding *d, cv_stream *stream, const unsigned char *data, size_t size, cogvideo_error *err)
{
    struct jpeg_decompress_struct *jpeg = &d->jpeg;
    uint8_t *pixels;

    if (setjmp(d->failure.back))
        return false;
    jpeg_create_decompress(jpeg);
    d->progress.progress_monitor = limit_scans;
    jpeg->progress = &d->progress;
    jpeg_mem_src(jpeg, data, size);
    jpeg_read_header(jpeg, TRUE);
    if (make_room(d, stream, &pixels, err) != COGVIDEO_OK)
        return false;
    jpeg->out_color_space = d->inks ? JCS_CMYK : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *out = pixels + (size_t)jpeg->output_scanline * jpeg->output_width * 3;
        JSAMPROW row = d->inks ? d->inks : out;

        jpeg_read_scanlines(jpeg, &row, 1);
        if (d->inks)
            inks_to_rgb(out, d->inks, jpeg->output_width, jpeg->saw_Adobe_marker);
    }
    jpeg_finish_decompress(jpeg);
    return true;
}

cogvideo_status cv_jpeg_decode(cv_stream *stream, const unsigned char *data, size_t size, size_t *used,
                               cogvideo_error *err)
{
    cv_frame_facts facts = cv_plain_picture;
    decoding d;
    cogvideo_status status = COGVIDEO_OK;

    memset(&d, 0, sizeof d);
    d.jpeg.err = failure_init(&d.failure);
    if (decode(&d, stream, data, size, err)) {
        *used = size - d.jpeg.src->bytes_in_buffer;
        facts.orientation = find_orientation(data, size);
        status = cv_stream_hand_on(stream, &facts, err);
    } else {
        status = d.status != COGVIDEO_OK
                     ? d.status
                     : cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is a JPEG picture that cannot be decoded: %s",
                               stream->name, d.failure.text);
    }
    jpeg_destroy_decompress(&d.jpeg);
    cv_free(d.inks);
    return status;
}

/* --- encoding ------------------------------------------------------------------------------------------------- */

/* Encoding state that must survive the jump. */
typedef struct encoding {
    struct jpeg_compress_struct jpeg;
    failure failure;
    unsigned char *bytes; /* malloc'd by libjpeg */
    unsigned long size;
} encoding;

static void write_comment(j_compress_ptr jpeg, const char *comment)
{
    size_t left = strlen(comment), most = 65533; /* a marker's length is 16 bits and counts itself */

    while (left > 0) {
        size_t piece = left < most ? left : most;

        jpeg_write_marker(jpeg, JPEG_COM, (const JOCTET *)comment, (unsigned)piece);
        comment += piece;
        left -= piece;
    }
}

static bool encode(encoding *e, const cv_picture *picture)
{
    struct jpeg_compress_struct *jpeg = &e->jpeg;
    size_t stride = (size_t)picture->width * 3;

    if (setjmp(e->failure.back))
        return false;
    jpeg_create_compress(jpeg);
    jpeg_mem_dest(jpeg, &e->bytes, &e->size);
    jpeg->image_width = (JDIMENSION)picture->width;
    jpeg->image_height = (JDIMENSION)picture->height;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, picture->quality, TRUE);
    jpeg->dct_method = JDCT_ISLOW;
    if (picture->quality >= 90)
        jpeg->comp_info[0].h_samp_factor = jpeg->comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(jpeg, TRUE);
    if (picture->comment)
        write_comment(jpeg, picture->comment);
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(picture->pixels + jpeg->next_scanline * stride);

        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    return true;
}

cogvideo_status cv_jpeg_encode(cv_buffer *out, const cv_picture *picture, cogvideo_error *err)
{
    encoding e;
    cogvideo_status status;

    memset(&e, 0, sizeof e);
    e.jpeg.err = failure_init(&e.failure);
    if (encode(&e, picture))
        status = cv_buffer_append(out, e.bytes, e.size, err);
    else
        status = cv_fail(err, COGVIDEO_ERROR_MEMORY, "a JPEG picture could not be made: %s", e.failure.text);
    jpeg_destroy_compress(&e.jpeg);
    free(e.bytes);
    return status;
}
