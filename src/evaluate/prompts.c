/* prompts.c - the text that a clip was made from, in the files beside it; and the pictures in a folder. */
#include "evaluate/set.h"

#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "dataset/dataset.h"
#include "dataset/sources.h"

#include <cogvideo/tokens.h>
#include <string.h>

#define MAX_RECORD (4u << 20)

/* White space becomes spaces, that at the ends goes; false where nothing is left. */
static bool trim(cv_buffer *text)
{
    size_t from = 0, end = text->size;

    for (size_t i = 0; i < text->size; i++)
        if ((unsigned char)text->data[i] < ' ')
            text->data[i] = ' ';
    while (from < end && text->data[from] == ' ')
        from++;
    while (end > from && text->data[end - 1] == ' ')
        end--;
    if (from < end)
        memmove(text->data, text->data + from, end - from);
    if (text->data)
        text->data[end - from] = '\0';
    text->size = end - from;
    return text->size > 0;
}

/* The prompt of a record that `generate` wrote; NULL where the file is another. */
static cogvideo_status from_record(char **out, const char *path, cogvideo_error *err)
{
    cv_json *record = NULL, *prompt;
    cogvideo_status status = COGVIDEO_OK;

    if (cv_json_read(&record, path, MAX_RECORD, NULL) == COGVIDEO_OK && cv_json_is_object(record) &&
        (prompt = cv_json_get(record, "prompt")) && cv_json_is_string(prompt) &&
        !(*out = cv_strdup(cv_json_text(prompt), err)))
        status = COGVIDEO_ERROR_MEMORY;
    cv_json_free(&record);
    return status;
}

static cogvideo_status from_text(char **out, const char *path, cogvideo_error *err)
{
    cv_buffer text = { 0 };
    size_t mark;
    cogvideo_status status;

    CV_TRY(cv_file_read(&text, path, CV_DATASET_MAX_CAPTION, err));
    if (text.data && (cv_utf8_prefix(text.data, text.size) < text.size || strlen(text.data) < text.size)) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is no UTF-8 text; a prompt was expected", path);
        goto done;
    }
    mark = text.data ? cv_utf8_mark(text.data, text.size) : 0;
    for (size_t i = 0; i < mark; i++)
        text.data[i] = ' ';
    if (text.data && trim(&text) && !(*out = cv_strdup(text.data, err)))
        status = COGVIDEO_ERROR_MEMORY;
done:
    cv_buffer_free(&text);
    return status;
}

cogvideo_status cv_prompt_of_codes(char **out, const char *path, cogvideo_error *err)
{
    cogvideo_tokens tokens = { 0 };
    cv_json *header = NULL, *prompt;
    cogvideo_status status = COGVIDEO_OK;

    *out = NULL; /* a damaged file is left out later on, where clips are read */
    if (cogvideo_tokens_load(&tokens, path, NULL) == COGVIDEO_OK && tokens.header &&
        cv_json_parse(&header, tokens.header, strlen(tokens.header), path, NULL) == COGVIDEO_OK &&
        cv_json_is_object(header) && (prompt = cv_json_get(header, "prompt")) && cv_json_is_string(prompt) &&
        !(*out = cv_strdup(cv_json_text(prompt), err)))
        status = COGVIDEO_ERROR_MEMORY;
    cv_json_free(&header);
    cogvideo_tokens_free(&tokens);
    return status;
}

cogvideo_status cv_prompt_beside(char **out, const char *path, cogvideo_error *err)
{
    const char *name = cv_path_name(path), *dot = strrchr(name, '.');
    const bool folder = cv_path_is_dir(path);
    const size_t stem = dot && dot > name && !folder ? (size_t)(dot - path) : strlen(path);
    static const char *const endings[] = { ".json", ".txt", "/caption.txt" };
    cv_buffer beside = { 0 };
    char *prompt = NULL;
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < (folder ? 3 : 2) && !prompt; i++) {
        beside.size = 0;
        CV_TRY(cv_buffer_printf(&beside, err, "%.*s%s", (int)stem, path, endings[i]));
        if (cv_path_is_regular(beside.data))
            CV_TRY(i == 0 ? from_record(&prompt, beside.data, err) : from_text(&prompt, beside.data, err));
    }
    *out = prompt;
done:
    cv_buffer_free(&beside);
    return status;
}

bool cv_is_picture_name(const char *name)
{
    static const char *const endings[] = { ".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".webp", ".tif", ".tiff" };

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (cv_name_ends(name, endings[i]))
            return true;
    return false;
}

cogvideo_status cv_picture_names(char ***out, size_t *count, const char *folder, cogvideo_error *err)
{
    char **names;
    size_t all, kept = 0;
    cogvideo_status status = cv_folder_names(&names, &all, folder, err);

    if (status != COGVIDEO_OK)
        return status;
    for (size_t i = 0; i < all; i++) {
        if (cv_is_picture_name(names[i]))
            names[kept++] = names[i];
        else
            cv_free(names[i]);
    }
    *out = names;
    *count = kept;
    return COGVIDEO_OK;
}
