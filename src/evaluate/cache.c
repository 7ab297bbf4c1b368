#include "evaluate/cache.h"

#include "base/lock.h"
#include "base/path.h"
#include "evaluate/set.h"
#include "tensor/store_write.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FORMAT "cogvideo-features"
#define MAX_SPARE 100000 /* clips of earlier runs that are kept */

/* --- rows ----------------------------------------------------------------------------------------------------- */

void cv_rows_free(cv_rows *rows)
{
    cv_free(rows->features);
    cv_free(rows->probabilities);
    cv_free(rows->source);
    cv_free(rows->items);
    *rows = (cv_rows){ 0 };
}

cogvideo_status cv_rows_alloc(cv_rows *out, const cv_protocol *p, int room, cogvideo_error *err)
{
    cv_rows rows = { .frames = cv_protocol_rows(p),
                     .width = p->info.width,
                     .classes = p->info.classes,
                     .room = (size_t)room };
    const size_t vectors = (size_t)room * (size_t)rows.frames;
    cogvideo_status status = COGVIDEO_OK;

    CV_NEW(rows.features, vectors * (size_t)rows.width, err);
    if (rows.classes)
        CV_NEW(rows.probabilities, vectors * (size_t)rows.classes, err);
    CV_NEW(rows.source, (size_t)room * CV_SHA256_BYTES, err);
    CV_NEW(rows.items, room, err);
    *out = rows;
    return COGVIDEO_OK;
done:
    cv_rows_free(&rows);
    return status;
}

/* --- reading a file ------------------------------------------------------------------------------------------- */

/* The first 8 digits of the SHA-256 of a text. */
static cogvideo_status short_hash(char out[9], const char *text, cogvideo_error *err)
{
    unsigned char digest[CV_SHA256_BYTES];
    char digits[CV_SHA256_TEXT];
    cv_sha256 *sha256 = NULL;
    cogvideo_status status = cv_sha256_begin(&sha256, err);

    if (status != COGVIDEO_OK)
        return status;
    cv_sha256_add(sha256, text, strlen(text));
    cv_sha256_end(&sha256, digest);
    cv_sha256_text(digits, digest);
    snprintf(out, 9, "%.8s", digits);
    return COGVIDEO_OK;
}

/* A text of the file's head. */
static const char *text_of(const cv_store *store, const char *key)
{
    const char *text = cv_store_metadata(store, key);

    return text ? text : "";
}

