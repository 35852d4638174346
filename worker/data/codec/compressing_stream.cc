#include "worker/data/codec/compressing_stream.h"

namespace zhiyin::worker::data {

CompressingStream::CompressingStream(const Codec& codec, std::ostream* to)
    : std::ostream(nullptr), buffer_(codec, to) {
  rdbuf(&buffer_);
  exceptions(std::ios::badbit);  // what the other stream throws is thrown again
}

void CompressingStream::Finish() {
  flush();
  buffer_.Finish();
}

CompressingStream::Buffer::Buffer(const Codec& codec, std::ostream* to)
    : encoder_(codec.make_encoder()), to_(to) {
  setp(plain_.data(), plain_.data() + plain_.size());
}

CompressingStream::Buffer::int_type CompressingStream::Buffer::overflow(int_type c) {
  sync();
  if (!traits_type::eq_int_type(c, traits_type::eof())) sputc(traits_type::to_char_type(c));
  return traits_type::not_eof(c);
}

int CompressingStream::Buffer::sync() {
  encoder_->Encode({pbase(), static_cast<size_t>(pptr() - pbase())}, &encoded_);
  setp(plain_.data(), plain_.data() + plain_.size());
  Pass();
  return 0;
}

void CompressingStream::Buffer::Finish() {
  encoder_->Finish(&encoded_);
  Pass();
}

void CompressingStream::Buffer::Pass() {
  to_->write(encoded_.data(), static_cast<std::streamsize>(encoded_.size()));
  encoded_.clear();
}

}  // namespace zhiyin::worker::data
