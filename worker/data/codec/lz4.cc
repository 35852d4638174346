#include <glog/logging.h>
#include <lz4frame.h>

#include <algorithm>
#include <memory>
#include <new>

#include "worker/data/codec/codec.h"

namespace zhiyin::worker::data {
namespace {

constexpr std::string_view kLz4Magic = "\x04\x22\x4d\x18";
/// What the library wants to see of a frame first.
constexpr size_t kLz4FirstBytes = 7;

/// A flag of the byte behind the magic number: the frame was compressed with a dictionary.
bool NeedsDictionary(std::string_view start) {
  return start.size() > kLz4Magic.size() && start.starts_with(kLz4Magic) &&
         (start[kLz4Magic.size()] & 1) != 0;
}

/// Gives the library the bytes of one block at a time, so that the place of what is wrong is known
/// to the block. A block has at most 4 MiB.
class Lz4Decoder : public Decoder {
 public:
  Lz4Decoder() {
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION)))
      throw std::bad_alloc();
  }
  ~Lz4Decoder() override { LZ4F_freeDecompressionContext(context_); }
  Lz4Decoder(const Lz4Decoder&) = delete;
  Lz4Decoder& operator=(const Lz4Decoder&) = delete;

  std::string Begin(std::string_view start) override {
    if (!BeginsWith(start, kLz4Magic, 1) && !IsSkippable(start))
      return Corrupt(kLz4.name, "no frame begins here");
    if (NeedsDictionary(start))
      return "the lz4 needs a dictionary, expected one that was compressed without";
    LZ4F_resetDecompressionContext(context_);
    n_wanted_ = kLz4FirstBytes;
    return "";
  }

  Decoded Decode(std::string_view in, std::span<char> out) override {
    size_t n_in = std::min(in.size(), n_wanted_);
    size_t n_out = out.size();
    const size_t result = LZ4F_decompress(context_, out.data(), &n_out, in.data(), &n_in, nullptr);
    if (LZ4F_isError(result)) return {0, 0, false, WhatIsWrongWith(result)};
    n_wanted_ = result;
    return {n_in, n_out, result == 0, ""};
  }

 private:
  static std::string WhatIsWrongWith(size_t result) {
    std::string_view reason = LZ4F_getErrorName(result);
    constexpr std::string_view kPrefix = "ERROR_";
    if (reason.starts_with(kPrefix)) reason.remove_prefix(kPrefix.size());
    if (reason == "allocation_failed") throw std::bad_alloc();
    return Corrupt(kLz4.name, reason);
  }

  LZ4F_dctx* context_ = nullptr;
  size_t n_wanted_ = kLz4FirstBytes;  // up to the end of the block, as the library says
};

class Lz4Encoder : public Encoder {
 public:
  Lz4Encoder() {
    if (LZ4F_isError(LZ4F_createCompressionContext(&context_, LZ4F_VERSION)))
      throw std::bad_alloc();
    preferences_.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  }
  ~Lz4Encoder() override { LZ4F_freeCompressionContext(context_); }
  Lz4Encoder(const Lz4Encoder&) = delete;
  Lz4Encoder& operator=(const Lz4Encoder&) = delete;

  void Encode(std::string_view in, std::string* out) override {
    Begin(out);
    Append(LZ4F_compressBound(in.size(), &preferences_), out, [&](char* to, size_t n) {
      return LZ4F_compressUpdate(context_, to, n, in.data(), in.size(), nullptr);
    });
  }
  void Finish(std::string* out) override {
    Begin(out);
    Append(LZ4F_compressBound(0, &preferences_), out,
           [&](char* to, size_t n) { return LZ4F_compressEnd(context_, to, n, nullptr); });
  }

 private:
  /// Writes the header of the frame, once.
  void Begin(std::string* out) {
    if (begun_) return;
    begun_ = true;
    Append(LZ4F_HEADER_SIZE_MAX, out,
           [&](char* to, size_t n) { return LZ4F_compressBegin(context_, to, n, &preferences_); });
  }
  /// Appends what `write`, a function of the library, writes: n bytes at most.
  template <typename Write>
  static void Append(size_t n, std::string* out, const Write& write) {
    const size_t n_before = out->size();
    out->resize(n_before + n);
    const size_t result = write(out->data() + n_before, n);
    // There is room for what it writes, so that only memory can be lacking.
    if (LZ4F_isError(result)) throw std::bad_alloc();
    out->resize(n_before + result);
  }

  LZ4F_cctx* context_ = nullptr;
  LZ4F_preferences_t preferences_ = {};
  bool begun_ = false;
};

bool IsLz4(std::string_view start) {
  return BeginsWith(start, kLz4Magic, 2);
}

std::unique_ptr<Decoder> MakeLz4Decoder() {
  return std::make_unique<Lz4Decoder>();
}

std::unique_ptr<Encoder> MakeLz4Encoder() {
  return std::make_unique<Lz4Encoder>();
}

}  // namespace

const Codec kLz4 = {"lz4", ".lz4", IsLz4, 0, MakeLz4Decoder, MakeLz4Encoder};

}  // namespace zhiyin::worker::data
