#include <glog/logging.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <memory>
#include <new>

#include "common/text.h"
#include "worker/data/codec/codec.h"

namespace zhiyin::worker::data {
namespace {

constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";
/// A decoder keeps the last 2^27 bytes at most: those of zstd --long, whose default it is.
constexpr int kMaxWindowLog = 27;
constexpr int kMaxWindowMib = (1 << kMaxWindowLog) >> 20;
/// What the library wants to see of a frame first.
constexpr size_t kZstdFirstBytes = 5;

/// Gives the library the bytes of one block at a time, so that the place of what is wrong is known
/// to the block. Frames of versions before 0.8, which have other magic numbers, are refused.
class ZstdDecoder : public Decoder {
 public:
  ZstdDecoder() : context_(ZSTD_createDCtx(), ZSTD_freeDCtx) {
    if (context_ == nullptr) throw std::bad_alloc();
    const size_t result =
        ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
    CHECK(!ZSTD_isError(result)) << ZSTD_getErrorName(result);
  }

  std::string Begin(std::string_view start) override {
    if (!BeginsWith(start, kZstdMagic, 1) && !IsSkippable(start))
      return Corrupt(kZstd.name, "no frame begins here");
    const size_t result = ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
    CHECK(!ZSTD_isError(result)) << ZSTD_getErrorName(result);
    n_wanted_ = kZstdFirstBytes;
    return "";
  }

  Decoded Decode(std::string_view in, std::span<char> out) override {
    ZSTD_inBuffer input = {in.data(), std::min(in.size(), n_wanted_), 0};
    ZSTD_outBuffer output = {out.data(), out.size(), 0};
    const size_t result = ZSTD_decompressStream(context_.get(), &output, &input);
    if (ZSTD_isError(result)) return {0, 0, false, WhatIsWrongWith(result)};
    n_wanted_ = result;
    return {input.pos, output.pos, result == 0, ""};
  }

 private:
  static std::string WhatIsWrongWith(size_t result) {
    switch (ZSTD_getErrorCode(result)) {
      case ZSTD_error_memory_allocation:
        throw std::bad_alloc();
      case ZSTD_error_frameParameter_windowTooLarge:
        return TextOf("the zstd was compressed with a window of more than ", kMaxWindowMib,
                      " MiB, expected at most ", kMaxWindowMib, " MiB (zstd --long=", kMaxWindowLog,
                      ")");
      case ZSTD_error_dictionary_wrong:
        return "the zstd needs a dictionary, expected one that was compressed without";
      default:
        return Corrupt(kZstd.name, ZSTD_getErrorName(result));
    }
  }

  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context_;
  size_t n_wanted_ = kZstdFirstBytes;  // up to the end of the block, as the library says
};

class ZstdEncoder : public Encoder {
 public:
  ZstdEncoder() : context_(ZSTD_createCCtx(), ZSTD_freeCCtx) {
    if (context_ == nullptr) throw std::bad_alloc();
    const size_t result = ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
    CHECK(!ZSTD_isError(result)) << ZSTD_getErrorName(result);
  }

  void Encode(std::string_view in, std::string* out) override {
    ZSTD_inBuffer input = {in.data(), in.size(), 0};
    while (input.pos < input.size) Run(ZSTD_e_continue, &input, out);
  }
  void Finish(std::string* out) override {
    ZSTD_inBuffer input = {};
    while (Run(ZSTD_e_end, &input, out) > 0) {
    }
  }

 private:
  /// Fills a piece at most and appends it; returns how many bytes are left to write.
  size_t Run(ZSTD_EndDirective directive, ZSTD_inBuffer* input, std::string* out) {
    char piece[kEncodedPieceBytes];
    ZSTD_outBuffer output = {piece, sizeof(piece), 0};
    const size_t result = ZSTD_compressStream2(context_.get(), &output, input, directive);
    if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation) throw std::bad_alloc();
    CHECK(!ZSTD_isError(result)) << ZSTD_getErrorName(result);
    out->append(piece, output.pos);
    return result;
  }

  std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context_;
};

bool IsZstd(std::string_view start) {
  return BeginsWith(start, kZstdMagic, 2);
}

std::unique_ptr<Decoder> MakeZstdDecoder() {
  return std::make_unique<ZstdDecoder>();
}

std::unique_ptr<Encoder> MakeZstdEncoder() {
  return std::make_unique<ZstdEncoder>();
}

}  // namespace

const Codec kZstd = {"zstd", ".zst", IsZstd, 0, MakeZstdDecoder, MakeZstdEncoder};

}  // namespace zhiyin::worker::data
