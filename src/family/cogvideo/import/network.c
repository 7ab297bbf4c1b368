#include "family/cogvideo/import/network.h"

#include "base/map.h"
#include "base/path.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CONFIG (1u << 20)
#define STATES "mp_rank_00_model_states.pt"
#define CONFIG "model_config.json"

void cv_network_close(cv_network *network)
{
    cv_names_free(&network->names);
    cv_torch_close(&network->torch);
    *network = (cv_network){ 0 };
}

/* --- finding -------------------------------------------------------------------------------------------------- */

/* The iteration that `latest` names: one path component, as in "200000". */
static cogvideo_status read_latest(char out[64], const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_mapping file = { 0 };
    size_t size;

    CV_TRY(cv_map_open(&file, path, err));
    size = file.size;
    while (size > 0 && isspace(file.data[size - 1]))
        size--;
    for (size_t i = 0; i < size && i < 64; i++)
        if (!isalnum(file.data[i]) && file.data[i] != '_' && file.data[i] != '-')
            size = 0;
    if (size < 1 || size > 63) {
        status =
            cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: must hold the name of one iteration's folder, as '200000'", path);
        goto done;
    }
    memcpy(out, file.data, size);
    out[size] = '\0';
done:
    cv_map_close(&file);
    return status;
}

/* `name` in the folder of the file `path`, or in the folder above that. */
static char *beside(const char *path, const char *name, cogvideo_error *err)
{
    const char *slash = strrchr(path, '/');
    cv_buffer text = { 0 };

    if (cv_buffer_printf(&text, err, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, name) != COGVIDEO_OK)
        cv_buffer_free(&text);
    return text.data;
}

/* From what the caller gave to the .pt file. */
static cogvideo_status find_states(char **out, const char *path, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    char iteration[64], inner[160];
    char *latest = NULL, *states = NULL;

    if (!cv_path_is_dir(path))
        return (*out = cv_strdup(path, err)) ? COGVIDEO_OK : COGVIDEO_ERROR_MEMORY;
    if (!(latest = cv_path_join(path, "latest", err)) || !(states = cv_path_join(path, STATES, err))) {
        status = COGVIDEO_ERROR_MEMORY;
        goto done;
    }
    if (cv_path_exists(latest)) {
        CV_TRY(read_latest(iteration, latest, err));
        snprintf(inner, sizeof inner, "%s/%s", iteration, STATES);
        cv_free(states);
        if (!(states = cv_path_join(path, inner, err))) {
            status = COGVIDEO_ERROR_MEMORY;
            goto done;
        }
    } else if (!cv_path_exists(states)) {
        status = cv_fail(err, COGVIDEO_ERROR_IO,
                         "%s: holds neither 'latest' nor '%s'; a checkpoint's folder, one "
                         "iteration's folder or the .pt file itself is needed",
                         path, STATES);
        goto done;
    }
    *out = states;
    states = NULL;
done:
    cv_free(latest);
    cv_free(states);
    return status;
}

/* A model trained on several processes side by side is split over files mp_rank_00, mp_rank_01 ... */
static cogvideo_status refuse_split(const char *states, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    char *second = beside(states, "mp_rank_01_model_states.pt", err);

    if (!second)
        return COGVIDEO_ERROR_MEMORY;
    if (cv_path_exists(second))
        status = cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED,
                         "%s: the checkpoint is split over several files (model "
                         "parallel); merge it into one first",
                         second);
    cv_free(second);
    return status;
}

/* --- model_config.json ---------------------------------------------------------------------------------------- */

/* "64, 464, 2064": text places, and those of the first frame, and all; of a refiner "16,3616": text places, and all. */
static cogvideo_status read_layout(cv_network *network, const char *text, const char *origin, cogvideo_error *err)
{
    const int count = network->kind == CV_TRANSFORMER_REFINER ? 2 : 3;
    long long places[3] = { 0 };
    const char *at = text;
    bool well_formed = true;

    for (int i = 0; i < count && well_formed; i++) {
        char *end;

        places[i] = strtoll(at, &end, 10);
        well_formed = end > at && places[i] > (i ? places[i - 1] : 0) && places[i] <= INT32_MAX;
        at = end + strspn(end, " ");
        if (i < count - 1)
            well_formed = well_formed && *at++ == ',';
    }
    if (!well_formed || *at)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: the layout '%.60s' is not %s growing numbers", origin, text,
                       count == 3 ? "three" : "two");
    network->text_places = places[0];
    network->low_places = count == 3 ? places[1] : 0;
    network->all_places = places[count - 1];
    return COGVIDEO_OK;
}

