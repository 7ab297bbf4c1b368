/* properties.h - rows of what there is to say about a model, for the `property` of every family. */
#ifndef CV_FAMILY_PROPERTIES_H
#define CV_FAMILY_PROPERTIES_H

#include <cogvideo/model.h>

#include <stdbool.h>

static inline cogvideo_property cv_property_flag(const char *name, const char *title, bool value)
{
    return (cogvideo_property){ .name = name, .title = title, .kind = COGVIDEO_PROPERTY_FLAG, .number = value };
}

static inline cogvideo_property cv_property_text(const char *name, const char *title, const char *text)
{
    return (cogvideo_property){ .name = name, .title = title, .kind = COGVIDEO_PROPERTY_TEXT, .text = text };
}

/* `unit` NULL = it has none. */
static inline cogvideo_property cv_property_whole(const char *name, const char *title, const char *unit, int value)
{
    return (cogvideo_property){ .name = name,
                                .title = title,
                                .unit = unit,
                                .kind = COGVIDEO_PROPERTY_WHOLE,
                                .number = value };
}

static inline cogvideo_property cv_property_number(const char *name, const char *title, const char *unit, double value)
{
    return (cogvideo_property){ .name = name,
                                .title = title,
                                .unit = unit,
                                .kind = COGVIDEO_PROPERTY_NUMBER,
                                .number = value };
}

#endif