/* Whether the file is of this network, these weights and this protocol. */
static cogvideo_status check_head(const cv_cache *c, cogvideo_error *err)
{
    const char *path = cv_store_path(c->store), *network = text_of(c->store, "network");
    char difference[300];

    if (strcmp(text_of(c->store, "format"), FORMAT) != 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is a safetensors file, but none of features", path);
    if (strcmp(text_of(c->store, "version"), "1") != 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has version '%.20s' of its format; 1 is known", path,
                       text_of(c->store, "version"));
    if (strcmp(network, c->network) != 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: holds features of the network '%.40s'; '%s' was expected", path,
                       network, c->network);
    if (strcmp(text_of(c->store, "weights"), c->sha256) != 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: holds features of other weights (sha256 %.8s..); those of the model (%.8s..) were expected",
                       path, text_of(c->store, "weights"), c->sha256);
    if (strcmp(text_of(c->store, "protocol"), c->protocol) != 0) {
        cv_protocol_difference(text_of(c->store, "protocol"), c->protocol, difference, sizeof difference);
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: holds features of another protocol: %s", path, difference);
    }
    return COGVIDEO_OK;
}

/* Of two places in `sources`; of equal ones the first is the smaller. */
static int compare(const void *a, const void *b, void *sources)
{
    const int x = *(const int *)a, y = *(const int *)b;
    const unsigned char *all = sources;
    const int order = memcmp(all + (size_t)x * CV_SHA256_BYTES, all + (size_t)y * CV_SHA256_BYTES, CV_SHA256_BYTES);

    return order ? order : (x > y) - (x < y);
}

static cogvideo_status sort_sources(cv_cache *c, cogvideo_error *err)
{
    if (!(c->order = cv_alloc((size_t)c->count + 1, sizeof *c->order, err)))
        return COGVIDEO_ERROR_MEMORY;
    for (int i = 0; i < c->count; i++)
        c->order[i] = i;
    qsort_r(c->order, (size_t)c->count, sizeof *c->order, compare, (void *)(uintptr_t)c->source);
    return COGVIDEO_OK;
}

/* Binds the tensors; their first axis is the number of clips, and the file's head says how many of them are the set. */
static cogvideo_status bind(cv_cache *c, const cv_protocol *p, cogvideo_error *err)
{
    const int frames = cv_protocol_rows(p);
    const int rank = p->info.frames ? 3 : 2;
    const cv_tensor *source = cv_store_find(c->store, "source"), *tensor;
    const char *clips = text_of(c->store, "clips");
    char *end;
    long count;
    size_t shape[3];
    cogvideo_status status;

    shape[0] = source && source->rank == 2 ? source->shape[0] : 0;
    if (shape[0] > 100000000)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has too many rows", cv_store_path(c->store));
    c->count = (int)shape[0];
    shape[1] = CV_SHA256_BYTES;
    CV_TRY(cv_store_claim_as(c->store, &tensor, "source", CV_U8, 2, shape, err));
    c->source = tensor->data;
    shape[1] = (size_t)frames;
    shape[rank - 1] = (size_t)p->info.width;
    CV_TRY(cv_store_claim_as(c->store, &tensor, "features", CV_F32, rank, shape, err));
    c->features = tensor->data;
    if (p->info.classes) {
        shape[rank - 1] = (size_t)p->info.classes;
        CV_TRY(cv_store_claim_as(c->store, &tensor, "probabilities", CV_F32, rank, shape, err));
        c->probabilities = tensor->data;
    }
    count = strtol(clips, &end, 10);
    if (end == clips || *end || count < 0 || count > c->count)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: says that '%.20s' of its %d rows are the set's",
                       cv_store_path(c->store), clips, c->count);
    c->clips = (int)count;
    c->complete = strcmp(text_of(c->store, "complete"), "yes") == 0;
    for (size_t i = 0, all = (size_t)c->count * (size_t)frames * (size_t)p->info.width; i < all; i++)
        if (!isfinite(c->features[i]))
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: holds NaN or an infinite number as feature %zu",
                           cv_store_path(c->store), i);
done:
    return status;
}

static cogvideo_status read_file(cv_cache *c, const char *path, const cv_protocol *p, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_store_open(&c->store, path, err));
    CV_TRY(check_head(c, err));
    CV_TRY(bind(c, p, err));
    CV_TRY(sort_sources(c, err));
done:
    return status;
}

static cogvideo_status describe(cv_cache *c, const cv_protocol *p, cv_side side, cogvideo_error *err)
{
    c->network = p->network->name;
    c->sha256 = p->info.sha256;
    c->by_frame = p->info.frames;
    return cv_protocol_of_features(p, side, &c->protocol, err);
}

/* --- the cache ------------------------------------------------------------------------------------------------ */

/* Characters of a set's name that do not belong in a file's become "_". */
static void file_name(char *name)
{
    for (char *c = name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '.' ||
              *c == '_' || (unsigned char)*c >= 0x80))
            *c = '_';
}

cogvideo_status cv_cache_open(cv_cache *out, const char *folder, const char *set, const cv_protocol *p, cv_side side,
                              cogvideo_error *err)
{
    cv_cache c = { 0 };
    cv_buffer path = { 0 };
    char protocol[9], name[101];
    cogvideo_error found;
    cogvideo_status status;

    CV_TRY(describe(&c, p, side, err));
    c.folder = folder;
    if (folder) {
        CV_TRY(short_hash(protocol, c.protocol, err));
        snprintf(name, sizeof name, "%.100s", set);
        file_name(name);
        CV_TRY(
            cv_buffer_printf(&path, err, "%s/%s-%s-%.8s-%s.safetensors", folder, name, c.network, c.sha256, protocol));
        c.path = path.data;
        path.data = NULL;
        if (cv_path_exists(c.path) && (status = read_file(&c, c.path, p, &found)) != COGVIDEO_OK) {
            status = cv_fail(err, status, "%s; without the file its features are computed again", found.message);
            goto done;
        }
    }
    *out = c;
    return COGVIDEO_OK;
done:
    cv_buffer_free(&path);
    cv_cache_close(&c);
    return status;
}

