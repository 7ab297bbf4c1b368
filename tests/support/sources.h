/* sources.h - what an import reads, as a member of its options: { SOURCES({ "stage1", path }), .output = folder } */
#ifndef TESTS_SOURCES_H
#define TESTS_SOURCES_H

#include <cogvideo/import.h>

#define SOURCES(...)                                            \
    .sources = (const cogvideo_import_source[]){ __VA_ARGS__ }, \
    .source_count = sizeof((const cogvideo_import_source[]){ __VA_ARGS__ }) / sizeof(cogvideo_import_source)

#endif
