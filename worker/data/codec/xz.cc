#include <glog/logging.h>
#include <lzma.h>

#include <new>

#include "common/text.h"
#include "worker/data/codec/codec.h"

namespace zhiyin::worker::data {
namespace {

constexpr std::string_view kXzMagic("\xfd\x37\x7a\x58\x5a\x00", 6);
/// xz -9 needs 65 MiB.
constexpr uint64_t kMaxXzBytes = uint64_t{256} << 20;

class XzDecoder : public Decoder {
 public:
  XzDecoder() = default;
  ~XzDecoder() override { lzma_end(&stream_); }
  XzDecoder(const XzDecoder&) = delete;
  XzDecoder& operator=(const XzDecoder&) = delete;

  std::string Begin(std::string_view start) override {
    if (!BeginsWith(start, kXzMagic, 1)) return Corrupt(kXz.name, "no stream begins here");
    // The memory of the stream before is used again.
    if (lzma_stream_decoder(&stream_, kMaxXzBytes, LZMA_TELL_UNSUPPORTED_CHECK) != LZMA_OK)
      throw std::bad_alloc();
    return "";
  }

  Decoded Decode(std::string_view in, std::span<char> out) override {
    stream_.next_in = reinterpret_cast<const uint8_t*>(in.data());
    stream_.avail_in = in.size();
    stream_.next_out = reinterpret_cast<uint8_t*>(out.data());
    stream_.avail_out = out.size();
    const lzma_ret result = lzma_code(&stream_, LZMA_RUN);
    return {in.size() - stream_.avail_in, out.size() - stream_.avail_out, result == LZMA_STREAM_END,
            WhatIsWrongWith(result)};
  }

 private:
  std::string WhatIsWrongWith(lzma_ret result) const {
    switch (result) {
      case LZMA_OK:
      case LZMA_STREAM_END:
      case LZMA_BUF_ERROR:  // it needs more
        return "";
      case LZMA_MEM_ERROR:
        throw std::bad_alloc();
      case LZMA_MEMLIMIT_ERROR:
        return TextOf("the xz needs ", (lzma_memusage(&stream_) >> 20) + 1,
                      " MiB of memory, expected at most ", kMaxXzBytes >> 20, " MiB, as of xz -9");
      case LZMA_UNSUPPORTED_CHECK:
        return Corrupt(kXz.name, "a checksum of an unknown kind");
      case LZMA_OPTIONS_ERROR:
        return Corrupt(kXz.name, "unknown options");
      case LZMA_FORMAT_ERROR:
        return Corrupt(kXz.name, "no stream begins here");
      default:
        return Corrupt(kXz.name, "wrong data or checksum");
    }
  }

  lzma_stream stream_ = LZMA_STREAM_INIT;
};

class XzEncoder : public Encoder {
 public:
  XzEncoder() {
    // Its dictionary is of 1 MiB. The default, 6, needs 94 MiB of memory in place of 9.
    constexpr uint32_t kPreset = 1;
    if (lzma_easy_encoder(&stream_, kPreset, LZMA_CHECK_CRC64) != LZMA_OK) throw std::bad_alloc();
  }
  ~XzEncoder() override { lzma_end(&stream_); }
  XzEncoder(const XzEncoder&) = delete;
  XzEncoder& operator=(const XzEncoder&) = delete;

  void Encode(std::string_view in, std::string* out) override {
    stream_.next_in = reinterpret_cast<const uint8_t*>(in.data());
    stream_.avail_in = in.size();
    while (stream_.avail_in > 0) Run(LZMA_RUN, out);
  }
  void Finish(std::string* out) override {
    while (Run(LZMA_FINISH, out) != LZMA_STREAM_END) {
    }
  }

 private:
  /// Fills a piece at most and appends it; returns what the library does.
  lzma_ret Run(lzma_action action, std::string* out) {
    char piece[kEncodedPieceBytes];
    stream_.next_out = reinterpret_cast<uint8_t*>(piece);
    stream_.avail_out = sizeof(piece);
    const lzma_ret result = lzma_code(&stream_, action);
    if (result == LZMA_MEM_ERROR) throw std::bad_alloc();
    CHECK(result == LZMA_OK || result == LZMA_STREAM_END) << result;
    out->append(piece, sizeof(piece) - stream_.avail_out);
    return result;
  }

  lzma_stream stream_ = LZMA_STREAM_INIT;
};

bool IsXz(std::string_view start) {
  return BeginsWith(start, kXzMagic, 2);
}

std::unique_ptr<Decoder> MakeXzDecoder() {
  return std::make_unique<XzDecoder>();
}

std::unique_ptr<Encoder> MakeXzEncoder() {
  return std::make_unique<XzEncoder>();
}

}  // namespace

const Codec kXz = {"xz", ".xz", IsXz, 4, MakeXzDecoder, MakeXzEncoder};

}  // namespace zhiyin::worker::data
