/* ffmpeg_functions.h - what the files ffmpeg_*.c call of FFmpeg's libraries, library by library. Whoever calls another
 * function adds it here. */
#ifndef CV_MEDIA_FFMPEG_FUNCTIONS_H
#define CV_MEDIA_FFMPEG_FUNCTIONS_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/crc.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>

/* Side data of a track moved from the container to the codec. */
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
#define CV_AVCODEC_SIDE_DATA(X) X(av_packet_side_data_get)
#define CV_AVFORMAT_SIDE_DATA(X)
#else
#define CV_AVCODEC_SIDE_DATA(X)
#define CV_AVFORMAT_SIDE_DATA(X) X(av_stream_get_side_data)
#endif

#define CV_AVUTIL(X)          \
    X(av_crc)                 \
    X(av_crc_get_table)       \
    X(av_dict_free)           \
    X(av_dict_set)            \
    X(av_dict_set_int)        \
    X(av_frame_alloc)         \
    X(av_frame_free)          \
    X(av_frame_get_buffer)    \
    X(av_frame_get_side_data) \
    X(av_frame_make_writable) \
    X(av_frame_unref)         \
    X(av_free)                \
    X(av_freep)               \
    X(av_log_set_level)       \
    X(av_malloc)              \
    X(av_opt_set)             \
    X(av_opt_set_int)         \
    X(av_strdup)              \
    X(av_strerror)

#define CV_AVCODEC(X)                  \
    CV_AVCODEC_SIDE_DATA(X)            \
    X(av_packet_alloc)                 \
    X(av_packet_free)                  \
    X(av_packet_rescale_ts)            \
    X(av_packet_unref)                 \
    X(avcodec_alloc_context3)          \
    X(avcodec_find_decoder)            \
    X(avcodec_find_encoder_by_name)    \
    X(avcodec_flush_buffers)           \
    X(avcodec_free_context)            \
    X(avcodec_open2)                   \
    X(avcodec_parameters_from_context) \
    X(avcodec_parameters_to_context)   \
    X(avcodec_receive_frame)           \
    X(avcodec_receive_packet)          \
    X(avcodec_send_frame)              \
    X(avcodec_send_packet)

#define CV_AVFORMAT(X)                \
    CV_AVFORMAT_SIDE_DATA(X)          \
    X(av_find_best_stream)            \
    X(av_guess_format)                \
    X(av_guess_frame_rate)            \
    X(av_guess_sample_aspect_ratio)   \
    X(av_interleaved_write_frame)     \
    X(av_read_frame)                  \
    X(av_write_trailer)               \
    X(avformat_alloc_context)         \
    X(avformat_alloc_output_context2) \
    X(avformat_close_input)           \
    X(avformat_find_stream_info)      \
    X(avformat_free_context)          \
    X(avformat_new_stream)            \
    X(avformat_open_input)            \
    X(avformat_write_header)          \
    X(avio_alloc_context)             \
    X(avio_close_dyn_buf)             \
    X(avio_closep)                    \
    X(avio_context_free)              \
    X(avio_flush)                     \
    X(avio_open)                      \
    X(avio_open_dyn_buf)

#define CV_SWSCALE(X)       \
    X(sws_freeContext)      \
    X(sws_getCachedContext) \
    X(sws_getCoefficients)  \
    X(sws_getContext)       \
    X(sws_scale)            \
    X(sws_setColorspaceDetails)

#define CV_AV_MEMBER(name) __typeof__(name) *name;
typedef struct cv_av_functions {
    CV_AVUTIL(CV_AV_MEMBER)
    CV_AVCODEC(CV_AV_MEMBER)
    CV_AVFORMAT(CV_AV_MEMBER)
    CV_SWSCALE(CV_AV_MEMBER)
} cv_av_functions;
#undef CV_AV_MEMBER

#endif
