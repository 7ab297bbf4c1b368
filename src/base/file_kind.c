#include "base/file_kind.h"

#include <stdbool.h>
#include <string.h>

/* Detects a zip archive whose first member is called NAME.npy: the name starts at byte 30, its length is at byte 26. */
static bool is_npz(const unsigned char *bytes, size_t size)
{
    const size_t length = size > 30 ? bytes[26] | (size_t)bytes[27] << 8 : 0;

    return length > 4 && size - 30 >= length && memcmp(bytes, "PK\003\004", 4) == 0 &&
           memcmp(bytes + 30 + length - 4, ".npy", 4) == 0;
}

/* Names an ISO base media file by the brand in its first box. */
static const char *box_kind(const unsigned char *bytes, size_t size)
{
    static const struct {
        const char *brand, *kind;
    } kinds[] = {
        { "avif", "an AVIF picture" }, { "avis", "an AVIF picture" },  { "heic", "a HEIC picture" },
        { "heix", "a HEIC picture" },  { "heim", "a HEIC picture" },   { "heis", "a HEIC picture" },
        { "hevc", "a HEIC picture" },  { "hevx", "a HEIC picture" },   { "mif1", "a HEIF picture" },
        { "msf1", "a HEIF picture" },  { "crx ", "a raw photograph" },
    };

    if (size < 12 || memcmp(bytes + 4, "ftyp", 4) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (memcmp(bytes + 8, kinds[i].brand, 4) == 0)
            return kinds[i].kind;
    return "an MP4 or QuickTime video";
}

/* Whether packets of `length` bytes, each with `before` bytes in front of its sync mark, follow each other. */
static bool is_transport_stream(const unsigned char *bytes, size_t size, size_t length, size_t before)
{
    return size > before + 2 * length && bytes[before] == 0x47 && bytes[before + length] == 0x47 &&
           bytes[before + 2 * length] == 0x47;
}

/* Detects kinds that have no signature at their first byte. */
static const char *structured_kind(const unsigned char *bytes, size_t size)
{
    if (is_transport_stream(bytes, size, 188, 0) || is_transport_stream(bytes, size, 192, 4))
        return "an MPEG transport stream";
    if (size >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "AVI ", 4) == 0)
        return "an AVI video";
    if (size >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WAVE", 4) == 0)
        return "a WAV sound";
    if (size >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0)
        return size >= 21 && memcmp(bytes + 12, "VP8X", 4) == 0 && bytes[20] & 2 ? "an animated WebP picture"
                                                                                 : "a WebP picture";
    return box_kind(bytes, size);
}

const char *cv_file_kind(const void *data, size_t size)
{
    static const struct {
        const char *magic;
        size_t length;
        const char *kind;
    } kinds[] = {
        { "PK\003\004", 4, "a zip archive" },
        { "PK\005\006", 4, "an empty zip archive" },
        { "\037\213", 2, "a gzip archive" },
        { "BZh", 3, "a bzip2 archive" },
        { "\3757zXZ\000", 6, "an xz archive" },
        { "\x28\xb5\x2f\xfd", 4, "a zstd archive" },
        { "7z\xbc\xaf\x27\x1c", 6, "a 7z archive" },
        { "<!DOCTYPE", 9, "an HTML page (a download that went wrong?)" },
        { "<!doctype", 9, "an HTML page (a download that went wrong?)" },
        { "<html", 5, "an HTML page (a download that went wrong?)" },
        { "<HTML", 5, "an HTML page (a download that went wrong?)" },
        { "<?xml", 5, "an XML document" },
        { "<svg", 4, "an SVG drawing" },
        { "version https://git-lfs", 23, "a Git LFS pointer, not the file itself (git lfs pull fetches it)" },
        { "#EXTM3U", 7, "a playlist" },
        { "ffconcat", 8, "a playlist" },
        { "FLV\1", 4, "an FLV video" },
        { "\0\0\1\xba", 4, "an MPEG program stream" },
        { "\x1a\x45\xdf\xa3", 4, "a Matroska or WebM video" },
        { ".RMF", 4, "a RealMedia video" },
        { "\x06\x0e\x2b\x34", 4, "an MXF video" },
        { "ID3", 3, "an MP3 sound" },
        { "\xff\xfb", 2, "an MP3 sound" },
        { "fLaC", 4, "a FLAC sound" },
        { "\xff\x0a", 2, "a JPEG XL picture" },
        { "\0\0\0\x0cJXL ", 8, "a JPEG XL picture" },
        { "8BPS", 4, "a Photoshop picture" },
        { "\x89PNG", 4, "a PNG picture" },
        { "\xff\xd8\xff", 3, "a JPEG picture" },
        { "GIF8", 4, "a GIF picture" },
        { "GGUF", 4, "a GGUF model" },
        { "\x93NUMPY", 6, "a NumPy array" },
        { "%PDF", 4, "a PDF document" },
        { "\x7f"
          "ELF",
          4, "an ELF program" },
        { "\x80\x02", 2, "a bare pickle" },
        { "{", 1, "a JSON text" },
    };
    const unsigned char *bytes = data;
    size_t skip = 0;

    if (size == 0)
        return "an empty file";
    if (is_npz(bytes, size))
        return "a .npz archive of NumPy arrays (unpack it: the .npy files in it can be read)";
    while (skip < size && skip < 16 && strchr(" \t\r\n", bytes[skip]) && bytes[skip])
        skip++;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (size - skip >= kinds[i].length && memcmp(bytes + skip, kinds[i].magic, kinds[i].length) == 0)
            return kinds[i].kind;
    return structured_kind(bytes, size);
}
