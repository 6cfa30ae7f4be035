#ifndef CIMAGECODECS_H
#define CIMAGECODECS_H

#include <stddef.h>
#include <stdint.h>

// The image codecs of the system's libraries: libjpeg-turbo, CharLS, OpenJPEG, OpenJPH, libpng, zlib. No function
// exits, aborts, or leaves by longjmp or an exception; none writes anywhere but to what it is given, and none prints.
// All pixels are interleaved, row by row without gaps; samples of more than 8 bits are 16-bit or 32-bit words in the
// machine's byte order.

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  IC_OK = 0,
  IC_MALFORMED,    // the stream is damaged, cut off, or of another format
  IC_MISMATCH,     // the stream's measures are not those asked for
  IC_UNSUPPORTED,  // the library has no such variant
  IC_NO_MEMORY,
} ic_status;

// What is asked of a decoder, and given to an encoder.
typedef struct {
  uint32_t columns;
  uint32_t rows;
  uint32_t samples;        // for each pixel
  uint32_t bytes;          // for each sample: 1, 2 or 4
  uint32_t bits;           // precision; decoders set it
  int32_t is_signed;       // decoders set it
  int32_t is_transformed;  // colour: JPEG YCbCr, JPEG 2000 multiple component transformation; decoders set it
} ic_image;

// Bytes that an encoder made; the caller frees them.
typedef struct {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
} ic_buffer;

void ic_buffer_free(ic_buffer *buffer);

// JPEG with samples of 8 bits: baseline, extended, progressive. Samples come out as they are coded, not converted to
// RGB. `assumes_rgb`: three components without a marker that tells their colours are RGB and not YCbCr.
ic_status ic_jpeg_decode(
    const uint8_t *stream, size_t count, int assumes_rgb, ic_image *image, uint8_t *pixels, size_t pixels_count);

// JPEG baseline of 8-bit greyscale or RGB; the latter becomes YCbCr, with half as many columns of chrominance if
// `halves_chrominance`.
ic_status ic_jpeg_encode(
    const ic_image *image, const uint8_t *pixels, int quality, int halves_chrominance, ic_buffer *stream);

ic_status ic_jpegls_decode(
    const uint8_t *stream, size_t count, ic_image *image, uint8_t *pixels, size_t pixels_count);

// `near`: largest difference of a sample, 0 for lossless.
ic_status ic_jpegls_encode(const ic_image *image, const uint8_t *pixels, int near, ic_buffer *stream);

// JPEG 2000 and HTJ2K, a codestream or a JP2 file. The caller has looked at the header: see JPEG2000Header.swift.
ic_status ic_jpeg2000_decode(
    const uint8_t *stream, size_t count, ic_image *image, uint8_t *pixels, size_t pixels_count);

// `ratio`: of compression; 0 or 1 for lossless. Three samples are transformed if `is_transformed`.
ic_status ic_jpeg2000_encode(const ic_image *image, const uint8_t *pixels, float ratio, ic_buffer *stream);

// Lossless HTJ2K, progression by resolution (RPCL).
ic_status ic_htj2k_encode(const ic_image *image, const uint8_t *pixels, ic_buffer *stream);

// PNG of 8 bits, greyscale or RGB. `level`: zlib's, 0 to 9.
ic_status ic_png_encode(const ic_image *image, const uint8_t *pixels, int level, ic_buffer *stream);

// Raw deflate (RFC 1951): all of `bytes`, no more and no less.
ic_status ic_inflate(const uint8_t *stream, size_t count, uint8_t *bytes, size_t bytes_count);
ic_status ic_deflate(const uint8_t *bytes, size_t count, ic_buffer *stream);

#ifdef __cplusplus
}
#endif

#endif
