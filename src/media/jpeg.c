#include "media/jpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

/* libjpeg decodes a scan over the whole picture however small the scan is; a file of thousands of them would run
 * for hours. Encoders write about ten. */
#define MAX_SCANS 200

/* libjpeg's errors end in error_exit, which must not return: it jumps back here. */
typedef struct failure {
    struct jpeg_error_mgr manager; /* first: libjpeg hands its address back */
    jmp_buf back;
    char text[JMSG_LENGTH_MAX];
} failure;

static void fail_hard(j_common_ptr info)
{
    failure *f = (failure *)info->err;

    info->err->format_message(info, f->text);
    longjmp(f->back, 1);
}

/* Level -1 is a warning: the file is damaged and libjpeg would invent the rest. */
static void fail_on_warning(j_common_ptr info, int level)
{
    if (level < 0)
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
    f->manager.emit_message = fail_on_warning;
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

/* What decoding shares between the jump and the rest. */
typedef struct decoding {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_progress_mgr progress;
    failure failure;
    cogvideo_status status; /* of what is not libjpeg's: a frame that could not be added */
} decoding;

/* The part that libjpeg may leave by a jump; false then, or with d->status set. */
static bool decode(decoding *d, cv_frames *frames, const unsigned char *data, size_t size, const char *path,
                   cogvideo_error *err)
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
    d->status = cv_frames_add_claimed(frames, jpeg->image_width, jpeg->image_height, &pixels, path, err);
    if (d->status != COGVIDEO_OK)
        return false;
    jpeg->out_color_space = JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = pixels + (size_t)jpeg->output_scanline * jpeg->output_width * 3;

        jpeg_read_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_decompress(jpeg);
    return true;
}

cogvideo_status cv_jpeg_decode(cv_frames *frames, const unsigned char *data, size_t size, size_t *used,
                               const char *path, cogvideo_error *err)
{
    decoding d;
    cogvideo_status status = COGVIDEO_OK;

    memset(&d, 0, sizeof d);
    d.jpeg.err = failure_init(&d.failure);
    if (decode(&d, frames, data, size, path, err))
        *used = size - d.jpeg.src->bytes_in_buffer;
    else
        status = d.status != COGVIDEO_OK ? d.status
                                         : cv_fail(err, COGVIDEO_ERROR_FORMAT,
                                                   "%s: is a JPEG picture that cannot be decoded: %s", path,
                                                   d.failure.text);
    jpeg_destroy_decompress(&d.jpeg);
    return status;
}

/* What encoding shares between the jump and the rest. */
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
