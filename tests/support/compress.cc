#include "tests/support/compress.h"

#include <glog/logging.h>
#include <lz4frame.h>
#include <zstd.h>

#include "worker/data/codec/codec.h"

namespace zhiyin::testing {
namespace {

std::string Encoded(const worker::data::Codec& codec, std::string_view content) {
  const std::unique_ptr<worker::data::Encoder> encoder = codec.make_encoder();
  std::string out;
  encoder->Encode(content, &out);
  encoder->Finish(&out);
  return out;
}

constexpr Compression kCompressions[] = {
    {"gzip", Gzip, "gzip", true},
    {"zstd", [](std::string_view content) { return Zstd(content); }, "zstd", true},
    {"zstd_without_checksum", [](std::string_view content) { return Zstd(content, false); }, "zstd",
     false},
    {"lz4", [](std::string_view content) { return Lz4(content); }, "lz4", true},
    {"lz4_without_checksum", [](std::string_view content) { return Lz4(content, false); }, "lz4",
     false},
    {"bzip2", Bzip2, "bzip2", true},
    {"xz", Xz, "xz", true},
};

}  // namespace

std::string Gzip(std::string_view content) {
  return Encoded(worker::data::kGzip, content);
}

std::string Zstd(std::string_view content, bool checksum) {
  std::string out(ZSTD_compressBound(content.size()), '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum ? 1 : 0);
  const size_t n = ZSTD_compress2(context, out.data(), out.size(), content.data(), content.size());
  CHECK(!ZSTD_isError(n)) << ZSTD_getErrorName(n);
  ZSTD_freeCCtx(context);
  out.resize(n);
  return out;
}

std::string Lz4(std::string_view content, bool checksum, unsigned dictionary) {
  LZ4F_preferences_t preferences = {};
  preferences.frameInfo.contentChecksumFlag =
      checksum ? LZ4F_contentChecksumEnabled : LZ4F_noContentChecksum;
  preferences.frameInfo.dictID = dictionary;
  std::string out(LZ4F_compressFrameBound(content.size(), &preferences), '\0');
  const size_t n =
      LZ4F_compressFrame(out.data(), out.size(), content.data(), content.size(), &preferences);
  CHECK(!LZ4F_isError(n)) << LZ4F_getErrorName(n);
  out.resize(n);
  return out;
}

std::string Bzip2(std::string_view content) {
  return Encoded(worker::data::kBzip2, content);
}

std::string Xz(std::string_view content) {
  return Encoded(worker::data::kXz, content);
}

std::string SkippableFrame(std::string_view content) {
  std::string frame = "\x5a\x2a\x4d\x18";
  for (size_t i = 0; i < 4; ++i) frame += static_cast<char>(content.size() >> (8 * i));
  return frame.append(content);
}

std::span<const Compression> Compressions() {
  return kCompressions;
}

}  // namespace zhiyin::testing