void cv_cache_close(cv_cache *c)
{
    cv_store_close(&c->store);
    cv_free(c->order);
    cv_free(c->path);
    cv_free(c->protocol);
    *c = (cv_cache){ 0 };
}

cogvideo_status cv_cache_check(const cv_cache *c, cogvideo_error *err)
{
    if (c->folder && access(c->folder, W_OK | X_OK) != 0)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be written, and not all features are there: %s", c->folder,
                       strerror(errno));
    return COGVIDEO_OK;
}

int cv_cache_find(const cv_cache *c, const unsigned char source[CV_SHA256_BYTES])
{
    int low = 0, high = c->count;

    while (low < high) {
        const int middle = (low + high) / 2;

        if (memcmp(c->source + (size_t)c->order[middle] * CV_SHA256_BYTES, source, CV_SHA256_BYTES) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->count && memcmp(c->source + (size_t)c->order[low] * CV_SHA256_BYTES, source, CV_SHA256_BYTES) == 0
               ? c->order[low]
               : -1;
}

bool cv_cache_holds(const cv_cache *c, const cv_rows *rows)
{
    const size_t bytes = (size_t)rows->clips * CV_SHA256_BYTES;

    return c->store && c->complete && c->clips == rows->clips &&
           (bytes == 0 || memcmp(c->source, rows->source, bytes) == 0);
}

/* --- writing -------------------------------------------------------------------------------------------------- */

/* The rows that were there and are none of `rows`: *out [*count], in order. */
static cogvideo_status find_spare(const cv_cache *c, const cv_rows *rows, int **out, int *count, cogvideo_error *err)
{
    bool *used = NULL;
    int *spare = NULL;
    cogvideo_status status = COGVIDEO_OK;

    *count = 0;
    CV_NEW(used, c->count + 1, err);
    CV_NEW(spare, c->count + 1, err);
    for (int i = 0; i < rows->clips && c->count > 0; i++) {
        const int at = cv_cache_find(c, rows->source + (size_t)i * CV_SHA256_BYTES);

        if (at >= 0)
            used[at] = true;
    }
    for (int i = 0; i < c->count && *count < MAX_SPARE; i++)
        if (!used[i])
            spare[(*count)++] = i;
    *out = spare;
    spare = NULL;
done:
    cv_free(used);
    cv_free(spare);
    return status;
}

/* Rows of `size` bytes each: those of the run, then the spare ones of the file. */
static cogvideo_status write_rows(cv_store_writer *writer, const void *rows, int count, const void *old,
                                  const int *spare, int spares, size_t size, cogvideo_error *err)
{
    cogvideo_status status = cv_store_writer_data(writer, rows, (size_t)count * size, err);

    for (int i = 0; i < spares && status == COGVIDEO_OK; i++)
        status = cv_store_writer_data(writer, (const char *)old + (size_t)spare[i] * size, size, err);
    return status;
}

static cogvideo_status declare(cv_store_writer *writer, const cv_cache *c, const cv_rows *rows, size_t count,
                               bool complete, cogvideo_error *err)
{
    const int rank = c->by_frame ? 3 : 2;
    size_t shape[3] = { count, (size_t)rows->frames, 0 };
    char clips[20];
    cogvideo_status status;

    snprintf(clips, sizeof clips, "%d", rows->clips);
    CV_TRY(cv_store_writer_metadata(writer, "format", FORMAT, err));
    CV_TRY(cv_store_writer_metadata(writer, "version", "1", err));
    CV_TRY(cv_store_writer_metadata(writer, "network", c->network, err));
    CV_TRY(cv_store_writer_metadata(writer, "weights", c->sha256, err));
    CV_TRY(cv_store_writer_metadata(writer, "protocol", c->protocol, err));
    CV_TRY(cv_store_writer_metadata(writer, "clips", clips, err));
    CV_TRY(cv_store_writer_metadata(writer, "complete", complete ? "yes" : "no", err));
    shape[rank - 1] = (size_t)rows->width;
    CV_TRY(cv_store_writer_declare(writer, "features", CV_F32, rank, shape, err));
    shape[rank - 1] = (size_t)rows->classes;
    if (rows->classes)
        CV_TRY(cv_store_writer_declare(writer, "probabilities", CV_F32, rank, shape, err));
    shape[1] = CV_SHA256_BYTES;
    CV_TRY(cv_store_writer_declare(writer, "source", CV_U8, 2, shape, err));
done:
    return status;
}

cogvideo_status cv_cache_save(const cv_cache *c, const cv_rows *rows, bool complete, cogvideo_error *err)
{
    const size_t vector = (size_t)rows->frames * sizeof(float);
    cv_store_writer *writer = NULL;
    int *spare = NULL, spares, lock = -1;
    cogvideo_status status;

    if (!c->path)
        return COGVIDEO_OK;
    CV_TRY(cv_folder_lock(&lock, c->folder, true, err));
    CV_TRY(find_spare(c, rows, &spare, &spares, err));
    CV_TRY(cv_store_writer_create(&writer, c->path, err));
    CV_TRY(declare(writer, c, rows, (size_t)rows->clips + (size_t)spares, complete, err));
    CV_TRY(
        write_rows(writer, rows->features, rows->clips, c->features, spare, spares, (size_t)rows->width * vector, err));
    if (rows->classes)
        CV_TRY(write_rows(writer, rows->probabilities, rows->clips, c->probabilities, spare, spares,
                          (size_t)rows->classes * vector, err));
    CV_TRY(write_rows(writer, rows->source, rows->clips, c->source, spare, spares, CV_SHA256_BYTES, err));
    CV_TRY(cv_store_writer_commit(&writer, err));
done:
    cv_store_writer_abandon(&writer);
    cv_folder_unlock(&lock);
    cv_free(spare);
    return status;
}

/* --- a file as a set ------------------------------------------------------------------------------------------ */

cogvideo_status cv_cache_load(cv_rows *out, const char *path, const cv_protocol *p, cv_side side, int wanted,
                              uint64_t seed, cogvideo_error *err)
{
    cv_cache c = { 0 };
    cv_rows rows = { 0 };
    int *chosen = NULL, count;
    cogvideo_status status;

    CV_TRY(describe(&c, p, side, err));
    CV_TRY(read_file(&c, path, p, err));
    if (!c.complete) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT,
                         "%s: holds only some clips of its set: the run that made it was interrupted; it goes on where "
                         "it is begun again",
                         path);
        goto done;
    }
    CV_TRY(cv_set_choose(&chosen, &count, c.clips, wanted, seed, err));
    CV_TRY(cv_rows_alloc(&rows, p, count, err));
    rows.clips = count;
    for (int i = 0; i < count; i++) {
        const size_t vectors = (size_t)rows.frames, features = vectors * (size_t)rows.width,
                     classes = vectors * (size_t)rows.classes;

        memcpy(rows.features + (size_t)i * features, c.features + (size_t)chosen[i] * features,
               features * sizeof(float));
        if (classes)
            memcpy(rows.probabilities + (size_t)i * classes, c.probabilities + (size_t)chosen[i] * classes,
                   classes * sizeof(float));
        memcpy(rows.source + (size_t)i * CV_SHA256_BYTES, c.source + (size_t)chosen[i] * CV_SHA256_BYTES,
               CV_SHA256_BYTES);
    }
    cv_free(rows.items);
    rows.items = NULL;
    *out = rows;
    rows = (cv_rows){ 0 };
done:
    cv_rows_free(&rows);
    cv_free(chosen);
    cv_cache_close(&c);
    return status;
}
