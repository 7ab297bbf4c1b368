/* stream_write.c - writes a token stream line by line, so that hours of work survive an interruption. */
#include "base/output.h"
#include "tokens/header.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct cogvideo_token_writer {
    cv_output output;
    int places, frames; /* codes of a frame; frames written */
    cv_buffer line;
};

static cogvideo_status write_line(cogvideo_token_writer *writer, cogvideo_error *err)
{
    cogvideo_status status = cv_output_write(&writer->output, writer->line.data, writer->line.size, err);

    return status == COGVIDEO_OK ? cv_output_flush(&writer->output, err) : status;
}

static void writer_free(cogvideo_token_writer **writer)
{
    cv_buffer_free(&(*writer)->line);
    cv_free(*writer);
    *writer = NULL;
}

cogvideo_status cogvideo_token_writer_open(cogvideo_token_writer **out, const char *path, const cogvideo_tokens *header,
                                           cogvideo_error *err)
{
    cogvideo_status status;
    cogvideo_token_writer *writer = NULL;

    CV_NEW(writer, 1, err);
    CV_TRY(cv_header_line(&writer->line, header, err));
    writer->places = (int)cogvideo_tokens_per_frame(header);
    CV_TRY(cv_output_open(&writer->output, path, err));
    CV_TRY(write_line(writer, err));
    *out = writer;
    return COGVIDEO_OK;
done:
    cogvideo_token_writer_abandon(&writer, 0);
    return status;
}

static cogvideo_status append_code(cv_buffer *line, int32_t code, bool first, cogvideo_error *err)
{
    char digits[12];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + code % 10);
        code /= 10;
    } while (code > 0);
    if (!first)
        digits[--at] = ',';
    return cv_buffer_append(line, digits + at, sizeof digits - at, err);
}

/* Formats with the shorter of two precisions that reads back as the same number. A program may have set a locale
 * with a decimal comma. */
static void format_time(char *out, size_t size, double time)
{
    char *comma;

    snprintf(out, size, "%.15g", time);
    if (strtod(out, NULL) != time)
        snprintf(out, size, "%.17g", time);
    if ((comma = strchr(out, ',')))
        *comma = '.';
}

/* Begins a line with the frame's number and time, and its codes. */
static cogvideo_status append_codes(cogvideo_token_writer *writer, double time, const int32_t *codes,
                                    const char *between, cogvideo_error *err)
{
    cogvideo_status status;
    char text[40];

    if (!isfinite(time))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: frame %d has no finite time", writer->output.path,
                       writer->frames);
    format_time(text, sizeof text, time);
    writer->line.size = 0;
    CV_TRY(
        cv_buffer_printf(&writer->line, err, "{\"frame\":%d,\"time\":%s%s,\"codes\":[", writer->frames, text, between));
    for (int i = 0; i < writer->places; i++) {
        if (codes[i] < 0) {
            status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: frame %d has %d at place %d; a code must be 0 or more",
                             writer->output.path, writer->frames, codes[i], i);
            goto done;
        }
        CV_TRY(append_code(&writer->line, codes[i], i == 0, err));
    }
    CV_TRY(cv_buffer_append(&writer->line, "]", 1, err));
done:
    return status;
}

static cogvideo_status end_line(cogvideo_token_writer *writer, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_buffer_append(&writer->line, "}\n", 2, err));
    CV_TRY(write_line(writer, err));
    writer->frames++;
done:
    return status;
}

cogvideo_status cogvideo_token_writer_frame(cogvideo_token_writer *writer, double time, const int32_t *codes,
                                            cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(append_codes(writer, time, codes, "", err));
    CV_TRY(end_line(writer, err));
done:
    return status;
}

/* Three digits, with a point whatever the locale. */
static cogvideo_status append_share(cv_buffer *line, float value, bool first, cogvideo_error *err)
{
    const int thousandths = (int)lrintf(1000.0f * (value > 0 ? value < 1 ? value : 1 : 0));

    return cv_buffer_printf(line, err, "%s%d.%03d", first ? "" : ",", thousandths / 1000, thousandths % 1000);
}

cogvideo_status cogvideo_token_writer_copy(cogvideo_token_writer *writer, const cogvideo_tokens *clip, int frame,
                                           cogvideo_error *err)
{
    const size_t first = (size_t)frame * (size_t)writer->places;
    char between[64] = "";
    cogvideo_status status;

    if (clip->scenes && clip->scenes[frame] > 0)
        snprintf(between, sizeof between, ",\"scene\":%d", clip->scenes[frame]);
    if (clip->given && clip->given[frame])
        snprintf(between + strlen(between), sizeof between - strlen(between), ",\"given\":true");
    CV_TRY(append_codes(writer, clip->times[frame], clip->codes + first, between, err));
    for (int i = 0; clip->settled && i < writer->places; i++)
        CV_TRY(
            cv_buffer_printf(&writer->line, err, "%s%d", i ? "," : ",\"settled\":[", clip->settled[first + (size_t)i]));
    if (clip->settled)
        CV_TRY(cv_buffer_append(&writer->line, "]", 1, err));
    if (clip->confidence)
        CV_TRY(cv_buffer_printf(&writer->line, err, ",\"confidence\":["));
    for (int i = 0; clip->confidence && i < writer->places; i++)
        CV_TRY(append_share(&writer->line, clip->confidence[first + (size_t)i], i == 0, err));
    if (clip->confidence)
        CV_TRY(cv_buffer_append(&writer->line, "]", 1, err));
    CV_TRY(end_line(writer, err));
done:
    return status;
}

cogvideo_status cogvideo_token_writer_commit(cogvideo_token_writer **writer, cogvideo_error *err)
{
    cogvideo_status status;

    if ((*writer)->frames == 0) {
        status =
            cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: a token stream needs at least 1 frame", (*writer)->output.path);
        cogvideo_token_writer_abandon(writer, 0);
        return status;
    }
    status = cv_output_commit(&(*writer)->output, err);
    writer_free(writer);
    return status;
}

void cogvideo_token_writer_abandon(cogvideo_token_writer **writer, int keep)
{
    if (!*writer)
        return;
    if (keep)
        cv_output_keep_partial(&(*writer)->output);
    else
        cv_output_abandon(&(*writer)->output);
    writer_free(writer);
}

cogvideo_status cogvideo_tokens_save(const cogvideo_tokens *tokens, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cogvideo_token_writer *writer = NULL;

    CV_TRY(cogvideo_token_writer_open(&writer, path, tokens, err));
    for (int i = 0; i < tokens->frames; i++)
        CV_TRY(cogvideo_token_writer_copy(writer, tokens, i, err));
    return cogvideo_token_writer_commit(&writer, err);
done:
    cogvideo_token_writer_abandon(&writer, 0);
    return status;
}
