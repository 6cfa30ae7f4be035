#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "buffer.h"

// libjpeg reports errors through a function that must not return: it jumps back into the C function that called the
// library, never past it.
typedef struct {
  struct jpeg_error_mgr manager;
  jmp_buf escape;
  ic_status status;
} jpeg_errors;

static void jpeg_escape(j_common_ptr codec) {
  jpeg_errors *errors = (jpeg_errors *)codec->err;
  int code = errors->manager.msg_code;
  errors->status = code == JERR_OUT_OF_MEMORY ? IC_NO_MEMORY
                   : code == JERR_SOF_UNSUPPORTED || code == JERR_BAD_PRECISION || code == JERR_ARITH_NOTIMPL
                       ? IC_UNSUPPORTED
                       : IC_MALFORMED;
  longjmp(errors->escape, 1);
}

// Warnings that mean missing or damaged pixels are errors here; others, such as bytes before a marker, are passed over.
static void jpeg_message(j_common_ptr codec, int level) {
  if (level >= 0) return;
  int code = codec->err->msg_code;
  if (code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_ARITH_BAD_CODE) jpeg_escape(codec);
  codec->err->num_warnings++;
}

static void jpeg_silence(j_common_ptr codec) { (void)codec; }

static struct jpeg_error_mgr *jpeg_errors_init(jpeg_errors *errors) {
  jpeg_std_error(&errors->manager);
  errors->manager.error_exit = jpeg_escape;
  errors->manager.emit_message = jpeg_message;
  errors->manager.output_message = jpeg_silence;
  errors->status = IC_OK;
  return &errors->manager;
}

// A progressive stream may repeat scans without end, each of which costs the time of a whole image.
enum { scans_max = 200 };

static void jpeg_progress(j_common_ptr codec) {
  if (codec->is_decompressor && ((j_decompress_ptr)codec)->input_scan_number > scans_max) jpeg_escape(codec);
}

static J_COLOR_SPACE coded_colors(const struct jpeg_decompress_struct *codec, int assumes_rgb) {
  if (codec->num_components != 3 || codec->saw_JFIF_marker || codec->saw_Adobe_marker) return codec->jpeg_color_space;
  const jpeg_component_info *component = codec->comp_info;
  int is_named_rgb = component[0].component_id == 'R' && component[1].component_id == 'G' &&
                     component[2].component_id == 'B';
  return is_named_rgb || assumes_rgb ? JCS_RGB : JCS_YCbCr;
}

ic_status ic_jpeg_decode(
    const uint8_t *stream, size_t count, int assumes_rgb, ic_image *image, uint8_t *pixels, size_t pixels_count) {
  struct jpeg_decompress_struct codec = {0};
  jpeg_errors errors;
  struct jpeg_progress_mgr progress = {0};
  codec.err = jpeg_errors_init(&errors);
  if (setjmp(errors.escape)) {
    jpeg_destroy_decompress(&codec);
    return errors.status;
  }
  jpeg_create_decompress(&codec);
  progress.progress_monitor = jpeg_progress;
  codec.progress = &progress;
  jpeg_mem_src(&codec, stream, count);
  jpeg_read_header(&codec, TRUE);
  size_t stride = (size_t)image->columns * image->samples;
  if (codec.image_width != image->columns || codec.image_height != image->rows ||
      codec.num_components != (int)image->samples || pixels_count < stride * image->rows) {
    jpeg_destroy_decompress(&codec);
    return IC_MISMATCH;
  }
  codec.jpeg_color_space = coded_colors(&codec, assumes_rgb);
  codec.out_color_space = codec.jpeg_color_space;
  codec.dct_method = JDCT_ISLOW;
  image->bits = 8;
  image->is_signed = 0;
  image->is_transformed = codec.jpeg_color_space == JCS_YCbCr;
  jpeg_start_decompress(&codec);
  while (codec.output_scanline < codec.output_height) {
    JSAMPROW row = pixels + stride * codec.output_scanline;
    jpeg_read_scanlines(&codec, &row, 1);
  }
  jpeg_finish_decompress(&codec);
  jpeg_destroy_decompress(&codec);
  return IC_OK;
}

typedef struct {
  struct jpeg_destination_mgr manager;
  ic_buffer *buffer;
} jpeg_sink;

enum { sink_step = 65536 };

static void sink_make_room(j_compress_ptr codec) {
  jpeg_sink *sink = (jpeg_sink *)codec->dest;
  if (!ic_buffer_reserve(sink->buffer, sink_step)) ERREXIT1(codec, JERR_OUT_OF_MEMORY, 0);
  sink->manager.next_output_byte = sink->buffer->bytes + sink->buffer->count;
  sink->manager.free_in_buffer = sink_step;
}

static boolean sink_full(j_compress_ptr codec) {
  // libjpeg's rule: at this call the whole of the room counts as used.
  ((jpeg_sink *)codec->dest)->buffer->count += sink_step;
  sink_make_room(codec);
  return TRUE;
}

static void sink_end(j_compress_ptr codec) {
  jpeg_sink *sink = (jpeg_sink *)codec->dest;
  sink->buffer->count += sink_step - sink->manager.free_in_buffer;
}

ic_status ic_jpeg_encode(
    const ic_image *image, const uint8_t *pixels, int quality, int halves_chrominance, ic_buffer *stream) {
  if (image->bytes != 1 || (image->samples != 1 && image->samples != 3)) return IC_UNSUPPORTED;
  struct jpeg_compress_struct codec = {0};
  jpeg_errors errors;
  jpeg_sink sink = {{0}, stream};
  codec.err = jpeg_errors_init(&errors);
  if (setjmp(errors.escape)) {
    jpeg_destroy_compress(&codec);
    return errors.status;
  }
  jpeg_create_compress(&codec);
  sink.manager.init_destination = sink_make_room;
  sink.manager.empty_output_buffer = sink_full;
  sink.manager.term_destination = sink_end;
  codec.dest = &sink.manager;
  codec.image_width = image->columns;
  codec.image_height = image->rows;
  codec.input_components = (int)image->samples;
  codec.in_color_space = image->samples == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&codec);
  jpeg_set_quality(&codec, quality, TRUE);
  codec.dct_method = JDCT_ISLOW;
  if (image->samples == 3) {
    codec.comp_info[0].h_samp_factor = halves_chrominance ? 2 : 1;
    codec.comp_info[0].v_samp_factor = 1;
  }
  jpeg_start_compress(&codec, TRUE);
  size_t stride = (size_t)image->columns * image->samples;
  while (codec.next_scanline < codec.image_height) {
    JSAMPROW row = (JSAMPROW)(pixels + stride * codec.next_scanline);
    jpeg_write_scanlines(&codec, &row, 1);
  }
  jpeg_finish_compress(&codec);
  jpeg_destroy_compress(&codec);
  return IC_OK;
}