/* A size that both the configuration and the checkpoint tell. */
static cogvideo_status check_size(const cv_json *config, const char *key, size_t found, const cv_network *network,
                                  const char *origin, cogvideo_error *err)
{
    int64_t told = (int64_t)found;
    cogvideo_status status = cv_json_optional_int(config, key, 1, INT32_MAX, &told, origin, err);

    if (status == COGVIDEO_OK && (size_t)told != found)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: '%s' is %lld, the checkpoint %s has %zu: they do not belong "
                       "together",
                       origin, key, (long long)told, cv_torch_path(network->torch), found);
    return status;
}

static cogvideo_status read_config(cv_network *network, const cv_json *config, const char *origin, cogvideo_error *err)
{
    cogvideo_status status;
    const char *layout = NULL;
    int64_t parallel = 1;

    if (!cv_json_is_object(config))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: a JSON object was expected", origin);
    CV_TRY(check_size(config, "num_layers", network->sizes.layers, network, origin, err));
    CV_TRY(check_size(config, "hidden_size", network->sizes.hidden, network, origin, err));
    CV_TRY(cv_json_optional_int(config, "model_parallel_size", 1, 1, &parallel, origin, err));
    CV_TRY(cv_json_optional_int(config, "num_attention_heads", 1, INT32_MAX, &network->heads, origin, err));
    CV_TRY(cv_json_optional_int(config, "window_size", -1, 4096, &network->window, origin, err));
    CV_TRY(cv_json_optional_int(config, "kernel_size", 1, 255, &network->own_kernel, origin, err));
    CV_TRY(cv_json_optional_int(config, "kernel_size2", 1, 255, &network->cross_kernel, origin, err));
    CV_TRY(cv_json_optional_string(config, "layout", &layout, origin, err));
    if (layout)
        CV_TRY(read_layout(network, layout, origin, err));
    network->configured = true;
done:
    return status;
}

/* Beside the checkpoint, or one folder above; its absence is no error. */
static cogvideo_status find_config(cv_network *network, const char *states, cogvideo_error *err)
{
    static const char *const places[] = { CONFIG, "../" CONFIG };
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < 2 && status == COGVIDEO_OK && !network->configured; i++) {
        char *path = beside(states, places[i], err);
        cv_mapping file = { 0 };
        cv_json *config = NULL;

        if (!path)
            return COGVIDEO_ERROR_MEMORY;
        if (cv_path_exists(path)) {
            status = cv_map_open(&file, path, err);
            if (status == COGVIDEO_OK && file.size > MAX_CONFIG)
                status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is too large for a configuration", path);
            if (status == COGVIDEO_OK)
                status = cv_json_parse(&config, (const char *)file.data, file.size, path, err);
            if (status == COGVIDEO_OK)
                status = read_config(network, config, path, err);
        }
        cv_json_free(&config);
        cv_map_close(&file);
        cv_free(path);
    }
    return status;
}

cogvideo_status cv_network_open(cv_network *out, const char *path, cv_transformer_kind kind, const cogvideo_log *log,
                                cogvideo_error *err)
{
    cogvideo_status status;
    cv_network network = { .kind = kind };
    char *states = NULL;

    CV_TRY(find_states(&states, path, err));
    CV_TRY(refuse_split(states, err));
    CV_TRY(cv_torch_open(&network.torch, states, err));
    CV_TRY(cv_names_measure(&network.sizes, kind, network.torch, err));
    CV_TRY(find_config(&network, states, err));
    CV_TRY(cv_names_transformer(&network.names, &network.sizes, kind, err));
    CV_TRY(cv_names_match(&network.names, network.torch, log, err));
    cv_free(states);
    *out = network;
    return COGVIDEO_OK;
done:
    cv_free(states);
    cv_network_close(&network);
    return status;
}
