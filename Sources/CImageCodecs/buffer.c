#include "buffer.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

void ic_buffer_free(ic_buffer *buffer) {
  free(buffer->bytes);
  memset(buffer, 0, sizeof *buffer);
}

int ic_buffer_reserve(ic_buffer *buffer, size_t more) {
  if (more <= buffer->capacity - buffer->count) return 1;
  size_t capacity = buffer->capacity + buffer->capacity / 2 + more + 4096;
  uint8_t *bytes = realloc(buffer->bytes, capacity);
  if (!bytes) return 0;
  buffer->bytes = bytes;
  buffer->capacity = capacity;
  return 1;
}

int ic_buffer_append(ic_buffer *buffer, const void *bytes, size_t count) {
  if (!ic_buffer_reserve(buffer, count)) return 0;
  memcpy(buffer->bytes + buffer->count, bytes, count);
  buffer->count += count;
  return 1;
}

ic_status ic_inflate(const uint8_t *stream, size_t count, uint8_t *bytes, size_t bytes_count) {
  if (count > UINT32_MAX || bytes_count > UINT32_MAX) return IC_UNSUPPORTED;
  z_stream z = {0};
  if (inflateInit2(&z, -15) != Z_OK) return IC_NO_MEMORY;
  z.next_in = (Bytef *)stream;
  z.avail_in = (uInt)count;
  z.next_out = bytes;
  z.avail_out = (uInt)bytes_count;
  int result = inflate(&z, Z_FINISH);
  size_t left = z.avail_out;
  inflateEnd(&z);
  // PS3.5 A.4.13: an odd number of bytes is padded, so more than the frame may come out, but not less.
  if (left > 0) return IC_MALFORMED;
  return result == Z_STREAM_END || result == Z_BUF_ERROR || result == Z_OK ? IC_OK : IC_MALFORMED;
}

ic_status ic_deflate(const uint8_t *bytes, size_t count, ic_buffer *stream) {
  if (count > UINT32_MAX / 2) return IC_UNSUPPORTED;
  z_stream z = {0};
  if (deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) return IC_NO_MEMORY;
  size_t bound = deflateBound(&z, count);
  if (!ic_buffer_reserve(stream, bound)) {
    deflateEnd(&z);
    return IC_NO_MEMORY;
  }
  z.next_in = (Bytef *)bytes;
  z.avail_in = (uInt)count;
  z.next_out = stream->bytes;
  z.avail_out = (uInt)bound;
  int result = deflate(&z, Z_FINISH);
  stream->count = bound - z.avail_out;
  deflateEnd(&z);
  return result == Z_STREAM_END ? IC_OK : IC_NO_MEMORY;
}
