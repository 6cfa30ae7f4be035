#if __has_include(<openjpeg-2.5/openjpeg.h>)
#include <openjpeg-2.5/openjpeg.h>
#else
#include <openjpeg.h>
#endif
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

static void be_silent(const char *message, void *data) {
  (void)message;
  (void)data;
}

// MARK: Streams in memory

typedef struct {
  const uint8_t *bytes;
  size_t count;
  size_t place;
} reading;

static OPJ_SIZE_T read_bytes(void *buffer, OPJ_SIZE_T count, void *data) {
  reading *from = data;
  size_t left = from->count - from->place;
  if (left == 0) return (OPJ_SIZE_T)-1;
  if (count > left) count = left;
  memcpy(buffer, from->bytes + from->place, count);
  from->place += count;
  return count;
}

static OPJ_OFF_T skip_read(OPJ_OFF_T count, void *data) {
  reading *from = data;
  if (count < 0) return -1;
  size_t left = from->count - from->place;
  size_t step = (uint64_t)count > left ? left : (size_t)count;
  from->place += step;
  return step == 0 && count > 0 ? -1 : (OPJ_OFF_T)step;
}

static OPJ_BOOL seek_read(OPJ_OFF_T place, void *data) {
  reading *from = data;
  if (place < 0 || (uint64_t)place > from->count) return OPJ_FALSE;
  from->place = (size_t)place;
  return OPJ_TRUE;
}

typedef struct {
  ic_buffer *buffer;
  size_t place;
} writing;

static OPJ_SIZE_T write_bytes(void *bytes, OPJ_SIZE_T count, void *data) {
  writing *to = data;
  size_t end = to->place + count;
  if (end > to->buffer->count) {
    if (!ic_buffer_reserve(to->buffer, end - to->buffer->count)) return (OPJ_SIZE_T)-1;
    memset(to->buffer->bytes + to->buffer->count, 0, end - to->buffer->count);
    to->buffer->count = end;
  }
  memcpy(to->buffer->bytes + to->place, bytes, count);
  to->place = end;
  return count;
}

static OPJ_OFF_T skip_write(OPJ_OFF_T count, void *data) {
  if (count < 0) return -1;
  ((writing *)data)->place += (size_t)count;
  return count;
}

static OPJ_BOOL seek_write(OPJ_OFF_T place, void *data) {
  if (place < 0) return OPJ_FALSE;
  ((writing *)data)->place = (size_t)place;
  return OPJ_TRUE;
}

// MARK: Decoding

static ic_status check(const opj_image_t *decoded, ic_image *image) {
  if (decoded->numcomps != image->samples) return IC_MISMATCH;
  for (uint32_t sample = 0; sample < image->samples; sample++) {
    const opj_image_comp_t *component = &decoded->comps[sample];
    if (component->w != image->columns || component->h != image->rows || component->prec == 0 ||
        component->prec > 8 * image->bytes || component->prec > 31 || component->factor != 0)
      return IC_MISMATCH;
    if (component->prec != decoded->comps[0].prec || component->sgnd != decoded->comps[0].sgnd) return IC_UNSUPPORTED;
  }
  image->bits = decoded->comps[0].prec;
  image->is_signed = (int32_t)decoded->comps[0].sgnd;
  return IC_OK;
}

static ic_status copy_out(const opj_image_t *decoded, const ic_image *image, uint8_t *pixels) {
  size_t area = (size_t)image->columns * image->rows;
  for (uint32_t sample = 0; sample < image->samples; sample++) {
    const OPJ_INT32 *from = decoded->comps[sample].data;
    if (!from) return IC_MALFORMED;
    size_t step = image->samples;
    if (image->bytes == 1) {
      uint8_t *to = pixels + sample;
      for (size_t place = 0; place < area; place++) to[place * step] = (uint8_t)from[place];
    } else if (image->bytes == 2) {
      uint16_t *to = (uint16_t *)pixels + sample;
      for (size_t place = 0; place < area; place++) to[place * step] = (uint16_t)from[place];
    } else {
      int32_t *to = (int32_t *)pixels + sample;
      for (size_t place = 0; place < area; place++) to[place * step] = from[place];
    }
  }
  return IC_OK;
}

static ic_status decode(opj_codec_t *codec, opj_stream_t *stream, ic_image *image, uint8_t *pixels) {
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  if (!opj_setup_decoder(codec, &parameters)) return IC_NO_MEMORY;
  opj_image_t *decoded = NULL;
  ic_status status = IC_MALFORMED;
  if (opj_read_header(stream, codec, &decoded) && decoded) {
    status = check(decoded, image);
    if (status == IC_OK && !opj_decode(codec, stream, decoded)) status = IC_MALFORMED;
    if (status == IC_OK) status = check(decoded, image);
    if (status == IC_OK) status = copy_out(decoded, image, pixels);
  }
  if (decoded) opj_image_destroy(decoded);
  return status;
}

