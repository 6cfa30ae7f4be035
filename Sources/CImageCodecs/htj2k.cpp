#include <openjph/ojph_arch.h>
#include <openjph/ojph_codestream.h>
#include <openjph/ojph_file.h>
#include <openjph/ojph_mem.h>
#include <openjph/ojph_params.h>

#include <new>

#include "buffer.h"

namespace {

class Sink : public ojph::outfile_base {
public:
  explicit Sink(ic_buffer *buffer) : buffer(buffer) {}

  size_t write(const void *bytes, size_t count) override {
    if (!ic_buffer_append(buffer, bytes, count)) throw std::bad_alloc();
    return count;
  }

  ojph::si64 tell() override { return (ojph::si64)buffer->count; }

private:
  ic_buffer *buffer;
};

int32_t sample_at(const ic_image *image, const uint8_t *pixels, size_t index) {
  if (image->bytes == 1) return image->is_signed ? reinterpret_cast<const int8_t *>(pixels)[index] : pixels[index];
  return image->is_signed ? reinterpret_cast<const int16_t *>(pixels)[index]
                          : reinterpret_cast<const uint16_t *>(pixels)[index];
}

void encode(const ic_image *image, const uint8_t *pixels, ic_buffer *stream) {
  ojph::codestream codestream;
  ojph::param_siz size = codestream.access_siz();
  size.set_image_extent(ojph::point(image->columns, image->rows));
  size.set_num_components(image->samples);
  for (uint32_t sample = 0; sample < image->samples; sample++)
    size.set_component(sample, ojph::point(1, 1), image->bits, image->is_signed != 0);
  ojph::param_cod coding = codestream.access_cod();
  uint32_t side = image->columns < image->rows ? image->columns : image->rows;
  uint32_t decompositions = 0;
  while (decompositions < 5 && side >> (decompositions + 1) >= 1) decompositions++;
  coding.set_num_decomposition(decompositions);
  coding.set_block_dims(64, 64);
  coding.set_progression_order("RPCL");
  coding.set_color_transform(image->samples == 3 && image->is_transformed);
  coding.set_reversible(true);
  codestream.set_planar(!(image->samples == 3 && image->is_transformed));
  Sink sink(stream);
  codestream.write_headers(&sink);
  ojph::ui32 component = 0;
  ojph::line_buf *line = codestream.exchange(nullptr, component);
  bool is_planar = codestream.is_planar();
  size_t lines = (size_t)image->rows * image->samples;
  for (size_t number = 0; number < lines && line; number++) {
    size_t row = is_planar ? number % image->rows : number / image->samples;
    size_t start = row * image->columns * image->samples + component;
    for (size_t column = 0; column < image->columns; column++)
      line->i32[column] = sample_at(image, pixels, start + column * image->samples);
    line = codestream.exchange(line, component);
  }
  codestream.flush();
  codestream.close();
}

}  // namespace

extern "C" ic_status ic_htj2k_encode(const ic_image *image, const uint8_t *pixels, ic_buffer *stream) {
  if (image->bytes > 2 || image->bits > 16) return IC_UNSUPPORTED;
  try {
    encode(image, pixels, stream);
    return IC_OK;
  } catch (const std::bad_alloc &) {
    return IC_NO_MEMORY;
  } catch (...) {
    return IC_UNSUPPORTED;
  }
}
