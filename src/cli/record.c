#include "record.h"

#include "say.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pattern.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_RECORD ((size_t)1 << 26)

void cli_files_of_codes(cli_files *files, const char *codes)
{
    char *stem = cli_stem(codes);

    files->codes = cli_format("%s", codes);
    if (strcmp(codes, "-") != 0)
        files->record = cli_format("%s.json", cli_ends_in(codes, ".json") ? codes : stem);
    free(stem);
}

void cli_files_of_video(cli_files *files, const char *video)
{
    char *stem = cli_stem(video);

    files->video = cli_format("%s", video);

    files->keys = cli_format("%s.keyframes.jsonl", stem);
    files->middle = cli_format("%s.interpolated.jsonl", stem);
    files->codes = cli_format("%s.jsonl", stem);
    files->record = cli_format("%s.json", stem);
    free(stem);
}

/* Whether the record tells of codes that are gone, so that new ones may take its place: it is of use beside them alone. */
static int is_left_over(const cli_files *files)
{
    cv_json *record = NULL;
    int left_over = files->record && !files->video && access(files->codes, F_OK) != 0 &&
                    cv_json_read(&record, files->record, MAX_RECORD, NULL) == COGVIDEO_OK && cv_json_get(record, "made_by");

    cv_json_free(&record);
    return left_over;
}

int cli_files_check(const cli_files *files, int force)
{
    const char *const names[] = { files->keys, files->middle, files->codes, is_left_over(files) ? NULL : files->record };

    if (files->video && cli_check_video(files->video, force) != CLI_OK)
        return CLI_FAILED;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int status = names[i] ? cli_check_output(names[i], force) : CLI_OK;

        if (status != CLI_OK)
            return status;
    }
    return CLI_OK;
}

void cli_files_free(cli_files *files)
{
    free(files->video);
    free(files->keys);
    free(files->middle);
    free(files->codes);
    free(files->record);
    *files = (cli_files){ 0 };
}

void cli_files_json(json_out *json, const cli_files *files, int upscaled)
{
    if (files->video)
        json_string(json, "video", files->video);
    if (files->keys)
        json_string(json, "keyframes", files->keys);
    if (upscaled && files->middle)
        json_string(json, "interpolated", files->middle);
    json_string(json, "codes", files->codes);
    json_string(json, "record", files->record);
}

/* --- the record ---------------------------------------------------------------------------------------- */

/* What a video's pixels and metadata follow from, beside the codes. */
static void put_picture(json_out *json, const void *what)
{
    const cli_picture_options *picture = what;

    json_integer(json, "size", picture->size); /* -1, and 0 below, are the default */
    json_number(json, "fps", picture->fps, 15);
    json_string(json, "normalize", picture->minmax ? "minmax" : "clamp");
    json_integer(json, "quality", picture->quality);
    json_integer(json, "columns", picture->columns);
    json_bool(json, "metadata", !picture->no_metadata);
}

/* A video is known by its name alone: it stands beside its record wherever both are. */
static void put_video(json_out *json, const cli_files *files, const cli_picture_options *picture)
{
    json_begin(json, cv_path_name(files->video));
    put_picture(json, picture);
    json_end(json);
}

static void put_record(json_out *json, const cli_record *record, const cogvideo_tokens *clip)
{
    const cli_settings *settings = record->settings;
    char build[512];

    cogvideo_build_info(build, sizeof build);
    json_begin(json, NULL);
    json_string(json, "program", "cogvideo");
    json_string(json, "version", cogvideo_version());
    json_string(json, "build", build);
    cli_settings_put(json, settings, record->sample);
    json_bool(json, "cut_text", settings->options->cut_text);
    json_integer(json, "frames", clip->frames);
    json_shape(json, clip);
    json_integer(json, "rate", clip->rate);
    json_integer(json, "checksum", cli_codes_checksum(clip));
    json_begin(json, "files");
    cli_files_json(json, record->files, settings->upscaled);
    json_end(json);
    if (record->files->video) {
        json_begin(json, "videos");
        put_video(json, record->files, record->picture);
        json_end(json);
    }
    if (clip->header)
        json_raw(json, "clip", clip->header);
    json_begin_array(json, "command");
    for (int i = 0; i < record->arguments->argc; i++)
        json_string(json, NULL, record->arguments->argv[i]);
    json_end_array(json);
    json_end(json);
    putc('\n', json->stream);
}

int cli_record_save(const cli_record *record, const cogvideo_tokens *clip)
{
    json_out json = { .stream = cli_file_open(record->files->record), .first = 1 };

    if (!json.stream)
        return CLI_FAILED;
    put_record(&json, record, clip);
    return cli_file_close(json.stream, record->files->record, 1);
}

cv_json *cli_record_read(const cli_files *files)
{
    cv_json *record = NULL;
    cogvideo_error err;

    if (cv_json_read(&record, files->record, MAX_RECORD, &err) != COGVIDEO_OK)
        cli_error("%s; move it away, give another -o, or --force makes the clip anew", err.message);
    return record;
}

/* --- its videos ------------------------------------------------------------------------------------------ */

int cli_record_has_video(const cv_json *record, const cli_files *files, const cli_picture_options *picture, char **difference)
{
    const cv_json *made = cv_json_get(cv_json_get(record, "videos"), cv_path_name(files->video));
    cv_json *asked;
    int status;

    *difference = NULL;
    if (!made)
        return 0;
    asked = json_object(put_picture, picture);
    status = cli_settings_compare(made, asked, difference);
    cv_json_free(&asked);
    return status == CLI_OK;
}

int cli_record_add_video(const cv_json *record, const cli_files *files, const cli_picture_options *picture)
{
    json_out json = { .stream = cli_file_open(files->record), .first = 1 };

    if (!json.stream)
        return CLI_FAILED;
    json_begin(&json, NULL);
    for (const cv_json *item = cv_json_first(record); item; item = cv_json_next(item)) {
        if (strcmp(cv_json_key(item), "videos") != 0) {
            json_value(&json, cv_json_key(item), item);
            continue;
        }
        json_begin(&json, "videos");
        for (const cv_json *video = cv_json_first(item); video; video = cv_json_next(video))
            if (strcmp(cv_json_key(video), cv_path_name(files->video)) != 0)
                json_value(&json, cv_json_key(video), video);
        put_video(&json, files, picture);
        json_end(&json);
    }
    json_end(&json);
    putc('\n', json.stream);
    return cli_file_close(json.stream, files->record, 1);
}

int cli_video_is_there(const char *video, int frames)
{
    int there = 1;

    if (!cv_pattern_is(video))
        return access(video, F_OK) == 0;
    for (int i = 0; i < frames && there; i++) {
        char *name = cli_numbered(video, i);

        there = name && access(name, F_OK) == 0;
        free(name);
    }
    return there;
}