ic_status ic_jpeg2000_decode(
    const uint8_t *stream, size_t count, ic_image *image, uint8_t *pixels, size_t pixels_count) {
  if ((image->bytes != 1 && image->bytes != 2 && image->bytes != 4) ||
      pixels_count < (size_t)image->columns * image->rows * image->samples * image->bytes)
    return IC_MISMATCH;
  static const uint8_t box[] = {0, 0, 0, 12, 'j', 'P', ' ', ' '};
  int is_file = count >= sizeof box && memcmp(stream, box, sizeof box) == 0;
  opj_codec_t *codec = opj_create_decompress(is_file ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K);
  opj_stream_t *source = opj_stream_create(1 << 16, OPJ_TRUE);
  ic_status status = IC_NO_MEMORY;
  if (codec && source) {
    reading from = {stream, count, 0};
    opj_stream_set_user_data(source, &from, NULL);
    opj_stream_set_user_data_length(source, count);
    opj_stream_set_read_function(source, read_bytes);
    opj_stream_set_skip_function(source, skip_read);
    opj_stream_set_seek_function(source, seek_read);
    opj_set_error_handler(codec, be_silent, NULL);
    opj_set_warning_handler(codec, be_silent, NULL);
    opj_set_info_handler(codec, be_silent, NULL);
    status = decode(codec, source, image, pixels);
  }
  if (source) opj_stream_destroy(source);
  if (codec) opj_destroy_codec(codec);
  return status;
}

// MARK: Encoding

static int32_t sample_at(const ic_image *image, const uint8_t *pixels, size_t index) {
  if (image->bytes == 1) return image->is_signed ? ((const int8_t *)pixels)[index] : pixels[index];
  if (image->bytes == 2)
    return image->is_signed ? ((const int16_t *)pixels)[index] : ((const uint16_t *)pixels)[index];
  return ((const int32_t *)pixels)[index];
}

static opj_image_t *image_of(const ic_image *image, const uint8_t *pixels) {
  opj_image_cmptparm_t components[4] = {0};
  for (uint32_t sample = 0; sample < image->samples; sample++) {
    components[sample].dx = components[sample].dy = 1;
    components[sample].w = image->columns;
    components[sample].h = image->rows;
    components[sample].prec = image->bits;
    components[sample].sgnd = image->is_signed != 0;
  }
  opj_image_t *made =
      opj_image_create(image->samples, components, image->samples == 3 ? OPJ_CLRSPC_SRGB : OPJ_CLRSPC_GRAY);
  if (!made) return NULL;
  made->x1 = image->columns;
  made->y1 = image->rows;
  size_t area = (size_t)image->columns * image->rows;
  for (uint32_t sample = 0; sample < image->samples; sample++)
    for (size_t place = 0; place < area; place++)
      made->comps[sample].data[place] = sample_at(image, pixels, place * image->samples + sample);
  return made;
}

static void set_parameters(opj_cparameters_t *parameters, const ic_image *image, float ratio) {
  opj_set_default_encoder_parameters(parameters);
  int is_lossy = ratio > 1;
  parameters->tcp_numlayers = 1;
  parameters->cp_disto_alloc = 1;
  parameters->tcp_rates[0] = is_lossy ? ratio : 0;
  parameters->irreversible = is_lossy;
  parameters->tcp_mct = image->samples == 3 && image->is_transformed;
  uint32_t side = image->columns < image->rows ? image->columns : image->rows;
  int resolutions = 1;
  while (resolutions < 6 && side >> resolutions >= 1) resolutions++;
  parameters->numresolution = resolutions;
}

ic_status ic_jpeg2000_encode(const ic_image *image, const uint8_t *pixels, float ratio, ic_buffer *stream) {
  if (image->samples < 1 || image->samples > 4 || image->bits > 24) return IC_UNSUPPORTED;
  opj_image_t *made = image_of(image, pixels);
  opj_codec_t *codec = opj_create_compress(OPJ_CODEC_J2K);
  opj_stream_t *sink = opj_stream_create(1 << 16, OPJ_FALSE);
  ic_status status = IC_NO_MEMORY;
  if (made && codec && sink) {
    writing to = {stream, 0};
    opj_stream_set_user_data(sink, &to, NULL);
    opj_stream_set_write_function(sink, write_bytes);
    opj_stream_set_skip_function(sink, skip_write);
    opj_stream_set_seek_function(sink, seek_write);
    opj_set_error_handler(codec, be_silent, NULL);
    opj_set_warning_handler(codec, be_silent, NULL);
    opj_set_info_handler(codec, be_silent, NULL);
    opj_cparameters_t parameters;
    set_parameters(&parameters, image, ratio);
    status = opj_setup_encoder(codec, &parameters, made) && opj_start_compress(codec, made, sink) &&
                     opj_encode(codec, sink) && opj_end_compress(codec, sink)
                 ? IC_OK
                 : IC_UNSUPPORTED;
  }
  if (sink) opj_stream_destroy(sink);
  if (codec) opj_destroy_codec(codec);
  if (made) opj_image_destroy(made);
  return status;
}
