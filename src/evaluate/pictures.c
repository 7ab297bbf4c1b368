/* pictures.c - the pictures in a folder, which are the frames of a clip. */
#include "evaluate/set.h"

#include "dataset/sources.h"

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
