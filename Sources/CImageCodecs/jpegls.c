#include <charls/charls.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

static ic_status jpegls_status(charls_jpegls_errc code) {
  switch (code) {
  case CHARLS_JPEGLS_ERRC_SUCCESS: return IC_OK;
  case CHARLS_JPEGLS_ERRC_NOT_ENOUGH_MEMORY: return IC_NO_MEMORY;
  case CHARLS_JPEGLS_ERRC_PARAMETER_VALUE_NOT_SUPPORTED:
  case CHARLS_JPEGLS_ERRC_ENCODING_NOT_SUPPORTED: return IC_UNSUPPORTED;
  default: return IC_MALFORMED;
  }
}

// Planes to pixels.
static ic_status interleave(const ic_image *image, uint8_t *pixels, size_t count) {
  uint8_t *planes = malloc(count);
  if (!planes) return IC_NO_MEMORY;
  memcpy(planes, pixels, count);
  size_t area = (size_t)image->columns * image->rows;
  for (size_t sample = 0; sample < image->samples; sample++) {
    const uint8_t *from = planes + sample * area * image->bytes;
    for (size_t place = 0; place < area; place++)
      memcpy(pixels + (place * image->samples + sample) * image->bytes, from + place * image->bytes, image->bytes);
  }
  free(planes);
  return IC_OK;
}

static ic_status decode(
    charls_jpegls_decoder *decoder, const uint8_t *stream, size_t count, ic_image *image, uint8_t *pixels,
    size_t pixels_count) {
  charls_jpegls_errc code = charls_jpegls_decoder_set_source_buffer(decoder, stream, count);
  if (!code) code = charls_jpegls_decoder_read_header(decoder);
  charls_frame_info frame = {0};
  if (!code) code = charls_jpegls_decoder_get_frame_info(decoder, &frame);
  if (code) return jpegls_status(code);
  uint32_t bytes = frame.bits_per_sample > 8 ? 2 : 1;
  size_t needed = 0;
  code = charls_jpegls_decoder_get_destination_size(decoder, 0, &needed);
  if (code) return jpegls_status(code);
  if (frame.width != image->columns || frame.height != image->rows || frame.component_count != (int)image->samples ||
      bytes > image->bytes || needed > pixels_count)
    return IC_MISMATCH;
  code = charls_jpegls_decoder_decode_to_buffer(decoder, pixels, needed, 0);
  if (code) return jpegls_status(code);
  charls_interleave_mode mode = CHARLS_INTERLEAVE_MODE_NONE;
  code = charls_jpegls_decoder_get_interleave_mode(decoder, &mode);
  if (code) return jpegls_status(code);
  image->bits = (uint32_t)frame.bits_per_sample;
  image->bytes = bytes;
  image->is_signed = 0;
  image->is_transformed = 0;
  return mode == CHARLS_INTERLEAVE_MODE_NONE && image->samples > 1 ? interleave(image, pixels, needed) : IC_OK;
}

// The stream with an end marker behind it, if it has none: CharLS 2.4 stops at a marker at once, but reads zeros for
// seconds where a stream ends without one.
static uint8_t *ended(const uint8_t *stream, size_t count) {
  uint8_t *copy = malloc(count + 2);
  if (!copy) return NULL;
  memcpy(copy, stream, count);
  copy[count] = 0xFF;
  copy[count + 1] = 0xD9;
  return copy;
}

static int has_end(const uint8_t *stream, size_t count) {
  // A zero may stand behind the marker, for an even length.
  for (size_t place = count < 3 ? 0 : count - 3; place + 1 < count; place++)
    if (stream[place] == 0xFF && stream[place + 1] == 0xD9) return 1;
  return 0;
}

ic_status ic_jpegls_decode(
    const uint8_t *stream, size_t count, ic_image *image, uint8_t *pixels, size_t pixels_count) {
  uint8_t *copy = has_end(stream, count) ? NULL : ended(stream, count);
  charls_jpegls_decoder *decoder = charls_jpegls_decoder_create();
  ic_status status = IC_NO_MEMORY;
  if (decoder)
    status = decode(decoder, copy ? copy : stream, copy ? count + 2 : count, image, pixels, pixels_count);
  if (decoder) charls_jpegls_decoder_destroy(decoder);
  free(copy);
  return status;
}

static ic_status encode(
    charls_jpegls_encoder *encoder, const ic_image *image, const uint8_t *pixels, int near, ic_buffer *stream) {
  charls_frame_info frame = {image->columns, image->rows, (int)image->bits, (int)image->samples};
  charls_jpegls_errc code = charls_jpegls_encoder_set_frame_info(encoder, &frame);
  if (!code) code = charls_jpegls_encoder_set_near_lossless(encoder, near);
  if (!code && image->samples > 1)
    code = charls_jpegls_encoder_set_interleave_mode(encoder, CHARLS_INTERLEAVE_MODE_SAMPLE);
  size_t size = 0;
  if (!code) code = charls_jpegls_encoder_get_estimated_destination_size(encoder, &size);
  if (code) return jpegls_status(code);
  // The estimate leaves little room for what does not compress.
  if (!ic_buffer_reserve(stream, size + size / 2 + 4096)) return IC_NO_MEMORY;
  code = charls_jpegls_encoder_set_destination_buffer(encoder, stream->bytes, stream->capacity);
  size_t count = (size_t)image->columns * image->rows * image->samples * image->bytes;
  if (!code) code = charls_jpegls_encoder_encode_from_buffer(encoder, pixels, count, 0);
  if (!code) code = charls_jpegls_encoder_get_bytes_written(encoder, &stream->count);
  return jpegls_status(code);
}

ic_status ic_jpegls_encode(const ic_image *image, const uint8_t *pixels, int near, ic_buffer *stream) {
  charls_jpegls_encoder *encoder = charls_jpegls_encoder_create();
  if (!encoder) return IC_NO_MEMORY;
  ic_status status = encode(encoder, image, pixels, near, stream);
  charls_jpegls_encoder_destroy(encoder);
  return status;
}
