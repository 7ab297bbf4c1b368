#include "report.h"

#include "inspect_print.h"
#include "model_json.h"
#include "say.h"

#include "base/output.h"

#include <stdlib.h>
#include <string.h>

#define PICTURE_QUALITY 90

/* --- data ----------------------------------------------------------------------------------------------------- */

/* Returns PREFIX and the bytes in base64, in fresh memory. */
static char *base64(const char *prefix, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strlen(prefix);
    char *text = cli_alloc(length + (size + 2) / 3 * 4 + 1, 1), *to = text + length;

    memcpy(text, prefix, length);
    for (size_t i = 0; i < size; i += 3) {
        unsigned long three = (unsigned long)bytes[i] << 16;

        three |= i + 1 < size ? (unsigned long)bytes[i + 1] << 8 : 0;
        three |= i + 2 < size ? (unsigned long)bytes[i + 2] : 0;
        *to++ = digits[three >> 18];
        *to++ = digits[three >> 12 & 63];
        *to++ = i + 1 < size ? digits[three >> 6 & 63] : '=';
        *to++ = i + 2 < size ? digits[three & 63] : '=';
    }
    return text;
}

static void put_text(json_out *json, const char *key, const cogvideo_model *model, const int32_t *ids, size_t count)
{
    json_begin_array(json, key);
    for (size_t i = 0; i < count; i++) {
        json_begin(json, NULL);
        json_integer(json, "id", ids[i]);
        json_string(json, "piece", cogvideo_text_piece(model, ids[i]));
        json_end(json);
    }
    json_end_array(json);
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* Writes for each layer the least, the lowest tenth, the median, the highest tenth and the greatest of its channels'
 * shares. */
static void put_alpha(json_out *json, const cogvideo_inspection *seen)
{
    size_t hidden = (size_t)seen->hidden;
    float *sorted = cli_alloc(hidden + 1, sizeof *sorted);

    json_begin_array(json, "alpha");
    for (int layer = 0; seen->alpha && layer < seen->layers; layer++) {
        static const int percent[] = { 0, 10, 50, 90, 100 };

        memcpy(sorted, seen->alpha + (size_t)layer * hidden, hidden * sizeof *sorted);
        qsort(sorted, hidden, sizeof *sorted, compare_floats);
        json_begin_array(json, NULL);
        for (size_t i = 0; i < sizeof percent / sizeof *percent; i++)
            json_number(json, NULL, (double)sorted[(hidden - 1) * (size_t)percent[i] / 100], 4);
        json_end_array(json);
    }
    json_end_array(json);
    free(sorted);
}

static void put_steps(json_out *json, const cli_report *report)
{
    json_begin_array(json, "steps");
    for (int s = 0; s < report->inspected->count; s++) {
        const cli_step *step = &report->inspected->steps[s];

        json_begin(json, NULL);
        json_integer(json, "stage", step->stage);
        json_integer(json, "every", step->every);
        put_text(json, "first_text", report->session->model, step->seen.first_ids, step->seen.first_count);
        put_text(json, "text", report->session->model, step->seen.text_ids, step->seen.text_count);
        put_alpha(json, &step->seen);
        json_end(json);
    }
    json_end_array(json);
}

static int put_picture(json_out *json, const cogvideo_video *pictures, int frame)
{
    unsigned char *bytes;
    cogvideo_error err;
    size_t size;
    char *text;

    if (cogvideo_video_jpeg(pictures, frame, PICTURE_QUALITY, &bytes, &size, &err) != COGVIDEO_OK)
        return cli_error("%s", err.message);
    text = base64("data:image/jpeg;base64,", bytes, size);
    json_string(json, "picture", text);
    free(text);
    cogvideo_free(bytes);
    return CLI_OK;
}

static int put_frames(json_out *json, const cli_report *report)
{
    const cogvideo_tokens *clip = report->clip;
    int status = CLI_OK;

    json_begin_array(json, "frames");
    for (int i = 0; i < clip->frames && status == CLI_OK; i++) {
        json_begin(json, NULL);
        cli_json_frame(json, clip, report->inspected, i);
        if (report->pictures && cogvideo_tokens_video_frame(clip, i) >= 0)
            status = put_picture(json, report->pictures, (int)cogvideo_tokens_video_frame(clip, i));
        json_end(json);
    }
    json_end_array(json);
    return status;
}

/* Writes the cluster of every image code, in order; nothing if the model has no clusters. */
static void put_clusters(json_out *json, const cli_session *session)
{
    json_begin_array(json, "clusters");
    for (int code = 0; code < session->info.image_codes && cogvideo_code_cluster(session->model, code) >= 0; code++)
        json_integer(json, NULL, cogvideo_code_cluster(session->model, code));
    json_end_array(json);
}

static void put_attended(json_out *json, const cli_attention *kept, int frame)
{
    const cli_attention_frame *f = &kept->frame[frame];

    json_begin(json, NULL);
    json_integer(json, "frame", frame);
    json_integer(json, "text", f->text_count);
    json_integer(json, "every", f->every);
    json_ints(json, "first", (const int32_t[]){ f->first[0], f->first[1] }, 2);
    json_ints(json, "count", (const int32_t[]){ f->count[0], f->count[1] }, 2);
    json_begin_array(json, "weights"); /* by layer, then by channel */
    for (int n = 0; n < kept->layer_count; n++)
        for (int second = 0; second < 2; second++) {
            const cli_weights *weights = cli_attention_weights(kept, frame, n, second);
            char *text = base64("", weights->bytes, weights->size);

            json_string(json, NULL, text);
            free(text);
        }
    json_end_array(json);
    json_end(json);
}

static void put_attention(json_out *json, const cli_attention *kept)
{
    json_begin(json, "attention");
    json_integer(json, "every", kept->every);
    json_ints(json, "layers", kept->layers, (size_t)kept->layer_count);
    json_begin_array(json, "frames");
    for (int i = 0; i < kept->frames; i++)
        if (kept->every > 0 && kept->frame[i].text_count > 0)
            put_attended(json, kept, i);
    json_end_array(json);
    json_end(json);
}

static int put_data(json_out *json, const cli_report *report)
{
    const cogvideo_tokens *clip = report->clip;
    int status;

    json_begin(json, NULL);
    json_string(json, "version", cogvideo_version());
    json_begin(json, "model");
    json_model(json, report->session->model, &report->session->info);
    json_end(json);
    json_string(json, "prompt", report->prompt);
    json_integer(json, "height", clip->height);
    json_integer(json, "width", clip->width);
    if (clip->header)
        json_raw(json, "header", clip->header);
    put_steps(json, report);
    put_clusters(json, report->session);
    put_attention(json, report->attention);
    status = put_frames(json, report);
    json_end(json);
    return status;
}

/* --- page ----------------------------------------------------------------------------------------------------- */

/* Writes the data with every < as \u003c, so that no text in it can end the script block of the page. */
static int put_block(FILE *stream, const cli_report *report)
{
    char *text = NULL;
    size_t size;
    json_out json = { .stream = open_memstream(&text, &size), .first = 1 };
    int status;

    if (!json.stream)
        return cli_error("no memory for the page");
    status = put_data(&json, report);
    if (fclose(json.stream) != 0)
        status = cli_error("no memory for the page");
    for (const char *c = text; status == CLI_OK && *c; c++)
        if (*c == '<')
            fputs("\\u003c", stream);
        else
            putc(*c, stream);
    free(text);
    return status;
}

static int put_page(FILE *stream, const cli_report *report)
{
    int status = CLI_OK;

    for (const char *line = cli_page_html; *line && status == CLI_OK;) {
        size_t length = strcspn(line, "\n");

        if (length == 4 && strncmp(line, "@css", 4) == 0)
            fputs(cli_page_css, stream);
        else if (length == 5 && strncmp(line, "@data", 5) == 0)
            status = put_block(stream, report);
        else if (length == 3 && strncmp(line, "@js", 3) == 0)
            fputs(cli_page_js, stream);
        else
            fprintf(stream, "%.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    return status;
}

int cli_report_save(const cli_report *report, const char *path, size_t *bytes)
{
    cv_output page;
    cogvideo_error err;
    int status;

    if (cv_output_open(&page, path, &err) != COGVIDEO_OK)
        return cli_error("%s", err.message);
    status = put_page(page.stream, report);
    *bytes = page.partial ? (size_t)ftell(page.stream) : 0;
    if (status == CLI_OK && cv_output_commit(&page, &err) != COGVIDEO_OK)
        status = cli_error("%s", err.message);
    cv_output_abandon(&page);
    return status;
}
