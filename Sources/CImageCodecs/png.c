#include <png.h>
#include <setjmp.h>
#include <stdlib.h>

#include "buffer.h"

static void png_silence(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void png_escape(png_structp png, png_const_charp message) {
  (void)message;
  longjmp(png_jmpbuf(png), 1);
}

static void png_append(png_structp png, png_bytep bytes, size_t count) {
  if (!ic_buffer_append(png_get_io_ptr(png), bytes, count)) png_error(png, "no memory");
}

static void png_end(png_structp png) { (void)png; }

ic_status ic_png_encode(const ic_image *image, const uint8_t *pixels, int level, ic_buffer *stream) {
  if (image->bytes != 1 || (image->samples != 1 && image->samples != 3)) return IC_UNSUPPORTED;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, png_escape, png_silence);
  if (!png) return IC_NO_MEMORY;
  png_infop info = png_create_info_struct(png);
  if (!info || setjmp(png_jmpbuf(png))) {
    png_destroy_write_struct(&png, &info);
    return IC_NO_MEMORY;
  }
  png_set_write_fn(png, stream, png_append, png_end);
  png_set_IHDR(
      png, info, image->columns, image->rows, 8, image->samples == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
      PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level(png, level);
  png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
  png_write_info(png, info);
  size_t stride = (size_t)image->columns * image->samples;
  for (uint32_t row = 0; row < image->rows; row++) png_write_row(png, pixels + stride * row);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return IC_OK;
}
